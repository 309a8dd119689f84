//! Models by page: sent, looked at, activated, compared, retired.

use std::{
    fs,
    io::{Cursor, Write},
    path::Path,
    sync::Arc,
};

use axum::http::Method;
use serde_json::{Value, json};
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::{
    bundle, files,
    harness::{BOUNDARY, Browser, Clinic, Kind, Page, Part, multipart, on, on_every_database, on_with},
};

on_every_database!(activations_at_the_same_time_leave_one_active);

/// A bundle's files, with figures of its own.
fn bundle_files(use_words: &str, metrics: Value, evaluation: Option<Value>) -> Vec<(String, Vec<u8>)> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("bundle");
    let mut bundle = bundle::make("lenet5", 32);
    bundle.manifest.intended_use = use_words.into();
    bundle.manifest.metrics = metrics;
    let evaluation = evaluation.map(|value| value.to_string().into_bytes());
    let further: Vec<(&str, &[u8])> = evaluation.iter().map(|json| ("evaluation.json", json.as_slice())).collect();
    bundle.write(&place, &further).unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let entries = fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (format!("run/bundle/{}", name(&path)), fs::read(&path).unwrap())).collect()
}

fn zipped(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(vec![]));
    for (name, bytes) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// As `tar` would write it, whatever the names are.
fn tarred(files: &[(String, Vec<u8>)], link: Option<&str>) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(vec![], flate2::Compression::fast()));
    for (name, bytes) in files {
        let mut header = tar::Header::new_ustar();
        // The library itself refuses names that lead elsewhere.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        tar.append(&header, bytes.as_slice()).unwrap();
    }
    if let Some(target) = link {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, "run/report.html", target).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

async fn send(browser: &mut Browser, job: &str, name: &str, archive: &[u8]) -> Page {
    let csrf = browser.csrf().await;
    send_with(browser, &csrf, job, name, archive).await
}

async fn send_with(browser: &mut Browser, csrf: &str, job: &str, name: &str, archive: &[u8]) -> Page {
    let parts: [Part<'_>; 4] = [
        ("csrf", None, csrf.as_bytes()),
        ("job", None, job.as_bytes()),
        ("name", None, name.as_bytes()),
        ("file", Some("m.zip"), archive),
    ];
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    browser.send(Method::POST, "/admin/models/upload", &kind, &[], multipart(&parts)).await
}

async fn admin(clinic: &Clinic) -> Browser {
    clinic.signed_in("administrator", "admin").await
}

#[test]
fn a_model_is_sent_looked_at_activated_and_retired() {
    on(Kind::Sqlite, |clinic| async move {
        let (mut admin, mut marie) = (admin(&clinic).await, clinic.physician("marie").await);
        let metrics = json!({ "n": 400, "part": "test", "accuracy": 0.91, "roc_auc": 0.96 });
        let mut files = bundle_files("sent by page", metrics, None);
        files.push(("run/report.html".into(), b"<h1>how well</h1><script>alert(1)</script>".to_vec()));
        files.push(("run/exploration.html".into(), b"<h1>what from</h1>".to_vec()));
        let id = send(&mut admin, "pneumonia", "2026-12", &zipped(&files)).await.led_to();
        let card = admin.get(&format!("/models/{id}")).await.is(200);
        for text in ["sent by page", "waiting", "0.910", "held-out test", "/report\"", "/data\""] {
            assert!(card.has(text), "{text} in {}", card.text());
        }
        assert!(clinic.config.models.join("pneumonia/2026-12/bundle/bundle.json").is_file());
        assert_eq!(clinic.count("SELECT COUNT(*) FROM model WHERE state = 'active'").await, 1, "nothing was replaced");
        // Pages that came with it run nothing, whatever they hold.
        for (name, text) in [("report", "how well"), ("data", "what from")] {
            let page = marie.get(&format!("/models/{id}/{name}")).await.is(200);
            let policy = page.headers["content-security-policy"].to_str().unwrap().to_owned();
            assert!(page.has(text) && policy.contains("default-src 'none'") && policy.ends_with("sandbox"), "{policy}");
            assert!(!policy.contains("script-src") && page.headers["x-content-type-options"] == "nosniff");
        }
        assert!(!marie.get(&format!("/models/{id}")).await.has("/admin/models/"), "no button that would be refused");
        // Activated, it reads; the one before is retired.
        admin.post(&format!("/admin/models/{id}"), &[("state", "active")]).await.is(303);
        let patient = marie.patient("Curie", "Marie", "1967-11-07").await;
        let study = marie.upload(&patient, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
        assert!(marie.result(&study).await.has(&format!("/models/{id}")));
        assert_eq!(clinic.count("SELECT COUNT(*) FROM model WHERE state = 'retired'").await, 1);
        admin.post(&format!("/admin/models/{id}"), &[("state", "retired")]).await.is(303);
        assert!(marie.get("/upload").await.has("No model is active"));
        assert!(clinic.noted("model.find").await >= 2);
        // What was changed since cannot be activated.
        let bundle = clinic.config.models.join("pneumonia/2026-12/bundle/bundle.json");
        fs::write(&bundle, fs::read_to_string(&bundle).unwrap().replace("sent by page", "forged")).unwrap();
        clinic.sql("UPDATE model SET state = 'waiting'").await;
        // Opened anew, as after a restart: what is open already is not read again.
        let other = Clinic::open(clinic.kind, clinic.config.clone()).await;
        let mut again = other.browser();
        again.sign_in("admin").await;
        let page = again.post(&format!("/admin/models/{id}"), &[("state", "active")]).await.is(200);
        assert!(page.has("was replaced"), "{}", page.text());
        other.app.stop().await;
    });
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn is_refused(clinic: &Clinic, admin: &mut Browser, what: &str, archive: &[u8], words: &str) {
    let page = send(admin, "pneumonia", "refused", archive).await;
    assert!(page.status == 422 && page.has(words), "{what}: {} {}", page.status, page.text());
    assert!(page.has("value=\"refused\""), "what was typed is not lost");
    assert_eq!(names(&clinic.config.models), ["pneumonia"], "{what} left something");
    assert_eq!(names(&clinic.config.models.join("pneumonia")), ["v1"], "{what} left something");
}

#[test]
fn archives_that_are_not_what_they_should_be_are_refused() {
    on_with(
        Kind::Sqlite,
        |config| config.model_megabytes = 2,
        |clinic: Arc<Clinic>| async move {
            let mut admin = admin(&clinic).await;
            let good = bundle_files("good", Value::Null, None);
            let with = |name: &str, bytes: &[u8]| {
                let mut files = good.clone();
                files.push((name.to_owned(), bytes.to_vec()));
                files
            };
            let out = "a link, a doubled or hidden name";
            for name in ["../evil", "/evil", "run/../../evil", "run\\..\\evil", "run/.hidden", "C:evil"] {
                is_refused(&clinic, &mut admin, name, &zipped(&with(name, b"x")), out).await;
                is_refused(&clinic, &mut admin, name, &tarred(&with(name, b"x"), None), out).await;
            }
            is_refused(&clinic, &mut admin, "a link", &tarred(&good, Some("/etc/passwd")), out).await;
            is_refused(&clinic, &mut admin, "two sizes", &zipped(&with("RUN/bundle/bundle.json", b"{}")), out).await;
            let zeros = vec![0; 3 << 20];
            let large = "unpacks to more";
            is_refused(&clinic, &mut admin, "a bomb", &zipped(&with("run/zeros", &zeros)), large).await;
            is_refused(&clinic, &mut admin, "a bomb", &tarred(&with("run/zeros", &zeros), None), large).await;
            let many: Vec<_> = (0..2100).map(|n| (format!("run/{n}"), vec![])).collect();
            is_refused(&clinic, &mut admin, "many files", &zipped(&many), large).await;
            let none = "must hold one bundle";
            is_refused(&clinic, &mut admin, "none", &zipped(&[("a.txt".into(), b"x".to_vec())]), none).await;
            let twice: Vec<_> = good
                .iter()
                .flat_map(|(n, b)| [(n.clone(), b.clone()), (n.replace("run/", "two/"), b.clone())])
                .collect();
            is_refused(&clinic, &mut admin, "two", &zipped(&twice), none).await;
            is_refused(&clinic, &mut admin, "words", b"not an archive", "no zip or tar.gz").await;
            let whole = tarred(&good, None);
            is_refused(&clinic, &mut admin, "half", &whole[..whole.len() / 2], "no zip or tar.gz").await;
            let damaged: Vec<_> = good
                .iter()
                .map(|(name, bytes)| {
                    let mut bytes = bytes.clone();
                    if name.ends_with("safetensors") {
                        let last = bytes.len() - 1;
                        bytes[last] ^= 1;
                    }
                    (name.clone(), bytes)
                })
                .collect();
            is_refused(&clinic, &mut admin, "damaged", &zipped(&damaged), "The bundle cannot be read").await;
            // Beyond the limit of one request nothing is read at all.
            send(&mut admin, "pneumonia", "refused", &vec![0; 4 << 20]).await.is(413);
            for (job, name) in [("../x", "a"), ("a", "../x"), ("", "a"), ("a", ""), ("a b", "c"), (".a", "b")] {
                let page = send(&mut admin, job, name, &zipped(&good)).await.is(422);
                assert!(page.has("no dot at the beginning"), "{job} {name}");
            }
            assert!(send(&mut admin, "pneumonia", "v1", &zipped(&good)).await.is(422).has("of that name already"));
            send(&mut admin, "pneumonia", "v2", &zipped(&good)).await.is(303);
            assert!(send(&mut admin, "other", "v2", &zipped(&good)).await.is(422).has("here already"));
            assert_eq!(names(&clinic.config.models), ["pneumonia"]);
        },
    );
}

#[test]
fn models_come_from_administrators_own_pages_alone() {
    on(Kind::Sqlite, |clinic| async move {
        let (mut admin, mut marie) = (admin(&clinic).await, clinic.physician("marie").await);
        let archive = zipped(&bundle_files("good", Value::Null, None));
        send(&mut marie, "pneumonia", "v2", &archive).await.is(403);
        let foreign = marie.csrf().await;
        for token in ["", foreign.as_str()] {
            send_with(&mut admin, token, "pneumonia", "v2", &archive).await.is(403);
        }
        assert_eq!(clinic.count("SELECT COUNT(*) FROM model").await, 1);
    });
}

#[test]
fn models_are_compared_on_the_same_pictures_alone() {
    on(Kind::Sqlite, |clinic| async move {
        let (mut admin, mut marie) = (admin(&clinic).await, clinic.physician("marie").await);
        let metrics = |part: &str, auc: f64| json!({ "n": 400, "part": part, "accuracy": 0.8, "roc_auc": auc });
        let evaluation = |auc: f64| {
            let ends = |v: f64| json!({ "low": v - 0.02, "high": v + 0.02 });
            json!({ "n": 400, "accuracy": 0.8, "roc_auc": auc,
                    "intervals": { "accuracy": ends(0.8), "roc_auc": ends(auc) } })
        };
        for (name, part, auc) in [("worse", "test", 0.80), ("better", "test", 0.90), ("elsewhere", "val", 0.99)] {
            let files = bundle_files(name, metrics(part, auc), Some(evaluation(auc)));
            send(&mut admin, "pneumonia", name, &zipped(&files)).await.is(303);
        }
        let list = marie.get("/models").await.is(200);
        assert!(list.has("/compare?job=pneumonia"));
        let page = marie.get("/compare?job=pneumonia").await.is(200);
        for text in [
            "Area under the ROC curve: better is better",
            "Accuracy: no difference shown",
            "0.880 – 0.920",
            "Between the groups no verdict is possible",
            "Without figures",
        ] {
            assert!(page.has(text), "{text} in {}", page.text());
        }
        assert!(!page.has("elsewhere is better"));
        marie.get("/compare?job=nothing").await.is(404);
        marie.get("/compare").await.is(404);
    });
}

async fn activations_at_the_same_time_leave_one_active(clinic: Arc<Clinic>) {
    let mut admin = admin(&clinic).await;
    let mut models = vec![];
    for name in ["a", "b"] {
        let files = bundle_files(name, Value::Null, None);
        models.push(send(&mut admin, "pneumonia", name, &zipped(&files)).await.led_to());
    }
    for round in 0..8 {
        let mut tasks = vec![];
        for model in &models {
            let (mut browser, path) = (admin.clone(), format!("/admin/models/{model}"));
            tasks.push(tokio::spawn(async move { browser.post(&path, &[("state", "active")]).await }));
        }
        for task in tasks {
            task.await.unwrap().is(303);
        }
        let active = "SELECT COUNT(*) FROM model WHERE job = 'pneumonia' AND state = 'active'";
        assert_eq!(clinic.count(active).await, 1, "round {round}");
    }
}

#[test]
fn a_model_whose_sending_was_cut_off_still_waits() {
    on(Kind::Sqlite, |clinic| async move {
        // As a program leaves it that was killed between the folder and the row.
        let place = clinic.config.models.join("new-job/sent");
        for (name, bytes) in bundle_files("sent", Value::Null, None) {
            let path = place.join(name.strip_prefix("run/").unwrap());
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        fs::write(place.join(".sent"), "").unwrap();
        let mut admin = admin(&clinic).await;
        admin.post("/admin/models", &[]).await;
        assert_eq!(clinic.texts("SELECT state FROM model WHERE job = 'new-job'").await, ["waiting"]);
    });
}
