//! `kill -9` of a server in the middle of uploads, twice. Afterwards nothing that was acknowledged is missing, what was
//! queued is read, no picture that a page shows is half written, and the audit trail verifies.
//!
//! On SQLite, PostgreSQL and MariaDB; a database that does not answer is skipped with words on stderr.
//! `SEMIO_KILL_UPLOADS=200` sends more than twenty pictures.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

#[expect(dead_code, reason = "another suite's")]
#[path = "../../semio-clinic/tests/clinic/bundle.rs"]
mod bundle;
mod common;
#[expect(dead_code, reason = "another suite's")]
#[path = "../../semio-clinic/tests/clinic/files.rs"]
mod files;

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use common::{semio, text};
use sea_orm::{ConnectionTrait, Database};
use semio_model::hex_sha256;
use tempfile::TempDir;
use ureq::Agent;

const PASSWORD: &str = "correct horse battery";
const EMAIL: &str = "kill@clinic.example";
/// Files that are sent at the same time.
const SENDERS: usize = 4;

#[test]
fn sqlite() {
    survives("sqlite");
}

#[test]
fn postgres() {
    survives("postgres");
}

#[test]
fn mariadb() {
    survives("mariadb");
}

/// Where one server's records lie.
struct Place {
    folder: TempDir,
    url: String,
    /// Address of the database server and name of the database there, to take it away again.
    made: Option<(String, String)>,
}

impl Place {
    /// `None`, with words on stderr, where the database does not answer.
    fn new(kind: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let set = |name: &str, usual: &str| env::var(name).unwrap_or_else(|_| usual.to_owned());
        let (server, maintenance) = match kind {
            "postgres" => (set("SEMIO_TEST_POSTGRES", "postgres://postgres@127.0.0.1:5432"), "/postgres"),
            "mariadb" => (set("SEMIO_TEST_MARIADB", "mysql://root@127.0.0.1:3306"), "/mysql"),
            _ => {
                let url = format!("sqlite://{}?mode=rwc", folder.path().join("semio.db").display());
                return Some(Self { folder, url, made: None });
            }
        };
        let name = format!("semio_kill_{}_{kind}", std::process::id());
        let maintenance = format!("{server}{maintenance}");
        if let Err(error) = on_server(&maintenance, &format!("CREATE DATABASE {name}")) {
            eprintln!("skipped: {kind} does not answer ({error})");
            return None;
        }
        Some(Self { folder, url: format!("{server}/{name}"), made: Some((maintenance, name)) })
    }

    fn flags(&self) -> Vec<String> {
        let path = |name: &str| text(&self.folder.path().join(name)).to_owned();
        let flags = ["--data", &path("data"), "--models", &path("models"), "--database", &self.url];
        flags.map(str::to_owned).to_vec()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((server, name)) = &self.made {
            let force = if server.starts_with("postgres") { " WITH (FORCE)" } else { "" };
            drop(on_server(server, &format!("DROP DATABASE {name}{force}")));
        }
    }
}

fn on_server(url: &str, statement: &str) -> Result<(), sea_orm::DbErr> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let server = Database::connect(url).await?;
        server.execute_unprepared(statement).await?;
        server.close().await
    })
}

/// The program, serving.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(place: &Place) -> Self {
        let log = fs::File::options().create(true).append(true).open(place.folder.path().join("serve.log")).unwrap();
        let mut command = semio(&["serve", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(place.flags()).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let log = || fs::read_to_string(place.folder.path().join("serve.log")).unwrap_or_default();
        let address = line.trim().strip_prefix("open ").unwrap_or_else(|| panic!("{line:?} {}", log())).to_owned();
        Self { child, address }
    }

    /// Signal 9: nothing of it runs any more, and nothing was told beforehand.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Answer {
    status: u16,
    location: String,
    cookie: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Somebody's browser.
#[derive(Clone)]
struct Browser {
    agent: Agent,
    address: String,
    cookie: String,
    csrf: String,
}

impl Browser {
    fn new(address: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_mins(2)))
            .build()
            .into();
        Self { agent, address: address.into(), cookie: String::new(), csrf: String::new() }
    }

    /// The same person at the server's next address.
    fn at(&self, address: &str) -> Self {
        Self { cookie: self.cookie.clone(), csrf: self.csrf.clone(), ..Self::new(address) }
    }

    fn answer(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, ureq::Error> {
        let mut answer = answer?;
        let header = |name: &str| answer.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let cookie = header("set-cookie").and_then(|c| c.split(';').next().map(str::to_owned));
        let location = header("location").unwrap_or_default();
        let body = answer.body_mut().with_config().limit(1 << 26).read_to_vec()?;
        Ok(Answer { status: answer.status().as_u16(), location, cookie, body })
    }

    fn get(&self, path: &str) -> Result<Answer, ureq::Error> {
        Self::answer(self.agent.get(format!("{}{path}", self.address)).header("cookie", &self.cookie).call())
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.address)).header("cookie", &self.cookie);
        Self::answer(request.header("content-type", kind).header("x-csrf", &self.csrf).send(body))
    }

    fn form(&mut self, path: &str, body: &str) -> Answer {
        let answer = self.post(path, "application/x-www-form-urlencoded", body.as_bytes()).unwrap();
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        if let Some(cookie) = &answer.cookie {
            self.cookie.clone_from(cookie);
        }
        let about = self.get("/about").unwrap();
        if let Some(cookie) = about.cookie.clone().filter(|_| self.cookie.is_empty()) {
            self.cookie = cookie;
        }
        // What was given with a new cookie holds for the next visit with it.
        let about = self.get("/about").unwrap().text();
        self.csrf = between(&about, "name=\"csrf\" content=\"", "\"").expect("pages hold their proof of origin");
    }

    fn sign_in(&mut self) {
        let first = self.get("/about").unwrap();
        self.keep(&first);
        let body = format!("email={EMAIL}&password={}&next=/", PASSWORD.replace(' ', "+"));
        let answer = self.form("/sign-in", &body);
        assert_eq!((answer.status, answer.location.as_str()), (303, "/"), "{}", answer.text());
    }

    /// Sends a picture and gives its study, once the server has acknowledged it.
    fn upload(&self, patient: &str, picture: &[u8]) -> Result<String, ureq::Error> {
        const MARK: &str = "--------------semio";
        let field = |name: &str| format!("--{MARK}\r\ncontent-disposition: form-data; name=\"{name}\"");
        let mut body = format!(
            "{}\r\n\r\n{patient}\r\n{}\r\n\r\npneumonia\r\n{}; filename=\"a.png\"\r\n\r\n",
            field("patient"),
            field("job"),
            field("file")
        )
        .into_bytes();
        body.extend(picture);
        body.extend(format!("\r\n--{MARK}--\r\n").into_bytes());
        let answer = self.post("/upload", &format!("multipart/form-data; boundary={MARK}"), &body)?;
        let study = between(&answer.text(), "/studies/", "\"");
        Ok(study.unwrap_or_else(|| panic!("an upload gave {}: {}", answer.status, answer.text())))
    }

    fn figure(&self, name: &str) -> u64 {
        let text = self.get("/metrics").unwrap().text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("no {name}: {text}"));
        line.trim().parse().unwrap()
    }
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(rest[..rest.find(after)?].to_owned())
}

/// Everything that stands between two texts, each once.
fn all_between(text: &str, before: &str, after: &str) -> BTreeSet<String> {
    let parts = text.split(before).skip(1);
    parts.filter_map(|rest| rest.split(after).next()).map(str::to_owned).collect()
}

/// Sends those pictures that nobody has acknowledged yet, until so many are.
fn send_until(
    browser: &Browser,
    patient: &str,
    count: usize,
    kept: &Mutex<BTreeMap<usize, String>>,
    enough: usize,
    then: impl FnOnce(),
) {
    let kept_now = || kept.lock().unwrap_or_else(PoisonError::into_inner);
    let left: Vec<usize> = (0..count).filter(|seed| !kept_now().contains_key(seed)).collect();
    let left = Mutex::new(left);
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| {
                loop {
                    let Some(seed) = left.lock().unwrap_or_else(PoisonError::into_inner).pop() else { return };
                    // The server may be gone: then nobody acknowledged this one.
                    let Ok(study) = browser.upload(patient, &files::png(seed)) else { return };
                    kept_now().insert(seed, study);
                }
            });
        }
        let begun = Instant::now();
        while kept_now().len() < enough {
            assert!(begun.elapsed() < Duration::from_mins(5), "uploads take more than five minutes");
            thread::sleep(Duration::from_millis(1));
        }
        then();
    });
}

fn survives(kind: &str) {
    let count: usize = env::var("SEMIO_KILL_UPLOADS").map_or(20, |n| n.parse().unwrap());
    let Some(place) = Place::new(kind) else { return };
    // Large enough that readings wait while files come in.
    bundle::models_of(place.folder.path(), "squeezenet1_1", 224);
    let account = ["--role", "physician", "--email", EMAIL, "--given-name", "K", "--family-name", "Kill"];
    let mut add = semio(&["user", "add", "--register-number", "10003759114"]);
    let mut add = add.args(account).args(place.flags()).stdin(Stdio::piped()).spawn().unwrap();
    add.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes()).unwrap();
    assert!(add.wait().unwrap().success());

    let mut server = Server::start(&place);
    let mut browser = Browser::new(&server.address);
    browser.sign_in();
    let made = browser.form("/patients/new", "family_name=Kill&given_name=K&sex=other&birth_date=1980-01-01");
    let patient = made.location.split('?').next().unwrap().rsplit('/').next().unwrap().to_owned();
    let kept = Mutex::new(BTreeMap::new());
    for part in [1, 2] {
        let mut waiting = 0;
        send_until(&browser, &patient, count, &kept, count * part / 3, || {
            waiting = browser.figure("semio_predictions_queued ");
            server.kill();
        });
        let acknowledged = kept.lock().unwrap().len();
        eprintln!("{kind}: killed after {acknowledged} acknowledged uploads, {waiting} readings waiting");
        let begun = Instant::now();
        server = Server::start(&place);
        eprintln!("{kind}: serves again after {} ms", begun.elapsed().as_millis());
        browser = browser.at(&server.address);
        // Sessions lie in the database.
        assert_eq!(browser.get("/account").unwrap().status, 200, "the session is gone");
    }
    send_until(&browser, &patient, count, &kept, count, || ());
    let kept = kept.into_inner().unwrap();
    look(&browser, &place, &patient, &kept);
    server.kill();
    let verified = semio(&["audit", "verify"]).args(place.flags()).output().unwrap();
    assert!(verified.status.success(), "{}", common::err(&verified));
}

/// Every study that a page shows has its result and a whole picture; every acknowledged one is shown.
fn look(browser: &Browser, place: &Place, patient: &str, kept: &BTreeMap<usize, String>) {
    let record = browser.get(&format!("/patients/{patient}")).unwrap().text();
    let shown = all_between(&record, "href=\"/studies/", "\"");
    for study in kept.values() {
        assert!(shown.contains(study), "study {study} was acknowledged and is missing");
    }
    let begun = Instant::now();
    for study in &shown {
        let page = loop {
            let page = browser.get(&format!("/studies/{study}")).unwrap().text();
            if !page.contains("aria-busy=\"true\"") {
                break page;
            }
            assert!(begun.elapsed() < Duration::from_mins(10), "study {study} is not read after ten minutes");
            thread::sleep(Duration::from_millis(50));
        };
        assert!(page.contains("class=\"outcome\" data-outcome="), "study {study} has no result");
        for image in all_between(&page, "/images/", "/") {
            let picture = browser.get(&format!("/images/{image}/picture.png")).unwrap();
            assert_eq!(picture.status, 200, "the picture of study {study}");
        }
    }
    assert_eq!(browser.figure("semio_predictions_failed "), 0);
    let export = browser.get(&format!("/patients/{patient}/export")).unwrap().text();
    for seed in kept.keys() {
        assert!(export.contains(&hex_sha256(&files::png(*seed))), "the picture of upload {seed} is not on record");
    }
    let unfinished = check_files(&place.folder.path().join("data/pictures"));
    eprintln!(
        "{} studies whole ({} acknowledged), {unfinished} unfinished files beside them, read {} ms after the last upload",
        shown.len(),
        kept.len(),
        begun.elapsed().as_millis()
    );
}

/// What lies under a hash has that hash. Gives the number of files that never came to their place.
fn check_files(folder: &Path) -> usize {
    let mut unfinished = 0;
    for entry in fs::read_dir(folder).unwrap().flat_map(|part| fs::read_dir(part.unwrap().path()).unwrap()) {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if name.len() == 64 && name.bytes().all(|b| b.is_ascii_hexdigit()) {
            assert_eq!(hex_sha256(&fs::read(&path).unwrap()), name, "a file is half written");
        } else {
            unfinished += 1;
        }
    }
    unfinished
}
