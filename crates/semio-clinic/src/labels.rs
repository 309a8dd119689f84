//! What physicians said about pictures, as labels to train a later model with.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{
    audit::Entry,
    config::Config,
    pictures::path_in,
    store::{
        Store, StoreError,
        entity::{image, patient, prediction, review, review::Verdict, study},
    },
};

/// A picture with the class that a physician saw in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labelled {
    /// The picture's file in the data folder, named by the hash of its bytes.
    pub file: PathBuf,
    /// The class: the last word counts.
    pub label: String,
    /// The patient's record, by an identity that says nothing outside of the database: never divided in a split.
    pub group: Uuid,
}

/// Results that are looked at together.
const PORTION: u64 = 500;

/// A word on a picture: when, and which.
type Word = ((i64, Uuid), Option<String>, Uuid);

/// The pictures that a physician approved or contested results of a job about, each once, with the class that the last word
/// named. Left out are those about which the last word names none of the job's classes, and patients whose record is deleted.
/// An impression noted before the result was seen is no last word. What was handed out is noted in the audit trail.
///
/// # Errors
/// [`StoreError`] where the database does not answer; [`StoreError::Missing`] where no model of the job was ever there.
pub async fn labels(store: &Store, config: &Config, job: &str) -> Result<Vec<Labelled>, StoreError> {
    let models: Vec<Uuid> = store.models().await?.into_iter().filter(|m| m.job == job).map(|m| m.id).collect();
    if models.is_empty() {
        return Err(StoreError::Missing);
    }
    let mut last: BTreeMap<String, Word> = BTreeMap::new();
    let mut seen: Option<Uuid> = None;
    loop {
        let mut query = prediction::Entity::find().filter(prediction::Column::ModelId.is_in(models.clone()));
        if let Some(seen) = seen {
            query = query.filter(prediction::Column::Id.gt(seen));
        }
        let portion = query.order_by_asc(prediction::Column::Id).limit(PORTION).all(store.db()).await?;
        seen = portion.last().map(|prediction| prediction.id);
        if seen.is_none() {
            break;
        }
        for (sha256, word) in words(store, &portion).await? {
            if last.get(&sha256).is_none_or(|known| known.0 < word.0) {
                last.insert(sha256, word);
            }
        }
    }
    let labelled: Vec<Labelled> = last
        .into_iter()
        .filter_map(|(sha256, (_, label, group))| {
            let label = label.filter(|label| label != "-")?;
            Some(Labelled { file: path_in(&config.data.join("pictures"), &sha256), label, group })
        })
        .collect();
    store.note(Entry::by_nobody("prediction.labels").detail(labelled.len().to_string())).await?;
    Ok(labelled)
}

/// The words on some results, each with its picture's hash, of patients whose record stands.
async fn words(store: &Store, of: &[prediction::Model]) -> Result<Vec<(String, Word)>, StoreError> {
    let reviews = review::Entity::find()
        .filter(review::Column::PredictionId.is_in(of.iter().map(|p| p.id)))
        .filter(review::Column::Verdict.ne(Verdict::Impression))
        .all(store.db())
        .await?;
    let said: HashMap<Uuid, &prediction::Model> = of
        .iter()
        .filter(|p| reviews.iter().any(|r| r.prediction_id == p.id))
        .map(|prediction| (prediction.id, prediction))
        .collect();
    let images = image::Entity::find()
        .filter(image::Column::Id.is_in(said.values().map(|p| p.image_id)))
        .all(store.db())
        .await?;
    let studies = study::Entity::find()
        .filter(study::Column::Id.is_in(images.iter().map(|i| i.study_id)))
        .all(store.db())
        .await?;
    let standing: Vec<Uuid> = patient::Entity::find()
        .filter(patient::Column::Id.is_in(studies.iter().map(|s| s.patient_id)))
        .filter(patient::Column::DeletedAt.is_null())
        .all(store.db())
        .await?
        .into_iter()
        .map(|patient| patient.id)
        .collect();
    let patient_of: HashMap<Uuid, Uuid> =
        studies.iter().filter(|s| standing.contains(&s.patient_id)).map(|s| (s.id, s.patient_id)).collect();
    let image_of: HashMap<Uuid, &image::Model> = images.iter().map(|image| (image.id, image)).collect();
    let word = |review: review::Model| {
        let image = image_of.get(&said.get(&review.prediction_id)?.image_id)?;
        let patient = patient_of.get(&image.study_id)?;
        Some((image.picture_sha256.clone(), ((review.created_at, review.id), review.label, *patient)))
    };
    Ok(reviews.into_iter().filter_map(word).collect())
}
