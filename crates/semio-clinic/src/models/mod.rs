//! Bundles below the folder of models: found, sent, activated, opened.

mod incoming;

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

pub(crate) use incoming::{Refusal, folder_name};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, QuerySelect,
};
use semio_model::{BundleError, Device, Manifest, Predictor, hex_sha256};
use uuid::Uuid;

use crate::{
    audit::Entry,
    clock,
    store::{
        Store, StoreError,
        entity::{
            model::{self, Model, State},
            person::Model as Person,
        },
    },
};

/// The bundles, and those of them that are open.
pub struct Models {
    folder: PathBuf,
    open: Mutex<HashMap<String, Arc<Predictor>>>,
    /// One search of the folder at a time: two could each make their first bundle of a job active.
    looking: tokio::sync::Mutex<()>,
}

/// Why a bundle cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The bundle cannot be read.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// Another bundle lies where it lay.
    #[error("the bundle in {0} was replaced; look for models again, and activate the new one")]
    Replaced(String),
    /// The records do not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an archive that was sent is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Sent {
    /// The archive itself.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The bundle in it.
    #[error("{0}")]
    Unreadable(String),
    /// There is a model of that job and name.
    #[error("there is a model of that job and name")]
    Taken,
    /// The bundle is there already.
    #[error("this bundle is there already")]
    Known,
    /// The records do not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sea_orm::DbErr> for Sent {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.into())
    }
}

/// A bundle that becomes a model.
struct Bundled {
    sha256: String,
    folder: String,
    job: String,
    name: String,
}

/// What a search of the folder brought.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Bundles that are new.
    pub new: usize,
    /// Folders that hold a `bundle.json` that cannot be read, with the reason.
    pub unreadable: Vec<(String, String)>,
}

/// A file in the folder of a model that was sent, until its row is written.
const SENT: &str = ".sent";

/// How deep bundles may lie: `job/name/bundle`.
const DEPTH: usize = 4;

impl Models {
    /// The bundles below a folder.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.into(), open: Mutex::default(), looking: tokio::sync::Mutex::default() }
    }

    /// Looks for bundles that are not known yet. A job's first bundle becomes active: nobody has to know that models
    /// are activated before the first picture is read.
    ///
    /// # Errors
    /// [`StoreError`] where the records do not answer. A bundle that cannot be read is part of the result.
    ///
    /// # Panics
    /// Where the runtime ends meanwhile.
    pub async fn look(&self, store: &Store, by: Option<Uuid>) -> Result<Found, StoreError> {
        let _turn = self.looking.lock().await;
        let mut found = Found::default();
        let mut folders = vec![];
        walk(&self.folder, DEPTH, &mut folders);
        for folder in folders {
            let name = folder.strip_prefix(&self.folder).unwrap_or(&folder).display().to_string();
            let opened = {
                let folder = folder.clone();
                tokio::task::spawn_blocking(move || manifest(&folder)).await.expect("reading does not panic")
            };
            let (sha256, _) = match opened {
                Ok(opened) => opened,
                Err(reason) => {
                    found.unreadable.push((name, reason));
                    continue;
                }
            };
            let known = model::Entity::find().filter(model::Column::BundleSha256.eq(&sha256)).one(store.db()).await?;
            if let Some(known) = known {
                if known.folder != name {
                    let mut row = known.into_active_model();
                    row.folder = Set(name);
                    row.update(store.db()).await?;
                }
                continue;
            }
            let (job, title) = job_and_name(&name);
            let active = store.active_model(&job).await?.is_none() && !self.was_sent(&folder);
            store.add_model(by, Bundled { sha256, folder: name, job, name: title }, active).await?;
            found.new += 1;
        }
        Ok(found)
    }

    /// Takes an archive that was sent: the bundle in it becomes a waiting model of that job and name. Gives the model.
    ///
    /// # Errors
    /// [`Sent`] says what is wrong with it. The archive stays where it is, and nothing else is left of it.
    pub(crate) async fn take(
        &self,
        store: &Store,
        by: Uuid,
        archive: PathBuf,
        job: &str,
        name: &str,
        most_bytes: u64,
    ) -> Result<Uuid, Sent> {
        let place = self.folder.join(job).join(name);
        if place.exists() {
            return Err(Sent::Taken);
        }
        fs::create_dir_all(&self.folder).map_err(Refusal::from)?;
        // Hidden, so that a search of the folder does not find it half unpacked.
        let scratch = tempfile::Builder::new().prefix(".incoming-").tempdir_in(&self.folder).map_err(Refusal::from)?;
        let into = scratch.path().to_owned();
        let looked = tokio::task::spawn_blocking(move || -> Result<_, Sent> {
            let (root, bundle) = incoming::unpack(&archive, &into, most_bytes)?;
            let (sha256, _) = manifest(&bundle).map_err(Sent::Unreadable)?;
            Ok((root, bundle, sha256))
        });
        let (root, bundle, sha256) = looked.await.map_err(|_| Sent::Unreadable("the reader broke off".into()))??;
        if model::Entity::find().filter(model::Column::BundleSha256.eq(&sha256)).one(store.db()).await?.is_some() {
            return Err(Sent::Known);
        }
        fs::create_dir_all(self.folder.join(job)).map_err(Refusal::from)?;
        // A program that is killed before the row is written finds the bundle at its next start, and must know that it was
        // sent: it waits for an administrator.
        fs::write(root.join(SENT), "").map_err(Refusal::from)?;
        fs::rename(&root, &place).map_err(Refusal::from)?;
        let below = bundle.strip_prefix(&root).map_or_else(|_| place.clone(), |below| place.join(below));
        let folder = below.strip_prefix(&self.folder).unwrap_or(&below).display().to_string();
        let folder = folder.trim_end_matches('/').to_owned();
        let bundled = Bundled { sha256, folder, job: job.into(), name: name.into() };
        let id = store.add_model(Some(by), bundled, false).await?;
        let _ = fs::remove_file(place.join(SENT));
        Ok(id)
    }

    /// Whether a bundle came in an archive whose row was not written.
    fn was_sent(&self, bundle: &Path) -> bool {
        bundle.ancestors().take_while(|folder| *folder != self.folder).any(|folder| folder.join(SENT).exists())
    }

    /// Opens a model's bundle; once opened it stays so.
    ///
    /// # Errors
    /// [`ModelError`] where it is not whole, or not the one that was activated.
    pub(crate) fn open(&self, model: &Model) -> Result<Arc<Predictor>, ModelError> {
        if let Some(open) = self.lock().get(&model.bundle_sha256) {
            return Ok(Arc::clone(open));
        }
        let folder = self.folder.join(&model.folder);
        let json = fs::read(folder.join("bundle.json")).map_err(|source| BundleError::File {
            action: "read",
            path: folder.clone(),
            source,
        })?;
        if hex_sha256(&json) != model.bundle_sha256 {
            return Err(ModelError::Replaced(model.folder.clone()));
        }
        let predictor = Arc::new(Predictor::open(&folder, &Device::flex())?);
        self.lock().insert(model.bundle_sha256.clone(), Arc::clone(&predictor));
        Ok(predictor)
    }

    /// What a model's bundle says of itself, without its weights.
    ///
    /// # Errors
    /// [`ModelError`] where it is not there, or not the one that was found.
    pub(crate) fn manifest(&self, model: &Model) -> Result<Manifest, ModelError> {
        let path = self.folder.join(&model.folder).join("bundle.json");
        let json = fs::read(&path).map_err(|source| BundleError::File { action: "read", path, source })?;
        let replaced = || ModelError::Replaced(model.folder.clone());
        if hex_sha256(&json) != model.bundle_sha256 {
            return Err(replaced());
        }
        serde_json::from_slice(&json).map_err(|_| replaced())
    }

    /// The folder of a model.
    pub(crate) fn folder_of(&self, model: &Model) -> PathBuf {
        self.folder.join(&model.folder)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Predictor>>> {
        self.open.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// SHA-256 of a bundle's pipeline: what results are pinned to beside the bundle.
pub(crate) fn pipeline_hash(manifest: &Manifest) -> String {
    hex_sha256(&serde_json::to_vec(&manifest.pipeline).unwrap_or_default())
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if folder.join("bundle.json").is_file() {
        found.push(folder.into());
        return;
    }
    if depth == 0 {
        return;
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    // Hidden ones are on their way.
    let is_hidden = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|e| e.path()).filter(|p| p.is_dir() && !is_hidden(p)).collect();
    folders.sort();
    for folder in folders {
        walk(&folder, depth - 1, found);
    }
}

/// The bundle's hash, once all of the bundle could be read.
fn manifest(folder: &Path) -> Result<(String, Manifest), String> {
    let json = fs::read(folder.join("bundle.json")).map_err(|e| e.to_string())?;
    let bundle = semio_model::Bundle::read(folder, &Device::flex()).map_err(|e| e.to_string())?;
    if let Some(keep) = bundle.manifest.pipeline.keep() {
        return Err(format!("the model sees what lies {keep} of a mask, and pictures come here without one"));
    }
    Ok((hex_sha256(&json), bundle.manifest))
}

/// `pneumonia/2026-11/bundle` is job `pneumonia`, name `2026-11`; `pneumonia/bundle` is both.
fn job_and_name(folder: &str) -> (String, String) {
    let parts: Vec<&str> = folder.split(['/', '\\']).filter(|p| !p.is_empty() && *p != "bundle").collect();
    let job = parts.first().copied().unwrap_or("model");
    let name = parts.last().copied().unwrap_or(job);
    let short = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    (short(job, 100), short(name, 200))
}

impl Store {
    /// All models, job by job, the latest first.
    pub(crate) async fn models(&self) -> Result<Vec<Model>, StoreError> {
        Ok(model::Entity::find()
            .order_by_asc(model::Column::Job)
            .order_by_desc(model::Column::CreatedAt)
            .all(self.db())
            .await?)
    }

    /// The models that read pictures, one a job.
    pub(crate) async fn active_models(&self) -> Result<Vec<Model>, StoreError> {
        Ok(self.models().await?.into_iter().filter(|m| m.state == State::Active).collect())
    }

    /// The model that reads a job's pictures.
    pub(crate) async fn active_model(&self, job: &str) -> Result<Option<Model>, StoreError> {
        if job.contains(char::is_control) {
            return Ok(None);
        }
        let query =
            model::Entity::find().filter(model::Column::Job.eq(job)).filter(model::Column::State.eq(State::Active));
        Ok(query.one(self.db()).await?)
    }

    /// Finds a model.
    pub(crate) async fn model(&self, id: Uuid) -> Result<Model, StoreError> {
        model::Entity::find_by_id(id).one(self.db()).await?.ok_or(StoreError::Missing)
    }

    /// Makes a model of a bundle that is in its place.
    async fn add_model(&self, by: Option<Uuid>, bundled: Bundled, active: bool) -> Result<Uuid, StoreError> {
        let (id, now) = (Uuid::now_v7(), clock::now());
        let row = model::ActiveModel {
            id: Set(id),
            bundle_sha256: Set(bundled.sha256),
            folder: Set(bundled.folder),
            name: Set(bundled.name),
            job: Set(bundled.job),
            state: Set(if active { State::Active } else { State::Waiting }),
            created_at: Set(now),
            activated_at: Set(active.then_some(now)),
            activated_by: NotSet,
        };
        let mut change = self.change().await?;
        row.insert(change.tx()).await?;
        change.note(Entry { person: by, ..Entry::by_nobody("model.find") }.of(id));
        if active {
            change.note(Entry { person: by, ..Entry::by_nobody("model.activate") }.of(id));
        }
        change.commit().await?;
        Ok(id)
    }

    /// Lets a model read its job's pictures; the one before is retired. Or retires a model.
    pub(crate) async fn set_model_state(&self, who: &Person, id: Uuid, state: State) -> Result<(), StoreError> {
        let model = self.model(id).await?;
        let now = clock::now();
        let mut change = self.change().await?;
        if state == State::Active {
            // Two people may activate two models of a job at the same time: the second waits here for the end of the first,
            // and then retires what the first activated.
            let of_job = model::Entity::find().filter(model::Column::Job.eq(&model.job));
            of_job.order_by_asc(model::Column::Id).lock_exclusive().all(change.tx()).await?;
            model::Entity::update_many()
                .col_expr(model::Column::State, sea_orm::sea_query::Expr::value("retired"))
                .filter(model::Column::Job.eq(&model.job))
                .filter(model::Column::State.eq(State::Active))
                .filter(model::Column::Id.ne(id))
                .exec(change.tx())
                .await?;
        }
        let mut row = model.into_active_model();
        row.state = Set(state);
        if state == State::Active {
            row.activated_at = Set(Some(now));
            row.activated_by = Set(Some(who.id));
        }
        row.update(change.tx()).await?;
        let action = if state == State::Active { "model.activate" } else { "model.retire" };
        change.note(Entry::by(who.id, action).of(id));
        change.commit().await
    }
}

#[cfg(test)]
mod tests {
    use super::job_and_name;

    #[test]
    fn the_first_folder_is_the_job() {
        let is = |folder, job: &str, name: &str| assert_eq!(job_and_name(folder), (job.into(), name.into()));
        is("pneumonia/2026-11/bundle", "pneumonia", "2026-11");
        is("pneumonia/bundle", "pneumonia", "pneumonia");
        is("pneumonia", "pneumonia", "pneumonia");
    }
}
