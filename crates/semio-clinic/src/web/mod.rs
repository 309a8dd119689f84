//! Pages and the API.

mod api;
mod assets;
mod error;
mod form;
mod guard;
mod headers;
mod limit;
mod openings;
mod page;
mod pages;
mod route;

use std::{ops::Deref, sync::Arc};

use axum::Router;

pub use api::api_table;
pub use assets::has_front_end;
pub(crate) use error::{Answer, Problem};
pub(crate) use guard::Visit;
pub(crate) use page::Page;
pub(crate) use pages::archive::UNFINISHED;
pub use route::route_table;

use crate::{config::Config, models::Models, pictures::Pictures, reader::Readers, store::Store};

/// Uploads that are received at the same time.
const UPLOADS: usize = 4;

/// What every handler can reach.
#[derive(Clone)]
pub struct App(Arc<Parts>);

/// The parts of the app.
pub struct Parts {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) pictures: Pictures,
    pub(crate) models: Arc<Models>,
    pub(crate) readers: Readers,
    pub(crate) tries: limit::Tries,
    pub(crate) openings: openings::Openings,
    /// Turns of uploads: what is being received lies in memory.
    pub(crate) uploads: tokio::sync::Semaphore,
    /// One decision about a held file at a time.
    pub(crate) decisions: tokio::sync::Mutex<()>,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Puts the parts together and starts the readers.
    ///
    /// # Errors
    /// [`crate::store::StoreError`] where the records do not answer.
    pub async fn start(
        config: Config,
        store: Store,
        pictures: Pictures,
        models: Arc<Models>,
    ) -> Result<Self, crate::store::StoreError> {
        let readers = Readers::start(store.clone(), pictures.clone(), Arc::clone(&models), config.readers).await?;
        Ok(Self(Arc::new(Parts {
            config,
            store,
            pictures,
            models,
            readers,
            tries: limit::Tries::default(),
            openings: openings::Openings::default(),
            uploads: tokio::sync::Semaphore::new(UPLOADS),
            decisions: tokio::sync::Mutex::default(),
        })))
    }

    /// The address in the browser.
    pub fn address(&self) -> String {
        self.config.address()
    }

    /// Whether anybody has an account.
    ///
    /// # Errors
    /// [`crate::store::StoreError`] where the records do not answer.
    pub async fn has_people(&self) -> Result<bool, crate::store::StoreError> {
        self.store.has_people().await
    }

    /// The service: all routes with everything around them.
    pub fn router(&self) -> Router {
        route::router(self)
    }

    /// The ends of the audit trail that were written down.
    pub(crate) fn audit_heads(&self) -> Result<Vec<crate::audit::Head>, crate::audit::HeadsFault> {
        crate::audit::read_heads(&self.config.audit_heads())
    }

    /// Makes an account that is confirmed at once.
    ///
    /// # Errors
    /// [`crate::NewAccountError`] says which values are not as they should be.
    pub async fn add_account(
        &self,
        account: crate::NewAccount,
        register: &crate::Register,
        strength: crate::Strength,
    ) -> Result<uuid::Uuid, crate::NewAccountError> {
        self.store.add_account(account, register, strength).await
    }

    /// Whose account has this e-mail address.
    ///
    /// # Errors
    /// [`crate::store::StoreError`] where the records do not answer.
    pub async fn account_of(&self, email: &str) -> Result<Option<uuid::Uuid>, crate::store::StoreError> {
        Ok(self.store.person_by_email(email).await?.map(|person| person.id))
    }

    /// Ends the readings under way; those that wait are done after the next start.
    pub async fn stop(&self) {
        self.readers.stop().await;
    }
}
