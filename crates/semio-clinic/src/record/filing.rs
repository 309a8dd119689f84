//! A picture is filed: into the study that its file names or a new one, and queued for reading.

use chrono::NaiveDate;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::right::standing;
use crate::{
    audit::Entry,
    clock,
    store::{
        Store, StoreError,
        entity::{
            image,
            model::Model as ModelRow,
            patient::Model as Patient,
            person::Model as Person,
            picture,
            prediction::{self, State},
            study,
        },
    },
};

/// What a study is, as its files or the physician tell.
#[derive(Clone, Debug, Default)]
pub(crate) struct StudyFacts {
    pub(crate) instance_uid: Option<String>,
    pub(crate) accession: Option<String>,
    pub(crate) modality: Option<String>,
    pub(crate) description: String,
    pub(crate) taken_on: NaiveDate,
}

/// A picture that is filed.
#[derive(Clone, Debug)]
pub(crate) struct NewImage {
    pub(crate) sha256: String,
    pub(crate) size: usize,
    pub(crate) media_type: &'static str,
    pub(crate) instance_uid: Option<String>,
    pub(crate) frames: u32,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) view: Option<String>,
    /// Keys of what the file says otherwise than the record, where somebody filed it all the same.
    pub(crate) differs: Vec<&'static str>,
}

/// Where a picture was filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Filed {
    pub(crate) study: Uuid,
    /// The result that is awaited, or there already; none where nobody reads the picture.
    pub(crate) prediction: Option<Uuid>,
}

/// For how long the same file of the same day, sent again by the same person, is taken for the same sending: a browser or
/// a program that heard no answer tries again.
const AGAIN: i64 = 10 * clock::MINUTE;

impl Store {
    /// Files a picture under a patient, in a new study or in the one of the same UID, and queues its reading. The same
    /// file sent again is filed once: it gives what the first sending gave.
    ///
    /// # Errors
    /// [`StoreError::Gone`] where the record was deleted or merged since it was looked at.
    pub(crate) async fn file_image(
        &self,
        who: &Person,
        patient: &Patient,
        facts: StudyFacts,
        new: NewImage,
        reader: Option<(&ModelRow, &str)>,
    ) -> Result<Filed, StoreError> {
        let now = clock::now();
        let mut change = self.change().await?;
        // Files of one study may come at the same time: the first makes the study, the others find it. Whoever merges or
        // deletes the record takes the same lock.
        let patient = standing(&change, who, patient.id).await?;
        let known = match &facts.instance_uid {
            Some(uid) => {
                study::Entity::find()
                    .filter(study::Column::InstanceUid.eq(uid))
                    .filter(study::Column::PatientId.eq(patient.id))
                    .one(change.tx())
                    .await?
            }
            None => None,
        };
        if let Some(image) = filed_already(change.tx(), who, &patient, known.as_ref(), &facts, &new.sha256, now).await?
        {
            let mut prediction = None;
            if let Some((model, pipeline)) = reader {
                prediction = reading(change.tx(), image.id, model).await?;
                if prediction.is_none() {
                    change.note(Entry::by(who.id, "prediction.ask").of(image.study_id).patient(patient.id));
                    prediction = Some(queue(change.tx(), who.id, image.id, &new.sha256, model, pipeline).await?);
                }
            }
            change.commit().await?;
            return Ok(Filed { study: image.study_id, prediction });
        }
        let study = if let Some(study) = known {
            study.id
        } else {
            let row = study::ActiveModel {
                id: Set(Uuid::now_v7()),
                patient_id: Set(patient.id),
                instance_uid: Set(facts.instance_uid),
                accession: Set(facts.accession),
                modality: Set(facts.modality),
                description: Set(facts.description),
                taken_on: Set(facts.taken_on),
                filed_by: Set(who.id),
                created_at: Set(now),
            };
            row.insert(change.tx()).await?.id
        };
        let row = picture::ActiveModel {
            sha256: Set(new.sha256.clone()),
            size: Set(new.size as i64),
            media_type: Set(new.media_type.into()),
            created_at: Set(now),
        };
        // The same file may come twice at the same time, for two patients.
        picture::Entity::insert(row).on_conflict_do_nothing().exec_without_returning(change.tx()).await?;
        let image = image::ActiveModel {
            id: Set(Uuid::now_v7()),
            study_id: Set(study),
            picture_sha256: Set(new.sha256.clone()),
            instance_uid: Set(new.instance_uid),
            frames: Set(new.frames as i32),
            width: Set(new.width as i32),
            height: Set(new.height as i32),
            view: Set(new.view),
            created_at: Set(now),
        };
        let image = image.insert(change.tx()).await?.id;
        let prediction = match reader {
            Some((model, pipeline)) => Some(queue(change.tx(), who.id, image, &new.sha256, model, pipeline).await?),
            None => None,
        };
        let patient_id = patient.id;
        let mut row = patient.into_active_model();
        row.changed_at = Set(now);
        row.update(change.tx()).await?;
        let differs: Vec<&str> = new.differs.iter().map(|key| key.trim_start_matches("field-")).collect();
        let detail = if differs.is_empty() { String::new() } else { format!("differs: {}", differs.join(" ")) };
        change.note(Entry::by(who.id, "image.file").of(image).patient(patient_id).detail(detail));
        change.commit().await?;
        Ok(Filed { study, prediction })
    }

    /// The study into which a person filed a picture a short while ago, if the person still may see it.
    pub(crate) async fn filed_lately(&self, who: &Person, sha256: &str) -> Result<Option<(Uuid, Patient)>, StoreError> {
        let found = image::Entity::find()
            .filter(image::Column::PictureSha256.eq(sha256))
            .filter(image::Column::CreatedAt.gt(clock::now() - AGAIN))
            .order_by_desc(image::Column::CreatedAt)
            .all(self.db())
            .await?;
        for image in found {
            let Some(study) = study::Entity::find_by_id(image.study_id).one(self.db()).await? else { continue };
            if study.filed_by == who.id
                && let Ok(patient) = self.patient(who, study.patient_id).await
            {
                return Ok(Some((study.id, patient)));
            }
        }
        Ok(None)
    }

    /// Queues another reading of a picture that is there.
    pub(crate) async fn ask_again(
        &self,
        who: &Person,
        image: Uuid,
        model: &ModelRow,
        pipeline: &str,
    ) -> Result<Uuid, StoreError> {
        let (image, study, patient) = self.image(who, image).await?;
        let mut change = self.change().await?;
        let id = queue(change.tx(), who.id, image.id, &image.picture_sha256, model, pipeline).await?;
        change.note(Entry::by(who.id, "prediction.ask").of(study.id).patient(patient.id));
        change.commit().await?;
        Ok(id)
    }
}

/// The picture of an earlier sending: in the study that the file names whoever sent it, otherwise of the same person and
/// day a short while ago.
async fn filed_already<C: ConnectionTrait>(
    tx: &C,
    who: &Person,
    patient: &Patient,
    known: Option<&study::Model>,
    facts: &StudyFacts,
    sha256: &str,
    now: i64,
) -> Result<Option<image::Model>, StoreError> {
    let of_file = image::Entity::find().filter(image::Column::PictureSha256.eq(sha256));
    let studies = study::Entity::find()
        .filter(
            study::Column::Id.in_subquery(of_file.clone().select_only().column(image::Column::StudyId).into_query()),
        )
        .filter(study::Column::PatientId.eq(patient.id))
        .all(tx)
        .await?;
    for study in studies {
        let image = of_file.clone().filter(image::Column::StudyId.eq(study.id)).one(tx).await?;
        let named = known.is_some_and(|known| known.id == study.id);
        let lately = |image: &image::Model| {
            facts.instance_uid == study.instance_uid
                && study.filed_by == who.id
                && study.taken_on == facts.taken_on
                && image.created_at > now - AGAIN
        };
        if let Some(image) = image.filter(|image| named || lately(image)) {
            return Ok(Some(image));
        }
    }
    Ok(None)
}

/// The latest reading of a picture by a model, unless it failed: whoever sends the file again may have mended it.
async fn reading<C: ConnectionTrait>(tx: &C, image: Uuid, model: &ModelRow) -> Result<Option<Uuid>, StoreError> {
    let found = prediction::Entity::find()
        .filter(prediction::Column::ImageId.eq(image))
        .filter(prediction::Column::ModelId.eq(model.id))
        .order_by_desc(prediction::Column::CreatedAt)
        .one(tx)
        .await?;
    Ok(found.filter(|prediction| prediction.state != State::Failed).map(|prediction| prediction.id))
}

async fn queue<C: ConnectionTrait>(
    tx: &C,
    who: Uuid,
    image: Uuid,
    picture: &str,
    model: &ModelRow,
    pipeline: &str,
) -> Result<Uuid, StoreError> {
    let row = prediction::ActiveModel {
        id: Set(Uuid::now_v7()),
        image_id: Set(image),
        frame: Set(0),
        model_id: Set(model.id),
        bundle_sha256: Set(model.bundle_sha256.clone()),
        pipeline_sha256: Set(pipeline.into()),
        picture_sha256: Set(picture.into()),
        state: Set(State::Queued),
        outcome: NotSet,
        class: NotSet,
        confidence: NotSet,
        finding: NotSet,
        failure: NotSet,
        attempts: Set(0),
        asked_by: Set(who),
        created_at: Set(clock::now()),
        done_at: NotSet,
    };
    Ok(row.insert(tx).await?.id)
}
