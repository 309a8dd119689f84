//! The course of a demyelinated pathway, stored with a patient beside latencies that were measured. Illustrative.

use askama::Template;
use axum::extract::{Path, Query, State};
use base64::{Engine, engine::general_purpose::STANDARD};
use semio_twin::{
    course::{CourseReport, CourseScenario},
    picture,
};
use uuid::Uuid;

use super::{again, html, images::blocking, to, twin::figure_language};
use crate::{
    audit::Entry,
    record::{CourseError, CourseFault, CourseFaults, CourseForm, LESIONS, MEASUREMENTS, day_of},
    store::entity::{course, patient::Model as Patient},
    web::{Answer, App, Page, Problem, Visit, form::Form},
    words::Language,
};

#[derive(Template)]
#[template(path = "course.html")]
struct Course {
    page: Page,
    patient: Patient,
    form: CourseForm,
    faults: Vec<(String, String)>,
    shown: Option<Shown>,
    stored: Vec<Stored>,
}

/// A course with what came of it.
struct Shown {
    figure: String,
    words: String,
    compared: Vec<Compared>,
}

/// A measured latency beside the model's.
struct Compared {
    day: String,
    measured: String,
    model: String,
    within: bool,
}

/// A course in the list.
struct Stored {
    id: Uuid,
    made: String,
    here: bool,
}

impl Course {
    fn fault(&self, name: &str) -> Option<&str> {
        self.faults.iter().find(|(own, _)| own == name).map(|(_, words)| words.as_str())
    }

    /// Rows of lesions or measurements, by number.
    fn rows(of: usize) -> std::ops::RangeInclusive<usize> {
        1..=of
    }
}

/// Which stored course is shown.
#[derive(serde::Deserialize)]
pub(crate) struct Choice {
    show: Option<Uuid>,
}

pub(crate) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Query(choice): Query<Choice>,
) -> Answer {
    let person = visit.person()?;
    let patient = app.store.patient(person, id).await?;
    app.store.note(Entry::by(person.id, "course.read").of(id).patient(id)).await?;
    html(&page(&app, &visit, patient, choice.show, None).await?)
}

pub(crate) async fn add(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<Uuid>,
    Form(form): Form<CourseForm>,
) -> Answer {
    let person = visit.person()?;
    let patient = app.store.patient(person, id).await?;
    match app.store.add_course(person, &patient, &form).await {
        Ok(course) => Ok(to(&format!("/patients/{id}/course?show={course}"), "saved")),
        Err(CourseError::Fields(faults)) => again(&page(&app, &visit, patient, None, Some((form, faults))).await?),
        Err(CourseError::Store(error)) => Err(error.into()),
    }
}

pub(crate) async fn remove(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let patient = app.store.remove_course(visit.person()?, id).await?;
    Ok(to(&format!("/patients/{patient}/course"), "course-deleted"))
}

/// What comes of a stored course, with its figure as an address.
fn follow(course: &course::Model, language: Language) -> Result<(CourseReport, String), Problem> {
    let scenario: CourseScenario = serde_json::from_str(&course.scenario).map_err(|_| Problem::Broken)?;
    let report = scenario.run().map_err(|_| Problem::Broken)?;
    // In the page itself: asked for by an address of its own it would be computed twice.
    let figure = picture::course(&report, figure_language(language));
    Ok((report, format!("data:image/svg+xml;base64,{}", STANDARD.encode(figure))))
}

async fn page(
    app: &App,
    visit: &Visit,
    patient: Patient,
    show: Option<Uuid>,
    typed: Option<(CourseForm, CourseFaults)>,
) -> Result<Course, Problem> {
    let language = visit.language;
    let courses = app.store.courses(&patient).await?;
    let chosen = match show {
        Some(id) => Some(courses.iter().find(|c| c.id == id).ok_or(Problem::Missing)?),
        None => courses.first(),
    };
    let stored = courses
        .iter()
        .map(|c| Stored { id: c.id, made: language.time(c.created_at), here: chosen.is_some_and(|own| own.id == c.id) })
        .collect();
    let (mut form, mut shown) = (CourseForm::blank(), None);
    if let Some(chosen) = chosen {
        let (begins_on, own) = (chosen.begins_on, chosen.clone());
        let (report, figure) = blocking(move || follow(&own, language)).await??;
        form = CourseForm::of(begins_on, &report.scenario);
        let compared = report.compared.iter().map(|c| Compared {
            day: language.day(day_of(begins_on, c.day)),
            measured: format!("{} ms", language.number(c.measured_ms, 1)),
            model: c.model_ms.map_or_else(
                || language.t("course-no-response"),
                |band| {
                    let [median, low, high] = [band.median, band.low, band.high].map(|ms| language.number(ms, 1));
                    language
                        .args("course-band", [("median", median.into()), ("low", low.into()), ("high", high.into())])
                },
            ),
            within: c.within,
        });
        let compared = compared.collect();
        shown = Some(Shown { figure, words: words(language, begins_on, &report), compared });
    }
    let (form, faults) = typed.unwrap_or((form, CourseFaults::new()));
    let faults = faults.into_iter().map(|(name, fault)| (name, fault_words(language, fault))).collect();
    Ok(Course { page: Page::new(app, visit), patient, form, faults, shown, stored })
}

fn fault_words(language: Language, fault: CourseFault) -> String {
    match fault {
        CourseFault::Plain(fault) => language.t(fault.key()),
        CourseFault::Between(low, high) => {
            let number = |value: f64| language.number(value, usize::from(value.fract() != 0.0));
            language.args("fault-between", [("low", number(low).into()), ("high", number(high).into())])
        }
    }
}

/// The main figures in a sentence.
fn words(language: Language, begins_on: chrono::NaiveDate, report: &CourseReport) -> String {
    let longest = report.latency_ms.iter().flatten().map(|b| b.median).fold(report.scenario.latency, f64::max);
    let least = report.conducting.iter().map(|b| b.median).fold(1.0, f64::min);
    language.args(
        "course-words",
        [
            ("day", language.day(begins_on).into()),
            ("longest", language.number(longest, 1).into()),
            ("least", language.percent(least).into()),
        ],
    )
}
