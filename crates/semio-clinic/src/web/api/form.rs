//! What the API takes and gives.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    clock,
    finding::Finding,
    record::{PatientForm, Shown},
    store::entity::{
        image::Model as ImageRow, model::Model as ModelRow, patient::Model as PatientRow,
        prediction::Model as PredictionRow, review::Model as ReviewRow,
    },
};

/// Characters of a comment.
pub(crate) const COMMENT: usize = 4000;

/// Sex as recorded.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "the description's; words that are none of them are told with all other faults")]
pub(crate) enum Sex {
    Female,
    Male,
    Other,
}

/// A physician's word on a result.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "likewise")]
pub(crate) enum Verdict {
    Approved,
    Contested,
}

/// A patient.
#[derive(Serialize, ToSchema)]
pub(crate) struct Patient {
    id: Uuid,
    family_name: String,
    given_name: String,
    #[schema(value_type = Sex)]
    sex: &'static str,
    birth_date: NaiveDate,
}

impl From<&PatientRow> for Patient {
    fn from(row: &PatientRow) -> Self {
        Self {
            id: row.id,
            family_name: row.family_name.clone(),
            given_name: row.given_name.clone(),
            sex: row.sex.name(),
            birth_date: row.birth_date,
        }
    }
}

/// Patients of one page.
#[derive(Serialize, ToSchema)]
pub(crate) struct Patients {
    /// How many there are in all.
    pub(crate) total: u64,
    pub(crate) patients: Vec<Patient>,
}

/// A new patient.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPatient {
    #[schema(min_length = 1, max_length = 200)]
    family_name: String,
    #[schema(min_length = 1, max_length = 200)]
    given_name: String,
    #[schema(value_type = Sex)]
    sex: String,
    birth_date: NaiveDate,
    /// The clinic's own number.
    #[schema(max_length = 64)]
    #[serde(default)]
    identifier: Option<String>,
    /// The number of the French national health identity: 13 characters and the two digits of its key.
    #[schema(max_length = 32)]
    #[serde(default)]
    ins: Option<String>,
}

impl From<NewPatient> for PatientForm {
    fn from(new: NewPatient) -> Self {
        Self {
            family_name: new.family_name,
            given_name: new.given_name,
            sex: new.sex,
            birth_date: new.birth_date.to_string(),
            identifier: new.identifier.unwrap_or_default(),
            ins: new.ins.unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// Which patients.
#[derive(Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[derive(Default)]
pub(crate) struct Find {
    /// Beginning of a name, or a whole identifier.
    pub(crate) q: String,
    /// Whether those that are shared with the team are meant.
    pub(crate) team: bool,
    /// From 0; 50 a page.
    #[param(maximum = 20000)]
    pub(crate) page: u32,
}

/// How a picture is filed.
#[derive(Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[derive(Default)]
pub(crate) struct Filing {
    /// The job whose active model reads it; without one it is filed and not read.
    pub(crate) job: Option<String>,
    /// The day on which it was taken; otherwise what the file says, or today.
    pub(crate) taken_on: Option<NaiveDate>,
    /// Files it although its tags speak of somebody else.
    pub(crate) accept_mismatch: bool,
}

/// Where a picture was filed.
#[derive(Serialize, ToSchema)]
pub(crate) struct Filed {
    pub(crate) study: Uuid,
    /// SHA-256 of the file, in hexadecimal digits.
    pub(crate) sha256: String,
    /// The result that is awaited; none where it is not read.
    pub(crate) prediction: Option<Uuid>,
}

/// Fields in which file and record contradict each other.
#[derive(Serialize, ToSchema)]
pub(crate) struct Mismatch {
    pub(crate) title: &'static str,
    pub(crate) status: u16,
    pub(crate) fields: Vec<String>,
}

/// Fields of a form that are not as they should be.
#[derive(Serialize, ToSchema)]
pub(crate) struct Invalid {
    pub(crate) title: &'static str,
    pub(crate) status: u16,
    pub(crate) fields: Vec<FieldFault>,
}

/// A field and what is wrong with it.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldFault {
    pub(crate) field: String,
    pub(crate) reason: String,
}

/// A study.
#[derive(Serialize, ToSchema)]
pub(crate) struct Study {
    id: Uuid,
    taken_on: NaiveDate,
    modality: Option<String>,
    description: String,
    images: Vec<Image>,
}

/// A picture.
#[derive(Serialize, ToSchema)]
pub(crate) struct Image {
    id: Uuid,
    sha256: String,
    width: i32,
    height: i32,
    frames: i32,
    predictions: Vec<Prediction>,
}

/// A result.
#[derive(Serialize, ToSchema)]
pub(crate) struct Prediction {
    id: Uuid,
    /// `queued`, `running`, `done` or `failed`.
    state: &'static str,
    model: Uuid,
    bundle_sha256: String,
    /// `answered`, `unsure` or `refused`, once done.
    outcome: Option<String>,
    /// Why it is not answered.
    reason: Option<String>,
    /// The class; none where the picture was refused.
    class: Option<String>,
    /// Calibrated, in the model's order of classes.
    probabilities: Vec<ClassProbability>,
    /// The classes that the picture may be of.
    set: Option<Vec<String>>,
    /// How strange the picture is: from 1 on it is refused.
    novelty: Option<f64>,
    /// What physicians said, the latest first.
    reviews: Vec<Review>,
}

/// A class with its calibrated probability.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClassProbability {
    class: String,
    probability: f64,
}

/// A physician's word.
#[derive(Serialize, ToSchema)]
pub(crate) struct Review {
    /// `approved`, `contested` or `impression`.
    verdict: &'static str,
    label: Option<String>,
    comment: String,
    /// RFC 3339.
    at: String,
}

/// A physician's word on a result.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReview {
    #[schema(value_type = Verdict)]
    pub(crate) verdict: String,
    /// The class that the physician sees, where the result is contested.
    #[schema(max_length = 200)]
    #[serde(default)]
    pub(crate) label: Option<String>,
    #[schema(max_length = 4000)]
    #[serde(default)]
    pub(crate) comment: String,
}

/// A model.
#[derive(Serialize, ToSchema)]
pub(crate) struct Model {
    id: Uuid,
    job: String,
    name: String,
    /// `waiting`, `active` or `retired`.
    state: &'static str,
    bundle_sha256: String,
}

impl From<ModelRow> for Model {
    fn from(row: ModelRow) -> Self {
        let state = row.state.name();
        Self { id: row.id, job: row.job, name: row.name, state, bundle_sha256: row.bundle_sha256 }
    }
}

impl Prediction {
    pub(crate) fn new(row: &PredictionRow, reviews: &[ReviewRow]) -> Self {
        let finding: Option<Finding> = row.finding.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let refused = row.outcome.as_deref() == Some("refused");
        let review = |r: &ReviewRow| Review {
            verdict: r.verdict.name(),
            label: r.label.clone(),
            comment: r.comment.clone(),
            at: clock::time(r.created_at).to_rfc3339(),
        };
        Self {
            id: row.id,
            state: row.state.name(),
            model: row.model_id,
            bundle_sha256: row.bundle_sha256.clone(),
            outcome: row.outcome.clone(),
            reason: finding.as_ref().and_then(|f| f.reason.clone()),
            class: row.class.clone().filter(|_| !refused),
            probabilities: finding
                .iter()
                .flat_map(|f| &f.probabilities)
                .map(|(class, p)| ClassProbability { class: class.clone(), probability: *p })
                .collect(),
            set: finding.as_ref().and_then(|f| f.set.clone()),
            novelty: finding.as_ref().and_then(|f| f.novelty),
            reviews: reviews.iter().filter(|r| r.prediction_id == row.id).map(review).collect(),
        }
    }
}

impl From<&Shown> for Study {
    fn from(shown: &Shown) -> Self {
        let image = |row: &ImageRow| Image {
            id: row.id,
            sha256: row.picture_sha256.clone(),
            width: row.width,
            height: row.height,
            frames: row.frames,
            predictions: shown
                .predictions
                .iter()
                .filter(|p| p.image_id == row.id)
                .map(|p| Prediction::new(p, &shown.reviews))
                .collect(),
        };
        Self {
            id: shown.study.id,
            taken_on: shown.study.taken_on,
            modality: shown.study.modality.clone(),
            description: shown.study.description.clone(),
            images: shown.images.iter().map(image).collect(),
        }
    }
}
