use std::{io::Read, sync::Arc};

use semio_clinic::server::erase_overdue;
use serde_json::Value;

use crate::{
    files,
    harness::{Browser, Clinic, Kind, course_form, encoded, on_every_database, on_with, patient_form},
};

on_every_database!(
    patients_are_kept,
    patients_are_found,
    a_team_shares_what_is_shared,
    what_is_deleted_can_be_restored_and_then_erased,
    records_are_merged_and_studies_moved,
    an_export_holds_everything,
    an_export_as_zip_holds_the_files_and_reports,
    a_course_is_kept_with_its_patient,
);

async fn names(browser: &mut Browser, query: &str) -> Vec<String> {
    let text = browser.get(&format!("/patients?{query}")).await.is(200).text();
    let row = |row: &str| row.split("\">").nth(1).and_then(|name| name.split("</a>").next()).map(str::to_owned);
    text.split("\"><a href=\"/patients/").skip(1).filter_map(row).collect()
}

async fn patients_are_kept(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let mut form = patient_form("van  der\tBerg", "Zoë 李", "1990-02-28");
    form.extend([("identifier", "L-42"), ("note", "first line\r\nsecond line")]);
    let id = marie.post("/patients/new", &form).await.led_to();
    let page = marie.get(&format!("/patients/{id}")).await.is(200);
    for text in ["van der Berg", "Zoë 李", "L-42", "first line\nsecond line"] {
        assert!(page.has(text), "{text}");
    }
    for (field, value, fault) in [
        ("family_name", "", "family_name"),
        ("birth_date", "2999-01-01", "birth_date"),
        ("birth_date", "1990-02-30", "birth_date"),
        ("birth_date", "1790-01-01", "birth_date"),
        ("sex", "none", "sex"),
    ] {
        let mut wrong = patient_form("Berg", "Zoë", "1990-02-28");
        wrong.iter_mut().filter(|(k, _)| *k == field).for_each(|(_, v)| *v = value);
        let page = marie.post("/patients/new", &wrong).await.is(422);
        assert!(page.has("class=\"error\"") || page.has(&format!("fault-{fault}")), "{field} {value}");
    }
    // A national number is kept without spaces, and only with its key.
    let form_of = |ins| {
        let mut with = patient_form("Berg", "Ins", "1955-08-02");
        with.push(("ins", ins));
        with
    };
    for (wrong, told) in [("2 55 08 14 168 025 39", "The check digit does not fit"), ("2550814168", "expected form")] {
        let page = marie.post("/patients/new", &form_of(wrong)).await.is(422);
        assert!(page.has("id=\"fault-ins\"") && page.has(told) && page.has(wrong), "{wrong}: what was typed stays");
    }
    let with = marie.post("/patients/new", &form_of("2 55 08 14 168 025 38")).await.led_to();
    assert!(marie.get(&format!("/patients/{with}")).await.is(200).has("<dd>255081416802538</dd>"));
    assert!(marie.get(&format!("/patients/{with}/edit")).await.is(200).has("value=\"255081416802538\""));
    assert!(marie.get("/patients?q=255081416802538").await.is(200).has(&with), "it is found by it");
    marie.post(&format!("/patients/{with}/edit"), &form_of("")).await.is(303);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM identifier WHERE scheme = 'ins'").await, 0);
    let mut long = patient_form("Berg", "Zoë", "1990-02-28");
    let note = "x".repeat(2001);
    long.push(("note", &note));
    marie.post("/patients/new", &long).await.is(422);
    // A name of the greatest length, in letters of four bytes.
    let name = "𠮷".repeat(200);
    marie.patient(&name, &name, "1990-02-28").await;
    // And of letters that are several where they are searched for: "oe", "ss", and eighteen.
    for letter in ["œ", "ß", "ﷺ"] {
        let name = letter.repeat(200);
        let id = marie.patient(&name, &name, "1990-02-28").await;
        assert!(marie.get(&format!("/patients?{}", encoded(&[("q", &name)]))).await.is(200).has(&id), "{letter}");
    }
    form.iter_mut().filter(|(k, _)| *k == "family_name").for_each(|(_, v)| *v = "Berger");
    form.iter_mut().filter(|(k, _)| *k == "identifier").for_each(|(_, v)| *v = "");
    marie.post(&format!("/patients/{id}/edit"), &form).await.is(303);
    let page = marie.get(&format!("/patients/{id}")).await;
    assert!(page.has("Berger") && !page.has("L-42"));
    assert_eq!((clinic.noted("patient.add").await, clinic.noted("patient.edit").await), (6, 2));
    assert!(clinic.noted("patient.read").await >= 2);
}

async fn patients_are_found(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    for (family, given, born) in [
        ("Núñez", "Ana", "1970-01-01"),
        ("D’Aubigné", "Éléonore", "1950-05-05"),
        ("Nunez", "Zoé", "1990-09-09"),
        ("Łukasz", "Jan", "1930-03-03"),
        ("100%", "_x", "1931-03-03"),
    ] {
        marie.patient(family, given, born).await;
    }
    let mut form = patient_form("Œhler", "Karl", "1960-06-06");
    form.push(("identifier", "K 77"));
    marie.post("/patients/new", &form).await.is(303);
    let nunez = ["Núñez Ana", "Nunez Zoé"];
    assert_eq!(names(&mut marie, "q=nunez").await, nunez);
    assert_eq!(names(&mut marie, "q=N%C3%9A%C3%91EZ").await, nunez);
    assert_eq!(names(&mut marie, "q=eleonore").await, ["D’Aubigné Éléonore"]);
    assert_eq!(names(&mut marie, "q=d%27aub").await, ["D’Aubigné Éléonore"]);
    assert_eq!(names(&mut marie, "q=nunez+z").await, ["Nunez Zoé"]);
    assert_eq!(names(&mut marie, "q=ana+nu").await, ["Núñez Ana"]);
    assert_eq!(names(&mut marie, "q=K+77").await, ["Œhler Karl"]);
    assert_eq!(names(&mut marie, "q=oehl").await, ["Œhler Karl"]);
    // Signs that other queries would take for patterns.
    assert_eq!(names(&mut marie, "q=100%25").await, ["100% _x"]);
    for query in ["q=unez", "q=nu%25ez", "q=zzz"] {
        assert!(names(&mut marie, query).await.is_empty(), "{query}");
    }
    let all = ["100% _x", "D’Aubigné Éléonore", "Łukasz Jan", "Núñez Ana", "Nunez Zoé", "Œhler Karl"];
    assert_eq!(names(&mut marie, "").await, all);
    assert_eq!(names(&mut marie, "order=name&down=true").await, all.iter().rev().copied().collect::<Vec<_>>());
    let by_birth = names(&mut marie, "order=birth").await;
    assert_eq!((by_birth[0].as_str(), by_birth[5].as_str()), ("Łukasz Jan", "Nunez Zoé"));
    assert_eq!(names(&mut marie, "order=changed&down=true").await[0], "Œhler Karl");
    for number in 0..60 {
        marie.patient(&format!("Page{number:02}"), "P", "1980-01-01").await;
    }
    let (first, second) = (names(&mut marie, "q=page").await, names(&mut marie, "q=page&page=1").await);
    assert_eq!((first.len(), second.len()), (50, 10));
    assert_eq!((first[49].as_str(), second[0].as_str()), ("Page49 P", "Page50 P"));
    assert!(names(&mut marie, "page=1000000000000").await.is_empty());
    assert!(names(&mut clinic.physician("other").await, "q=nunez").await.is_empty());
}

/// Puts people into a team.
pub(crate) async fn team(clinic: &Clinic, names: &[&str]) {
    let mut admin = clinic.signed_in("administrator", "teams").await;
    let people = admin.get("/admin").await.text();
    for name in names {
        let row = people.split("<tr>").find(|row| row.contains(&format!("{name}@"))).unwrap();
        let id = row.split("/admin/people/").nth(1).unwrap().split('/').next().unwrap();
        admin.post(&format!("/admin/people/{id}/team"), &[("team", "Ward 3")]).await.is(303);
    }
}

async fn a_team_shares_what_is_shared(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let mut pierre = clinic.physician("pierre").await;
    let mut other = clinic.physician("other").await;
    team(&clinic, &["marie", "pierre"]).await;
    let own = marie.patient("Own", "A", "1980-01-01").await;
    let mut form = patient_form("Shared", "B", "1980-01-01");
    form.push(("shared", "on"));
    let shared = marie.post("/patients/new", &form).await.led_to();
    assert_eq!(names(&mut pierre, "scope=team").await, ["Shared B"]);
    assert!(names(&mut pierre, "").await.is_empty());
    assert_eq!(names(&mut marie, "").await, ["Own A"]);
    pierre.get(&format!("/patients/{shared}")).await.is(200);
    pierre.get(&format!("/patients/{own}")).await.is(404);
    other.get(&format!("/patients/{shared}")).await.is(404);
    assert!(names(&mut other, "scope=team").await.is_empty());
    // Who did not make the record changes it but does not take it away from the team.
    pierre.post(&format!("/patients/{shared}/edit"), &patient_form("Shared", "Bis", "1980-01-01")).await.is(303);
    marie.get(&format!("/patients/{shared}")).await.is(200);
    assert_eq!(names(&mut pierre, "scope=team").await, ["Shared Bis"]);
    marie.post(&format!("/patients/{shared}/edit"), &patient_form("Shared", "Ter", "1980-01-01")).await.is(303);
    pierre.get(&format!("/patients/{shared}")).await.is(404);
}

async fn what_is_deleted_can_be_restored_and_then_erased(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Gone", "A", "1980-01-01").await;
    let kept = marie.patient("Kept", "B", "1980-01-01").await;
    let (both, alone) = (files::png(1), files::png(2));
    let study = marie.upload(&id, "pneumonia", &[("a.png", &both)]).await.is(200).study();
    marie.upload(&id, "pneumonia", &[("b.png", &alone)]).await.is(200);
    marie.upload(&kept, "pneumonia", &[("a.png", &both)]).await.is(200);
    marie.result(&study).await;
    // What is not deleted cannot be erased at once.
    marie.post(&format!("/patients/{id}/erase"), &[]).await.is(404);
    marie.post(&format!("/patients/{id}/delete"), &[]).await.is(303);
    assert_eq!(names(&mut marie, "").await, ["Kept B"]);
    marie.get(&format!("/patients/{id}")).await.is(404);
    marie.get(&format!("/studies/{study}")).await.is(404);
    assert!(!marie.get("/").await.is(200).has("Gone"));
    assert!(marie.get("/patients?scope=deleted").await.has("Gone"));
    marie.post(&format!("/patients/{id}/restore"), &[]).await.is(303);
    marie.get(&format!("/studies/{study}")).await.is(200);
    marie.post(&format!("/patients/{id}/delete"), &[]).await.is(303);
    marie.post(&format!("/patients/{id}/erase"), &[]).await.is(303);
    for (table, rows) in [("patient", 1), ("study", 1), ("image", 1), ("prediction", 1), ("picture", 1)] {
        assert_eq!(clinic.count(&format!("SELECT COUNT(*) FROM {table}")).await, rows, "{table}");
    }
    // The file that another record holds stays.
    let file = |bytes: &[u8]| {
        let hash = semio_model::hex_sha256(bytes);
        clinic.config.data.join("pictures").join(&hash[..2]).join(&hash)
    };
    assert!(file(&both).is_file() && !file(&alone).exists());
    for (action, times) in [("patient.delete", 2), ("patient.restore", 1), ("patient.erase", 1)] {
        assert_eq!(clinic.noted(action).await, times, "{action}");
    }
}

async fn records_are_merged_and_studies_moved(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let right = marie.patient("Curie", "Marie", "1967-11-07").await;
    let twice = marie.patient("CURIE", "M.", "1967-11-07").await;
    let wrong = marie.patient("Wrong", "W", "1980-01-01").await;
    let study = marie.upload(&twice, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
    let misfiled = marie.upload(&wrong, "", &[("b.png", &files::png(2))]).await.is(200).study();
    assert!(marie.get(&format!("/patients/{right}")).await.has(&format!("/patients/{twice}/merge")));
    marie.post(&format!("/patients/{twice}/merge"), &[("into", twice.as_str())]).await.is(404);
    marie.post(&format!("/patients/{twice}/merge"), &[("into", right.as_str())]).await.is(303);
    assert!(marie.get(&format!("/patients/{right}")).await.has(&study));
    marie.get(&format!("/patients/{twice}")).await.is(404);
    // A record that was merged is a pointer: it cannot be restored beside what it became.
    marie.post(&format!("/patients/{twice}/restore"), &[]).await.is(404);
    let to = format!("https://semio.example/patients/{right}?done=saved");
    marie.post(&format!("/studies/{misfiled}/move"), &[("to", to.as_str())]).await.is(303);
    assert!(marie.get(&format!("/patients/{right}")).await.has(&misfiled));
    assert!(!marie.get(&format!("/patients/{wrong}")).await.has(&misfiled));
    marie.post(&format!("/studies/{misfiled}/move"), &[("to", "nowhere")]).await.is(422);
    for (action, times) in [("patient.merge", 2), ("study.move-from", 1), ("study.move-to", 1)] {
        assert_eq!(clinic.noted(action).await, times, "{action}");
    }
    // What the pointer leads to can be erased.
    marie.post(&format!("/patients/{right}/delete"), &[]).await.is(303);
    marie.post(&format!("/patients/{right}/erase"), &[]).await.is(303);
}

async fn an_export_holds_everything(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let mut form = patient_form("Curie", "Marie", "1967-11-07");
    form.extend([("identifier", "L-1"), ("note", "a \"note\" </script>")]);
    let id = marie.post("/patients/new", &form).await.led_to();
    let dicom = files::Dicom { id: "L-1", ..files::Dicom::default() }.bytes(3);
    let study = marie.upload(&id, "pneumonia", &[("x.dcm", &dicom)]).await.is(200).study();
    let page = marie.result(&study).await;
    let prediction = page.between("/predictions/", "/review");
    let review = [("verdict", "contested"), ("label", "normal"), ("comment", "an old scar")];
    marie.post(&format!("/predictions/{prediction}/review"), &review).await.is(303);
    marie.post(&format!("/patients/{id}/course"), &course_form("2025-03-10")).await.is(303);
    let page = marie.get(&format!("/patients/{id}/export")).await.is(200);
    let record: Value = serde_json::from_slice(&page.bytes).unwrap();
    let is = |pointer: &str, value: &str| assert_eq!(record.pointer(pointer).unwrap(), value, "{pointer}");
    is("/id", &id);
    is("/family_name", "Curie");
    is("/birth_date", "1967-11-07");
    is("/identifier", "L-1");
    is("/note", "a \"note\" </script>");
    is("/studies/0/study_instance_uid", "1.2.3");
    is("/studies/0/taken_on", "2026-01-02");
    is("/studies/0/modality", "CR");
    is("/studies/0/description", "Chest PA");
    is("/studies/0/images/0/sha256", &semio_model::hex_sha256(&dicom));
    is("/studies/0/images/0/sop_instance_uid", "1.2.3.4.3");
    is("/studies/0/images/0/predictions/0/id", &prediction);
    is("/studies/0/images/0/predictions/0/reviews/0/verdict", "contested");
    is("/studies/0/images/0/predictions/0/reviews/0/label", "normal");
    is("/studies/0/images/0/predictions/0/reviews/0/comment", "an old scar");
    let finding = record.pointer("/studies/0/images/0/predictions/0/finding/probabilities").unwrap();
    assert_eq!(finding.as_array().unwrap().len(), 2);
    is("/courses/0/begins_on", "2025-02-08");
    assert_eq!(record.pointer("/courses/0/scenario/lesions/0/length").unwrap(), 12.0);
    assert_eq!(clinic.noted("patient.export").await, 1);
    // However many studies there are.
    let me = "(SELECT id FROM person WHERE email_key = 'marie@clinic.example')";
    for number in 0..600 {
        let hex = format!("{number:032x}");
        let id = match clinic.kind {
            Kind::Postgres => format!("CAST('{hex}' AS uuid)"),
            Kind::Sqlite | Kind::MariaDb => format!("X'{hex}'"),
        };
        clinic
            .sql(&format!(
                "INSERT INTO study (id, patient_id, description, taken_on, filed_by, created_at) \
                 SELECT {id}, patient_id, '', '2000-01-01', {me}, 1 FROM study WHERE instance_uid = '1.2.3'"
            ))
            .await;
    }
    let page = marie.get(&format!("/patients/{id}/export")).await.is(200);
    let record: Value = serde_json::from_slice(&page.bytes).unwrap();
    assert_eq!(record["studies"].as_array().unwrap().len(), 601);
    assert_eq!(record.pointer("/studies/0/taken_on").unwrap(), "2026-01-02", "the latest first");
}

async fn an_export_as_zip_holds_the_files_and_reports(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let (dicom, png) = (files::Dicom { id: "L-1", ..files::Dicom::default() }.bytes(3), files::png(140));
    let study = marie.upload(&id, "pneumonia", &[("x.dcm", &dicom)]).await.is(200).study();
    let other = marie.upload(&id, "pneumonia", &[("y.png", &png)]).await.is(200).study();
    for study in [&study, &other] {
        marie.result(study).await;
    }
    let page = marie.result(&study).await;
    let prediction = page.between("/predictions/", "/review");
    let review = [("verdict", "contested"), ("label", "normal"), ("comment", "an old <scar>")];
    marie.post(&format!("/predictions/{prediction}/review"), &review).await.is(303);
    let page = marie.get(&format!("/patients/{id}/export.zip")).await.is(200);
    assert_eq!(page.headers["content-disposition"], format!("attachment; filename=\"patient-{id}.zip\"").as_str());
    assert_eq!(page.headers["cache-control"], "no-store");
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(page.bytes)).unwrap();
    let mut read = |name: &str| {
        let mut bytes = vec![];
        zip.by_name(name).unwrap_or_else(|e| panic!("{name}: {e}")).read_to_end(&mut bytes).unwrap();
        bytes
    };
    let record: Value = serde_json::from_slice(&read("record.json")).unwrap();
    assert_eq!(record["studies"].as_array().unwrap().len(), 2);
    assert_eq!(read(&format!("pictures/{}.dcm", semio_model::hex_sha256(&dicom))), dicom);
    assert_eq!(read(&format!("pictures/{}.png", semio_model::hex_sha256(&png))), png);
    for number in 0..2 {
        let image = record.pointer(&format!("/studies/{number}/images/0/id")).unwrap().as_str().unwrap();
        assert!(read(&format!("previews/{image}.png")).starts_with(b"\x89PNG"));
        let of = record.pointer(&format!("/studies/{number}/id")).unwrap().as_str().unwrap();
        let report = String::from_utf8(read(&format!("reports/{of}.html"))).unwrap();
        assert!(report.contains("Curie") && report.contains(&format!("../previews/{image}.png")), "{report}");
        assert!(!report.contains("<scar>") && !report.contains("/static/") && !report.contains("csrf"), "{report}");
        assert_eq!(report.contains("an old &#60;scar&#62;"), of == study, "{report}");
    }
    drop(zip);
    assert_eq!(clinic.noted("patient.export").await, 1);
    // Nothing of it stays on the disk, and it is nobody else's.
    let left = std::fs::read_dir(&clinic.config.data).unwrap().flatten();
    assert_eq!(left.filter(|e| e.file_name().to_string_lossy().starts_with("export-")).count(), 0);
    let mut pierre = clinic.physician("pierre").await;
    pierre.get(&format!("/patients/{id}/export.zip")).await.is(404);
}

#[test]
fn deleted_records_are_erased_when_their_days_are_over() {
    for kind in [Kind::Sqlite, Kind::Postgres, Kind::MariaDb] {
        on_with(
            kind,
            |config| config.erase_deleted_after_days = Some(30),
            |clinic| async move {
                let mut marie = clinic.physician("marie").await;
                let standing = marie.patient("Standing", "A", "1967-11-07").await;
                let fresh = marie.patient("Fresh", "B", "1967-11-07").await;
                let old = marie.patient("Old", "C", "1967-11-07").await;
                let study = marie.upload(&old, "pneumonia", &[("x.png", &files::png(140))]).await.is(200).study();
                marie.result(&study).await;
                for id in [&fresh, &old] {
                    marie.post(&format!("/patients/{id}/delete"), &[]).await.is(303);
                }
                let page = marie.get("/patients?scope=deleted").await.is(200);
                assert!(page.has("erased for good after 30 days") && page.has("Old"), "{}", page.text());
                assert_eq!(erase_overdue(&clinic.app).await.unwrap(), 0, "their days have just begun");
                // Thirty days later for one of them, and a day less for the other.
                let day = 24 * 60 * 60 * 1000_i64;
                for (name, days) in [("Old", 30), ("Fresh", 29)] {
                    let change = format!("deleted_at = deleted_at - {} WHERE family_name = '{name}'", days * day + 1);
                    assert_eq!(clinic.sql(&format!("UPDATE patient SET {change}")).await, 1);
                }
                assert_eq!(erase_overdue(&clinic.app).await.unwrap(), 1);
                let page = marie.get("/patients?scope=deleted").await.is(200);
                assert!(!page.has("Old") && page.has("Fresh"));
                for table in ["study", "image", "prediction", "picture"] {
                    assert_eq!(clinic.count(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
                }
                let pictures = std::fs::read_dir(clinic.config.data.join("pictures")).unwrap().flatten();
                let files: usize = pictures.map(|f| std::fs::read_dir(f.path()).map_or(0, Iterator::count)).sum();
                assert_eq!(files, 0, "the files went with it");
                marie.get(&format!("/patients/{standing}")).await.is(200);
                marie.post(&format!("/patients/{fresh}/restore"), &[]).await.is(303);
                let noted = "SELECT COUNT(*) FROM audit WHERE action = 'patient.erase' AND person_id IS NULL";
                assert_eq!(clinic.count(noted).await, 1);
            },
        );
    }
}

async fn a_course_is_kept_with_its_patient(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let address = format!("/patients/{id}/course");
    assert!(marie.get(&format!("/patients/{id}")).await.has(&address));
    assert!(marie.get(&address).await.is(200).has("No course is stored yet"));
    let mut form = course_form("2025-03-10");
    let measured = [
        ("measured_on_1", "2025-04-09"),
        ("measured_ms_1", "131"),
        ("measured_on_2", "2026-01-09"),
        ("measured_ms_2", "900"),
    ];
    form.extend(measured);
    let wrong: Vec<_> = form.iter().map(|&(k, v)| if k == "lesion_length_1" { (k, "99") } else { (k, v) }).collect();
    let page = marie.post(&address, &wrong).await.is(422);
    assert!(page.has("Give a number from 0.1 to 40") && page.has("value=\"131\""), "what was typed stays");
    let course = marie.post(&address, &form).await.is(303).location().to_owned();
    let page = marie.get(&course).await.is(200);
    // The second latency is far beyond what such a lesion explains.
    let cells = page.text();
    let rows: Vec<&str> = cells.split("<tr>").filter(|row| row.contains(" ms</td>")).collect();
    assert!(rows.len() == 2 && rows[1].contains("900.0 ms") && rows[1].contains("outside"), "{rows:?}");
    assert!(page.has("<img src=\"data:image/svg+xml;base64,"));
    let removed = format!("/courses/{}", page.between("action=\"/courses/", "\""));
    // A second one beside the first, and away again.
    let second = marie.post(&address, &course_form("2024-01-01")).await.is(303).location().to_owned();
    assert_ne!(course, second);
    marie.post(&removed, &[]).await.is(303);
    marie.get(&course).await.is(404);
    // Courses go with the patient: into a merged record, and out with an erased one.
    let into = marie.patient("Curie", "M.", "1967-11-07").await;
    marie.post(&format!("/patients/{id}/merge"), &[("into", into.as_str())]).await.is(303);
    assert!(marie.get(&format!("/patients/{into}/course")).await.has("data:image/svg+xml"));
    assert_eq!((clinic.noted("course.add").await, clinic.noted("course.remove").await), (2, 1));
    marie.post(&format!("/patients/{into}/delete"), &[]).await.is(303);
    marie.post(&format!("/patients/{into}/erase"), &[]).await.is(303);
    assert_eq!(clinic.count("SELECT COUNT(*) FROM course").await, 0);
}
