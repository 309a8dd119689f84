//! Who may take which way: every route, every role, every record of somebody else.

use axum::http::{Method, StatusCode};
use semio_clinic::web::route_table;

use crate::{
    files::{self, Dicom},
    harness::{BOUNDARY, Browser, Clinic, Kind, PASSWORD, Page, course_form, multipart, on, patient_form},
};

const ROLES: [&str; 3] = ["physician", "administrator", "researcher"];

fn allows(right: &str, role: Option<&str>) -> bool {
    match right {
        "anyone" => true,
        "signed-in" => role.is_some(),
        "physician" | "administrator" => role == Some(right),
        other => panic!("what does {other} allow?"),
    }
}

/// What belongs to one physician.
struct Owned {
    patient: String,
    study: String,
    image: String,
    prediction: String,
    course: String,
    key: String,
}

async fn fill(browser: &mut Browser, name: &str) -> Owned {
    let patient = browser.patient(name, "Marie", "1967-11-07").await;
    let page = browser.upload(&patient, "pneumonia", &[("a.png", &files::png(name.len()))]).await.is(200);
    let study = page.study();
    let page = browser.result(&study).await;
    browser.post("/account/keys", &[("token_name", "a program"), ("days", "1"), ("old", PASSWORD)]).await.is(200);
    let course = browser.post(&format!("/patients/{patient}/course"), &course_form("2025-03-10")).await.is(303);
    Owned {
        course: course.location().split("show=").nth(1).unwrap().split('&').next().unwrap().to_owned(),
        key: browser.get("/account/keys").await.between("/account/keys/", "/revoke"),
        image: page.between("/images/", "/view"),
        prediction: page.between("/predictions/", "/review"),
        patient,
        study,
    }
}

/// The address with a record's identity in it.
fn address(path: &str, own: &Owned, person: &str, model: &str) -> String {
    let id = match path.split('/').nth(1).unwrap_or_default() {
        "patients" => &own.patient,
        "studies" => &own.study,
        "courses" => &own.course,
        "images" => &own.image,
        "predictions" => &own.prediction,
        "account" => &own.key,
        "admin" if path.contains("people") => person,
        "models" | "admin" => model,
        _ => "",
    };
    path.replace("{id}", id).replace("{frame}", "0").replace("{secret}", "none")
}

async fn visit(browser: &mut Browser, method: &Method, path: &str, fields: &[(&str, &str)]) -> Page {
    match (method, path) {
        (&Method::GET, _) => browser.get(path).await,
        (_, "/upload") => browser.upload("", "", &[]).await,
        _ => browser.post(path, fields).await,
    }
}

async fn ids(clinic: &Clinic, admin: &mut Browser) -> (String, String) {
    let people = admin.get("/admin").await.text();
    let row = people.split("<tr>").find(|row| row.contains("bystander@")).unwrap();
    let person = row.split("/admin/people/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    let model = admin.get("/models").await.between("/models/", "\"");
    assert_eq!(clinic.count("SELECT COUNT(*) FROM model").await, 1);
    (person, model)
}

#[test]
fn every_route_opens_to_its_roles_alone() {
    on(Kind::Sqlite, |clinic| async move {
        clinic.account("researcher", "bystander").await;
        let mut marie = clinic.physician("marie").await;
        let own = fill(&mut marie, "Curie").await;
        let (person, model) = ids(&clinic, &mut clinic.signed_in("administrator", "first").await).await;
        let mut visitors: Vec<(Option<&str>, Browser)> = vec![(None, clinic.browser()), (Some("physician"), marie)];
        for role in ROLES.into_iter().skip(1) {
            visitors.push((Some(role), clinic.signed_in(role, role).await));
        }
        for (method, path, right) in route_table() {
            for (role, browser) in &mut visitors {
                let page = visit(browser, &method, &address(path, &own, &person, &model), &[]).await;
                let told = format!("{method} {path} as {role:?}: {} to {}", page.status, page.location());
                let sent_away = page.location().starts_with("/sign-in?next=");
                match (allows(right, *role), &*role) {
                    (true, _) => {
                        assert!(page.status != StatusCode::FORBIDDEN && !sent_away, "{told}");
                        assert!(!page.status.is_server_error(), "{told}");
                    }
                    (false, Some(_)) => assert_eq!(page.status, StatusCode::FORBIDDEN, "{told}"),
                    (false, None) => assert!(page.status == StatusCode::SEE_OTHER && sent_away, "{told}"),
                }
                if let (Some(role), "/sign-out") = (*role, path) {
                    browser.sign_in(if role == "physician" { "marie" } else { role }).await;
                }
            }
        }
    });
}

#[test]
fn records_of_others_are_not_there() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let mut pierre = clinic.physician("pierre").await;
        let (theirs, own) = (fill(&mut marie, "Curie").await, fill(&mut pierre, "Langevin").await);
        let form = patient_form("Curie", "Marie", "1967-11-07");
        let mut seen = 0;
        for (method, path, right) in route_table() {
            if right != "physician" || !path.contains("{id}") {
                continue;
            }
            seen += 1;
            let mut fields: Vec<(&str, &str)> = match path.rsplit('/').next().unwrap() {
                "edit" => form.clone(),
                "course" => course_form("2025-03-10"),
                "merge" => vec![("into", own.patient.as_str())],
                "move" => vec![("to", own.patient.as_str())],
                "read" => vec![("job", "pneumonia")],
                "review" => vec![("verdict", "contested"), ("label", "normal")],
                _ => vec![],
            };
            let page = visit(&mut pierre, &method, &address(path, &theirs, "", ""), &fields).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{method} {path}");
            assert!(!page.has("Curie"), "{method} {path}");
            // The same words as for what nobody has.
            let none = "01890000-0000-7000-8000-000000000000".to_owned();
            let nobody = Owned {
                patient: none.clone(),
                study: none.clone(),
                image: none.clone(),
                prediction: none.clone(),
                course: none.clone(),
                key: none,
            };
            let other = visit(&mut pierre, &method, &address(path, &nobody, "", ""), &fields).await;
            let told = |page: &Page| page.text().split("<main").nth(1).map(str::to_owned);
            assert_eq!((other.status, told(&other)), (page.status, told(&page)), "{method} {path}");
            // Own records cannot be brought together with theirs either.
            for field in &mut fields {
                if ["into", "to"].contains(&field.0) {
                    field.1 = &theirs.patient;
                    let page =
                        visit(&mut pierre, &method, &address(path, &own, "", ""), std::slice::from_ref(field)).await;
                    // The study's own page says that there is no such record; the words are those for nobody's.
                    let expected = if path.ends_with("/move") { 422 } else { 404 };
                    assert_eq!(page.status.as_u16(), expected, "{method} {path} towards theirs");
                    assert!(!page.has("Curie"), "{method} {path} towards theirs");
                }
            }
        }
        assert!(seen >= 18, "only {seen} routes");
        pierre.get(&format!("/upload?patient={}", theirs.patient)).await.is(404);
        pierre.upload(&theirs.patient, "pneumonia", &[("a.png", &files::png(9))]).await.is(404);
        pierre.get(&format!("/images/{}/view?prediction={}", own.image, theirs.prediction)).await.is(404);
        let held = pierre
            .upload(&own.patient, "", &[("a.dcm", &Dicom::default().bytes(1))])
            .await
            .between("name=\"held\" value=\"", "\"");
        pierre.post("/upload/decide", &[("held", &held), ("patient", &theirs.patient)]).await.is(404);
        // Neither search nor tags lead to them.
        assert!(!pierre.get("/patients?q=curie").await.is(200).has(&theirs.patient));
        let page = pierre.upload("", "", &[("a.dcm", &Dicom::default().bytes(2))]).await.is(200);
        assert!(!page.has(&theirs.patient));
        // After all this theirs are as they were.
        for path in [format!("/patients/{}", theirs.patient), format!("/studies/{}", theirs.study)] {
            marie.get(&path).await.is(200);
        }
        assert_eq!(clinic.count("SELECT COUNT(*) FROM review").await, 0);
        assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, 2);
    });
}

#[test]
fn a_change_without_proof_of_origin_is_refused() {
    on(Kind::Sqlite, |clinic| async move {
        clinic.account("researcher", "bystander").await;
        let mut marie = clinic.physician("marie").await;
        let mut admin = clinic.signed_in("administrator", "admin").await;
        let own = fill(&mut marie, "Curie").await;
        let (person, model) = ids(&clinic, &mut admin).await;
        let foreign = admin.csrf().await;
        let before = clinic.count("SELECT COUNT(*) FROM audit").await;
        for (method, path, right) in route_table() {
            if method != Method::POST {
                continue;
            }
            let address = address(path, &own, &person, &model);
            let browser = if right == "administrator" { &mut admin } else { &mut marie };
            let wrong = if right == "administrator" { "0".repeat(64) } else { foreign.clone() };
            for token in [None, Some(""), Some(wrong.as_str())] {
                let fields: Vec<_> = token.iter().map(|token| ("csrf", *token)).collect();
                let page = if path == "/upload" {
                    let png = files::png(1);
                    let mut parts: Vec<_> = fields.iter().map(|(k, v)| (*k, None, v.as_bytes())).collect();
                    parts.push(("file", Some("a.png"), png.as_slice()));
                    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
                    browser.send(Method::POST, path, &kind, &[], multipart(&parts)).await
                } else {
                    browser.post_bare(&address, &fields).await
                };
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} with {token:?}");
                let headers = token.map(|token| ("x-csrf", token));
                let kind = "application/x-www-form-urlencoded";
                let page = browser.send(Method::POST, &address, kind, headers.as_slice(), vec![]).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} with the header {token:?}");
            }
            // The right proof does not help a page of another origin.
            let csrf = browser.csrf().await;
            for header in [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site")] {
                let kind = "application/x-www-form-urlencoded";
                let page = browser.send(Method::POST, &address, kind, &[("x-csrf", &csrf), header], vec![]).await;
                assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} with {header:?}");
            }
            let kind = "text/plain";
            let body = format!("csrf={csrf}").into_bytes();
            assert_eq!(browser.send(Method::POST, &address, kind, &[], body).await.status, StatusCode::FORBIDDEN);
        }
        // A file before its proof is not taken.
        let (csrf, png) = (marie.csrf().await, files::png(5));
        let late = [("file", Some("a.png"), png.as_slice()), ("csrf", None, csrf.as_bytes())];
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        marie.send(Method::POST, "/upload", &kind, &[], multipart(&late)).await.is(403);
        assert_eq!(clinic.count("SELECT COUNT(*) FROM audit").await, before, "nothing was changed");
    });
}
