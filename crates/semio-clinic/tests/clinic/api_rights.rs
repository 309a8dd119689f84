//! Which key may take which way of the API: every route, every kind of key, own records and those of others.

use axum::http::Method;
use semio_clinic::web::api_table;
use serde_json::json;

use crate::{
    api::{key, value},
    files,
    harness::{Browser, Clinic, Kind, Page, on},
};

/// A patient with a result, and the class that the result gives.
struct Record {
    patient: String,
    prediction: String,
    class: String,
}

async fn fill(browser: &mut Browser, name: &str) -> Record {
    let patient = browser.patient(name, "M", "1967-11-07").await;
    let study = browser.upload(&patient, "pneumonia", &[("a.png", &files::png(name.len()))]).await.is(200).study();
    let prediction = browser.result(&study).await.between("/predictions/", "/review");
    Record { patient, prediction, class: "normal".into() }
}

fn nobodys() -> Record {
    let none = "01890000-0000-7000-8000-000000000000";
    Record { patient: none.into(), prediction: none.into(), class: "normal".into() }
}

/// What is sent to a route, and what its physician is answered. A new route needs a row here.
fn row(method: &Method, path: &str, of: &Record) -> (&'static str, Vec<u8>, u16) {
    let text = |body: serde_json::Value| body.to_string().into_bytes();
    match (method.as_str(), path) {
        (
            "GET",
            "/api/v1/patients"
            | "/api/v1/patients/{id}"
            | "/api/v1/patients/{id}/studies"
            | "/api/v1/predictions/{id}"
            | "/api/v1/models",
        ) => ("", vec![], 200),
        ("POST", "/api/v1/patients") => {
            let new = json!({ "family_name": "New", "given_name": "N", "sex": "other", "birth_date": "1990-01-01" });
            ("application/json", text(new), 201)
        }
        ("POST", "/api/v1/patients/{id}/images") => ("application/octet-stream", files::png(50), 201),
        ("POST", "/api/v1/predictions/{id}/review") => {
            ("application/json", text(json!({ "verdict": "contested", "label": of.class })), 204)
        }
        other => panic!("{other:?} has no row: who may take it, and with what?"),
    }
}

fn address(path: &str, of: &Record) -> String {
    let id = if path.contains("predictions") { &of.prediction } else { &of.patient };
    path.replace("{id}", id)
}

async fn ask(clinic: &Clinic, key: Option<&str>, method: &Method, path: &str, of: &Record) -> Page {
    let (kind, body, _) = row(method, path, of);
    let bearer = key.map(|key| format!("Bearer {key}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|value| ("authorization", value.as_str())).collect();
    clinic.browser().send(method.clone(), &address(path, of), kind, &headers, body).await
}

fn is_problem(page: &Page) {
    assert_eq!(page.headers["content-type"], "application/problem+json", "{}", page.text());
}

#[test]
fn every_route_of_the_api_opens_to_its_keys_alone() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let own = fill(&mut marie, "Curie").await;
        let (reads, writes) = (key(&mut marie, false).await, key(&mut marie, true).await);
        // Keys that were good once.
        let mut paul = clinic.physician("paul").await;
        let mut gone = vec![];
        for name in ["old", "back"] {
            gone.push((name, key(&mut paul, true).await));
        }
        let old = "UPDATE token SET expires_at = 1 WHERE name = 'a program' AND token_hash =";
        let hash = |key: &str| semio_model::hex_sha256(key.as_bytes());
        assert_eq!(clinic.sql(&format!("{old} '{}'", hash(&gone[0].1))).await, 1);
        assert_eq!(clinic.sql(&format!("DELETE FROM token WHERE token_hash = '{}'", hash(&gone[1].1))).await, 1);
        for (name, change) in [("closed", "closed_at = 1"), ("unconfirmed", "confirmed_at = NULL")] {
            let mut person = clinic.physician(name).await;
            gone.push((name, key(&mut person, true).await));
            clinic.sql(&format!("UPDATE person SET {change} WHERE email_key = '{name}@clinic.example'")).await;
        }
        // Keys of people who were physicians when they made them.
        let mut others = vec![];
        for role in ["administrator", "researcher"] {
            let mut person = clinic.physician(role).await;
            others.push((role, key(&mut person, true).await));
            clinic.sql(&format!("UPDATE person SET role = '{role}' WHERE email_key = '{role}@clinic.example'")).await;
        }
        for (method, path, scope) in api_table() {
            let told = |who: &str| format!("{method} {path} with {who}");
            for wrong in [None, Some(""), Some("semio_wrong"), Some("' OR 1=1 --")] {
                let page = ask(&clinic, wrong, &method, path, &own).await;
                assert_eq!(page.status, 401, "{}", told("a wrong key"));
                is_problem(&page);
                assert!(page.headers.contains_key("www-authenticate") && !page.has("Curie"));
            }
            // A cookie is no key: pages of other sites could send it.
            let (kind, body, good) = row(&method, path, &own);
            let page = marie.send(method.clone(), &address(path, &own), kind, &[], body).await;
            assert_eq!(page.status, 401, "{}", told("a cookie"));
            for (name, key) in &gone {
                assert_eq!(ask(&clinic, Some(key), &method, path, &own).await.status, 401, "{}", told(name));
            }
            for (role, key) in &others {
                let page = ask(&clinic, Some(key), &method, path, &own).await;
                assert_eq!(page.status, 403, "{}", told(role));
                is_problem(&page);
            }
            let page = ask(&clinic, Some(&reads), &method, path, &own).await;
            assert_eq!(page.status, if scope == "reads" { good } else { 403 }, "{}", told("a key that reads"));
            let page = ask(&clinic, Some(&writes), &method, path, &own).await;
            assert_eq!(page.status, good, "{}: {}", told("a key that writes"), page.text());
        }
    });
}

#[test]
fn records_of_others_are_not_there_for_programs_either() {
    on(Kind::Sqlite, |clinic| async move {
        let (mut marie, mut paul) = (clinic.physician("marie").await, clinic.physician("paul").await);
        let theirs = fill(&mut marie, "Curie").await;
        let writes = key(&mut paul, true).await;
        let before = clinic.count("SELECT COUNT(*) FROM image").await;
        let mut seen = 0;
        for (method, path, _) in api_table() {
            let page = ask(&clinic, Some(&writes), &method, path, &theirs).await;
            assert!(!page.has("Curie") && !page.has(&theirs.patient), "{method} {path}: {}", page.text());
            if path.contains("{id}") {
                seen += 1;
                assert_eq!(page.status, 404, "{method} {path}");
                // The same words as for what nobody has.
                let other = ask(&clinic, Some(&writes), &method, path, &nobodys()).await;
                assert_eq!((other.status, other.text()), (page.status, page.text()), "{method} {path}");
            }
        }
        assert!(seen >= 5, "only {seen} routes");
        assert_eq!(clinic.count("SELECT COUNT(*) FROM review").await, 0);
        assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, before);
        let list = ask(&clinic, Some(&writes), &Method::GET, "/api/v1/patients", &theirs).await.is(200);
        let names: Vec<_> =
            value(&list)["patients"].as_array().unwrap().iter().map(|p| p["family_name"].clone()).collect();
        assert_eq!(names, [json!("New")], "what this key made itself");
    });
}

#[test]
fn whoever_is_locked_out_holds_no_key() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let own = fill(&mut marie, "Curie").await;
        let works =
            async |key: &str| ask(&clinic, Some(key), &Method::GET, "/api/v1/patients", &own).await.status == 200;
        // An unlocked screen gives no key away.
        let form = [("token_name", "a program"), ("days", "30"), ("old", "something else")];
        assert!(!marie.post("/account/keys", &form).await.is(422).has("semio_"));
        let held = key(&mut marie, true).await;
        marie.post("/sign-out", &[]).await.is(303);
        assert!(works(&held).await, "one session ended");
        marie.sign_in("marie").await;
        marie.post("/sign-out", &[("everywhere", "on")]).await.is(303);
        assert!(!works(&held).await, "everything ended");
        marie.sign_in("marie").await;
        let held = key(&mut marie, true).await;
        let mut admin = clinic.signed_in("administrator", "admin").await;
        let people = admin.get("/admin").await.text();
        let row = people.split("<tr>").find(|row| row.contains("marie@")).unwrap();
        let id = row.split("/admin/people/").nth(1).unwrap().split('/').next().unwrap();
        let link = admin.post(&format!("/admin/people/{id}/reset"), &[]).await.is(200).between("/reset/", "<");
        assert!(works(&held).await);
        let new = [("password", "another horse battery")];
        clinic.browser().post(&format!("/reset/{link}"), &new).await.is(200);
        assert!(!works(&held).await, "a new password was set for whoever lost the old one");
    });
}
