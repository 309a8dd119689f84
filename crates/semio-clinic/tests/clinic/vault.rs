//! Backups and what comes back of them.

use std::{fs, path::Path, sync::Arc};

use semio_clinic::{
    Config,
    backup::{BackupError, Contents, Identity, restore, take},
    server::open_store,
};

use crate::{
    files,
    harness::{Browser, Clinic, Kind, Place, course_form, on, on_every_database, patient_form},
};

on_every_database!(a_backup_is_restored_elsewhere, rows_are_copied_before_their_tables_change);

/// Patients with results and reviews, one merged, one deleted.
pub(crate) async fn fill(clinic: &Clinic) -> (Browser, String) {
    let mut marie = clinic.physician("marie").await;
    let mut form = patient_form("Núñez “李”", "Zoë\u{1f600}", "1990-02-28");
    form.extend([("identifier", "L-1"), ("note", "two\nlines, \"quoted\" \\ 'and'")]);
    let id = marie.post("/patients/new", &form).await.led_to();
    let other = marie.patient("Gone", "G", "1980-01-01").await;
    let into = marie.patient("Later", "L", "1980-01-01").await;
    let mut study = String::new();
    for index in 0..3 {
        study = marie.upload(&id, "pneumonia", &[("a.png", &files::png(index))]).await.is(200).study();
    }
    let page = marie.result(&study).await;
    let prediction = page.between("/predictions/", "/review");
    let review = [("verdict", "contested"), ("label", "normal"), ("comment", "line\nline")];
    marie.post(&format!("/predictions/{prediction}/review"), &review).await.is(303);
    marie.post(&format!("/patients/{id}/course"), &course_form("2025-03-10")).await.is(303);
    // The earlier record points to the later one.
    marie.post(&format!("/patients/{other}/merge"), &[("into", &into)]).await.is(303);
    while clinic.count("SELECT COUNT(*) FROM prediction WHERE state <> 'done'").await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    (marie, id)
}

pub(crate) fn place_of(place: &Place) -> Config {
    Config { models: place.folder.path().join("restored"), ..place.config() }
}

/// Restores into a place and reads a record there.
async fn comes_back(file: &Path, keys: &Path, place: &Place, taken: &Contents, id: &str) {
    let config = place_of(place);
    let restored = restore(file, &config, keys, None).await.unwrap();
    assert_eq!(&restored, taken);
    let clinic = Clinic::open(place.kind, config.clone()).await;
    let mut browser = clinic.browser();
    browser.sign_in("marie").await;
    let page = browser.get(&format!("/patients/{id}")).await.is(200);
    for text in ["Núñez “李”", "Zoë\u{1f600}", "L-1", "two\nlines"] {
        assert!(page.has(text), "{text}");
    }
    let study = page.between("/studies/", "\"");
    let image = browser.get(&format!("/studies/{study}")).await.is(200).between("/images/", "/view");
    browser.get(&format!("/images/{image}/picture.png")).await.is(200);
    assert!(browser.get(&format!("/patients/{id}/course")).await.is(200).has("value=\"2025-03-10\""));
    // The restored server goes on: it reads and writes.
    browser.upload(id, "pneumonia", &[("b.png", &files::png(40))]).await.is(200);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM patient WHERE merged_into IS NOT NULL").await, 1);
    clinic.app.stop().await;
    drop(clinic);
    // A place that holds something is not touched.
    assert!(matches!(restore(file, &config, keys, None).await, Err(BackupError::NotEmpty(_))));
    let beside = Config { data: place.folder.path().join("other"), models: place.folder.path().join("none"), ..config };
    assert!(matches!(restore(file, &beside, keys, None).await, Err(BackupError::NotEmpty(_))));
}

async fn a_backup_is_restored_elsewhere(clinic: Arc<Clinic>) {
    let (mut marie, id) = fill(&clinic).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.tar.gz");
    // Others write while it is taken.
    let writer = tokio::spawn(async move {
        for number in 0..20 {
            marie.patient(&format!("Meanwhile{number}"), "M", "1980-01-01").await;
        }
    });
    let taken = take(&clinic.config, &file, &[]).await.unwrap();
    writer.await.unwrap();
    assert_eq!(taken.pictures(), 3);
    assert!(taken.rows() > 30);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing but the backup stays");
    let bytes = fs::read(&file).unwrap();
    let keys = clinic.config.data.join("keys");
    let key = fs::read_to_string(keys.join("audit.key")).unwrap();
    assert!(!bytes.windows(key.len()).any(|w| w == key.as_bytes()));
    // Into the same kind of database, and into every other.
    for kind in [Kind::Sqlite, Kind::Postgres, Kind::MariaDb] {
        if let Some(place) = Place::new(kind).await {
            comes_back(&file, &keys, &place, &taken, &id).await;
            place.remove().await;
        }
    }
}

#[test]
fn a_backup_that_is_not_whole_is_refused() {
    on(Kind::Sqlite, |clinic| async move {
        fill(&clinic).await;
        let folder = tempfile::tempdir().unwrap();
        let (file, wrong) = (folder.path().join("a.tar.gz"), folder.path().join("b.tar.gz"));
        take(&clinic.config, &file, &[]).await.unwrap();
        let (bytes, keys) = (fs::read(&file).unwrap(), clinic.config.data.join("keys"));
        let mut damaged = bytes.clone();
        damaged[bytes.len() / 2] ^= 0x10;
        for (name, content) in [("half", &bytes[..bytes.len() / 2]), ("damaged", &damaged[..]), ("empty", &[][..])] {
            fs::write(&wrong, content).unwrap();
            let place = Place::new(Kind::Sqlite).await.unwrap();
            let found = restore(&wrong, &place_of(&place), &keys, None).await;
            assert!(matches!(found, Err(BackupError::Form(..))), "{name}: {found:?}");
        }
        // Other keys: the trail does not verify, and that is said.
        let place = Place::new(Kind::Sqlite).await.unwrap();
        let none = restore(&file, &place_of(&place), &folder.path().join("none"), None).await;
        assert!(matches!(none, Err(BackupError::Keys(..))), "{none:?}");
        let other = Place::new(Kind::Sqlite).await.unwrap();
        let stranger = Clinic::open(Kind::Sqlite, other.config()).await;
        let place = Place::new(Kind::Sqlite).await.unwrap();
        let found = restore(&file, &place_of(&place), &stranger.config.data.join("keys"), None).await;
        assert!(matches!(&found, Err(BackupError::Differs(what)) if what.contains("trail")), "{found:?}");
        // A picture that is missing is told when the backup is taken, not when it is needed.
        let pictures = clinic.config.data.join("pictures");
        let first = fs::read_dir(&pictures).unwrap().next().unwrap().unwrap().path();
        fs::remove_dir_all(first).unwrap();
        assert!(matches!(take(&clinic.config, &wrong, &[]).await, Err(BackupError::Picture(_))));
    });
}

/// The copies in a data folder.
fn copies(folder: &Path) -> Vec<std::path::PathBuf> {
    let is_copy = |path: &std::path::PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("before-");
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(is_copy).collect()
}

async fn rows_are_copied_before_their_tables_change(clinic: Arc<Clinic>) {
    let (_, id) = fill(&clinic).await;
    clinic.app.stop().await;
    let config = &clinic.config;
    open_store(config).await.unwrap();
    assert_eq!(copies(&config.data), Vec::<std::path::PathBuf>::new(), "nothing was to be changed");
    // As the version before left it.
    for (table, step) in [("course", "m0003_courses"), ("second_factor", "m0002_second_factor")] {
        clinic.sql(&format!("DROP TABLE {table}")).await;
        clinic.sql(&format!("DELETE FROM seaql_migrations WHERE version = '{step}'")).await;
    }
    let rows = clinic.count("SELECT COUNT(*) FROM audit").await;
    open_store(config).await.unwrap();
    for table in ["course", "second_factor"] {
        assert_eq!(clinic.count(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "the step was taken");
    }
    let found = copies(&config.data);
    assert_eq!(found.len(), 1, "{found:?}");
    let place = Place::new(Kind::Sqlite).await.unwrap();
    let restored = place_of(&place);
    if clinic.kind == Kind::Sqlite {
        // The copy is a database of the version before, and becomes one of this version.
        fs::create_dir_all(&restored.data).unwrap();
        fs::rename(&found[0], place.folder.path().join("semio.db")).unwrap();
        // Its trail was written with the keys beside it.
        fs::create_dir(restored.data.join("keys")).unwrap();
        for name in ["audit.key", "forms.key", "codes.key"] {
            fs::copy(config.data.join("keys").join(name), restored.data.join("keys").join(name)).unwrap();
        }
    } else {
        restore(&found[0], &restored, &config.data.join("keys"), None).await.unwrap();
    }
    let earlier = Clinic::open(Kind::Sqlite, restored).await;
    assert_eq!(earlier.count("SELECT COUNT(*) FROM audit").await, rows);
    let mut browser = earlier.browser();
    browser.sign_in("marie").await;
    let page = browser.get(&format!("/patients/{id}")).await.is(200);
    for text in ["Núñez “李”", "Zoë\u{1f600}", "two\nlines, &#34;quoted&#34;"] {
        assert!(page.has(text), "{text} in {}", page.text());
    }
    earlier.app.stop().await;
}

#[test]
fn an_encrypted_backup_opens_with_its_identity_alone() {
    on(Kind::Sqlite, |clinic| async move {
        fill(&clinic).await;
        let (folder, identity) = (tempfile::tempdir().unwrap(), Identity::generate());
        let file = folder.path().join("a.tar.gz.age");
        let taken = take(&clinic.config, &file, &[identity.recipient()]).await.unwrap();
        let bytes = fs::read(&file).unwrap();
        assert!(bytes.starts_with(b"age-encryption.org/v1\n-> X25519 "));
        let keys = clinic.config.data.join("keys");
        let place = Place::new(Kind::Sqlite).await.unwrap();
        let none = restore(&file, &place_of(&place), &keys, None).await;
        assert!(matches!(none, Err(BackupError::Sealed(_))), "{none:?}");
        let place = Place::new(Kind::Sqlite).await.unwrap();
        let other = restore(&file, &place_of(&place), &keys, Some(&Identity::generate())).await;
        assert!(matches!(&other, Err(BackupError::Form(_, why)) if why.contains("another identity")), "{other:?}");
        let place = Place::new(Kind::Sqlite).await.unwrap();
        let file_text = format!("# a comment\n{}\n", identity.secret_text());
        let restored = restore(&file, &place_of(&place), &keys, Some(&file_text.parse().unwrap())).await.unwrap();
        assert_eq!(restored, taken);
        // Into a folder that is not there yet, with the embedded database.
        let anew = folder.path().join("new/place");
        let new = Config { database: None, data: anew.join("data"), models: anew.join("models"), ..place.config() };
        assert_eq!(restore(&file, &new, &keys, Some(&identity)).await.unwrap(), taken);
        // A tail that is cut off is seen.
        fs::write(&file, &bytes[..bytes.len() - 7]).unwrap();
        let place = Place::new(Kind::Sqlite).await.unwrap();
        let cut = restore(&file, &place_of(&place), &keys, Some(&identity)).await;
        assert!(matches!(cut, Err(BackupError::Form(..))), "{cut:?}");
    });
}
