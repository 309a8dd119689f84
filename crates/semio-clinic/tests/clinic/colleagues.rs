//! Records that a team shares: who sees them, and who decides that.

use std::sync::Arc;

use crate::{
    files::{self, Dicom},
    harness::{Browser, Clinic, on_every_database, patient_form},
    records::team,
};

on_every_database!(
    a_shared_record_is_not_taken_from_the_team,
    a_deleted_shared_record_is_found_by_those_who_may_restore_it,
    an_owner_keeps_the_own_records_whatever_the_team,
    the_numbers_of_a_merged_record_still_lead_to_it,
    a_file_that_names_another_record_is_not_filed_unasked,
    others_words_unfold_nothing,
    looks_stand_in_the_trail,
);

async fn shared(browser: &mut Browser, family: &str) -> String {
    let mut form = patient_form(family, "S", "1967-11-07");
    form.push(("shared", "on"));
    browser.post("/patients/new", &form).await.led_to()
}

/// Two of a team, and somebody else.
async fn three(clinic: &Clinic) -> (Browser, Browser, Browser) {
    let (marie, pierre) = (clinic.physician("marie").await, clinic.physician("pierre").await);
    let other = clinic.physician("other").await;
    team(clinic, &["marie", "pierre"]).await;
    (marie, pierre, other)
}

async fn a_shared_record_is_not_taken_from_the_team(clinic: Arc<Clinic>) {
    let (mut marie, mut pierre, _) = three(&clinic).await;
    let record = shared(&mut marie, "Shared").await;
    let also = shared(&mut marie, "Shared").await;
    let study = marie.upload(&record, "", &[("a.png", &files::png(1))]).await.is(200).study();
    let private = pierre.patient("Private", "P", "1967-11-07").await;
    pierre.post(&format!("/patients/{record}/merge"), &[("into", &private)]).await.is(403);
    let page = pierre.post(&format!("/studies/{study}/move"), &[("to", &private)]).await.is(403);
    assert!(page.has("decides who sees"), "{}", page.text());
    marie.get(&format!("/studies/{study}")).await.is(200);
    // Within the team, and by whoever made the record, both can be done.
    pierre.post(&format!("/studies/{study}/move"), &[("to", &also)]).await.is(303);
    pierre.post(&format!("/patients/{also}/merge"), &[("into", &record)]).await.is(303);
    let own = marie.patient("Own", "O", "1967-11-07").await;
    marie.post(&format!("/studies/{study}/move"), &[("to", &own)]).await.is(303);
    pierre.get(&format!("/studies/{study}")).await.is(404);
}

async fn a_deleted_shared_record_is_found_by_those_who_may_restore_it(clinic: Arc<Clinic>) {
    let (mut marie, mut pierre, mut other) = three(&clinic).await;
    let record = shared(&mut marie, "Shared").await;
    pierre.post(&format!("/patients/{record}/delete"), &[]).await.is(303);
    for query in ["scope=deleted", "scope=deleted&q=sha"] {
        let list = format!("/patients?{query}");
        assert!(marie.get(&list).await.is(200).has(&format!("/patients/{record}/erase")), "{query}");
        let page = pierre.get(&list).await.is(200);
        assert!(page.has(&format!("/patients/{record}/restore")) && !page.has("/erase"), "{query}");
        assert!(!other.get(&list).await.is(200).has("Shared S"));
    }
    pierre.post(&format!("/patients/{record}/erase"), &[]).await.is(404);
    pierre.post(&format!("/patients/{record}/restore"), &[]).await.is(303);
    marie.get(&format!("/patients/{record}")).await.is(200);
}

async fn an_owner_keeps_the_own_records_whatever_the_team(clinic: Arc<Clinic>) {
    let (mut marie, mut pierre, mut other) = three(&clinic).await;
    let record = shared(&mut marie, "Shared").await;
    let study = marie.upload(&record, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
    marie.result(&study).await;
    let mut admin = clinic.signed_in("administrator", "second").await;
    let people = admin.get("/admin").await.text();
    let row = people.split("<tr>").find(|row| row.contains("marie@")).unwrap();
    let id = row.split("/admin/people/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    for team in ["", "Ward 4"] {
        admin.post(&format!("/admin/people/{id}/team"), &[("team", team)]).await.is(303);
        for path in [format!("/patients/{record}"), format!("/studies/{study}")] {
            marie.get(&path).await.is(200);
            pierre.get(&path).await.is(200);
            other.get(&path).await.is(404);
        }
        for path in ["/patients", "/patients?q=sha", "/"] {
            assert!(marie.get(path).await.is(200).has("Shared S"), "{path} in the team {team:?}");
        }
        assert!(pierre.get("/patients?scope=team").await.has("Shared S"));
        // What is changed stays with the team that cares for the patient.
        let form = patient_form("Shared", "S", "1967-11-07");
        marie.post(&format!("/patients/{record}/edit"), &form).await.is(303);
        pierre.get(&format!("/patients/{record}")).await.is(200);
    }
    marie.post(&format!("/patients/{record}/delete"), &[]).await.is(303);
    assert!(marie.get("/patients?scope=deleted").await.has("Shared S"));
    marie.post(&format!("/patients/{record}/restore"), &[]).await.is(303);
    // Shared with the new team it leaves the old one.
    shared_again(&mut marie, &record).await;
    pierre.get(&format!("/patients/{record}")).await.is(404);
}

async fn shared_again(marie: &mut Browser, record: &str) {
    let mut form = patient_form("Shared", "S", "1967-11-07");
    form.push(("shared", "on"));
    marie.post(&format!("/patients/{record}/edit"), &form).await.is(303);
}

async fn the_numbers_of_a_merged_record_still_lead_to_it(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let mut made = vec![];
    for number in ["L-1", "L-2", "", "L-3"] {
        let mut form = patient_form("Curie", "Marie", "1967-11-07");
        form.push(("identifier", number));
        made.push(marie.post("/patients/new", &form).await.led_to());
    }
    let merge = async |marie: &mut Browser, from: usize, into: usize| {
        marie.post(&format!("/patients/{}/merge", made[from]), &[("into", &made[into])]).await.is(303);
    };
    // One after the other, and into one that has no number yet.
    merge(&mut marie, 0, 1).await;
    merge(&mut marie, 1, 2).await;
    merge(&mut marie, 3, 2).await;
    for number in ["L-1", "L-2", "L-3"] {
        let list = marie.get(&format!("/patients?q={number}")).await.is(200);
        assert!(list.has(&format!("/patients/{}\"", made[2])), "{number}");
        assert!(marie.get(&format!("/patients/{}", made[2])).await.has(number), "{number}");
        let file = Dicom { id: number, study: number, ..Dicom::default() }.bytes(1);
        let page = marie.upload(&made[2], "", &[("a.dcm", &file)]).await.is(200);
        assert!(page.has("data-state=\"done\""), "{number}: {}", page.text());
    }
    let export = marie.get(&format!("/patients/{}/export", made[2])).await.is(200).text();
    assert!(["L-1", "L-2", "L-3"].iter().all(|number| export.contains(number)), "{export}");
}

async fn a_file_that_names_another_record_is_not_filed_unasked(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let mut form = patient_form("Curie", "Marie", "1967-11-07");
    form.push(("identifier", "L-1"));
    let right = marie.post("/patients/new", &form).await.led_to();
    let wrong = marie.patient("Curie", "Marie", "1967-11-07").await;
    let first = Dicom { id: "L-1", study: "1.2.7", ..Dicom::default() };
    marie.upload(&right, "", &[("a.dcm", &first.bytes(1))]).await.is(200).study();
    // Its number is the other's, and then its study is.
    let numbered = Dicom { id: "L-1", study: "1.2.8", ..Dicom::default() }.bytes(2);
    let of_study = Dicom { id: "", study: "1.2.7", ..Dicom::default() }.bytes(3);
    for (bytes, told) in [(&numbered, "L-1"), (&of_study, "filed under another record")] {
        let page = marie.upload(&wrong, "", &[("b.dcm", bytes)]).await.is(200);
        assert!(page.has("data-state=\"decide\"") && page.has(told), "{told}: {}", page.text());
    }
    // Accepted all the same, the trail says what was accepted, in names of fields and nothing else.
    let held = marie.upload(&wrong, "", &[("b.dcm", &of_study)]).await.between("name=\"held\" value=\"", "\"");
    marie.post("/upload/decide", &[("held", &held), ("patient", &wrong)]).await.is(200);
    let noted = clinic.texts("SELECT detail FROM audit WHERE action = 'image.file' ORDER BY seq").await;
    assert_eq!(noted, ["", "differs: study"]);
    // Records of others are not told of.
    let mut pierre = clinic.physician("pierre").await;
    let own = pierre.patient("Curie", "Marie", "1967-11-07").await;
    let page = pierre.upload(&own, "", &[("c.dcm", &first.bytes(4))]).await.is(200);
    assert!(page.has("data-state=\"done\""), "{}", page.text());
}

async fn others_words_unfold_nothing(clinic: Arc<Clinic>) {
    let (mut marie, mut pierre, _) = three(&clinic).await;
    let record = shared(&mut marie, "Shared").await;
    marie.post("/account", &[("language", ""), ("reads_first", "on")]).await.is(303);
    let study = marie.upload(&record, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
    let prediction = marie.result(&study).await.between("/predictions/", "/review");
    let review = format!("/predictions/{prediction}/review");
    pierre.post(&review, &[("verdict", "contested"), ("label", "normal")]).await.is(303);
    assert!(marie.get("/").await.is(200).has("waits for your impression"));
    marie.post(&review, &[("verdict", "impression"), ("label", "-")]).await.is(303);
    assert!(!marie.get("/").await.is(200).has("waits for your impression"));
}

async fn looks_stand_in_the_trail(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let study = marie.upload(&id, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
    let page = marie.result(&study).await;
    let (image, prediction) = (page.between("/images/", "/view"), page.between("/predictions/", "/review"));
    for _ in 0..3 {
        for path in ["view", "frames/0", "picture.png"] {
            marie.get(&format!("/images/{image}/{path}")).await.is(200);
        }
        marie.get(&format!("/predictions/{prediction}/map")).await;
    }
    assert_eq!(clinic.noted("picture.read").await, 1, "one opening");
    marie.get(&format!("/predictions/{prediction}/panel")).await.is(200);
    assert_eq!(clinic.noted("prediction.read").await, 1);
    marie.get("/").await.is(200);
    assert_eq!(clinic.noted("work.list").await, 1);
    let before = clinic.noted("patient.read").await;
    marie.get(&format!("/patients/{id}/edit")).await.is(200);
    assert_eq!(clinic.noted("patient.read").await, before + 1);
    marie.upload("", "", &[("a.dcm", &Dicom::default().bytes(2))]).await.is(200);
    assert_eq!(clinic.noted("patient.candidate").await, 1);
}
