//! The server: what runs beside the pages, and how it ends.

use std::{future::Future, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum_server::{Handle, tls_rustls::RustlsConfig};
use hyper_util::rt::TokioTimer;
use tokio::time::interval;

use crate::{
    audit, backup, clock,
    config::{Config, ConfigError},
    models::Models,
    pictures::{PictureError, Pictures},
    private,
    secret::{SecretError, Secrets},
    store::{self, Store, StoreError},
    sweep::forget_nameless,
    web::{App, UNFINISHED},
};

/// How long work under way may take after the server was told to end.
const GRACE: Duration = Duration::from_secs(20);

/// Why the server does not start, or ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The settings are refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keys cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The records do not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to look at.
    #[error("there are no records: {path} is not there", path = .0.display())]
    NoRecords(std::path::PathBuf),
    /// The tables are of an earlier version, and cannot be copied before they are changed.
    #[error("the tables are of an earlier version, and copying them before the change failed: {0}")]
    Copy(#[from] Box<backup::BackupError>),
    /// The folder of pictures cannot be had.
    #[error(transparent)]
    Pictures(#[from] PictureError),
    /// The certificate or its key cannot be read.
    #[error("cannot read the certificate {certificate} or its key: {source}")]
    Certificate {
        /// The certificate's file.
        certificate: String,
        /// What is wrong.
        source: std::io::Error,
    },
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Opens the records with their keys.
///
/// # Errors
/// [`ServeError`] where settings are refused, or keys or records cannot be had.
pub async fn open_store(config: &Config) -> Result<Store, ServeError> {
    config.check()?;
    private::folder(&config.data).map_err(PictureError::Folder)?;
    let in_use = store::keys_in_use(&config.database_url()).await?;
    let secrets = Arc::new(Secrets::open(&config.data.join("keys"), &in_use)?);
    if let Some(saved) = backup::save_before_change(config).await.map_err(Box::new)? {
        tracing::info!(file = %saved.display(), "the tables are of an earlier version; they were copied before the change");
    }
    let slow = Duration::from_millis(config.slow_milliseconds);
    Ok(Store::open(&config.database_url(), secrets, slow).await?)
}

/// Opens records that must be there already.
///
/// # Errors
/// [`ServeError`] where there are none, or they cannot be had.
pub async fn open_records(config: &Config) -> Result<Store, ServeError> {
    must_hold_records(config)?;
    open_store(config).await
}

/// Opens the records to look at them, as `semio audit verify` does: nothing is made, and tables stay as they are.
///
/// # Errors
/// [`ServeError`] where there are no records, or their key is not there.
pub async fn open_to_verify(config: &Config) -> Result<Store, ServeError> {
    config.check()?;
    must_hold_records(config)?;
    let secrets = Arc::new(Secrets::to_verify(&config.data.join("keys"))?);
    Ok(Store::look(&config.database_url(), secrets).await?)
}

/// Refuses a data folder that is not there, or that holds no embedded database though it should.
///
/// # Errors
/// [`ServeError::NoRecords`] names what is not there.
pub(crate) fn must_hold_records(config: &Config) -> Result<(), ServeError> {
    let embedded = config.database.is_none().then(|| config.data.join("semio.db"));
    match embedded {
        _ if !config.data.is_dir() => Err(ServeError::NoRecords(config.data.clone())),
        Some(file) if !file.is_file() => Err(ServeError::NoRecords(file)),
        _ => Ok(()),
    }
}

/// Puts the app together: records, pictures, models, readers.
///
/// # Errors
/// [`ServeError`] names what cannot be had.
pub async fn open_app(config: Config) -> Result<App, ServeError> {
    let store = open_store(&config).await?;
    let beside = config.backup.as_ref().map(|backup| &backup.folder);
    match std::iter::once(&config.data).chain(beside).map(|folder| backup::sweep(folder)).sum::<usize>() {
        0 => {}
        folders => tracing::warn!(folders, "what a backup left that was cut off was taken away"),
    }
    forget_unfinished(&config.data);
    let pictures = Pictures::in_folder(&config.data.join("pictures"))?;
    let last = audit::read_heads(&config.audit_heads()).ok().and_then(|heads| heads.into_iter().next_back());
    match forget_nameless(&store, &pictures, last.as_ref()).await? {
        0 => {}
        files => tracing::info!(files, "files that no record names were taken away"),
    }
    let models = Arc::new(Models::new(&config.models));
    let found = models.look(&store, None).await?;
    for (folder, reason) in &found.unreadable {
        tracing::warn!(folder, reason, "a bundle cannot be read");
    }
    Ok(App::start(config, store, pictures, models).await?)
}

/// Takes away what a killed program left of exported records: patients' data that nothing else would take away.
fn forget_unfinished(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        if let Err(error) = std::fs::remove_file(entry.path()) {
            tracing::warn!(file = %entry.path().display(), %error, "what is left of an export cannot be taken away");
        }
    }
}

/// Serves until `stop` is ready; then ends what is under way. `ready` is told the address once the server listens.
///
/// # Errors
/// [`ServeError`] where the server cannot listen.
pub async fn serve(
    app: App,
    ready: impl FnOnce(SocketAddr),
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = app.config.listen;
    let failed = |source| ServeError::Listen { address, source };
    let listener = std::net::TcpListener::bind(address).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let handle = Handle::new();
    // The first page of a course would wait for it.
    tokio::task::spawn_blocking(|| {
        if let Err(error) = semio_twin::course::prepare() {
            tracing::error!(%error, "the twin's table cannot be computed");
        }
    });
    let housekeeping = tokio::spawn(keep_house(app.clone()));
    let backups = app.config.backup.clone().map(|schedule| tokio::spawn(backup::keep(app.clone(), schedule)));
    tokio::spawn({
        let handle = handle.clone();
        async move {
            stop.await;
            tracing::info!("ending; work under way is finished");
            handle.graceful_shutdown(Some(GRACE));
        }
    });
    let head = app.config.patience.head;
    let service = app.router().into_make_service_with_connect_info::<SocketAddr>();
    let served = if let Some(tls) = app.config.tls.clone() {
        // Which of two may be built in is the program's choice, not the environment's.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let config = RustlsConfig::from_pem_file(&tls.certificate, &tls.key)
            .await
            .map_err(|source| ServeError::Certificate { certificate: tls.certificate.display().to_string(), source })?;
        ready(bound);
        let mut server = axum_server::from_tcp_rustls(listener, config).map_err(failed)?.handle(handle);
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(head);
        server.serve(service).await
    } else {
        ready(bound);
        let mut server = axum_server::from_tcp(listener).map_err(failed)?.handle(handle);
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(head);
        server.serve(service).await
    };
    housekeeping.abort();
    if let Some(backups) = backups {
        backups.abort();
    }
    app.stop().await;
    note_head(&app).await;
    served.map_err(failed)
}

/// What is done at intervals beside the pages.
async fn keep_house(app: App) {
    let mut turns = interval(Duration::from_secs(app.config.audit_head_minutes.max(1) * 60));
    loop {
        turns.tick().await;
        note_head(&app).await;
        if let Err(error) = app.store.forget_sessions().await {
            tracing::warn!(%error, "old sessions cannot be forgotten");
        }
        match erase_overdue(&app).await {
            Ok(0) => {}
            Ok(records) => tracing::info!(records, "deleted records whose days are over were erased"),
            Err(error) => tracing::error!(%error, "deleted records whose days are over cannot be erased"),
        }
        match app.pictures.forget_undecided().await {
            Ok(0) => {}
            Ok(files) => tracing::info!(files, "files about which nobody decided within a day were discarded"),
            Err(error) => tracing::warn!(%error, "files about which nobody decided cannot be discarded"),
        }
    }
}

/// Writes the end of the audit trail to its file, so that a cut tail is seen.
async fn note_head(app: &App) {
    let noted = match app.store.audit_head().await {
        Ok(head) => {
            if let Some(Err(error)) = app.config.syslog().map(|log| log.tell(&head)) {
                tracing::error!(%error, "the system's log cannot be told the end of the audit trail");
            }
            audit::write_head(&app.config.audit_heads(), &head).map_err(|e| e.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    if let Err(reason) = noted {
        tracing::error!(reason, "the end of the audit trail cannot be written down");
    }
}

/// Erases deleted records whose days are over, with their files; gives how many. Nothing where no days are set.
///
/// # Errors
/// [`ServeError`] where records or pictures do not answer.
pub async fn erase_overdue(app: &App) -> Result<usize, ServeError> {
    let Some(days) = app.config.erase_deleted_after_days else { return Ok(0) };
    let before = clock::now() - i64::from(days) * 24 * clock::HOUR;
    let mut erased = 0;
    loop {
        // One at a time: uploads wait for a turn as long as a record's files are taken away, and no longer.
        let turn = app.pictures.erasing().await;
        let Some(files) = app.store.erase_overdue(before).await? else { return Ok(erased) };
        for file in files {
            app.pictures.remove(&file, &turn).await?;
        }
        erased += 1;
    }
}
