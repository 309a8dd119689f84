use std::sync::Arc;

use semio_clinic::{labels, server::open_store};
use semio_data::{Manifest, ManifestOptions};
use semio_model::hex_sha256;

use crate::{
    files::{self, Dicom},
    harness::{Browser, Clinic, on_every_database, patient_form},
};

on_every_database!(
    an_upload_is_read_and_judged,
    what_a_file_says_is_compared_with_the_record,
    a_file_without_a_record_waits_for_a_decision,
    a_picture_of_nothing_is_refused,
    a_result_is_pinned_and_pictures_lie_under_their_hash,
    readings_that_were_cut_off_are_done_again,
    uploads_at_the_same_time_are_all_filed,
    words_become_a_list_to_train_with,
);

async fn an_upload_is_read_and_judged(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let (mut answered, mut contested) = (false, false);
    for index in 130..150 {
        let name = format!("{index}.png");
        let page = marie.upload(&id, "pneumonia", &[(&name, &files::png(index))]).await.is(200);
        assert!(page.has("data-state=\"done\""), "{}", page.text());
        let study = page.study();
        let page = marie.result(&study).await;
        let prediction = page.between("/predictions/", "/review");
        let address = format!("/predictions/{prediction}/review");
        match page.between("data-outcome=\"", "\"").as_str() {
            "answered" if !answered => {
                marie.post(&address, &[("verdict", "approved"), ("comment", "as I see it")]).await.is(303);
                let page = marie.get(&format!("/studies/{study}")).await;
                assert!(page.has("as I see it"));
                answered = true;
            }
            "unsure" | "refused" => {
                marie.post(&address, &[("verdict", "approved")]).await.is(400);
            }
            _ => {
                marie.post(&address, &[("verdict", "contested"), ("label", "no class")]).await.is(400);
                marie.post(&address, &[("verdict", "contested"), ("label", "normal")]).await.is(303);
                contested = true;
            }
        }
        marie.get(&format!("/studies/{study}/print")).await.is(200);
    }
    assert!(answered && contested, "of twenty pictures at least two are answered");
    let same = "SELECT COUNT(*) FROM review r JOIN prediction p ON p.id = r.prediction_id \
                WHERE r.verdict = 'approved' AND r.label = p.class";
    assert_eq!(clinic.count(same).await, 1);
    assert_eq!((clinic.noted("prediction.approve").await, clinic.noted("prediction.done").await), (1, 20));
    assert!(marie.get("/").await.is(200).has("Curie"));
    // Where the model looked can be had where there is a map, and the picture always.
    let image = marie.get(&format!("/patients/{id}")).await.between("/studies/", "\"");
    let page = marie.get(&format!("/studies/{image}")).await;
    let image = page.between("/images/", "/view");
    let facts: serde_json::Value =
        serde_json::from_slice(&marie.get(&format!("/images/{image}/view")).await.is(200).bytes).unwrap();
    assert_eq!((facts["rows"].as_u64(), facts["columns"].as_u64()), (Some(64), Some(64)));
    assert_eq!(marie.get(&format!("/images/{image}/frames/0")).await.is(200).bytes.len(), 64 * 64);
    marie.get(&format!("/images/{image}/frames/1")).await.is(404);
    assert!(marie.get(&format!("/images/{image}/picture.png")).await.is(200).bytes.starts_with(b"\x89PNG"));
    marie.post(&format!("/images/{image}/read"), &[("job", "pneumonia")]).await.is(303);
    marie.post(&format!("/images/{image}/read"), &[("job", "no such job")]).await.is(404);
}

async fn what_a_file_says_is_compared_with_the_record(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let mut form = patient_form("Curie", "Marie", "1967-11-07");
    form.push(("identifier", "L-1"));
    let id = marie.post("/patients/new", &form).await.led_to();
    let good = Dicom { name: "CURIE^Marie", id: "L-1", ..Dicom::default() }.bytes(1);
    assert!(marie.upload(&id, "pneumonia", &[("a.dcm", &good)]).await.is(200).has("data-state=\"done\""));
    for (dicom, told) in [
        (Dicom { name: "Planck^Max", ..Dicom::default() }, "Planck"),
        (Dicom { name: "Curie^Eve", ..Dicom::default() }, "Eve"),
        (Dicom { born: "19700101", ..Dicom::default() }, "1970"),
        (Dicom { sex: "M", ..Dicom::default() }, ">male<"),
        (Dicom { id: "L-2", ..Dicom::default() }, "L-2"),
    ] {
        let page = marie.upload(&id, "pneumonia", &[("a.dcm", &dicom.bytes(2))]).await.is(200);
        assert!(page.has("data-state=\"decide\"") && page.has(told), "{told}: {}", page.text());
    }
    assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, 1);
    let other = Dicom { name: "Planck^Max", study: "1.2.9", ..Dicom::default() };
    let decide = |page: crate::harness::Page| page.between("name=\"held\" value=\"", "\"");
    // Filed all the same.
    let held = decide(marie.upload(&id, "pneumonia", &[("a.dcm", &other.bytes(3))]).await);
    let page = marie.post("/upload/decide", &[("held", held.as_str()), ("patient", id.as_str())]).await.is(200);
    marie.result(&page.study()).await;
    // Thrown away: nothing of it stays.
    let discarded = other.bytes(4);
    let held = decide(marie.upload(&id, "pneumonia", &[("a.dcm", &discarded)]).await);
    marie.post("/upload/decide", &[("held", held.as_str()), ("patient", "")]).await.is(200);
    let hash = hex_sha256(&discarded);
    assert!(!clinic.config.data.join("pictures").join(&hash[..2]).join(&hash).exists());
    // Thrown away where the same file is filed elsewhere: that one stays.
    let held = decide(marie.upload(&id, "pneumonia", &[("a.dcm", &other.bytes(3))]).await);
    marie.post("/upload/decide", &[("held", held.as_str()), ("patient", "")]).await.is(200);
    let image = marie.get(&format!("/studies/{}", page.study())).await.between("/images/", "/view");
    marie.get(&format!("/images/{image}/picture.png")).await.is(200);
    // Nobody else can hand a held file in, and nothing in the note can be changed.
    let mut pierre = clinic.physician("pierre").await;
    let own = pierre.patient("A", "B", "1980-01-01").await;
    pierre.post("/upload/decide", &[("held", held.as_str()), ("patient", own.as_str())]).await.is(403);
    let forged = held.replace("pneumonia", "leukemia");
    marie.post("/upload/decide", &[("held", forged.as_str()), ("patient", id.as_str())]).await.is(403);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, 2);
}

async fn a_file_without_a_record_waits_for_a_decision(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let known = marie.patient("Curie", "Marie", "1967-11-07").await;
    marie.patient("Curie", "Eve", "1904-12-06").await;
    let page = marie.upload("", "pneumonia", &[("a.dcm", &Dicom::default().bytes(1))]).await.is(200);
    assert!(page.has("data-state=\"decide\"") && page.has(&known) && !page.has("Eve"), "{}", page.text());
    let held = page.between("name=\"held\" value=\"", "\"");
    marie.post("/upload/decide", &[("held", held.as_str()), ("patient", "new")]).await.is(200);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM patient").await, 3);
    // A file that says nobody's name and no record chosen: there is nothing to decide between.
    let png = files::png(2);
    let page = marie.upload("", "pneumonia", &[("a.png", &png)]).await.is(200);
    assert!(page.has("data-state=\"failed\""));
    let hash = hex_sha256(&png);
    assert!(!clinic.config.data.join("pictures").join(&hash[..2]).join(&hash).exists(), "the file stays for nobody");
    let page = marie.upload(&known, "pneumonia", &[("a.png", b"no picture")]).await.is(200);
    assert!(page.has("data-state=\"failed\""));
}

async fn a_picture_of_nothing_is_refused(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let study = marie.upload(&id, "pneumonia", &[("a.png", &files::black())]).await.is(200).study();
    let page = marie.result(&study).await;
    assert_eq!(page.between("data-outcome=\"", "\""), "refused");
    // Nothing is said of a picture that the model does not know.
    assert_eq!(clinic.count("SELECT COUNT(*) FROM prediction WHERE finding LIKE '%\"map\":null%'").await, 1);
}

async fn a_result_is_pinned_and_pictures_lie_under_their_hash(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let bytes = files::png(1);
    // What a file is called does not count, nor where its name points.
    let study = marie.upload(&id, "pneumonia", &[("../../../etc/passwd", &bytes)]).await.is(200).study();
    marie.upload(&id, "pneumonia", &[("b.png", &bytes)]).await.is(200);
    marie.result(&study).await;
    let bundle = std::fs::read(clinic.config.models.join("pneumonia/v1/bundle/bundle.json")).unwrap();
    let manifest: semio_model::Manifest = serde_json::from_slice(&bundle).unwrap();
    let hash = hex_sha256(&bytes);
    let pinned = |column: &str| format!("SELECT DISTINCT {column} FROM prediction");
    assert_eq!(clinic.texts(&pinned("bundle_sha256")).await, [hex_sha256(&bundle)]);
    assert_eq!(clinic.texts(&pinned("picture_sha256")).await, [hash.as_str()]);
    let pipeline = hex_sha256(&serde_json::to_vec(&manifest.pipeline).unwrap());
    assert_eq!(clinic.texts(&pinned("pipeline_sha256")).await, [pipeline]);
    let folder = clinic.config.data.join("pictures");
    let mut files = vec![];
    for sub in std::fs::read_dir(&folder).unwrap() {
        files.extend(std::fs::read_dir(sub.unwrap().path()).unwrap().map(|f| f.unwrap().path()));
    }
    assert_eq!(files, [folder.join(&hash[..2]).join(&hash)]);
    assert_eq!(std::fs::read(&files[0]).unwrap(), bytes);
    // A bit that fell over is noticed and never shown.
    let mut damaged = bytes.clone();
    damaged[60] ^= 1;
    std::fs::write(&files[0], &damaged).unwrap();
    let image = marie.get(&format!("/studies/{study}")).await.between("/images/", "/view");
    marie.get(&format!("/images/{image}/picture.png")).await.is(500);
    marie.post(&format!("/images/{image}/read"), &[("job", "pneumonia")]).await.is(303);
    marie.result(&study).await;
    let failed = "SELECT COUNT(*) FROM prediction WHERE state = 'failed' AND failure = 'failure-picture'";
    assert_eq!(clinic.count(failed).await, 1);
    // Who sends the file again mends it.
    let again = marie.upload(&id, "pneumonia", &[("c.png", &bytes)]).await.is(200).study();
    assert!(marie.result(&again).await.has("data-outcome"));
    assert_eq!(std::fs::read(&files[0]).unwrap(), bytes);
}

async fn readings_that_were_cut_off_are_done_again(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let study = marie.upload(&id, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
    let first = marie.result(&study).await.between("data-outcome=\"", "\"");
    clinic.app.stop().await;
    // As a program that was killed leaves it.
    clinic.sql("UPDATE prediction SET state = 'running', outcome = NULL, finding = NULL, attempts = 1").await;
    let next = Clinic::open(clinic.kind, clinic.config.clone()).await;
    marie.router = next.app.router();
    assert_eq!(marie.result(&study).await.between("data-outcome=\"", "\""), first);
    next.app.stop().await;
    // What ended the program three times is given up.
    clinic.sql("UPDATE prediction SET state = 'running', outcome = NULL, finding = NULL, attempts = 3").await;
    let next = Clinic::open(clinic.kind, clinic.config.clone()).await;
    marie.router = next.app.router();
    marie.result(&study).await;
    assert_eq!(clinic.count("SELECT COUNT(*) FROM prediction WHERE state = 'failed'").await, 1);
    next.app.stop().await;
}

async fn uploads_at_the_same_time_are_all_filed(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let one = marie.patient("Curie", "Marie", "1967-11-07").await;
    let other = marie.patient("Curie", "Eve", "1967-11-07").await;
    marie.csrf().await;
    let (same, mut tasks) = (files::png(1), vec![]);
    for index in 0..12 {
        // Files of one study, and the same picture for two patients.
        let dicom = Dicom { name: "", ..Dicom::default() }.bytes(index);
        let (bytes, patient) = match index % 3 {
            0 => (same.clone(), one.clone()),
            1 => (same.clone(), other.clone()),
            _ => (dicom, one.clone()),
        };
        // Copies of one picture for one patient are one sending that is tried again.
        let mut browser = marie.clone();
        tasks.push(tokio::spawn(async move { browser.upload(&patient, "pneumonia", &[("a", &bytes)]).await }));
    }
    for task in tasks {
        assert!(task.await.unwrap().is(200).has("data-state=\"done\""));
    }
    assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, 6);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM prediction").await, 6);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM study WHERE instance_uid = '1.2.3'").await, 1);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM picture").await, 5);
}

async fn words_become_a_list_to_train_with(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let patient = marie.patient("Curie", "Marie", "1967-11-07").await;
    let gone = marie.patient("Gone", "G", "1967-11-07").await;
    let mut results = vec![];
    for (index, patient) in [(130, &patient), (131, &patient), (132, &patient), (133, &patient), (134, &gone)] {
        let bytes = files::png(index);
        let study = marie.upload(patient, "pneumonia", &[("x.png", &bytes)]).await.is(200).study();
        let page = marie.result(&study).await;
        results.push((page.between("/predictions/", "/review"), hex_sha256(&bytes)));
    }
    let say = async |marie: &mut Browser, number: usize, fields: &[(&str, &str)]| {
        marie.post(&format!("/predictions/{}/review", results[number].0), fields).await.is(303);
    };
    // The last word counts; a word without a class, "none of these", an impression and a deleted record are no label.
    say(&mut marie, 0, &[("verdict", "contested"), ("label", "normal")]).await;
    say(&mut marie, 0, &[("verdict", "contested"), ("label", "pneumonia")]).await;
    say(&mut marie, 1, &[("verdict", "contested"), ("label", "normal")]).await;
    say(&mut marie, 1, &[("verdict", "contested"), ("label", "-")]).await;
    say(&mut marie, 2, &[("verdict", "contested"), ("label", "normal")]).await;
    say(&mut marie, 2, &[("verdict", "impression"), ("label", "pneumonia")]).await;
    say(&mut marie, 3, &[("verdict", "contested"), ("comment", "no class")]).await;
    say(&mut marie, 4, &[("verdict", "contested"), ("label", "normal")]).await;
    marie.post(&format!("/patients/{gone}/delete"), &[]).await.is(303);
    let store = open_store(&clinic.config).await.unwrap();
    let found = labels(&store, &clinic.config, "pneumonia").await.unwrap();
    let mut told: Vec<(String, &str, String)> = found
        .iter()
        .map(|l| (l.file.file_name().unwrap().to_string_lossy().into(), l.label.as_str(), l.group.to_string()))
        .collect();
    told.sort();
    let mut expected =
        vec![(results[0].1.clone(), "pneumonia", patient.clone()), (results[2].1.clone(), "normal", patient.clone())];
    expected.sort();
    assert_eq!(told, expected);
    assert_eq!(clinic.noted("prediction.labels").await, 1);
    assert!(labels(&store, &clinic.config, "no such job").await.is_err());
    // As training reads it.
    let list = clinic.config.data.join("labels.csv");
    let rows: Vec<String> = found.iter().map(|l| format!("{},{},{}\n", l.file.display(), l.label, l.group)).collect();
    std::fs::write(&list, format!("file,label,group\n{}", rows.concat())).unwrap();
    let manifest = Manifest::load(&list, &ManifestOptions::default()).unwrap();
    assert_eq!(manifest.samples.len(), 2);
    assert!(manifest.samples.iter().all(|s| s.group.as_deref() == Some(patient.as_str()) && s.file.is_file()));
    for sample in &manifest.samples {
        let bytes = std::fs::read(&sample.file).unwrap();
        semio_data::raster::decode_image(&bytes, &semio_data::ReadLimits::default()).unwrap();
    }
}
