//! What was acknowledged is there, whatever happens beside it; and what was erased is gone.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use semio_clinic::{
    Config,
    audit::{Head, write_head},
    demo::DemoJob,
    server::{open_app, open_to_verify},
};
use semio_model::hex_sha256;

use crate::{
    files::{self, Dicom},
    harness::{Clinic, Kind, on, on_every_database},
};

on_every_database!(
    an_upload_beside_an_erasure_keeps_its_file,
    an_upload_beside_a_merge_is_found_in_what_became_of_the_record,
    a_file_that_is_sent_twice_is_filed_once,
    a_decision_that_is_sent_twice_makes_one_record,
);

fn file(clinic: &Clinic, sha256: &str) -> PathBuf {
    clinic.config.data.join("pictures").join(&sha256[..2]).join(sha256)
}

async fn an_upload_beside_an_erasure_keeps_its_file(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let kept = marie.patient("Kept", "K", "1980-01-01").await;
    for round in 0..6 {
        let bytes = files::png(200 + round);
        let gone = marie.patient("Gone", "G", "1980-01-01").await;
        marie.upload(&gone, "", &[("a.png", &bytes)]).await.is(200);
        marie.post(&format!("/patients/{gone}/delete"), &[]).await.is(303);
        let (mut eraser, mut sender, to) = (marie.clone(), marie.clone(), kept.clone());
        let erasing = tokio::spawn(async move { eraser.post(&format!("/patients/{gone}/erase"), &[]).await });
        let sending = tokio::spawn(async move { sender.upload(&to, "", &[("a.png", &bytes)]).await });
        erasing.await.unwrap().is(303);
        assert!(sending.await.unwrap().is(200).has("data-state=\"done\""));
    }
    let named = clinic.texts("SELECT sha256 FROM picture").await;
    assert_eq!(named.len(), 6);
    for sha256 in named {
        assert!(file(&clinic, &sha256).is_file(), "an acknowledged picture has no file");
    }
}

async fn an_upload_beside_a_merge_is_found_in_what_became_of_the_record(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let into = marie.patient("Curie", "Marie", "1967-11-07").await;
    for round in 0..4 {
        let from = marie.patient("Curie", "M.", "1967-11-07").await;
        let mut tasks = vec![];
        for index in 0..4 {
            let (mut browser, to) = (marie.clone(), from.clone());
            let bytes = files::png(300 + 10 * round + index);
            tasks.push(tokio::spawn(async move { browser.upload(&to, "", &[("a.png", &bytes)]).await }));
        }
        marie.post(&format!("/patients/{from}/merge"), &[("into", &into)]).await.is(303);
        for task in tasks {
            let page = task.await.unwrap();
            let told =
                page.status == 404 || page.has("data-state=\"done\"") || page.has("merged into another meanwhile");
            assert!(told, "{} {}", page.status, page.text());
        }
    }
    let lost = "SELECT COUNT(*) FROM study s JOIN patient p ON p.id = s.patient_id WHERE p.deleted_at IS NOT NULL";
    assert_eq!(clinic.count(lost).await, 0, "studies in records that nobody opens any more");
}

async fn a_file_that_is_sent_twice_is_filed_once(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let (png, dicom) = (files::png(1), Dicom::default().bytes(1));
    let first = marie.upload(&id, "pneumonia", &[("a.png", &png)]).await.is(200).study();
    assert_eq!(marie.upload(&id, "pneumonia", &[("a.png", &png)]).await.is(200).study(), first);
    // Sent for another job, the picture is read for that too; nothing else is made of it.
    assert_eq!(marie.upload(&id, "", &[("a.png", &png)]).await.is(200).study(), first);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM prediction").await, 1);
    let named = marie.upload(&id, "", &[("a.dcm", &dicom)]).await.is(200).study();
    assert_eq!(marie.upload(&id, "pneumonia", &[("a.dcm", &dicom)]).await.is(200).study(), named);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, 2);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM prediction").await, 2);
    // Much later the same picture may be filed anew; in the study that it names it stays one.
    clinic.sql("UPDATE image SET created_at = created_at - 3600000").await;
    assert_ne!(marie.upload(&id, "", &[("a.png", &png)]).await.is(200).study(), first);
    assert_eq!(marie.upload(&id, "", &[("a.dcm", &dicom)]).await.is(200).study(), named);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, 3);
}

async fn a_decision_that_is_sent_twice_makes_one_record(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let page = marie.upload("", "", &[("a.dcm", &Dicom::default().bytes(1))]).await.is(200);
    let held = page.between("name=\"held\" value=\"", "\"");
    let mut tasks = vec![];
    for _ in 0..3 {
        let (mut browser, held) = (marie.clone(), held.clone());
        tasks.push(tokio::spawn(async move {
            browser.post("/upload/decide", &[("held", &held), ("patient", "new")]).await.is(200).study()
        }));
    }
    let mut studies = vec![];
    for task in tasks {
        studies.push(task.await.unwrap());
    }
    studies.dedup();
    assert_eq!(studies.len(), 1);
    for table in ["patient", "study", "image"] {
        assert_eq!(clinic.count(&format!("SELECT COUNT(*) FROM {table}")).await, 1, "{table}");
    }
    // Decided otherwise meanwhile is not the same.
    let other = marie.patient("Other", "O", "1980-01-01").await;
    marie.post("/upload/decide", &[("held", &held), ("patient", &other)]).await.is(403);
}

#[test]
fn files_that_no_record_names_are_taken_away_at_the_start() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let named = files::png(1);
        marie.upload(&id, "", &[("a.png", &named)]).await.is(200);
        clinic.app.stop().await;
        // As a program leaves it that was killed between a change and its files.
        let stray = file(&clinic, &hex_sha256(b"stray"));
        let unfinished = stray.with_file_name(format!("{}#1", hex_sha256(b"half")));
        let foreign = stray.with_file_name("notes.txt");
        let lay = || {
            fs::create_dir_all(stray.parent().unwrap()).unwrap();
            for path in [&stray, &unfinished, &foreign] {
                fs::write(path, "stray").unwrap();
            }
        };
        lay();
        let again = async || Clinic::open(clinic.kind, clinic.config.clone()).await.app.stop().await;
        again().await;
        assert!(stray.exists(), "nothing says that this database is the folder's");
        let empty = Head { at: 1, seq: 0, hash: "0".repeat(64) };
        write_head(&clinic.config.audit_heads(), &empty).unwrap();
        again().await;
        assert!(stray.exists(), "every trail begins like that");
        let mut head = open_to_verify(&clinic.config).await.unwrap().audit_head().await.unwrap();
        write_head(&clinic.config.audit_heads(), &head).unwrap();
        again().await;
        assert!(!stray.exists() && !unfinished.exists() && foreign.exists());
        assert!(file(&clinic, &hex_sha256(&named)).is_file());
        // Another database, or an older copy: its rows say nothing about these files.
        lay();
        head.seq += 100;
        write_head(&clinic.config.audit_heads(), &head).unwrap();
        again().await;
        assert!(stray.exists() && unfinished.exists());
    });
}

#[test]
fn a_result_that_cannot_be_kept_at_once_is_kept_later() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON prediction WHEN NEW.state = 'done' \
                      BEGIN SELECT RAISE(ABORT, 'not now'); END";
        clinic.sql(refuse).await;
        let study = marie.upload(&id, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
        while clinic.count("SELECT COUNT(*) FROM prediction WHERE state = 'running'").await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        clinic.sql("DROP TRIGGER refuse").await;
        marie.result(&study).await;
        assert_eq!(clinic.count("SELECT COUNT(*) FROM prediction WHERE state = 'done'").await, 1);
    });
}

#[test]
fn a_demo_that_was_cut_off_is_gone_on_with() {
    on(Kind::Sqlite, |clinic| async move {
        clinic.account("physician", "camille").await;
        let physician = clinic.app.account_of("camille@clinic.example").await.unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let picture = |index: usize| {
            let path = folder.path().join(format!("{index}.png"));
            fs::write(&path, files::png(index)).unwrap();
            (path, "normal".to_owned())
        };
        let pictures = (0..40).map(picture).collect();
        let jobs = [DemoJob { job: "pneumonia".into(), modality: "CR".into(), pictures }];
        let all = clinic.app.fill_demo(physician, &jobs).await.unwrap();
        let counts = async || {
            let mut found = vec![];
            for table in ["patient", "study", "image", "review"] {
                found.push(clinic.count(&format!("SELECT COUNT(*) FROM {table}")).await);
            }
            found
        };
        let whole = counts().await;
        assert_eq!((whole[0], whole[1]), (12, all as i64));
        // The last patient was not there yet, and one study of another was not.
        let last = "(SELECT patient_id FROM identifier WHERE value IN ('DEMO-012', 'DEMO-004'))";
        let study = format!("(SELECT MAX(id) FROM study WHERE patient_id IN {last} GROUP BY patient_id)");
        for statement in [
            format!(
                "DELETE FROM review WHERE prediction_id IN (SELECT p.id FROM prediction p JOIN image i ON i.id = p.image_id WHERE i.study_id IN {study})"
            ),
            format!("DELETE FROM prediction WHERE image_id IN (SELECT id FROM image WHERE study_id IN {study})"),
            format!("CREATE TABLE away AS SELECT * FROM study WHERE id IN {study}"),
            "DELETE FROM image WHERE study_id IN (SELECT id FROM away)".into(),
            "DELETE FROM study WHERE id IN (SELECT id FROM away)".into(),
        ] {
            clinic.sql(&statement).await;
        }
        assert_eq!(clinic.app.fill_demo(physician, &jobs).await.unwrap(), 2);
        let again = counts().await;
        assert_eq!(again[..3], whole[..3]);
        assert_eq!(clinic.app.fill_demo(physician, &jobs).await.unwrap(), 0);
    });
}

#[cfg(unix)]
#[test]
fn the_data_folder_is_closed_to_other_users() {
    use std::os::unix::fs::PermissionsExt;
    let place = tempfile::tempdir().unwrap();
    let config = Config { data: place.path().join("data"), models: place.path().join("models"), ..Config::default() };
    // As an earlier version left it.
    fs::create_dir(&config.data).unwrap();
    fs::write(config.data.join("semio.db"), "").unwrap();
    for (path, mode) in [(config.data.clone(), 0o755), (config.data.join("semio.db"), 0o644)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let app = open_app(config.clone()).await.unwrap();
        let mode = |name: &str| fs::metadata(config.data.join(name)).unwrap().permissions().mode() & 0o777;
        for (name, expected) in
            [("", 0o700), ("semio.db", 0o600), ("semio.db-wal", 0o600), ("pictures", 0o700), ("keys/audit.key", 0o600)]
        {
            assert_eq!(mode(name), expected, "{name}");
        }
        app.stop().await;
    });
}
