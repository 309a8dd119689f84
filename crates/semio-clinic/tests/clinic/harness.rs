//! A server without a socket, on a database of its own, and browsers that visit it.

use std::{
    collections::BTreeMap,
    env,
    future::Future,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement};
use semio_clinic::{Config, NewAccount, Strength, server::open_app, web::App};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::bundle;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// The databases that the suite runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    MariaDb,
}

impl Kind {
    /// Where databases are made; may be set where they do not answer on loopback.
    fn server(self) -> String {
        match self {
            Self::Sqlite => String::new(),
            Self::Postgres => {
                env::var("SEMIO_TEST_POSTGRES").unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432".into())
            }
            Self::MariaDb => env::var("SEMIO_TEST_MARIADB").unwrap_or_else(|_| "mysql://root@127.0.0.1:3306".into()),
        }
    }
}

/// A database of its own, taken away at the end.
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
    name: String,
}

/// A number that no other test of this process has.
fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Place {
    /// `None`, with words on stderr, where the database does not answer.
    pub(crate) async fn new(kind: Kind) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("semio_test_{}_{}", std::process::id(), number());
        let url = match kind {
            Kind::Sqlite => format!("sqlite://{}?mode=rwc", folder.path().join("semio.db").display()),
            Kind::Postgres | Kind::MariaDb => {
                let server = match Database::connect(kind.maintenance()).await {
                    Ok(server) => server,
                    Err(error) => {
                        eprintln!("skipped: {kind:?} does not answer ({error})");
                        return None;
                    }
                };
                server.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
                server.close().await.unwrap();
                format!("{}/{name}", kind.server())
            }
        };
        Some(Self { kind, url, folder, name })
    }

    pub(crate) async fn remove(self) {
        let force = match self.kind {
            Kind::Sqlite => return,
            Kind::Postgres => " WITH (FORCE)",
            Kind::MariaDb => "",
        };
        let server = Database::connect(self.kind.maintenance()).await.unwrap();
        server.execute_unprepared(&format!("DROP DATABASE {}{force}", self.name)).await.unwrap();
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            database: Some(self.url.clone()),
            data: self.folder.path().join("data"),
            models: bundle::models(self.folder.path()),
            strength: Strength::Least,
            ..Config::default()
        }
    }
}

impl Kind {
    fn maintenance(self) -> String {
        let database = if self == Self::Postgres { "/postgres" } else { "/mysql" };
        format!("{}{database}", self.server())
    }
}

/// A running server.
pub(crate) struct Clinic {
    pub(crate) app: App,
    pub(crate) config: Config,
    pub(crate) kind: Kind,
    /// Beside the server: what whoever has the database can do.
    db: DatabaseConnection,
}

/// Runs a test on one database, and takes it away whatever comes of the test.
pub(crate) fn on<F, T>(kind: Kind, test: F)
where
    F: FnOnce(Arc<Clinic>) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    on_with(kind, |_| (), test);
}

/// The same with other settings.
pub(crate) fn on_with<F, T>(kind: Kind, change: impl FnOnce(&mut Config), test: F)
where
    F: FnOnce(Arc<Clinic>) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(place) = Place::new(kind).await else { return };
        let mut config = place.config();
        change(&mut config);
        let clinic = Arc::new(Clinic::open(kind, config).await);
        let result = tokio::spawn(test(Arc::clone(&clinic))).await;
        clinic.app.stop().await;
        drop(clinic);
        place.remove().await;
        if let Err(error) = result {
            std::panic::resume_unwind(error.into_panic());
        }
    });
}

macro_rules! on_every_database {
    ($($test:ident),* $(,)?) => { $(
        mod $test {
            use crate::harness::{Kind, on};

            #[test]
            fn sqlite() {
                on(Kind::Sqlite, super::$test);
            }

            #[test]
            fn postgres() {
                on(Kind::Postgres, super::$test);
            }

            #[test]
            fn mariadb() {
                on(Kind::MariaDb, super::$test);
            }
        }
    )* };
}
pub(crate) use on_every_database;

impl Clinic {
    pub(crate) async fn open(kind: Kind, config: Config) -> Self {
        let app = open_app(config.clone()).await.unwrap();
        let db = Database::connect(config.database_url()).await.unwrap();
        Self { app, config, kind, db }
    }

    /// Runs a statement as whoever has the database.
    pub(crate) async fn sql(&self, text: &str) -> u64 {
        self.db.execute_unprepared(text).await.unwrap_or_else(|e| panic!("{text}: {e}")).rows_affected()
    }

    /// The first value of the first row.
    pub(crate) async fn count(&self, text: &str) -> i64 {
        let backend = self.db.get_database_backend();
        let row = self.db.query_one_raw(Statement::from_string(backend, text)).await.unwrap().unwrap();
        row.try_get_by_index(0).unwrap()
    }

    /// The first column as text.
    pub(crate) async fn texts(&self, text: &str) -> Vec<String> {
        self.column(text, 0).await
    }

    /// One column as text.
    pub(crate) async fn column(&self, text: &str, index: usize) -> Vec<String> {
        let backend = self.db.get_database_backend();
        let rows = self.db.query_all_raw(Statement::from_string(backend, text)).await;
        let rows = rows.unwrap_or_else(|e| panic!("{text}: {e}"));
        rows.iter().map(|row| row.try_get_by_index(index).unwrap()).collect()
    }

    /// How often something was noted in the audit trail.
    pub(crate) async fn noted(&self, action: &str) -> i64 {
        self.count(&format!("SELECT COUNT(*) FROM audit WHERE action = '{action}'")).await
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser {
            router: self.app.router(),
            cookies: BTreeMap::new(),
            address: IpAddr::from(0x7f00_0000_u32.wrapping_add(number()).to_be_bytes()),
            csrf: None,
        }
    }

    /// An account, confirmed.
    pub(crate) async fn account(&self, role: &str, name: &str) {
        let account = NewAccount {
            role: role.into(),
            email: format!("{name}@clinic.example"),
            given_name: "Given".into(),
            family_name: name.into(),
            register_number: rpps(),
            password: PASSWORD.into(),
        };
        self.app.add_account(account, &self.config.register, Strength::Least).await.unwrap();
    }

    /// A browser in which somebody with a new account is signed in.
    pub(crate) async fn signed_in(&self, role: &str, name: &str) -> Browser {
        self.account(role, name).await;
        let mut browser = self.browser();
        browser.sign_in(name).await;
        browser
    }

    pub(crate) async fn physician(&self, name: &str) -> Browser {
        self.signed_in("physician", name).await
    }
}

/// An official number that nobody has yet: ten digits and Luhn's.
pub(crate) fn rpps() -> String {
    let start = format!("1{:09}", number());
    let sum: u32 = start
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    format!("{start}{}", (10 - sum % 10) % 10)
}

/// Somebody's browser.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) router: Router,
    pub(crate) cookies: BTreeMap<String, String>,
    pub(crate) address: IpAddr,
    pub(crate) csrf: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Page {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn has(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    pub(crate) fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |l| l.to_str().unwrap())
    }

    /// What stands between two texts.
    pub(crate) fn between(&self, before: &str, after: &str) -> String {
        let text = self.text();
        let start = text.find(before).unwrap_or_else(|| panic!("no {before} in {text}")) + before.len();
        let end = text[start..].find(after).unwrap_or_else(|| panic!("no {after} in {text}"));
        text[start..start + end].to_owned()
    }

    /// The record that the answer leads to: `/patients/ID?done=saved`.
    pub(crate) fn led_to(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text());
        self.location().split('?').next().unwrap().rsplit('/').next().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// The address of the study in an upload's answer.
    pub(crate) fn study(&self) -> String {
        self.between("/studies/", "\"")
    }
}

pub(crate) const BOUNDARY: &str = "--------------semio";

/// One part of a multipart body: name, file name, bytes.
pub(crate) type Part<'a> = (&'a str, Option<&'a str>, &'a [u8]);

pub(crate) fn multipart(parts: &[Part<'_>]) -> Vec<u8> {
    let mut body = vec![];
    for (name, file, bytes) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body.extend(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes(),
        );
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").into_bytes());
    body
}

pub(crate) fn encoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        text.bytes()
            .map(|b| if b.is_ascii_alphanumeric() { (b as char).to_string() } else { format!("%{b:02X}") })
            .collect()
    };
    fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}

impl Browser {
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        kind: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Page {
        let mut request = Request::builder().method(method).uri(path).header("accept-language", "en");
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((self.address, 40_000))));
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            if self.cookies.insert(name.into(), value.into()).as_deref() != Some(value) {
                self.csrf = None;
            }
        }
        let bytes = to_bytes(body, 1 << 30).await.unwrap().to_vec();
        Page { status: parts.status, headers: parts.headers, bytes }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send(Method::GET, path, "", &[], vec![]).await
    }

    pub(crate) async fn csrf(&mut self) -> String {
        if self.csrf.is_none() {
            self.csrf = Some(self.get("/about").await.between("name=\"csrf\" content=\"", "\""));
        }
        self.csrf.clone().unwrap()
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let csrf = self.csrf().await;
        let mut all = vec![("csrf", csrf.as_str())];
        all.extend(fields);
        self.post_bare(path, &all).await
    }

    /// Without proof of origin, but for what the fields hold.
    pub(crate) async fn post_bare(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = encoded(fields).into_bytes();
        self.send(Method::POST, path, "application/x-www-form-urlencoded", &[], body).await
    }

    pub(crate) async fn sign_in(&mut self, name: &str) {
        let page = self.try_sign_in(&format!("{name}@clinic.example"), PASSWORD).await;
        assert_eq!((page.status, page.location()), (StatusCode::SEE_OTHER, "/"), "{}", page.text());
    }

    pub(crate) async fn try_sign_in(&mut self, email: &str, password: &str) -> Page {
        self.post("/sign-in", &[("email", email), ("password", password), ("next", "/")]).await
    }

    /// Makes a patient and gives its id.
    pub(crate) async fn patient(&mut self, family: &str, given: &str, born: &str) -> String {
        self.post("/patients/new", &patient_form(family, given, born)).await.led_to()
    }

    /// Sends files as the page's form does.
    pub(crate) async fn upload(&mut self, patient: &str, job: &str, files: &[(&str, &[u8])]) -> Page {
        let csrf = self.csrf().await;
        let mut parts: Vec<Part<'_>> = vec![("csrf", None, csrf.as_bytes())];
        parts.extend([("patient", None, patient.as_bytes()), ("job", None, job.as_bytes())]);
        parts.extend(files.iter().map(|(name, bytes)| ("file", Some(*name), *bytes)));
        let body = multipart(&parts);
        self.send(Method::POST, "/upload", &format!("multipart/form-data; boundary={BOUNDARY}"), &[], body).await
    }

    /// The study's page once nothing is awaited any more.
    pub(crate) async fn result(&mut self, study: &str) -> Page {
        let begun = Instant::now();
        loop {
            let page = self.get(&format!("/studies/{study}")).await.is(200);
            if !page.has("aria-busy=\"true\"") {
                return page;
            }
            assert!(begun.elapsed() < Duration::from_mins(1), "no result after a minute");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

pub(crate) fn patient_form<'a>(family: &'a str, given: &'a str, born: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![("family_name", family), ("given_name", given), ("sex", "female"), ("birth_date", born)]
}

/// A course of one lesion.
pub(crate) fn course_form(began: &str) -> Vec<(&'static str, &str)> {
    let usual = [("latency", "100"), ("remyelination", "5"), ("half_life", "300")];
    let lesion = [("lesion_on_1", began), ("lesion_length_1", "12"), ("lesion_myelin_1", "2")];
    usual.into_iter().chain(lesion).collect()
}
