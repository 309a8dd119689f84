//! Slow statements stand in the log with their plan and without values, on SQLite, PostgreSQL and MariaDB.

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

use std::{fmt::Debug, sync::Mutex, time::Duration};

use harness::{Kind, on_with};
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

static HEARD: Mutex<Vec<Line>> = Mutex::new(vec![]);

#[derive(Clone, Debug, Default)]
struct Line {
    statement: String,
    plan: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "statement" => value.clone_into(&mut self.statement),
            "plan" => value.clone_into(&mut self.plan),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

struct Ear;

impl<S: Subscriber> Layer<S> for Ear {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        HEARD.lock().unwrap().push(line);
    }
}

#[test]
fn a_slow_statement_is_logged_with_its_plan() {
    let ours = Targets::new().with_target("semio_clinic::store::slow", LevelFilter::WARN);
    tracing_subscriber::registry().with(Ear.with_filter(ours)).init();
    for (kind, index) in [(Kind::Sqlite, "USING INDEX"), (Kind::Postgres, "patient"), (Kind::MariaDb, "key=ix_patient")]
    {
        HEARD.lock().unwrap().clear();
        let mut ran = false;
        let seen = &mut ran;
        on_with(
            kind,
            |config| {
                config.slow_milliseconds = 0;
                *seen = true;
            },
            |clinic| async move {
                let mut marie = clinic.physician("marie").await;
                marie.patient("Sklodowska", "Marie", "1967-11-07").await;
                // One at a time: what comes faster than it is explained stands there without a plan.
                for _ in 0..20 {
                    marie.get("/patients?order=birth").await.is(200);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        );
        if !ran {
            continue;
        }
        let heard = std::mem::take(&mut *HEARD.lock().unwrap());
        let lists =
            heard.iter().filter(|line| line.statement.contains("birth_date") && line.statement.contains("LIMIT"));
        let plans: Vec<&str> = lists.map(|line| line.plan.as_str()).filter(|plan| !plan.is_empty()).collect();
        assert!(plans.iter().any(|plan| plan.contains(index)), "{kind:?}: {plans:?} of {}", heard.len());
        for line in &heard {
            assert!(!line.statement.contains("Sklodowska") && !line.plan.contains("Sklodowska"), "{line:?}");
        }
    }
}
