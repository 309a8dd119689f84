//! The threads that read pictures. What is to be read stands in the database, so a stop at any moment loses nothing:
//! a result is queued in the same change that files its picture, and a reading that was cut off is done again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    sea_query::{Expr, ExprTrait},
};
use tokio::{runtime::Handle, sync::Notify};

use crate::{
    audit::Entry,
    clock,
    finding::{self, Finding},
    models::Models,
    opened,
    pictures::Pictures,
    store::{
        Store, StoreError,
        entity::prediction::{self, Model as Prediction, State},
    },
};

/// A reading that ended the program this often is given up.
const ATTEMPTS: i32 = 3;
/// After this time a result that could not be kept is tried again, and after twice as long each time.
const PAUSE: Duration = Duration::from_millis(250);
/// At most after this time: whoever ends the program waits for it.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Records that answer and refuse a result this often take a failure in its place.
const REFUSED: u32 = 10;

/// The readers.
pub(crate) struct Readers {
    shared: Arc<Shared>,
    threads: std::sync::Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    store: Store,
    pictures: Pictures,
    models: Arc<Models>,
    wake: Notify,
    stop: AtomicBool,
    busy: AtomicUsize,
}

impl Readers {
    /// Puts back what was cut off, and starts.
    pub(crate) async fn start(
        store: Store,
        pictures: Pictures,
        models: Arc<Models>,
        count: usize,
    ) -> Result<Self, StoreError> {
        prediction::Entity::update_many()
            .col_expr(prediction::Column::State, Expr::value("queued"))
            .filter(prediction::Column::State.eq(State::Running))
            .exec(store.db())
            .await?;
        let shared = Arc::new(Shared {
            store,
            pictures,
            models,
            wake: Notify::new(),
            stop: AtomicBool::new(false),
            busy: AtomicUsize::new(0),
        });
        let handle = Handle::current();
        let threads = (0..count.max(1))
            .map(|number| {
                let (shared, handle) = (Arc::clone(&shared), handle.clone());
                let work = move || shared.work(&handle);
                thread::Builder::new().name(format!("reader-{number}")).spawn(work).expect("the system gives threads")
            })
            .collect();
        Ok(Self { shared, threads: std::sync::Mutex::new(threads) })
    }

    /// Says that there is something to read.
    pub(crate) fn wake(&self) {
        self.shared.wake.notify_one();
    }

    /// Readings under way.
    pub(crate) fn busy(&self) -> usize {
        self.shared.busy.load(Ordering::Relaxed)
    }

    /// Ends the readings under way and no others.
    pub(crate) async fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.wake.notify_waiters();
        self.shared.wake.notify_one();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let join = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        drop(tokio::task::spawn_blocking(join).await);
    }
}

impl Shared {
    fn work(&self, handle: &Handle) {
        while !self.stop.load(Ordering::Acquire) {
            match handle.block_on(self.claim()) {
                Ok(Some(prediction)) => {
                    // There may be more than one, and another reader to take it.
                    self.wake.notify_one();
                    self.busy.fetch_add(1, Ordering::Relaxed);
                    self.read(handle, &prediction);
                    self.busy.fetch_sub(1, Ordering::Relaxed);
                }
                Ok(None) => {
                    // A wake-up that came between looking and waiting is kept; the nap is for other programs' work.
                    handle.block_on(async {
                        drop(tokio::time::timeout(Duration::from_secs(5), self.wake.notified()).await);
                    });
                }
                Err(error) => {
                    tracing::error!(%error, "a reader cannot reach the records; it tries again");
                    thread::sleep(Duration::from_secs(1));
                }
            }
        }
    }

    /// Takes the reading that waits longest.
    async fn claim(&self) -> Result<Option<Prediction>, StoreError> {
        loop {
            let next = prediction::Entity::find()
                .filter(prediction::Column::State.eq(State::Queued))
                .order_by_asc(prediction::Column::CreatedAt)
                .one(self.store.db())
                .await?;
            let Some(next) = next else { return Ok(None) };
            let taken = prediction::Entity::update_many()
                .col_expr(prediction::Column::State, Expr::value("running"))
                .col_expr(prediction::Column::Attempts, Expr::col(prediction::Column::Attempts).add(1))
                .filter(prediction::Column::Id.eq(next.id))
                .filter(prediction::Column::State.eq(State::Queued))
                .exec(self.store.db())
                .await?;
            // Another reader may have been quicker.
            if taken.rows_affected == 1 {
                return Ok(Some(next));
            }
        }
    }

    fn read(&self, handle: &Handle, prediction: &Prediction) {
        let (id, begun) = (prediction.id, Instant::now());
        let found = if prediction.attempts >= ATTEMPTS {
            Err("failure-reader")
        } else {
            // A model that panics on one picture must not take the readers with it.
            let read = std::panic::AssertUnwindSafe(|| self.find(handle, prediction));
            std::panic::catch_unwind(read).unwrap_or(Err("failure-reader"))
        };
        let milliseconds = begun.elapsed().as_millis() as u64;
        match &found {
            Ok(_) => tracing::info!(prediction = %id, milliseconds, "read"),
            Err(reason) => tracing::warn!(prediction = %id, milliseconds, reason, "not read"),
        }
        self.keep_surely(handle, prediction, found);
    }

    /// Writes a result down, however often the records fail meanwhile: a row that stays `running` is nobody's work.
    fn keep_surely(&self, handle: &Handle, prediction: &Prediction, found: Result<Finding, finding::Failure>) {
        let (mut found, mut pause, mut refused) = (found, PAUSE, 0);
        loop {
            let error = match handle.block_on(self.keep(prediction.clone(), &found)) {
                // Or erased with its record while it was read.
                Ok(()) | Err(StoreError::Missing) => return,
                Err(error) => error,
            };
            let id = prediction.id;
            if self.stop.load(Ordering::Acquire) {
                tracing::error!(prediction = %id, %error, "a result cannot be kept; it is read again after the next start");
                return;
            }
            tracing::error!(prediction = %id, %error, "a result cannot be kept; it is tried again");
            // Records that answer and take anything but this result would hold a reader up for ever.
            refused += u32::from(handle.block_on(self.store.answers()));
            if refused == REFUSED {
                found = Err("failure-reader");
            }
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn find(&self, handle: &Handle, prediction: &Prediction) -> Result<Finding, finding::Failure> {
        let model = handle.block_on(self.store.model(prediction.model_id)).map_err(|_| "failure-model")?;
        let predictor = self.models.open(&model).map_err(|error| {
            tracing::error!(%error, "a model cannot be opened");
            "failure-model"
        })?;
        let bytes = handle.block_on(self.pictures.get(&prediction.picture_sha256)).map_err(|error| {
            tracing::error!(%error, "a picture cannot be fetched");
            "failure-picture"
        })?;
        let enough = predictor.manifest().pipeline.enough();
        let image = opened::frame_for(&bytes, prediction.frame as u32, enough).map_err(|_| "failure-picture")?;
        finding::read(&predictor, &image)
    }

    async fn keep(&self, prediction: Prediction, found: &Result<Finding, finding::Failure>) -> Result<(), StoreError> {
        let (id, asked_by) = (prediction.id, prediction.asked_by);
        let mut change = self.store.change().await?;
        let mut row = prediction.into_active_model();
        row.done_at = Set(Some(clock::now()));
        match found {
            Ok(found) => {
                let confidence = found.probabilities.iter().find(|(class, _)| *class == found.class).map(|(_, p)| *p);
                row.state = Set(State::Done);
                row.outcome = Set(Some(found.outcome.clone()));
                row.class = Set(Some(found.class.clone()));
                row.confidence = Set(confidence);
                row.finding = Set(serde_json::to_string(found).ok());
            }
            Err(reason) => {
                row.state = Set(State::Failed);
                row.failure = Set(Some((*reason).into()));
            }
        }
        row.update(change.tx()).await?;
        change.note(Entry { person: Some(asked_by), ..Entry::by_nobody("prediction.done") }.of(id));
        change.commit().await
    }
}
