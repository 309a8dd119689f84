//! Courses of demyelination that the twin follows for a patient, beside latencies that were measured.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, ModelTrait, QueryFilter, QueryOrder};
use semio_twin::course::{CourseScenario, Lesion, Measured, Treatment};
use uuid::Uuid;

use super::right::standing;
use crate::{
    account::Fault,
    audit::Entry,
    clock,
    store::{
        Store, StoreError,
        entity::{course, patient::Model as Patient, person::Model as Person},
    },
};

/// Lesions that the form has room for.
pub(crate) const LESIONS: usize = 3;
/// Measurements that the form has room for.
pub(crate) const MEASUREMENTS: usize = 6;
/// Courses that are kept with a patient.
const MOST: usize = 50;
/// Days before the first event that a course begins, and after the last that it ends.
const BEFORE: i64 = 30;
const AFTER: i64 = 365;
/// Draws of the uncertain parameters: enough for a band of nine tenths, and a page that comes at once.
const DRAWS: usize = 50;

/// What a person types about a course, by the fields' names.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct CourseForm(BTreeMap<String, String>);

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum CourseFault {
    /// Like other forms' faults.
    Plain(Fault),
    /// A number is outside of what the model takes.
    Between(f64, f64),
}

/// What is wrong with a form, by the fields' names.
pub(crate) type CourseFaults = BTreeMap<String, CourseFault>;

/// Why a course cannot be stored.
pub(crate) enum CourseError {
    Fields(CourseFaults),
    Store(StoreError),
}

impl<E: Into<StoreError>> From<E> for CourseError {
    fn from(error: E) -> Self {
        Self::Store(error.into())
    }
}

impl CourseForm {
    /// A form with the model's own values and nothing about a patient.
    pub(crate) fn blank() -> Self {
        let usual = [("latency", "100"), ("remyelination", "5"), ("half_life", "300"), ("efficacy", "60")];
        Self(usual.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// The form that gives this course.
    pub(crate) fn of(begins_on: NaiveDate, scenario: &CourseScenario) -> Self {
        let date = |day: f64| day_of(begins_on, day).to_string();
        let percent = |share: f64| plain(100.0 * share);
        let mut form = Self::blank();
        let mut set = |name: String, value: String| form.0.insert(name, value);
        set("latency".into(), plain(scenario.latency));
        set("remyelination".into(), percent(scenario.remyelination));
        set("half_life".into(), plain(scenario.half_life));
        for (i, lesion) in (1..).zip(&scenario.lesions) {
            set(format!("lesion_on_{i}"), date(lesion.day));
            set(format!("lesion_length_{i}"), plain(lesion.length));
            set(format!("lesion_myelin_{i}"), percent(lesion.myelin));
        }
        if let Some(treatment) = scenario.treatment {
            set("treatment_on".into(), date(treatment.day));
            set("efficacy".into(), percent(treatment.efficacy));
        }
        for (i, measured) in (1..).zip(&scenario.measured) {
            set(format!("measured_on_{i}"), date(measured.day));
            set(format!("measured_ms_{i}"), plain(measured.latency));
        }
        form
    }

    /// What stands in a field.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |value| value.trim())
    }

    /// The day that the course begins, and the course.
    pub(crate) fn check(&self) -> Result<(NaiveDate, CourseScenario), CourseFaults> {
        let mut reading = Reading { form: self, faults: CourseFaults::new() };
        let latency = reading.number("latency", (20.0, 300.0));
        let remyelination = reading.number("remyelination", (0.0, 100.0));
        let half_life = reading.number("half_life", (1.0, 3650.0));
        let mut lesions = vec![];
        for i in 1..=LESIONS {
            let names = ["on", "length", "myelin"].map(|part| format!("lesion_{part}_{i}"));
            // The first lesion is what a course is about.
            if i == 1 || names.iter().any(|name| !self.value(name).is_empty()) {
                let on = reading.date(&names[0]);
                lesions.push((on, reading.number(&names[1], (0.1, 40.0)), reading.number(&names[2], (0.0, 100.0))));
            }
        }
        let mut measured = vec![];
        for i in 1..=MEASUREMENTS {
            let names = ["on", "ms"].map(|part| format!("measured_{part}_{i}"));
            if names.iter().any(|name| !self.value(name).is_empty()) {
                measured.push((reading.date(&names[0]), reading.number(&names[1], (20.0, 1000.0))));
            }
        }
        let treatment = (!self.value("treatment_on").is_empty())
            .then(|| (reading.date("treatment_on"), reading.number("efficacy", (0.0, 100.0))));
        if !reading.faults.is_empty() {
            return Err(reading.faults);
        }
        let dates = || {
            let own = lesions.iter().map(|l| l.0).chain(measured.iter().map(|m| m.0));
            own.chain(treatment.iter().map(|t| t.0))
        };
        let (Some(first), Some(last)) = (dates().min(), dates().max()) else { return Err(reading.faults) };
        let begins_on = first - chrono::Duration::days(BEFORE);
        let day = |date: NaiveDate| (date - begins_on).num_days() as f64;
        let lesion = |(on, length, myelin): &(NaiveDate, f64, f64)| Lesion {
            name: String::new(),
            place: 5.0,
            length: *length,
            day: day(*on),
            myelin: myelin / 100.0,
        };
        let scenario = CourseScenario {
            days: day(last) + AFTER as f64,
            draws: DRAWS,
            latency,
            remyelination: remyelination / 100.0,
            half_life,
            lesions: lesions.iter().map(lesion).collect(),
            treatment: treatment.map(|(on, share)| Treatment { day: day(on), efficacy: share / 100.0 }),
            measured: measured.iter().map(|(on, ms)| Measured { day: day(*on), latency: *ms }).collect(),
            ..CourseScenario::default()
        };
        Ok((begins_on, scenario))
    }
}

/// A form under way. A field with a fault reads as zero, or as a day long ago: the caller looks at the faults.
struct Reading<'a> {
    form: &'a CourseForm,
    faults: CourseFaults,
}

impl Reading<'_> {
    fn fault(&mut self, name: &str, fault: CourseFault) {
        self.faults.insert(name.into(), fault);
    }

    fn number(&mut self, name: &str, (low, high): (f64, f64)) -> f64 {
        // A comma is how French writes a decimal point.
        let typed = self.form.value(name).replace(',', ".");
        if let Some(value) = typed.parse::<f64>().ok().filter(|value| (low..=high).contains(value)) {
            return value;
        }
        let empty = typed.is_empty();
        self.fault(name, if empty { CourseFault::Plain(Fault::Empty) } else { CourseFault::Between(low, high) });
        0.0
    }

    fn date(&mut self, name: &str) -> NaiveDate {
        let typed = self.form.value(name);
        let today = clock::today();
        let fault = match typed.parse::<NaiveDate>() {
            Ok(date) if clock::years(date, today) > 80 => Fault::TooOld,
            Ok(date) if date > today + Days::new(3650) => Fault::Future,
            Ok(date) => return date,
            Err(_) if typed.is_empty() => Fault::Empty,
            Err(_) => Fault::Form,
        };
        self.fault(name, CourseFault::Plain(fault));
        today
    }
}

/// The date of a day of a course.
pub(crate) fn day_of(begins_on: NaiveDate, day: f64) -> NaiveDate {
    begins_on + chrono::Duration::days(day.round() as i64)
}

/// As few decimals as the value needs.
fn plain(value: f64) -> String {
    ((value * 1000.0).round() / 1000.0).to_string()
}

impl Store {
    /// The courses of a patient, the latest first.
    pub(crate) async fn courses(&self, patient: &Patient) -> Result<Vec<course::Model>, StoreError> {
        let own = course::Entity::find().filter(course::Column::PatientId.eq(patient.id));
        Ok(own.order_by_desc(course::Column::CreatedAt).all(self.db()).await?)
    }

    /// A course with its patient, if the person may see it.
    pub(crate) async fn course(&self, who: &Person, id: Uuid) -> Result<(course::Model, Patient), StoreError> {
        let course = course::Entity::find_by_id(id).one(self.db()).await?.ok_or(StoreError::Missing)?;
        let patient = self.patient(who, course.patient_id).await?;
        Ok((course, patient))
    }

    /// Stores a course with a patient; of more than the record keeps, the oldest goes.
    pub(crate) async fn add_course(
        &self,
        who: &Person,
        patient: &Patient,
        form: &CourseForm,
    ) -> Result<Uuid, CourseError> {
        let (begins_on, scenario) = form.check().map_err(CourseError::Fields)?;
        let scenario = serde_json::to_string(&scenario).unwrap_or_default();
        let kept = self.courses(patient).await?;
        let mut change = self.change().await?;
        standing(&change, who, patient.id).await?;
        for old in kept.into_iter().skip(MOST - 1) {
            let gone = old.id;
            old.delete(change.tx()).await?;
            change.note(Entry::by(who.id, "course.remove").of(gone).patient(patient.id));
        }
        let id = Uuid::now_v7();
        let row = course::ActiveModel {
            id: Set(id),
            patient_id: Set(patient.id),
            person_id: Set(who.id),
            begins_on: Set(begins_on),
            scenario: Set(scenario),
            created_at: Set(clock::now()),
        };
        row.insert(change.tx()).await?;
        change.note(Entry::by(who.id, "course.add").of(id).patient(patient.id));
        change.commit().await?;
        Ok(id)
    }

    /// Takes a course out. Gives its patient.
    pub(crate) async fn remove_course(&self, who: &Person, id: Uuid) -> Result<Uuid, StoreError> {
        let (course, patient) = self.course(who, id).await?;
        let mut change = self.change().await?;
        course.delete(change.tx()).await?;
        change.note(Entry::by(who.id, "course.remove").of(id).patient(patient.id));
        change.commit().await?;
        Ok(patient.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> CourseForm {
        let mut form = CourseForm::blank();
        form.0.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        form
    }

    #[test]
    fn what_is_typed_becomes_a_course_and_back() {
        let typed = form(&[
            ("lesion_on_1", "2025-03-10"),
            ("lesion_length_1", "12,5"),
            ("lesion_myelin_1", "2"),
            ("treatment_on", "2025-06-01"),
            ("measured_on_1", "2025-04-09"),
            ("measured_ms_1", "131"),
        ]);
        let (begins_on, scenario) = typed.check().expect("all is there");
        assert_eq!(begins_on.to_string(), "2025-02-08");
        assert_eq!((scenario.lesions[0].day, scenario.lesions[0].length), (30.0, 12.5));
        assert_eq!((scenario.measured[0].day, scenario.measured[0].latency), (60.0, 131.0));
        assert_eq!(scenario.treatment.map(|t| (t.day, t.efficacy)), Some((113.0, 0.6)));
        assert!(scenario.check().is_ok());
        let again = CourseForm::of(begins_on, &scenario).check().expect("its own form");
        assert_eq!(again, (begins_on, scenario));
    }

    #[test]
    fn each_fault_stands_beside_its_field() {
        let faults = form(&[("latency", "5"), ("lesion_length_1", "long"), ("measured_ms_2", "120")]).check();
        let faults = faults.expect_err("much is missing");
        assert_eq!(faults["latency"], CourseFault::Between(20.0, 300.0));
        assert_eq!(faults["lesion_length_1"], CourseFault::Between(0.1, 40.0));
        for empty in ["lesion_on_1", "lesion_myelin_1", "measured_on_2"] {
            assert_eq!(faults[empty], CourseFault::Plain(Fault::Empty), "{empty}");
        }
        assert!(!faults.contains_key("lesion_on_2") && !faults.contains_key("treatment_on"));
        let long_ago = form(&[("lesion_on_1", "1001-01-01"), ("lesion_length_1", "3"), ("lesion_myelin_1", "2")]);
        assert_eq!(long_ago.check().expect_err("too long ago")["lesion_on_1"], CourseFault::Plain(Fault::TooOld));
    }

    #[test]
    fn the_model_takes_whatever_the_form_takes() {
        let ends = form(&[
            ("latency", "300"),
            ("remyelination", "100"),
            ("half_life", "1"),
            ("lesion_on_1", "1950-01-01"),
            ("lesion_length_1", "40"),
            ("lesion_myelin_1", "0"),
            ("measured_on_1", "2030-01-01"),
            ("measured_ms_1", "1000"),
        ]);
        let (_, scenario) = ends.check().expect("within the form's bounds");
        assert!(scenario.check().is_ok());
    }
}
