//! Who sees a record, and whether it still stands when a change begins.

use sea_orm::{ColumnTrait, Condition, EntityTrait, QuerySelect};
use uuid::Uuid;

use crate::store::{
    Change, StoreError,
    entity::{patient, patient::Model as Patient, person::Model as Person},
};

/// The records that a person sees: the same as [`Person::sees`].
pub(super) fn visible(who: &Person) -> Condition {
    Condition::any().add(patient::Column::CircleId.is_in(who.circles())).add(patient::Column::OwnerId.eq(who.id))
}

/// A record as it stands now, kept from other changes until this one ends.
///
/// # Errors
/// [`StoreError::Gone`] where it was deleted, merged or withdrawn from the person since it was looked at.
pub(super) async fn standing(change: &Change, who: &Person, id: Uuid) -> Result<Patient, StoreError> {
    let found = patient::Entity::find_by_id(id).lock_exclusive().one(change.tx()).await?;
    found.filter(|patient| patient.deleted_at.is_none() && who.sees(patient)).ok_or(StoreError::Gone)
}

/// Two records likewise, taken in an order that everybody keeps to: otherwise two people could wait for each other.
pub(super) async fn both_standing(
    change: &Change,
    who: &Person,
    one: Uuid,
    other: Uuid,
) -> Result<(Patient, Patient), StoreError> {
    let first = standing(change, who, one.min(other)).await?;
    let second = standing(change, who, one.max(other)).await?;
    Ok(if first.id == one { (first, second) } else { (second, first) })
}

/// Whether a person may bring what a record holds into another: only who made a shared record decides who sees it.
///
/// # Errors
/// [`StoreError::Shared`].
pub(super) fn may_go(who: &Person, from: &Patient, to: &Patient) -> Result<(), StoreError> {
    let same = from.circle_id == to.circle_id || from.owner_id == who.id;
    if same { Ok(()) } else { Err(StoreError::Shared) }
}
