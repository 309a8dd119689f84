//! A patient's record: made, changed, shared, deleted, restored, merged, erased.

use chrono::NaiveDate;
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, IntoActiveModel, ModelTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::{
    ins::ins,
    key::fold,
    right::{both_standing, may_go, visible},
};
use crate::{
    account::{Fault, Faults, Field, FormError, lines, one_line},
    audit::Entry,
    clock,
    store::{
        Change, Store, StoreError,
        entity::{
            course, identifier, image, patient,
            patient::{Model as Patient, Sex},
            person::Model as Person,
            prediction, review, study,
        },
    },
};

/// What a person types about a patient.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct PatientForm {
    pub(crate) family_name: String,
    pub(crate) given_name: String,
    pub(crate) sex: String,
    /// Year-month-day, as browsers send it.
    pub(crate) birth_date: String,
    /// The clinic's own number; may be empty.
    pub(crate) identifier: String,
    /// The number of the national health identity; may be empty.
    pub(crate) ins: String,
    pub(crate) note: String,
    /// `on` where the team shall see the record.
    pub(crate) shared: String,
}

struct Checked {
    family_name: String,
    given_name: String,
    sex: Sex,
    birth_date: NaiveDate,
    identifier: Option<String>,
    ins: Option<String>,
    note: String,
}

impl PatientForm {
    /// The form as it stands in a record.
    pub(crate) fn of(patient: &Patient, numbers: Numbers, who: &Person) -> Self {
        Self {
            family_name: patient.family_name.clone(),
            given_name: patient.given_name.clone(),
            sex: patient.sex.name().into(),
            birth_date: patient.birth_date.to_string(),
            identifier: numbers.own.unwrap_or_default(),
            ins: numbers.ins.unwrap_or_default(),
            note: patient.note.clone(),
            shared: if Some(patient.circle_id) == who.team_id { "on".into() } else { String::new() },
        }
    }

    /// Whether a record can be made of it.
    pub(crate) fn is_enough(&self) -> bool {
        self.check().is_ok()
    }

    fn check(&self) -> Result<Checked, Faults> {
        let mut faults = Faults::default();
        let family_name = faults.take(Field::FamilyName, one_line(&self.family_name, 200));
        let given_name = faults.take(Field::GivenName, one_line(&self.given_name, 200));
        let sex = faults.take(Field::Sex, Sex::from_name(&self.sex).ok_or(Fault::Empty));
        let birth_date = faults.take(Field::BirthDate, birth_date(&self.birth_date));
        let identifier = match self.identifier.trim() {
            "" => Some(None),
            typed => faults.take(Field::Identifier, one_line(typed, 64)).map(Some),
        };
        let ins = faults.take(Field::Ins, ins(&self.ins));
        let note = lines(&self.note);
        let short = if note.chars().count() > 2000 { Err(Fault::TooLong) } else { Ok(note) };
        let note = faults.take(Field::Note, short);
        match (family_name, given_name, sex, birth_date, identifier, ins, note) {
            (
                Some(family_name),
                Some(given_name),
                Some(sex),
                Some(birth_date),
                Some(identifier),
                Some(ins),
                Some(note),
            ) => Ok(Checked { family_name, given_name, sex, birth_date, identifier, ins, note }),
            _ => Err(faults),
        }
    }
}

fn birth_date(typed: &str) -> Result<NaiveDate, Fault> {
    if typed.trim().is_empty() {
        return Err(Fault::Empty);
    }
    let date: NaiveDate = typed.trim().parse().map_err(|_| Fault::Form)?;
    match () {
        () if date > clock::today() => Err(Fault::Future),
        () if clock::years(date, clock::today()) > 130 => Err(Fault::TooOld),
        () => Ok(date),
    }
}

/// The scheme of the clinic's own numbers.
const LOCAL: &str = "local";
/// The scheme of the French national health identity.
const INS: &str = "ins";
/// What the scheme of a number begins with that a merged record had, before that record's identity.
const EARLIER: &str = "earlier:";

/// What the clinic calls a patient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// The number in the form.
    pub(crate) own: Option<String>,
    /// The number of the national health identity.
    pub(crate) ins: Option<String>,
    /// Those of records that were merged into this one: files and letters still name them.
    pub(crate) earlier: Vec<String>,
}

impl Numbers {
    /// What the clinic itself calls or called the patient.
    pub(crate) fn local(&self) -> Option<&str> {
        self.own.iter().chain(&self.earlier).map(String::as_str).next()
    }

    /// All of them, the own one first.
    pub(crate) fn all(&self) -> impl Iterator<Item = &str> {
        self.own.iter().chain(&self.ins).chain(&self.earlier).map(String::as_str)
    }
}

impl Store {
    /// Makes a record.
    pub(crate) async fn add_patient(&self, who: &Person, form: &PatientForm) -> Result<Patient, FormError> {
        let checked = form.check().map_err(FormError::Fields)?;
        let (id, now) = (Uuid::now_v7(), clock::now());
        let mut change = self.change().await?;
        let row = patient::ActiveModel {
            id: Set(id),
            circle_id: Set(circle(who, form)),
            owner_id: Set(who.id),
            family_key: Set(fold(&format!("{} {}", checked.family_name, checked.given_name))),
            given_key: Set(fold(&format!("{} {}", checked.given_name, checked.family_name))),
            family_name: Set(checked.family_name),
            given_name: Set(checked.given_name),
            sex: Set(checked.sex),
            birth_date: Set(checked.birth_date),
            note: Set(checked.note),
            created_at: Set(now),
            changed_at: Set(now),
            deleted_at: NotSet,
            merged_into: NotSet,
        };
        let patient = row.insert(change.tx()).await?;
        set_identifier(&change, id, LOCAL, checked.identifier).await?;
        set_identifier(&change, id, INS, checked.ins).await?;
        change.note(Entry::by(who.id, "patient.add").of(id).patient(id));
        change.commit().await?;
        Ok(patient)
    }

    /// Changes a record.
    pub(crate) async fn edit_patient(&self, who: &Person, id: Uuid, form: &PatientForm) -> Result<Patient, FormError> {
        let patient = self.patient(who, id).await?;
        let checked = form.check().map_err(FormError::Fields)?;
        // Only who made the record decides who shares it. In a team that its owner left it stays until the owner shares it
        // with another: the form has no box for that team.
        let left = patient.circle_id != who.id && Some(patient.circle_id) != who.team_id;
        let stays = patient.owner_id != who.id || (left && form.shared.is_empty());
        let circle = if stays { patient.circle_id } else { circle(who, form) };
        let mut change = self.change().await?;
        let mut row = patient.into_active_model();
        row.circle_id = Set(circle);
        row.family_key = Set(fold(&format!("{} {}", checked.family_name, checked.given_name)));
        row.given_key = Set(fold(&format!("{} {}", checked.given_name, checked.family_name)));
        row.family_name = Set(checked.family_name);
        row.given_name = Set(checked.given_name);
        row.sex = Set(checked.sex);
        row.birth_date = Set(checked.birth_date);
        row.note = Set(checked.note);
        row.changed_at = Set(clock::now());
        let patient = row.update(change.tx()).await?;
        set_identifier(&change, id, LOCAL, checked.identifier).await?;
        set_identifier(&change, id, INS, checked.ins).await?;
        change.note(Entry::by(who.id, "patient.edit").of(id).patient(id));
        change.commit().await?;
        Ok(patient)
    }

    /// Finds a record that this person may see, and that is not deleted.
    pub(crate) async fn patient(&self, who: &Person, id: Uuid) -> Result<Patient, StoreError> {
        let patient = self.patient_or_deleted(who, id).await?;
        if patient.deleted_at.is_some() { Err(StoreError::Missing) } else { Ok(patient) }
    }

    /// The same, deleted or not.
    pub(crate) async fn patient_or_deleted(&self, who: &Person, id: Uuid) -> Result<Patient, StoreError> {
        patient::Entity::find_by_id(id).filter(visible(who)).one(self.db()).await?.ok_or(StoreError::Missing)
    }

    /// The clinic's own numbers of a patient.
    pub(crate) async fn numbers(&self, patient: Uuid) -> Result<Numbers, StoreError> {
        let found = identifier::Entity::find()
            .filter(identifier::Column::PatientId.eq(patient))
            .order_by_asc(identifier::Column::Id)
            .all(self.db())
            .await?;
        let mut numbers = Numbers::default();
        for number in found {
            match number.scheme.as_str() {
                LOCAL => numbers.own = Some(number.value),
                INS => numbers.ins = Some(number.value),
                _ => numbers.earlier.push(number.value),
            }
        }
        Ok(numbers)
    }

    /// The record of the person's own that has this number of the clinic.
    pub(crate) async fn patient_of_number(&self, who: &Person, value: &str) -> Result<Option<Patient>, StoreError> {
        let numbers = identifier::Entity::find()
            .filter(identifier::Column::Value.eq(value))
            .filter(identifier::Column::Scheme.eq(LOCAL))
            .all(self.db())
            .await?;
        let found = patient::Entity::find()
            .filter(patient::Column::Id.is_in(numbers.iter().map(|number| number.patient_id)))
            .filter(patient::Column::OwnerId.eq(who.id))
            .filter(patient::Column::DeletedAt.is_null());
        Ok(found.one(self.db()).await?)
    }

    /// Deletes a record so that it can be restored, or restores it.
    pub(crate) async fn delete_patient(&self, who: &Person, id: Uuid, deleted: bool) -> Result<(), StoreError> {
        let patient = self.patient_or_deleted(who, id).await?;
        if patient.merged_into.is_some() {
            return Err(StoreError::Missing);
        }
        let mut change = self.change().await?;
        let mut row = patient.into_active_model();
        row.deleted_at = Set(deleted.then(clock::now));
        row.update(change.tx()).await?;
        let action = if deleted { "patient.delete" } else { "patient.restore" };
        change.note(Entry::by(who.id, action).of(id).patient(id));
        change.commit().await
    }

    /// Brings two records of one person together: studies and courses go to `into`, and `from` is kept as a pointer to it.
    pub(crate) async fn merge_patients(&self, who: &Person, from: Uuid, into: Uuid) -> Result<(), StoreError> {
        if from == into {
            return Err(StoreError::Missing);
        }
        let (from, into) = (self.patient(who, from).await?.id, self.patient(who, into).await?.id);
        let mut change = self.change().await?;
        // Whoever files a picture under one of them waits, and then finds what it became.
        let (from, into) = both_standing(&change, who, from, into).await?;
        may_go(who, &from, &into)?;
        let (from_id, now) = (from.id, clock::now());
        let moved = study::Entity::update_many()
            .col_expr(study::Column::PatientId, into.id.into())
            .filter(study::Column::PatientId.eq(from_id))
            .exec(change.tx())
            .await?;
        course::Entity::update_many()
            .col_expr(course::Column::PatientId, into.id.into())
            .filter(course::Column::PatientId.eq(from_id))
            .exec(change.tx())
            .await?;
        carry_numbers(&change, from_id, into.id).await?;
        let mut row = from.into_active_model();
        row.deleted_at = Set(Some(now));
        row.merged_into = Set(Some(into.id));
        row.update(change.tx()).await?;
        let into_id = into.id;
        let mut row = into.into_active_model();
        row.changed_at = Set(now);
        row.update(change.tx()).await?;
        let moved = moved.rows_affected.to_string();
        change.note(Entry::by(who.id, "patient.merge").of(into_id).patient(from_id).detail(moved.clone()));
        change.note(Entry::by(who.id, "patient.merge").of(from_id).patient(into_id).detail(moved));
        change.commit().await
    }

    /// Takes a record out for good, with studies, results and reviews. The trail keeps that it was there. Gives the
    /// hashes of files that nothing refers to any more.
    pub(crate) async fn erase_patient(&self, who: &Person, id: Uuid) -> Result<Vec<String>, StoreError> {
        let patient = self.patient_or_deleted(who, id).await?;
        if patient.owner_id != who.id || patient.deleted_at.is_none() {
            return Err(StoreError::Missing);
        }
        let mut change = self.change().await?;
        let files = erase(&change, id).await?;
        change.note(Entry::by(who.id, "patient.erase").of(id).patient(id));
        change.commit().await?;
        Ok(files)
    }

    /// Takes out for good one record that was deleted before that time. Gives the hashes of files that nothing refers to
    /// any more; `None` where there is no such record.
    pub(crate) async fn erase_overdue(&self, before: i64) -> Result<Option<Vec<String>>, StoreError> {
        loop {
            let overdue = patient::Entity::find()
                .filter(patient::Column::DeletedAt.lt(before))
                .order_by_asc(patient::Column::DeletedAt)
                .one(self.db())
                .await?;
            let Some(Patient { id, .. }) = overdue else { return Ok(None) };
            let mut change = self.change().await?;
            // Whoever restores it meanwhile keeps it.
            let still = patient::Entity::find_by_id(id).lock_exclusive().one(change.tx()).await?;
            if still.is_none_or(|patient| patient.deleted_at.is_none_or(|at| at >= before)) {
                continue;
            }
            let files = erase(&change, id).await?;
            change.note(Entry::by_nobody("patient.erase").of(id).patient(id).detail("overdue"));
            change.commit().await?;
            return Ok(Some(files));
        }
    }
}

/// Whose members see the record.
fn circle(who: &Person, form: &PatientForm) -> Uuid {
    who.team_id.filter(|_| !form.shared.is_empty()).unwrap_or(who.id)
}

async fn set_identifier(change: &Change, patient: Uuid, scheme: &str, value: Option<String>) -> Result<(), StoreError> {
    identifier::Entity::delete_many()
        .filter(identifier::Column::PatientId.eq(patient))
        .filter(identifier::Column::Scheme.eq(scheme))
        .exec(change.tx())
        .await?;
    if let Some(value) = value {
        let row = identifier::ActiveModel {
            id: Set(Uuid::now_v7()),
            patient_id: Set(patient),
            scheme: Set(scheme.into()),
            value: Set(value),
        };
        row.insert(change.tx()).await?;
    }
    Ok(())
}

/// Gives the numbers of a record to the one that it becomes. The clinic's number there stays the one in the form.
async fn carry_numbers(change: &Change, from: Uuid, into: Uuid) -> Result<(), StoreError> {
    let of = |patient: Uuid| identifier::Entity::find().filter(identifier::Column::PatientId.eq(patient));
    let there = of(into).all(change.tx()).await?;
    for number in of(from).all(change.tx()).await? {
        if there.iter().any(|known| known.value == number.value) {
            number.delete(change.tx()).await?;
            continue;
        }
        let taken = there.iter().any(|known| known.scheme == number.scheme);
        let scheme = if taken { format!("{EARLIER}{}", from.simple()) } else { number.scheme.clone() };
        let mut row = number.into_active_model();
        row.patient_id = Set(into);
        row.scheme = Set(scheme);
        row.update(change.tx()).await?;
    }
    Ok(())
}

async fn erase(change: &Change, id: Uuid) -> Result<Vec<String>, StoreError> {
    let tx = change.tx();
    let studies =
        || study::Entity::find().select_only().column(study::Column::Id).filter(study::Column::PatientId.eq(id));
    let images =
        image::Entity::find().filter(image::Column::StudyId.in_subquery(studies().into_query())).all(tx).await?;
    let image_ids: Vec<Uuid> = images.iter().map(|i| i.id).collect();
    // In portions: databases bound the number of values in one statement.
    for ids in image_ids.chunks(500) {
        let predictions: Vec<Uuid> = prediction::Entity::find()
            .select_only()
            .column(prediction::Column::Id)
            .filter(prediction::Column::ImageId.is_in(ids.to_vec()))
            .into_tuple()
            .all(tx)
            .await?;
        for ids in predictions.chunks(500) {
            review::Entity::delete_many().filter(review::Column::PredictionId.is_in(ids.to_vec())).exec(tx).await?;
            prediction::Entity::delete_many().filter(prediction::Column::Id.is_in(ids.to_vec())).exec(tx).await?;
        }
        image::Entity::delete_many().filter(image::Column::Id.is_in(ids.to_vec())).exec(tx).await?;
    }
    study::Entity::delete_many().filter(study::Column::PatientId.eq(id)).exec(tx).await?;
    patient::Entity::update_many()
        .col_expr(patient::Column::MergedInto, Option::<Uuid>::None.into())
        .filter(patient::Column::MergedInto.eq(id))
        .exec(tx)
        .await?;
    patient::Entity::delete_by_id(id).exec(tx).await?;
    let mut orphans = vec![];
    for picture in images.into_iter().map(|i| i.picture_sha256).collect::<std::collections::BTreeSet<_>>() {
        let used = image::Entity::find().filter(image::Column::PictureSha256.eq(&picture)).one(tx).await?;
        if used.is_none() {
            crate::store::entity::picture::Entity::delete_by_id(picture.clone()).exec(tx).await?;
            orphans.push(picture);
        }
    }
    Ok(orphans)
}
