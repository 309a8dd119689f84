//! Programs with a key see and do what their physician may, and no more.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};

use crate::{
    files::{self, Dicom},
    harness::{Browser, Clinic, PASSWORD, Page, on_every_database},
};

on_every_database!(
    a_key_acts_in_its_physicians_name,
    a_program_files_pictures_and_reads_results,
    a_result_is_kept_back_until_an_impression_is_noted,
    whatever_is_wrong_is_told_as_a_problem,
);

/// Makes a key on the account's page.
pub(crate) async fn key(browser: &mut Browser, writes: bool) -> String {
    let mut form = vec![("token_name", "a program"), ("days", "30"), ("old", PASSWORD)];
    form.extend(writes.then_some(("writes", "on")));
    browser.post("/account/keys", &form).await.is(200).between("<code>", "</code>")
}

struct Program<'a> {
    clinic: &'a Clinic,
    key: String,
}

impl Program<'_> {
    async fn ask(&self, method: Method, path: &str, kind: &str, body: Vec<u8>) -> Page {
        let key = format!("Bearer {}", self.key);
        self.clinic.browser().send(method, path, kind, &[("authorization", &key)], body).await
    }

    async fn get(&self, path: &str) -> Page {
        self.ask(Method::GET, path, "", vec![]).await
    }

    async fn post(&self, path: &str, body: &Value) -> Page {
        self.ask(Method::POST, path, "application/json", body.to_string().into_bytes()).await
    }
}

/// A body of JSON.
pub(crate) fn value(page: &Page) -> Value {
    serde_json::from_slice(&page.bytes).unwrap_or_else(|e| panic!("{e}: {}", page.text()))
}

async fn a_key_acts_in_its_physicians_name(clinic: Arc<Clinic>) {
    let (mut marie, mut paul) = (clinic.physician("marie").await, clinic.physician("paul").await);
    let hers = marie.patient("Curie", "Marie", "1967-11-07").await;
    let his = paul.patient("Langevin", "Paul", "1972-01-23").await;
    let program = |key: &str| Program { clinic: &clinic, key: key.to_owned() };
    let reads = program(&key(&mut marie, false).await);
    let writes = program(&key(&mut marie, true).await);
    for wrong in ["", "semio_wrong"] {
        let page = program(wrong).get("/api/v1/patients").await.is(401);
        assert_eq!(page.headers["content-type"], "application/problem+json");
        assert!(page.headers.contains_key("www-authenticate"));
    }
    // A cookie is no key: other sites' pages could send it.
    marie.get("/api/v1/patients").await.is(401);
    let list = value(&reads.get("/api/v1/patients?q=cur").await.is(200));
    assert_eq!((list["total"].as_u64(), list["patients"][0]["id"].as_str()), (Some(1), Some(hers.as_str())));
    for path in ["", "/studies"] {
        reads.get(&format!("/api/v1/patients/{his}{path}")).await.is(404);
    }
    let new = json!({ "family_name": "Joliot", "given_name": "Irène", "sex": "female", "birth_date": "1997-09-12" });
    reads.post("/api/v1/patients", &new).await.is(403);
    let made = value(&writes.post("/api/v1/patients", &new).await.is(201));
    assert_eq!(made["given_name"], "Irène");
    let bad = json!({ "family_name": "", "given_name": "X", "sex": "?", "birth_date": "2997-09-12" });
    let faults = value(&writes.post("/api/v1/patients", &bad).await.is(422));
    let fields: Vec<&str> = faults["fields"].as_array().unwrap().iter().map(|f| f["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["family_name", "sex", "birth_date"]);
    // What the key's holder did stands in the trail, the key itself nowhere.
    assert!(clinic.noted("patient.list").await >= 1);
    assert_eq!(clinic.count(&format!("SELECT COUNT(*) FROM token WHERE token_hash = '{}'", reads.key)).await, 0);
    for id in clinic.texts("SELECT name FROM token").await {
        assert_eq!(id, "a program");
    }
    while marie.get("/account/keys").await.has("/revoke") {
        let id = marie.get("/account/keys").await.between("/account/keys/", "/revoke");
        paul.post(&format!("/account/keys/{id}/revoke"), &[]).await.is(404);
        marie.post(&format!("/account/keys/{id}/revoke"), &[]).await.is(303);
    }
    reads.get("/api/v1/patients").await.is(401);
}

async fn a_program_files_pictures_and_reads_results(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let program = Program { clinic: &clinic, key: key(&mut marie, true).await };
    let images = format!("/api/v1/patients/{id}/images");
    let send = |query: &str, bytes: Vec<u8>| {
        let path = format!("{images}{query}");
        async { program.ask(Method::POST, &{ path }, "application/octet-stream", bytes).await }
    };
    send("?job=none", files::png(1)).await.is(404);
    send("", b"no picture".to_vec()).await.is(422);
    let filed = value(&send("?job=pneumonia&taken_on=2020-02-29", files::png(1)).await.is(201));
    let prediction = format!("/api/v1/predictions/{}", filed["prediction"].as_str().unwrap());
    let result = loop {
        let result = value(&program.get(&prediction).await.is(200));
        if result["state"] == "done" {
            break result;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    let classes: Vec<&Value> = result["probabilities"].as_array().unwrap().iter().map(|p| &p["class"]).collect();
    assert_eq!(classes.len(), 2);
    let review = json!({ "verdict": "contested", "label": classes[0], "comment": "seen by a program" });
    program.post(&format!("{prediction}/review"), &review).await.is(204);
    let unknown = json!({ "verdict": "contested", "label": "unheard of" });
    program.post(&format!("{prediction}/review"), &unknown).await.is(400);
    let studies = value(&program.get(&format!("/api/v1/patients/{id}/studies")).await.is(200));
    assert_eq!(studies[0]["taken_on"], "2020-02-29");
    assert_eq!(studies[0]["images"][0]["predictions"][0]["reviews"][0]["label"], *classes[0]);
    // A file of somebody else is filed only when the program says that it knows.
    let other = Dicom { name: "Somebody^Else", born: "19000101", ..Dicom::default() }.bytes(3);
    let differs = value(&send("", other.clone()).await.is(409));
    assert!(differs["fields"].as_array().unwrap().contains(&json!("family_name")));
    assert!(!differs.to_string().contains("Somebody"), "no value of the record or the file");
    let filed = value(&send("?accept_mismatch=true", other).await.is(201));
    assert_eq!(filed["prediction"], Value::Null);
}

async fn a_result_is_kept_back_until_an_impression_is_noted(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let study = marie.upload(&id, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
    let page = marie.result(&study).await;
    let prediction = page.between("/predictions/", "/review");
    let image = page.between("/images/", "/view");
    marie.post("/account", &[("language", ""), ("reads_first", "on")]).await.is(303);
    let page = marie.get(&format!("/studies/{study}")).await.is(200);
    assert!(!page.has("data-outcome=\"answered\"") && !page.has("data-outcome=\"unsure\""));
    marie.get(&format!("/predictions/{prediction}/map")).await.is(404);
    let view = value(&marie.get(&format!("/images/{image}/view?prediction={prediction}")).await.is(200));
    assert_eq!(view["overlay"], Value::Null);
    let impression = [("verdict", "impression"), ("label", "-")];
    marie.post(&format!("/predictions/{prediction}/review"), &impression).await.is(303);
    assert!(marie.get(&format!("/studies/{study}")).await.is(200).has("data-outcome=\""));
}

async fn whatever_is_wrong_is_told_as_a_problem(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let program = Program { clinic: &clinic, key: key(&mut marie, true).await };
    let is_problem =
        |page: &Page| assert_eq!(page.headers["content-type"], "application/problem+json", "{}", page.text());
    let good = json!({ "family_name": "A", "given_name": "B", "sex": "other", "birth_date": "1980-01-01" });
    for (field, value) in
        [("sex", json!(1)), ("birth_date", json!("1980-13-01")), ("age", json!(7)), ("given_name", Value::Null)]
    {
        let mut bad = good.clone();
        bad[field] = value;
        let page = program.post("/api/v1/patients", &bad).await.is(422);
        is_problem(&page);
        assert_eq!(value_of(&page, "/fields/0/field"), field, "{}", page.text());
    }
    let mut short = good.clone();
    short.as_object_mut().unwrap().remove("birth_date");
    let page = program.post("/api/v1/patients", &short).await.is(422);
    assert_eq!(value_of(&page, "/fields/0/field"), "birth_date");
    for path in ["/api", "/api/v1/nowhere", "/api/v2/patients"] {
        is_problem(&program.get(path).await.is(404));
    }
    is_problem(&program.get("/api/v1/patients/none").await.is(400));
    let page = program.ask(Method::DELETE, "/api/v1/patients", "", vec![]).await.is(405);
    is_problem(&page);
    assert_eq!(page.headers["allow"], "GET, POST");
    // What is wrong with a word on a result.
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    let study = marie.upload(&id, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
    let prediction = marie.result(&study).await.between("/predictions/", "/review");
    let review = format!("/api/v1/predictions/{prediction}/review");
    for (body, field) in [
        (json!({ "verdict": "maybe" }), "verdict"),
        (json!({ "verdict": "contested", "label": "normal", "comment": "x".repeat(4001) }), "comment"),
        (json!({ "verdict": "contested" }), "label"),
    ] {
        let page = program.post(&review, &body).await.is(422);
        assert_eq!(value_of(&page, "/fields/0/field"), field);
    }
    // The description says so before anybody tries.
    let page = program.get("/api/v1/openapi.json").await.is(200);
    let schemas = value(&page)["components"]["schemas"].clone();
    assert_eq!(schemas["Sex"]["enum"], json!(["female", "male", "other"]));
    assert_eq!(schemas["Verdict"]["enum"], json!(["approved", "contested"]));
    assert_eq!(schemas["NewPatient"]["properties"]["family_name"]["maxLength"], 200);
}

fn value_of(page: &Page, pointer: &str) -> String {
    value(page).pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}
