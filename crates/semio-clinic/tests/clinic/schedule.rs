//! Backups that the server takes by itself.

use std::{
    fs,
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use semio_clinic::{
    Config,
    backup::{Identity, Proof, Schedule, last_proof, restore},
    server::serve,
};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    harness::{Clinic, Kind, Place, on_with},
    vault::{fill, place_of},
};

const HOUR: i64 = 3_600_000;

fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64
}

/// The whole server, until it is told to end.
pub(crate) struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    pub(crate) fn start(clinic: &Clinic) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let app = clinic.app.clone();
        let stopped = async { drop(stopped.await) };
        Self { stop, task: tokio::spawn(async { serve(app, |_| (), stopped).await.unwrap() }) }
    }

    pub(crate) async fn end(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }
}

/// What came of the first backup after that time.
async fn proof_after(config: &Config, since: i64) -> Proof {
    let begun = Instant::now();
    loop {
        if let Some(proof) = last_proof(config).filter(|proof| proof.at > since) {
            return proof;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "no backup after a minute");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn note_last(config: &Config, at: i64, fault: Option<&str>) {
    let proof =
        Proof { at, file: "semio-x.tar.gz".into(), rows: 1, pictures: 0, fault: fault.map(Into::into), kind: None };
    fs::write(config.data.join("last-backup.json"), serde_json::to_vec(&proof).unwrap()).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let name = |entry: Result<fs::DirEntry, _>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

/// A test whose server takes backups into a folder of its own.
fn with_backups<F, T>(recipient: Option<String>, test: F)
where
    F: FnOnce(Arc<Clinic>, std::path::PathBuf) -> T,
    T: Future<Output = ()> + Send + 'static,
{
    let folder = tempfile::tempdir().unwrap();
    let backups = folder.path().join("backups");
    let schedule = Schedule { every_hours: 24, folder: backups.clone(), keep: 2, recipient };
    let change = |config: &mut Config| {
        config.backup = Some(schedule);
        config.listen = ([127, 0, 0, 1], 0).into();
    };
    on_with(Kind::Sqlite, change, |clinic| test(clinic, backups));
}

#[test]
fn it_is_taken_at_its_time_and_proven_and_the_oldest_go() {
    with_backups(None, |clinic, folder| async move {
        fill(&clinic).await;
        let mut admin = clinic.signed_in("administrator", "first").await;
        assert!(admin.get("/admin/system").await.has("none by schedule"));
        fs::create_dir_all(&folder).unwrap();
        for name in ["semio-20200101-000000.tar.gz", "semio-20210101-000000.tar.gz", "notes.txt"] {
            fs::write(folder.join(name), "x").unwrap();
        }
        // Two seconds are left of the day since the last one.
        let due = now() + 2000;
        note_last(&clinic.config, due - 24 * HOUR, None);
        let running = Running::start(&clinic);
        let proof = proof_after(&clinic.config, due - 24 * HOUR).await;
        assert!(proof.at >= due && proof.fault.is_none(), "{proof:?}, due {due}");
        assert!(proof.pictures == 3 && proof.rows > 30, "{proof:?}");
        let left = names(&folder);
        assert_eq!(left[..2], ["notes.txt", "semio-20210101-000000.tar.gz"], "{left:?}");
        assert!(left.len() == 3 && proof.file.ends_with(&left[2]) && proof.file.is_file(), "{left:?}");
        let page = admin.get("/admin/system").await;
        let told = format!("restored on trial and compared ({} rows, 3 pictures)", proof.rows);
        assert!(page.has(&told), "{}", page.text());
        running.end().await;
        // The next is due in a day, however often the server starts.
        let running = Running::start(&clinic);
        tokio::time::sleep(Duration::from_secs(1)).await;
        running.end().await;
        assert_eq!(last_proof(&clinic.config), Some(proof));
    });
}

#[test]
fn one_that_is_not_proven_is_told_and_pushes_no_good_one_out() {
    with_backups(None, |clinic, folder| async move {
        fill(&clinic).await;
        let mut admin = clinic.signed_in("administrator", "first").await;
        let running = Running::start(&clinic);
        assert_eq!(proof_after(&clinic.config, 0).await.fault, None);
        running.end().await;
        let good = names(&folder);
        // Names are to the second.
        tokio::time::sleep(Duration::from_secs(1)).await;
        // Another key lies in the folder than the server's trail was written with: nobody could verify it afterwards.
        let key = clinic.config.data.join("keys/audit.key");
        let right = fs::read(&key).unwrap();
        fs::write(&key, fs::read(clinic.config.data.join("keys/forms.key")).unwrap()).unwrap();
        for turn in 0..3 {
            // After a failure it is tried again within the hour.
            let at = now() - HOUR - 1000;
            note_last(&clinic.config, at, Some("as before"));
            let running = Running::start(&clinic);
            let proof = proof_after(&clinic.config, at).await;
            running.end().await;
            assert!(proof.fault.as_ref().is_some_and(|fault| fault.contains("trail")), "turn {turn}: {proof:?}");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let left = names(&folder);
        assert!(left.len() == 2 && left[0] == good[0] && left[1].ends_with(".failed"), "{left:?}");
        let page = admin.get("/admin/system").await;
        assert!(page.has("failed.") && page.has("trail"), "{}", page.text());
        // Right again, and said so.
        fs::write(&key, right).unwrap();
        let at = now() - HOUR - 1000;
        note_last(&clinic.config, at, Some("as before"));
        let running = Running::start(&clinic);
        assert_eq!(proof_after(&clinic.config, at).await.fault, None);
        running.end().await;
        assert!(admin.get("/admin/system").await.has("restored on trial and compared"));
        // A folder that cannot be written.
        fs::remove_dir_all(&folder).unwrap();
        fs::write(&folder, "no folder").unwrap();
        note_last(&clinic.config, at, Some("as before"));
        let running = Running::start(&clinic);
        assert!(proof_after(&clinic.config, at).await.fault.is_some());
        running.end().await;
    });
}

#[test]
fn an_encrypted_one_is_proven_as_it_lies_there() {
    let identity = Identity::generate();
    with_backups(Some(identity.recipient().to_string()), |clinic, folder| async move {
        fill(&clinic).await;
        let running = Running::start(&clinic);
        let proof = proof_after(&clinic.config, 0).await;
        running.end().await;
        assert_eq!(proof.fault, None);
        let left = names(&folder);
        assert!(left.len() == 1 && left[0].ends_with(".tar.gz.age"), "{left:?}");
        let place = Place::new(Kind::Sqlite).await.unwrap();
        let keys = clinic.config.data.join("keys");
        let restored = restore(&proof.file, &place_of(&place), &keys, Some(&identity)).await.unwrap();
        assert_eq!((restored.rows(), restored.pictures()), (proof.rows, proof.pictures));
    });
}

#[test]
fn a_recipient_that_is_none_is_refused_at_the_start() {
    let text = "[backup]\nevery-hours = 24\nfolder = \"b\"\nkeep = 2\nrecipient = \"age1wrong\"";
    let refused = Config::from_toml(text).unwrap().check().unwrap_err().to_string();
    assert!(refused.contains("backup.recipient"), "{refused}");
}
