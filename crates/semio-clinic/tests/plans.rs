//! No page reads a whole table: every statement that pages send is asked for its plan on a filled SQLite database.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    dead_code,
    unused_imports,
    unused_macros,
    reason = "tests; the harness is another suite's"
)]

#[path = "clinic/bundle.rs"]
mod bundle;
#[path = "clinic/files.rs"]
mod files;
#[path = "clinic/harness.rs"]
mod harness;

use std::{
    collections::BTreeSet,
    fmt::Debug,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use axum::http::Method;
use harness::{Browser, Clinic, Kind, Page, on, patient_form};
use semio_clinic::web::route_table;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::{LevelFilter, Targets},
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

static LISTENING: AtomicBool = AtomicBool::new(false);
static HEARD: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Hears every statement that the driver runs.
struct Ear;

#[derive(Default)]
struct Words {
    summary: String,
    statement: String,
}

impl Visit for Words {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.trim().clone_into(&mut self.summary),
            "db.statement" => value.trim().clone_into(&mut self.statement),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if LISTENING.load(Ordering::Relaxed) {
            let mut words = Words::default();
            event.record(&mut words);
            let text = if words.statement.is_empty() { words.summary } else { words.statement };
            HEARD.lock().unwrap().insert(text);
        }
    }
}

const PATIENTS: usize = 100_000;

/// Rows in bulk, as years of work leave them. Their times are small numbers: what was filed through pages keeps its own
/// studies and results, and gets none of these.
async fn fill(clinic: &Clinic) {
    let me = "(SELECT id FROM person WHERE email_key = 'marie@clinic.example')";
    let model = "(SELECT id FROM model)";
    let numbers = |n: usize| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n})");
    let hex = "lower(hex(randomblob(32)))";
    for statement in [
        format!("{} INSERT INTO circle SELECT randomblob(16), 'team ' || i, i FROM n", numbers(20)),
        format!(
            "{} INSERT INTO patient (id, circle_id, owner_id, family_name, given_name, family_key, given_key, sex, \
             birth_date, note, created_at, changed_at, deleted_at) SELECT randomblob(16), {me}, {me}, 'F' || i, 'G' || i, \
             char(97 + (i * 7919) % 26) || 'family' || (i * 7919 % {PATIENTS}), char(97 + i % 26) || 'given' || i, 'female', \
             date('1930-01-01', (i % 30000) || ' days'), '', i, i, CASE WHEN i % 50 = 0 THEN i END FROM n",
            numbers(PATIENTS)
        ),
        "INSERT INTO identifier SELECT randomblob(16), id, 'local', family_key FROM patient \
         WHERE created_at % 3 = 0 AND created_at <= 100000"
            .into(),
        format!(
            "INSERT INTO study (id, patient_id, description, taken_on, filed_by, created_at) \
             SELECT randomblob(16), id, '', birth_date, {me}, created_at FROM patient \
             WHERE created_at % 5 = 0 AND created_at <= {PATIENTS}"
        ),
        format!("{} INSERT INTO picture SELECT {hex}, 1, 'image/png', i FROM n", numbers(20_000)),
        "INSERT INTO image (id, study_id, picture_sha256, frames, width, height, created_at) \
         SELECT randomblob(16), s.id, p.sha256, 1, 1, 1, s.created_at FROM study s \
         JOIN picture p ON p.created_at = s.created_at / 5"
            .into(),
        format!(
            "INSERT INTO prediction (id, image_id, frame, model_id, bundle_sha256, pipeline_sha256, picture_sha256, state, \
             outcome, class, confidence, attempts, asked_by, created_at, done_at) SELECT randomblob(16), id, 0, {model}, \
             {hex}, {hex}, picture_sha256, 'done', 'answered', 'normal', 0.9, 1, {me}, created_at, created_at FROM image \
             WHERE created_at <= {PATIENTS}"
        ),
        format!(
            "INSERT INTO review SELECT randomblob(16), id, {me}, 'approved', 'normal', '', created_at FROM prediction \
             WHERE created_at % 2 = 0 AND created_at <= {PATIENTS}"
        ),
        format!(
            "{} INSERT INTO audit SELECT i + 1000000, i, {me}, 'patient.read', NULL, NULL, '', {hex} FROM n",
            numbers(50_000)
        ),
        format!(
            "{} INSERT INTO person SELECT randomblob(16), 'researcher', i || '@x.yz', i || '@x.yz', 'A', 'B', NULL, NULL, \
             'x', NULL, NULL, 0, NULL, NULL, 0, NULL, i FROM n",
            numbers(500)
        ),
        format!("{} INSERT INTO session SELECT randomblob(16), {hex}, {me}, 1, 9000000000000 FROM n", numbers(2000)),
    ] {
        clinic.sql(&statement).await;
    }
}

/// Every page, and every way to a list.
async fn browse(marie: &mut Browser, admin: &mut Browser, id: &str, study: &str, page: &Page) {
    let (image, prediction) = (page.between("/images/", "/view"), page.between("/predictions/", "/review"));
    let model = marie.get("/models").await.between("/models/", "\"");
    let (none, form) = ("01890000-0000-7000-8000-000000000000", patient_form("A", "B", "1980-01-01"));
    for (method, path, right) in route_table() {
        if path == "/sign-out" {
            continue;
        }
        let record = match path.split('/').nth(1).unwrap() {
            "patients" => id,
            "studies" => study,
            "images" => &image,
            "predictions" => &prediction,
            "models" => &model,
            _ => none,
        };
        let address = path.replace("{id}", record).replace("{frame}", "0").replace("{secret}", "x");
        let browser = if right == "administrator" { &mut *admin } else { &mut *marie };
        if method == Method::GET {
            browser.get(&address).await;
        } else if path == "/upload" {
            browser.upload(id, "pneumonia", &[("a.png", &files::png(3))]).await;
            browser.upload("", "", &[("a.dcm", &files::Dicom::default().bytes(3))]).await;
        } else {
            let mut fields = form.clone();
            fields.extend([
                ("job", "pneumonia"),
                ("verdict", "contested"),
                ("to", none),
                ("into", none),
                ("team", "t"),
            ]);
            fields.extend([("email", "x@y.zz"), ("password", "correct horse battery"), ("role", "researcher")]);
            browser.post(&address, &fields).await;
        }
    }
    for query in QUERIES {
        marie.get(&format!("/patients?{query}")).await.is(200);
    }
    marie.post("/sign-out", &[("everywhere", "on")]).await;
}

const QUERIES: [&str; 10] = [
    "",
    "order=name&down=true",
    "order=birth",
    "order=changed&down=true",
    "page=1959",
    "order=birth&page=1959",
    "q=a",
    "q=afamily12",
    "q=bgiven&order=birth",
    "scope=deleted&q=a",
];

/// Tables of a few rows, and names of what was selected before.
const SMALL: [&str; 8] =
    ["circle", "model", "audit_head", "seaql_migrations", "sqlite_master", "sqlite_schema", "sub_query", "found"];

#[test]
fn no_page_reads_a_whole_table() {
    tracing_subscriber::registry()
        .with(Ear.with_filter(Targets::new().with_target("sqlx::query", LevelFilter::TRACE)))
        .init();
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let mut admin = clinic.signed_in("administrator", "admin").await;
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let study = marie.upload(&id, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
        fill(&clinic).await;
        let page = marie.result(&study).await;
        let own = "SELECT COUNT(*) FROM prediction WHERE created_at > 100000";
        assert_eq!(clinic.count(own).await, 1, "a made-up result of a picture that was filed");
        for query in QUERIES {
            let path = format!("/patients?{query}");
            marie.get(&path).await.is(200);
            let begun = Instant::now();
            marie.get(&path).await.is(200);
            eprintln!("{:>6.1} ms of {PATIENTS} patients: {path}", begun.elapsed().as_secs_f64() * 1000.0);
        }
        LISTENING.store(true, Ordering::Relaxed);
        browse(&mut marie, &mut admin, &id, &study, &page).await;
        LISTENING.store(false, Ordering::Relaxed);
        let heard = std::mem::take(&mut *HEARD.lock().unwrap());
        let (mut asked, mut faults) = (0, vec![]);
        for statement in heard {
            if !["SELECT", "UPDATE", "DELETE"].iter().any(|verb| statement.starts_with(verb)) {
                continue;
            }
            asked += 1;
            // Columns of a plan: id, parent, notused, detail.
            let plan = clinic.column(&format!("EXPLAIN QUERY PLAN {statement}"), 3).await;
            // A search fetches what it found by identity, and does not walk over the circle's records.
            if statement.contains(" IN (SELECT") && statement.contains(" UNION ") && !plan[0].contains("(id=?)") {
                faults.push(format!("{}: {statement}", plan[0]));
            }
            for line in plan {
                // What is counted is read, but from an index and nothing else; only machines and the system's page count.
                if statement.starts_with("SELECT COUNT") && line.contains("COVERING INDEX") {
                    continue;
                }
                let scanned = line.strip_prefix("SCAN ").map(|rest| rest.split_whitespace().next().unwrap_or_default());
                if scanned
                    .is_some_and(|table| !table.starts_with('(') && !SMALL.contains(&table) && table != "CONSTANT")
                {
                    faults.push(format!("{line}: {statement}"));
                }
            }
        }
        assert!(asked > 50, "only {asked} statements were heard");
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    });
}
