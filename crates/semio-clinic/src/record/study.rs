//! Studies, their pictures, the results, and what physicians say about them.

use chrono::NaiveDate;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use crate::{
    account::lines,
    audit::Entry,
    clock,
    store::{
        Store, StoreError,
        entity::{
            image,
            model::Model as ModelRow,
            patient::{self, Model as Patient},
            person::Model as Person,
            picture,
            prediction::{self, State},
            review::{self, Verdict},
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
}

/// A study with everything that its page shows.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) study: study::Model,
    pub(crate) patient: Patient,
    pub(crate) images: Vec<image::Model>,
    /// The latest first.
    pub(crate) predictions: Vec<prediction::Model>,
    /// The latest first.
    pub(crate) reviews: Vec<review::Model>,
}

impl Store {
    /// Files a picture under a patient, in a new study or in the one of the same UID, and queues its reading. Gives the
    /// study.
    pub(crate) async fn file_image(
        &self,
        who: &Person,
        patient: &Patient,
        facts: StudyFacts,
        new: NewImage,
        reader: Option<(&ModelRow, &str)>,
    ) -> Result<Uuid, StoreError> {
        let now = clock::now();
        let mut change = self.change().await?;
        // Files of one study may come at the same time: the first makes the study, the others find it.
        patient::Entity::find_by_id(patient.id).lock_exclusive().one(change.tx()).await?;
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
        let study_id = if let Some(study) = known {
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
            study_id: Set(study_id),
            picture_sha256: Set(new.sha256.clone()),
            instance_uid: Set(new.instance_uid),
            frames: Set(new.frames as i32),
            width: Set(new.width as i32),
            height: Set(new.height as i32),
            view: Set(new.view),
            created_at: Set(now),
        };
        let image = image.insert(change.tx()).await?.id;
        if let Some((model, pipeline)) = reader {
            queue(change.tx(), who.id, image, &new.sha256, model, pipeline).await?;
        }
        let mut row = patient.clone().into_active_model();
        row.changed_at = Set(now);
        row.update(change.tx()).await?;
        change.note(Entry::by(who.id, "image.file").of(image).patient(patient.id));
        change.commit().await?;
        Ok(study_id)
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

    /// A picture, with its study and patient, if the person may see it.
    pub(crate) async fn image(
        &self,
        who: &Person,
        id: Uuid,
    ) -> Result<(image::Model, study::Model, Patient), StoreError> {
        let image = image::Entity::find_by_id(id).one(self.db()).await?.ok_or(StoreError::Missing)?;
        let study = study::Entity::find_by_id(image.study_id).one(self.db()).await?.ok_or(StoreError::Missing)?;
        let patient = self.patient(who, study.patient_id).await?;
        Ok((image, study, patient))
    }

    /// A result, with its patient, if the person may see it.
    pub(crate) async fn prediction(&self, who: &Person, id: Uuid) -> Result<(prediction::Model, Patient), StoreError> {
        let prediction = prediction::Entity::find_by_id(id).one(self.db()).await?.ok_or(StoreError::Missing)?;
        let (_, _, patient) = self.image(who, prediction.image_id).await?;
        Ok((prediction, patient))
    }

    /// Whether a result is kept from this person until an own impression is noted.
    pub(crate) async fn is_folded(&self, who: &Person, prediction: Uuid) -> Result<bool, StoreError> {
        if !who.reads_first {
            return Ok(false);
        }
        let own = review::Entity::find()
            .filter(review::Column::PredictionId.eq(prediction))
            .filter(review::Column::PersonId.eq(who.id));
        Ok(own.one(self.db()).await?.is_none())
    }

    /// A study with everything that its page shows.
    pub(crate) async fn study(&self, who: &Person, id: Uuid) -> Result<Shown, StoreError> {
        let study = study::Entity::find_by_id(id).one(self.db()).await?.ok_or(StoreError::Missing)?;
        let patient = self.patient(who, study.patient_id).await?;
        let mut shown = self.shown(vec![study], &patient).await?;
        shown.pop().ok_or(StoreError::Missing)
    }

    /// All studies of a patient, the latest first.
    pub(crate) async fn studies(&self, patient: &Patient) -> Result<Vec<Shown>, StoreError> {
        let studies = study::Entity::find()
            .filter(study::Column::PatientId.eq(patient.id))
            .order_by_desc(study::Column::TakenOn)
            .limit(500)
            .all(self.db())
            .await?;
        let mut shown = self.shown(studies, patient).await?;
        shown.sort_by_key(|s| std::cmp::Reverse((s.study.taken_on, s.study.created_at)));
        Ok(shown)
    }

    async fn shown(&self, studies: Vec<study::Model>, patient: &Patient) -> Result<Vec<Shown>, StoreError> {
        let ids: Vec<Uuid> = studies.iter().map(|s| s.id).collect();
        let images = image::Entity::find()
            .filter(image::Column::StudyId.is_in(ids))
            .order_by_asc(image::Column::CreatedAt)
            .all(self.db())
            .await?;
        let ids: Vec<Uuid> = images.iter().map(|i| i.id).collect();
        let predictions = prediction::Entity::find()
            .filter(prediction::Column::ImageId.is_in(ids))
            .order_by_desc(prediction::Column::CreatedAt)
            .order_by_desc(prediction::Column::Id)
            .all(self.db())
            .await?;
        let ids: Vec<Uuid> = predictions.iter().map(|p| p.id).collect();
        let reviews = review::Entity::find()
            .filter(review::Column::PredictionId.is_in(ids))
            .order_by_desc(review::Column::CreatedAt)
            .order_by_desc(review::Column::Id)
            .all(self.db())
            .await?;
        let of_study = |study: study::Model| {
            let images: Vec<_> = images.iter().filter(|i| i.study_id == study.id).cloned().collect();
            let predictions: Vec<_> =
                predictions.iter().filter(|p| images.iter().any(|i| i.id == p.image_id)).cloned().collect();
            let reviews =
                reviews.iter().filter(|r| predictions.iter().any(|p| p.id == r.prediction_id)).cloned().collect();
            Shown { study, patient: patient.clone(), images, predictions, reviews }
        };
        Ok(studies.into_iter().map(of_study).collect())
    }

    /// The latest results that a person asked for, with study and patient.
    pub(crate) async fn latest(
        &self,
        who: &Person,
        limit: u64,
    ) -> Result<Vec<(prediction::Model, study::Model, Patient, Option<review::Model>)>, StoreError> {
        let predictions = prediction::Entity::find()
            .filter(prediction::Column::AskedBy.eq(who.id))
            .order_by_desc(prediction::Column::CreatedAt)
            .limit(limit)
            .all(self.db())
            .await?;
        let images = image::Entity::find()
            .filter(image::Column::Id.is_in(predictions.iter().map(|p| p.image_id)))
            .all(self.db())
            .await?;
        let studies = study::Entity::find()
            .filter(study::Column::Id.is_in(images.iter().map(|i| i.study_id)))
            .all(self.db())
            .await?;
        let patients = patient::Entity::find()
            .filter(patient::Column::Id.is_in(studies.iter().map(|s| s.patient_id)))
            .filter(patient::Column::CircleId.is_in(who.circles()))
            .filter(patient::Column::DeletedAt.is_null())
            .all(self.db())
            .await?;
        let reviews = review::Entity::find()
            .filter(review::Column::PredictionId.is_in(predictions.iter().map(|p| p.id)))
            .filter(review::Column::Verdict.ne(Verdict::Impression))
            .order_by_desc(review::Column::CreatedAt)
            .all(self.db())
            .await?;
        let with_all = |p: prediction::Model| {
            let image = images.iter().find(|i| i.id == p.image_id)?;
            let study = studies.iter().find(|s| s.id == image.study_id)?;
            let patient = patients.iter().find(|x| x.id == study.patient_id)?;
            let review = reviews.iter().find(|r| r.prediction_id == p.id).cloned();
            Some((p, study.clone(), patient.clone(), review))
        };
        Ok(predictions.into_iter().filter_map(with_all).collect())
    }

    /// Moves a study that was filed under the wrong patient.
    pub(crate) async fn move_study(&self, who: &Person, id: Uuid, to: Uuid) -> Result<(), StoreError> {
        let study = study::Entity::find_by_id(id).one(self.db()).await?.ok_or(StoreError::Missing)?;
        let from = self.patient(who, study.patient_id).await?;
        let to = self.patient(who, to).await?;
        if from.id == to.id {
            return Err(StoreError::Missing);
        }
        let mut change = self.change().await?;
        let mut row = study.into_active_model();
        row.patient_id = Set(to.id);
        row.update(change.tx()).await?;
        let to_id = to.id;
        let mut row = to.into_active_model();
        row.changed_at = Set(clock::now());
        row.update(change.tx()).await?;
        change.note(Entry::by(who.id, "study.move-from").of(id).patient(from.id));
        change.note(Entry::by(who.id, "study.move-to").of(id).patient(to_id));
        change.commit().await
    }

    /// Takes down what a physician says about a result.
    pub(crate) async fn review(
        &self,
        who: &Person,
        prediction: Uuid,
        verdict: Verdict,
        label: Option<String>,
        comment: &str,
    ) -> Result<(), StoreError> {
        let (prediction, patient) = self.prediction(who, prediction).await?;
        if prediction.state != State::Done {
            return Err(StoreError::Missing);
        }
        let label = if verdict == Verdict::Approved { prediction.class.clone() } else { label };
        let mut change = self.change().await?;
        let row = review::ActiveModel {
            id: Set(Uuid::now_v7()),
            prediction_id: Set(prediction.id),
            person_id: Set(who.id),
            verdict: Set(verdict),
            label: Set(label),
            comment: Set(lines(comment).chars().take(4000).collect()),
            created_at: Set(clock::now()),
        };
        row.insert(change.tx()).await?;
        let action = match verdict {
            Verdict::Impression => "prediction.impression",
            Verdict::Approved => "prediction.approve",
            Verdict::Contested => "prediction.contest",
        };
        change.note(Entry::by(who.id, action).of(prediction.id).patient(patient.id));
        change.commit().await
    }
}

async fn queue<C: sea_orm::ConnectionTrait>(
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
