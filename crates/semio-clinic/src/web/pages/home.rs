//! The work list.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect},
};

use super::{html, result, studies::jobs};
use crate::{
    audit::Entry,
    record::Asked,
    store::entity::{patient::Model as Patient, person::Role, prediction::State as Standing, study::Model as Study},
    web::{Answer, App, Page, Visit},
};

/// Results on the list.
const SHOWN: u64 = 100;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    page: Page,
    jobs: Vec<(String, String)>,
    rows: Vec<(&'static str, Vec<Row>)>,
}

struct Row {
    patient: Patient,
    study: Study,
    title: String,
    outcome: String,
    words: String,
    at: i64,
}

pub(crate) async fn show(State(app): State<App>, visit: Visit) -> Answer {
    let Some(signed_in) = &visit.signed_in else { return Ok(Redirect::to("/sign-in").into_response()) };
    match signed_in.person.role {
        Role::Physician => {}
        Role::Administrator => return Ok(Redirect::to("/admin").into_response()),
        Role::Researcher => return Ok(Redirect::to("/models").into_response()),
    }
    let person = &signed_in.person;
    let mut rows = vec![("work-review", vec![]), ("work-progress", vec![]), ("work-seen", vec![])];
    let asked = app.store.latest(person, SHOWN).await?;
    app.store.note(Entry::by(person.id, "work.list").detail(asked.len().to_string())).await?;
    for Asked { prediction, study, patient, is_judged, own_word } in asked {
        let group = match prediction.state {
            Standing::Queued | Standing::Running => 1,
            _ if is_judged => 2,
            _ => 0,
        };
        // What is folded until an own impression is noted does not stand on the list either, whatever others said of it.
        let folded = person.reads_first && !own_word;
        let small = result::small(visit.language, &prediction, folded);
        let title = result::title(visit.language, &study);
        let at = prediction.done_at.unwrap_or(prediction.created_at);
        rows[group].1.push(Row { patient, study, title, outcome: small.outcome, words: small.words, at });
    }
    rows.retain(|(_, rows)| !rows.is_empty());
    let jobs = jobs(&app, visit.language).await?;
    html(&Home { page: Page::new(&app, &visit), jobs, rows })
}
