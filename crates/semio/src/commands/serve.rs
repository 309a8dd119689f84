use std::{
    fs,
    io::IsTerminal,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use semio_clinic::{
    Config,
    server::{ServeError, open_app, serve},
    store::StoreError,
};

use crate::{Outcome, fault::Fault};

/// Opens the web app for clinicians.
///
/// Flags win over the environment, and both over the file.
#[derive(Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    place: Place,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR", env = "SEMIO_LISTEN")]
    listen: Option<SocketAddr>,
    /// Threads that read pictures
    #[arg(long, value_name = "N", env = "SEMIO_READERS")]
    readers: Option<usize>,
    /// Writes the log as JSON, one object a line
    #[arg(long, env = "SEMIO_LOG_JSON")]
    log_json: bool,
}

/// Where records, pictures and models lie.
#[derive(Args)]
pub(crate) struct Place {
    /// Settings (TOML)
    #[arg(long, value_name = "FILE.toml", env = "SEMIO_CONFIG")]
    config: Option<PathBuf>,
    /// Address of the database: sqlite://, postgres:// or mysql:// [default: sqlite in the data folder]
    #[arg(long, value_name = "URL", env = "SEMIO_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// Folder of pictures, keys and the embedded database
    #[arg(long, value_name = "DIR", env = "SEMIO_DATA")]
    data: Option<PathBuf>,
    /// Folder of models: JOB/NAME/bundle.json
    #[arg(long, value_name = "DIR", env = "SEMIO_MODELS")]
    models: Option<PathBuf>,
}

impl Place {
    /// The settings.
    pub(crate) fn config(self) -> Result<Config, Fault> {
        let mut config = match &self.config {
            Some(path) => {
                let text = fs::read_to_string(path).map_err(|e| Fault::file("read the settings", path, e))?;
                Config::from_toml(&text).map_err(|e| Fault::usage(e).at(path.display()))?
            }
            None => Config::default(),
        };
        config.database = self.database.or(config.database);
        config.data = self.data.unwrap_or(config.data);
        config.models = self.models.unwrap_or(config.models);
        Ok(config)
    }
}

/// What went wrong, with what to do next.
pub(crate) fn fault(error: ServeError) -> Fault {
    match &error {
        ServeError::Config(_) => Fault::usage(error),
        ServeError::Store(StoreError::Unreachable { .. }) => Fault::trouble(error).help(
            "check that the database runs, and its address, name and password; `--database` or SEMIO_DATABASE sets it",
        ),
        ServeError::Store(StoreError::Address) => Fault::usage(error)
            .help("for example sqlite://semio.db?mode=rwc, postgres://user@host/name, mysql://user@host/name"),
        ServeError::Listen { .. } => Fault::trouble(error).help("choose another port with --listen 127.0.0.1:8081"),
        _ => Fault::trouble(error),
    }
}

/// A runtime for what talks to databases and sockets.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Fault> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Fault::from)
}

impl Serve {
    pub(crate) fn run(self) -> Outcome {
        log(self.log_json);
        let mut config = self.place.config()?;
        config.listen = self.listen.unwrap_or(config.listen);
        config.readers = self.readers.unwrap_or(config.readers);
        if !semio_clinic::has_front_end() {
            eprintln!(
                "note: built without its front end: pages have no styles and no viewer; `cargo xtask web`, then build again"
            );
        }
        let shown = config.public_address.clone();
        let models = config.models.clone();
        runtime()?.block_on(async move {
            let app = open_app(config).await.map_err(fault)?;
            if !app.has_people().await.map_err(|e| fault(e.into()))? {
                eprintln!("note: nobody has an account yet; `semio user add --role administrator` makes the first");
            }
            note_models(&models);
            let address = app.address();
            let ready = move |bound: SocketAddr| {
                let address =
                    if bound.port() == 0 || address.ends_with(":0") { format!("http://{bound}") } else { address };
                println!("open {}", shown.unwrap_or(address));
            };
            serve(app, ready, stop()).await.map_err(fault)?;
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn note_models(models: &Path) {
    if !models.is_dir() {
        eprintln!(
            "note: there is no folder {}: pictures are filed and not read; --models names another",
            models.display()
        );
    }
}

/// Ctrl-C, or what service managers send.
pub(crate) async fn stop() {
    let interrupt = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    #[cfg(unix)]
    let terminate = async {
        if let Ok(mut signal) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            signal.recv().await;
        }
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! { () = interrupt => (), () = terminate => () }
}

pub(crate) fn log(json: bool) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEMIO_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sqlx=warn,sea_orm_migration=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let done =
        if json { builder.json().try_init() } else { builder.with_ansi(std::io::stderr().is_terminal()).try_init() };
    // A second start in one process, as in tests, keeps the first.
    drop(done);
}
