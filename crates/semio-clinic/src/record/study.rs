//! Studies, their pictures, the results, and what physicians say about them.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::right::{both_standing, may_go, visible};
use crate::{
    account::lines,
    audit::Entry,
    clock,
    store::{
        Store, StoreError,
        entity::{
            image,
            patient::{self, Model as Patient},
            person::Model as Person,
            prediction::{self, State},
            review::{self, Verdict},
            study,
        },
    },
};

/// Studies of a patient on a page.
const SHOWN: u64 = 500;
/// Studies that are read at once where all are wanted.
const PORTION: u64 = 200;

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

/// A result that a person asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) prediction: prediction::Model,
    pub(crate) study: study::Model,
    pub(crate) patient: Patient,
    /// Whether anybody approved or contested it.
    pub(crate) is_judged: bool,
    /// Whether the person said anything about it.
    pub(crate) own_word: bool,
}

impl Store {
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

    /// The latest studies of a patient, as many as a page shows.
    pub(crate) async fn studies(&self, patient: &Patient) -> Result<Vec<Shown>, StoreError> {
        let studies = study::Entity::find()
            .filter(study::Column::PatientId.eq(patient.id))
            .order_by_desc(study::Column::TakenOn)
            .limit(SHOWN)
            .all(self.db())
            .await?;
        let mut shown = self.shown(studies, patient).await?;
        shown.sort_by_key(|s| std::cmp::Reverse((s.study.taken_on, s.study.created_at)));
        Ok(shown)
    }

    /// All studies of a patient, however many, the latest first.
    pub(crate) async fn every_study(&self, patient: &Patient) -> Result<Vec<Shown>, StoreError> {
        let (mut all, mut last): (Vec<Shown>, Option<Uuid>) = (vec![], None);
        loop {
            let mut query = study::Entity::find().filter(study::Column::PatientId.eq(patient.id));
            if let Some(last) = last {
                query = query.filter(study::Column::Id.gt(last));
            }
            let portion = query.order_by_asc(study::Column::Id).limit(PORTION).all(self.db()).await?;
            last = portion.last().map(|study| study.id);
            if last.is_none() {
                break;
            }
            all.extend(self.shown(portion, patient).await?);
        }
        all.sort_by_key(|s| std::cmp::Reverse((s.study.taken_on, s.study.created_at)));
        Ok(all)
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
    pub(crate) async fn latest(&self, who: &Person, limit: u64) -> Result<Vec<Asked>, StoreError> {
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
            .filter(visible(who))
            .filter(patient::Column::DeletedAt.is_null())
            .all(self.db())
            .await?;
        let reviews = review::Entity::find()
            .filter(review::Column::PredictionId.is_in(predictions.iter().map(|p| p.id)))
            .all(self.db())
            .await?;
        let with_all = |prediction: prediction::Model| {
            let image = images.iter().find(|i| i.id == prediction.image_id)?;
            let study = studies.iter().find(|s| s.id == image.study_id)?.clone();
            let patient = patients.iter().find(|x| x.id == study.patient_id)?.clone();
            let said = || reviews.iter().filter(|r| r.prediction_id == prediction.id);
            let is_judged = said().any(|r| r.verdict != Verdict::Impression);
            let own_word = said().any(|r| r.person_id == who.id);
            Some(Asked { prediction, study, patient, is_judged, own_word })
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
        let (from, to) = both_standing(&change, who, from.id, to.id).await?;
        may_go(who, &from, &to)?;
        // Not where it was meanwhile moved or merged elsewhere.
        let moved = study::Entity::update_many()
            .col_expr(study::Column::PatientId, to.id.into())
            .filter(study::Column::Id.eq(id))
            .filter(study::Column::PatientId.eq(from.id))
            .exec(change.tx())
            .await?;
        if moved.rows_affected == 0 {
            return Err(StoreError::Gone);
        }
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
