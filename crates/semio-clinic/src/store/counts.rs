//! How much there is: figures for the system's page and for machines.

use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{
    Store, StoreError,
    entity::{
        patient, picture,
        prediction::{self, State},
        session,
    },
};

/// How much there is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) patients: u64,
    pub(crate) pictures: u64,
    pub(crate) queued: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) refused: u64,
    pub(crate) unsure: u64,
    pub(crate) sessions: u64,
}

impl Store {
    /// Counts.
    pub(crate) async fn counts(&self) -> Result<Counts, StoreError> {
        let of = |state: State| prediction::Entity::find().filter(prediction::Column::State.eq(state));
        let outcome = |name: &'static str| of(State::Done).filter(prediction::Column::Outcome.eq(name));
        Ok(Counts {
            patients: patient::Entity::find().filter(patient::Column::DeletedAt.is_null()).count(&self.db).await?,
            pictures: picture::Entity::find().count(&self.db).await?,
            queued: of(State::Queued).count(&self.db).await?,
            done: of(State::Done).count(&self.db).await?,
            failed: of(State::Failed).count(&self.db).await?,
            refused: outcome("refused").count(&self.db).await?,
            unsure: outcome("unsure").count(&self.db).await?,
            sessions: session::Entity::find().count(&self.db).await?,
        })
    }
}
