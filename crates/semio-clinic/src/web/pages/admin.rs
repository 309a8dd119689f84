//! What administrators keep: people, models, the audit trail, the system.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::{again, html, images::blocking, models, sign_in::register_key, to};
use crate::{
    account::{Faults, FormError, Registration},
    audit::Verified,
    clock,
    store::entity::{
        audit as trail,
        letter::Purpose,
        model::State as ModelState,
        person::{Model as Person, Role},
    },
    web::{Answer, App, Page, Problem, Visit, form::Form, guard::encode},
    words::Language,
};

/// People on a page.
const PEOPLE: u64 = 100;
/// The furthest page.
const FURTHEST: u64 = 10_000;
/// Rows of the trail on a page.
const ROWS: u64 = 100;

#[derive(Template)]
#[template(path = "admin.html")]
struct People {
    page: Page,
    rows: Vec<Row>,
    q: String,
    before: Option<String>,
    after: Option<String>,
    link: Option<String>,
    typed: Registration,
    faults: Faults,
    register_key: String,
}

/// Which people.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Whom {
    /// Beginning of an e-mail address.
    q: String,
    /// From 0.
    page: u64,
}

struct Row {
    role_key: String,
    state_key: &'static str,
    team: String,
    asks_for_code: bool,
    person: Person,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct Trail {
    page: Page,
    rows: Vec<TrailRow>,
    verified: Option<String>,
    older: Option<i64>,
}

struct TrailRow {
    seq: i64,
    at: i64,
    who: String,
    words: String,
    action: String,
    record: String,
}

#[derive(Template)]
#[template(path = "system.html")]
struct System {
    page: Page,
    facts: Vec<(&'static str, String)>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Before {
    before: Option<i64>,
}

#[derive(serde::Deserialize)]
pub(crate) struct Team {
    team: String,
}

#[derive(serde::Deserialize)]
pub(crate) struct ModelForm {
    state: String,
}

async fn people_page(
    app: &App,
    visit: &Visit,
    whom: Whom,
    link: Option<String>,
    typed: Registration,
    faults: Faults,
) -> Result<People, Problem> {
    let at = whom.page.min(FURTHEST);
    // One more than is shown tells whether there are others.
    let mut people = app.store.people(&whom.q, at * PEOPLE, PEOPLE + 1).await?;
    let more = people.len() as u64 > PEOPLE;
    people.truncate(PEOPLE as usize);
    let page_at = |page: u64| format!("/admin?q={}&page={page}", encode(&whom.q));
    let (before, after) = (at.checked_sub(1).map(page_at), more.then(|| page_at(at + 1)));
    let with_code = app.store.with_second_factor(people.iter().map(|person| person.id)).await?;
    let mut rows = vec![];
    for person in people {
        let locked = person.locked_until.is_some_and(|until| until > clock::now());
        let state_key = match () {
            () if person.closed_at.is_some() => "person-closed",
            () if person.confirmed_at.is_none() => "person-waiting",
            () if locked => "person-locked",
            () => "person-active",
        };
        let team = app.store.team_name(person.team_id).await?.unwrap_or_default();
        let asks_for_code = with_code.contains(&person.id);
        rows.push(Row { role_key: format!("role-{}", person.role.name()), state_key, team, asks_for_code, person });
    }
    let (page, register_key) = (Page::new(app, visit), register_key(app));
    Ok(People { page, rows, q: whom.q, before, after, link, typed, faults, register_key })
}

pub(crate) async fn people(State(app): State<App>, visit: Visit, Query(whom): Query<Whom>) -> Answer {
    html(&people_page(&app, &visit, whom, None, Registration::default(), Faults::default()).await?)
}

pub(crate) async fn add(State(app): State<App>, visit: Visit, Form(typed): Form<Registration>) -> Answer {
    let by = visit.person()?.id;
    let role = Role::from_name(&typed.role).ok_or(Problem::Bad)?;
    match app.store.add_person(&typed, role, &app.config.register, app.config.strength, Some(by)).await {
        Ok(_) => Ok(to("/admin", "person-added")),
        Err(FormError::Fields(faults)) => {
            again(&people_page(&app, &visit, Whom::default(), None, typed, faults).await?)
        }
        Err(FormError::Store(error)) => Err(error.into()),
    }
}

pub(crate) async fn confirm(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    app.store.confirm_person(id, visit.person()?.id).await?;
    Ok(to("/admin", "confirmed"))
}

pub(crate) async fn close(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let by = visit.person()?.id;
    // Whoever closes the own account may have closed the last one that can open it again.
    if by == id {
        return Err(Problem::Bad);
    }
    app.store.close_person(id, true, by).await?;
    Ok(to("/admin", "saved"))
}

pub(crate) async fn open(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    app.store.close_person(id, false, visit.person()?.id).await?;
    Ok(to("/admin", "saved"))
}

pub(crate) async fn team(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>, Form(form): Form<Team>) -> Answer {
    app.store.set_team(id, &form.team, visit.person()?.id).await?;
    Ok(to("/admin", "saved"))
}

/// Makes a link for a new password, shown once: to be handed over in person where no mail is sent.
pub(crate) async fn reset(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let secret = app.store.write_letter(id, Purpose::Reset, Some(visit.person()?.id)).await?;
    let link = format!("{}/reset/{secret}", app.config.address());
    html(&people_page(&app, &visit, Whom::default(), Some(link), Registration::default(), Faults::default()).await?)
}

pub(crate) async fn look(State(app): State<App>, visit: Visit) -> Answer {
    let found = app.models.look(&app.store, Some(visit.person()?.id)).await?;
    models::after_look(&app, &visit, found.unreadable).await
}

pub(crate) async fn set_model(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<ModelForm>,
) -> Answer {
    let state = match form.state.as_str() {
        "active" => ModelState::Active,
        "retired" => ModelState::Retired,
        _ => return Err(Problem::Bad),
    };
    if state == ModelState::Active {
        // What cannot be opened would fail at every picture.
        let (models, model) = (app.models.clone(), app.store.model(id).await?);
        let (folder, opened) = (model.folder.clone(), blocking(move || models.open(&model)).await?);
        if let Err(error) = opened {
            return models::after_look(&app, &visit, vec![(folder, error.to_string())]).await;
        }
    }
    app.store.set_model_state(visit.person()?, id, state).await?;
    Ok(to("/models", "saved"))
}

async fn trail_page(app: &App, visit: &Visit, before: Option<i64>, verified: Option<String>) -> Answer {
    // An end in any case, so that the database begins to read there.
    let query = trail::Entity::find().filter(trail::Column::Seq.lt(before.unwrap_or(i64::MAX)));
    let found = query.order_by_desc(trail::Column::Seq).limit(ROWS).all(app.store.db()).await?;
    let mut names: HashMap<Uuid, String> = HashMap::new();
    for id in found.iter().filter_map(|row| row.person_id) {
        if let std::collections::hash_map::Entry::Vacant(entry) = names.entry(id) {
            entry.insert(app.store.person(id).await.map_or_else(|_| id.to_string(), |p| p.name()));
        }
    }
    let older = (found.len() as u64 == ROWS).then(|| found.last().map(|row| row.seq)).flatten();
    let row = |row: trail::Model| TrailRow {
        seq: row.seq,
        at: row.at,
        who: row.person_id.and_then(|id| names.get(&id).cloned()).unwrap_or_else(|| "–".into()),
        words: action_words(visit.language, &row.action),
        action: row.action,
        // Administrators see that a record was touched, not whose it is.
        record: row.patient_id.or(row.subject_id).map(|id| id.to_string()).unwrap_or_default(),
    };
    let rows = found.into_iter().map(row).collect();
    html(&Trail { page: Page::new(app, visit), rows, verified, older })
}

/// What was done, in the reader's language; an action that has no words any more keeps its own name.
fn action_words(language: Language, action: &str) -> String {
    let key = format!("action-{}", action.replace('.', "-"));
    let words = language.t(&key);
    if words == key { action.to_owned() } else { words }
}

pub(crate) async fn audit(State(app): State<App>, visit: Visit, Query(before): Query<Before>) -> Answer {
    trail_page(&app, &visit, before.before, None).await
}

pub(crate) async fn verify(State(app): State<App>, visit: Visit) -> Answer {
    let heads = app.audit_heads();
    let language = visit.language;
    let words = match app.store.verify_audit_with(&heads).await? {
        Verified::Whole { rows } => {
            let heads = heads.map_or(0, |heads| heads.len() as u64);
            language.args("audit-whole", [("rows", rows.into()), ("heads", heads.into())])
        }
        Verified::NoHeads { rows } => language.x("audit-no-heads", rows),
        Verified::BadHeads { line } => language.x("audit-bad-heads", line as u64),
        Verified::Changed { seq } => language.x("audit-changed", seq),
        Verified::Missing { seq } => language.x("audit-missing", seq),
        Verified::Cut { seq } => language.x("audit-cut", seq),
    };
    trail_page(&app, &visit, None, Some(words)).await
}

pub(crate) async fn system(State(app): State<App>, visit: Visit) -> Answer {
    let counts = app.store.counts().await?;
    let backup = match crate::backup::last_proof(&app.config) {
        None => visit.language.t("backup-none"),
        Some(proof) => {
            let when = visit.language.time(proof.at);
            match proof.fault {
                None => visit.language.args(
                    "backup-proven",
                    [("when", when.into()), ("rows", proof.rows.into()), ("pictures", (proof.pictures as u64).into())],
                ),
                Some(fault) => {
                    let kind =
                        proof.kind.map_or_else(String::new, |kind| visit.language.t(&format!("backup-fault-{kind}")));
                    let words = [("when", when.into()), ("kind", kind.into()), ("fault", fault.into())];
                    visit.language.args("backup-failed", words)
                }
            }
        }
    };
    let facts = vec![
        ("system-version", env!("CARGO_PKG_VERSION").to_owned()),
        ("system-database", format!("{:?}", app.store.backend())),
        ("system-patients", counts.patients.to_string()),
        ("system-pictures", counts.pictures.to_string()),
        ("system-queued", counts.queued.to_string()),
        ("system-running", app.readers.busy().to_string()),
        ("system-done", counts.done.to_string()),
        ("system-failed", counts.failed.to_string()),
        ("system-sessions", counts.sessions.to_string()),
        ("system-audit", app.store.audit_head().await?.seq.to_string()),
        ("system-kept", super::patients::kept_words(visit.language, app.config.erase_deleted_after_days)),
        ("system-backup", backup),
    ];
    html(&System { page: Page::new(&app, &visit), facts })
}
