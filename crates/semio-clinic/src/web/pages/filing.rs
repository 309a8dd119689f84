//! A picture that came in: opened, and filed once it is known whose it is.

use bytes::Bytes;
use chrono::NaiveDate;
use semio_data::raster::DecodeError;
use uuid::Uuid;

use super::images::blocking;
use crate::{
    clock,
    models::pipeline_hash,
    opened::{Claims, Opened},
    record::{Filed, NewImage, StudyFacts},
    store::entity::{patient::Model as Patient, person::Model as Person},
    web::{App, Problem},
};

/// What the form says beside its files.
#[derive(Clone, Debug, Default)]
pub(in crate::web) struct Wish {
    pub(in crate::web) patient: Option<Uuid>,
    pub(in crate::web) job: String,
    pub(in crate::web) taken_on: Option<NaiveDate>,
}

/// A file that could be opened.
pub(in crate::web) struct Arrived {
    pub(in crate::web) bytes: Bytes,
    pub(in crate::web) opened: Opened,
    /// What it says of its patient.
    pub(in crate::web) claims: Claims,
}

impl Arrived {
    /// Opens a file beside the threads that serve pages.
    pub(in crate::web) async fn open(bytes: Bytes) -> Result<Result<Self, DecodeError>, Problem> {
        let content = bytes.clone();
        let opened = match blocking(move || Opened::new(&content)).await? {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error)),
        };
        let claims = opened.attributes.as_ref().map(Claims::of).unwrap_or_default();
        Ok(Ok(Self { bytes, opened, claims }))
    }

    /// The Study Instance UID that it names.
    pub(in crate::web) fn study_uid(&self) -> Option<String> {
        text(self.opened.attributes.as_ref().and_then(|a| a.study_uid.as_ref()), 64)
    }
}

/// Waits for a file's bytes, but not for ever: its turn is one of few.
pub(in crate::web) async fn in_time<T>(app: &App, receiving: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(app.config.patience.file, receiving).await.map_err(|_| Problem::Slow)
}

fn text(value: Option<&String>, longest: usize) -> Option<String> {
    value.map(|v| v.chars().filter(|c| !c.is_control()).take(longest).collect::<String>()).filter(|v| !v.is_empty())
}

/// Keeps a picture, files it and queues its reading. `differs` names what it says otherwise than the record, where that
/// was accepted.
pub(in crate::web) async fn file(
    app: &App,
    person: &Person,
    patient: &Patient,
    arrived: Arrived,
    wish: &Wish,
    differs: Vec<&'static str>,
) -> Result<(Filed, String), Problem> {
    let study_uid = arrived.study_uid();
    let Arrived { bytes, opened, claims } = arrived;
    let attributes = opened.attributes.as_ref();
    let facts = StudyFacts {
        instance_uid: study_uid,
        accession: text(attributes.and_then(|a| a.accession.as_ref()), 64),
        modality: text(attributes.and_then(|a| a.modality.as_ref()), 16),
        description: text(attributes.and_then(|a| a.study_description.as_ref()), 200).unwrap_or_default(),
        taken_on: wish.taken_on.or(claims.taken_on).unwrap_or_else(clock::today),
    };
    let model = if wish.job.is_empty() { None } else { app.store.active_model(&wish.job).await? };
    let pipeline = match &model {
        Some(model) => {
            let (models, opening) = (app.models.clone(), model.clone());
            // A bundle that cannot be opened does not stop the filing: its reading fails, and says so.
            let opened = blocking(move || models.open(&opening)).await?;
            Some(match opened {
                Ok(predictor) => pipeline_hash(predictor.manifest()),
                Err(error) => {
                    tracing::error!(%error, "a model cannot be opened");
                    "0".repeat(64)
                }
            })
        }
        None => None,
    };
    // From here to the end of the change nobody takes a file away.
    let turn = app.pictures.filing().await;
    let sha256 = app.pictures.put(bytes, &turn).await?;
    let new = NewImage {
        size: opened.size,
        sha256: sha256.clone(),
        media_type: opened.media_type,
        instance_uid: text(attributes.and_then(|a| a.instance_uid.as_ref()), 64),
        frames: opened.frames,
        width: opened.width,
        height: opened.height,
        view: text(attributes.and_then(|a| a.view.as_ref()), 16),
        differs,
    };
    let reader = model.as_ref().zip(pipeline.as_deref());
    let filed = app.store.file_image(person, patient, facts, new, reader).await?;
    drop(turn);
    app.readers.wake();
    Ok((filed, sha256))
}
