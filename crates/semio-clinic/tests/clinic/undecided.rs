//! Files about which nobody has decided yet, and forms that come back.

use std::{
    fs::{self, File},
    path::PathBuf,
    time::{Duration, SystemTime},
};

use crate::{
    files::{self, Dicom},
    harness::{Clinic, Kind, on, on_with},
    schedule::Running,
};

fn held(clinic: &Clinic) -> Vec<PathBuf> {
    let folder = clinic.config.data.join("pictures/held");
    fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn a_file_that_nobody_decides_about_is_discarded_after_a_day() {
    let change = |config: &mut semio_clinic::Config| config.listen = ([127, 0, 0, 1], 0).into();
    on_with(Kind::Sqlite, change, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let other = |index| Dicom { name: "Somebody^Else", born: "19000101", ..Dicom::default() }.bytes(index);
        let old = marie.upload(&id, "", &[("a.dcm", &other(1))]).await.is(200);
        assert!(old.has("discarded after a day"), "{}", old.text());
        let path = held(&clinic).pop().unwrap();
        let young = marie.upload(&id, "", &[("b.dcm", &other(2))]).await.is(200);
        assert_eq!(held(&clinic).len(), 2);
        let since = SystemTime::now() - Duration::from_hours(25);
        File::options().write(true).open(&path).unwrap().set_modified(since).unwrap();
        let running = Running::start(&clinic);
        while path.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        running.end().await;
        assert_eq!(held(&clinic).len(), 1, "the other still waits");
        let note = |page: &crate::harness::Page| page.between("name=\"held\" value=\"", "\"");
        marie.post("/upload/decide", &[("held", &note(&old)), ("patient", &id)]).await.is(403);
        marie.post("/upload/decide", &[("held", &note(&young)), ("patient", &id)]).await.is(200);
        assert!(held(&clinic).is_empty(), "what is filed waits no more");
        assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, 1);
    });
}

#[test]
fn tags_that_are_not_enough_for_a_record_fill_its_form() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let file = Dicom { name: "D'Arc^Jeanne & Co", born: "", ..Dicom::default() }.bytes(1);
        let page = marie.upload("", "", &[("a.dcm", &file)]).await.is(200);
        assert!(!page.has("value=\"new\""), "no button that would fail");
        let form = page.between("href=\"/patients/new?", "\"").replace("&#38;", "&").replace("&amp;", "&");
        let blank = marie.get(&format!("/patients/new?{form}")).await.is(200);
        assert!(blank.has("value=\"D&#39;Arc\"") && blank.has("value=\"Jeanne &#38; Co\""), "{}", blank.text());
        // Once the record is made the file is asked again, and finds it.
        let note = page.between("name=\"held\" value=\"", "\"");
        let id = marie.patient("D'Arc", "Jeanne", "1967-11-07").await;
        let again = marie.post("/upload/decide", &[("held", &note), ("patient", "again")]).await.is(200);
        assert!(again.has(&format!("value=\"{id}\"")), "{}", again.text());
        marie.post("/upload/decide", &[("held", &note), ("patient", &id)]).await.is(200);
        assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, 1);
    });
}

#[test]
fn why_a_file_cannot_be_read_is_told_in_the_readers_language() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        marie.post("/account", &[("language", "fr")]).await.is(303);
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let cut = &files::png(1)[..200];
        for (bytes, words) in [(&b"words"[..], "pas une image lisible"), (b"", ""), (cut, "s’arrête trop tôt")] {
            let page = marie.upload(&id, "", &[("a", bytes)]).await.is(200);
            assert!(page.has(words), "{words} in {}", page.text());
            // The decoder's English is marked as such.
            let texts = page.text();
            let english = texts.split("<p lang=\"en\">").nth(1).is_some();
            assert_eq!(english, !bytes.is_empty());
        }
    });
}

#[test]
fn a_contested_result_needs_a_word() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let study = marie.upload(&id, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
        let prediction = marie.result(&study).await.between("/predictions/", "/review");
        let way = format!("/predictions/{prediction}/review");
        for comment in ["", " \n"] {
            let page = marie.post(&way, &[("verdict", "contested"), ("comment", comment)]).await.is(422);
            assert!(page.has("id=\"fault-label\"") && page.has("aria-invalid=\"true\""), "{}", page.text());
        }
        marie.post(&way, &[("verdict", "impression")]).await.is(422);
        assert_eq!(clinic.count("SELECT COUNT(*) FROM review").await, 0);
        marie.post(&way, &[("verdict", "contested"), ("comment", "too dark")]).await.is(303);
        marie.post(&way, &[("verdict", "contested"), ("label", "normal")]).await.is(303);
    });
}

#[test]
fn a_study_that_cannot_be_moved_there_says_so_beside_the_field() {
    on(Kind::Sqlite, |clinic| async move {
        let (mut marie, mut paul) = (clinic.physician("marie").await, clinic.physician("paul").await);
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let theirs = paul.patient("Langevin", "Paul", "1972-01-23").await;
        let study = marie.upload(&id, "", &[("a.png", &files::png(1))]).await.is(200).study();
        let way = format!("/studies/{study}/move");
        let none = "01890000-0000-7000-8000-000000000000";
        let mut told = vec![];
        for to in ["", "not an address", &format!("/patients/{none}"), &format!("/patients/{theirs}")] {
            let page = marie.post(&way, &[("to", to)]).await.is(422);
            assert!(page.has("id=\"fault-to\"") && page.has("<details class=\"further\" open"), "{}", page.text());
            told.push(page.between("id=\"fault-to\"", "</small>"));
        }
        told.dedup();
        assert_eq!(told.len(), 1, "what nobody has and what is another's read the same");
        assert!(marie.post(&way, &[("to", &format!("/patients/{id}"))]).await.is(422).has("already"));
        let right = marie.patient("Right", "One", "1980-01-01").await;
        marie.post(&way, &[("to", &format!("http://127.0.0.1/patients/{right}?done=saved#top"))]).await.is(303);
    });
}
