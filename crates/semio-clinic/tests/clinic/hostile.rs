//! What hostile visitors send, and what must not come back.

use std::time::Duration;

use axum::http::{Method, StatusCode, header};
use semio_clinic::{config::Patience, server::serve, web::route_table};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use crate::{
    files::{self, Dicom},
    harness::{BOUNDARY, Clinic, Kind, PASSWORD, multipart, on, on_every_database, on_with, patient_form, rpps},
};

#[test]
fn the_cookie_changes_when_somebody_signs_in_or_out() {
    on(Kind::Sqlite, |clinic| async move {
        clinic.account("physician", "marie").await;
        let mut browser = clinic.browser();
        let chosen = "c".repeat(43);
        browser.cookies.insert("semio".into(), chosen.clone());
        let token = browser.csrf().await;
        browser.sign_in("marie").await;
        let held = browser.cookies["semio"].clone();
        assert!(held != chosen && browser.csrf().await != token);
        // Whoever planted the cookie holds nothing.
        let mut attacker = clinic.browser();
        attacker.cookies.insert("semio".into(), chosen);
        attacker.get("/account").await.is(303);
        browser.post("/sign-out", &[]).await.is(303);
        assert!(browser.cookies["semio"] != held);
        let mut thief = clinic.browser();
        thief.cookies.insert("semio".into(), held);
        thief.get("/account").await.is(303);
    });
}

const MARKUP: [&str; 4] =
    ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg/onload=alert(1)>", "{{7*7}}<b a='\">"];

/// Whether a page holds one of the texts as it was typed.
fn raw(page: &str) -> Option<&'static str> {
    MARKUP.into_iter().find(|text| page.contains(text))
}

#[test]
fn what_is_typed_comes_back_as_text() {
    on(Kind::Sqlite, |clinic| async move {
        let mut admin = clinic.signed_in("administrator", "admin").await;
        let mut seen = 0;
        for (number, text) in MARKUP.into_iter().enumerate() {
            let email = format!("x{number}@clinic.example");
            let rpps = rpps();
            let account = [
                ("role", "physician"),
                ("email", email.as_str()),
                ("given_name", text),
                ("family_name", text),
                ("register_number", rpps.as_str()),
                ("password", PASSWORD),
            ];
            admin.post("/admin/people", &account).await.is(303);
            let mut browser = clinic.browser();
            browser.try_sign_in(&email, PASSWORD).await.is(303);
            let mut form = patient_form(text, text, "1980-01-01");
            form.extend([("note", text), ("identifier", text)]);
            let id = browser.post("/patients/new", &form).await.led_to();
            browser.post("/patients/new", &form).await.is(303);
            let uid = format!("1.2.{number}");
            let dicom =
                Dicom { name: "", id: "", born: "", sex: "", description: text, study: &uid, ..Dicom::default() };
            let study = browser.upload(&id, "pneumonia", &[("a.dcm", &dicom.bytes(number))]).await.is(200).study();
            let page = browser.result(&study).await;
            let prediction = page.between("/predictions/", "/review");
            let review = [("verdict", "contested"), ("comment", text)];
            browser.post(&format!("/predictions/{prediction}/review"), &review).await.is(303);
            let name = format!("{text}^{text}");
            let tags =
                Dicom { name: &name, id: text, description: text, study: "1.9", ..Dicom::default() }.bytes(20 + number);
            let mut pages = vec![
                browser.upload(&id, "", &[("a.dcm", &tags)]).await.is(200),
                browser.upload("", "", &[(text, &tags)]).await.is(200),
            ];
            let q = crate::harness::encoded(&[("q", text), ("family_name", text), ("next", text), ("email", text)]);
            for path in [
                "/".into(),
                "/account".into(),
                "/patients".into(),
                format!("/patients?{q}"),
                format!("/patients/new?{q}"),
                format!("/patients/{id}"),
                format!("/patients/{id}/edit"),
                format!("/studies/{study}"),
                format!("/studies/{study}/print"),
                format!("/predictions/{prediction}/panel"),
                format!("/upload?patient={id}"),
                format!("/nowhere?{q}"),
            ] {
                pages.push(browser.get(&path).await);
            }
            pages.push(clinic.browser().try_sign_in(text, text).await);
            pages.push(clinic.browser().get(&format!("/sign-in?{q}")).await);
            pages.push(clinic.browser().post("/register", &account[1..]).await);
            for path in ["/admin", "/admin/audit"] {
                pages.push(admin.get(path).await);
            }
            for page in pages {
                assert_eq!(raw(&page.text()), None, "{}", page.text());
                seen += usize::from(page.has("alert(1)") || page.has("7*7"));
            }
        }
        // The texts do come back: a page that dropped them would show nothing.
        assert!(seen > 40, "{seen}");
    });
}

on_every_database!(queries_stay_queries);

async fn queries_stay_queries(clinic: std::sync::Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let id = marie.patient("Curie", "Marie", "1967-11-07").await;
    clinic.physician("pierre").await.patient("Hidden", "H", "1967-11-07").await;
    let study = marie.upload(&id, "", &[("a.png", &files::png(1))]).await.is(200).study();
    let image = marie.get(&format!("/studies/{study}")).await.between("/images/", "/view");
    for text in [
        "' OR '1'='1",
        "\" OR 1=1 --",
        "'; DROP TABLE patient; --",
        "%' UNION SELECT password_hash FROM person --",
        "\\' OR 1=1 #",
        "\u{0}",
        "a\u{0}b",
        "\u{10ffff}",
        "\u{202e}abc",
    ] {
        let q = crate::harness::encoded(&[("q", text), ("scope", "mine")]);
        let page = marie.get(&format!("/patients?{q}")).await;
        assert!(page.status == 200 && !page.has("Hidden") && !page.has("argon2"), "{text:?}: {}", page.status);
        for order in ["order", "scope", "page", "down"] {
            let q = crate::harness::encoded(&[(order, text)]);
            assert_eq!(marie.get(&format!("/patients?{q}")).await.status, 400, "{order} {text:?}");
        }
        let mut form = patient_form(text, text, "1980-01-01");
        form.extend([("note", text), ("identifier", text)]);
        let page = marie.post("/patients/new", &form).await;
        assert!(page.status == 303 || page.status == 422, "{text:?}: {}", page.status);
        let mut browser = clinic.browser();
        assert_eq!(browser.try_sign_in(text, text).await.status, 422, "{text:?}");
        assert_eq!(
            browser
                .post(&format!("/reset/{}", crate::harness::encoded(&[("", text)])), &[("password", PASSWORD)])
                .await
                .status,
            422
        );
        let page = marie.post(&format!("/images/{image}/read"), &[("job", text)]).await;
        assert_eq!(page.status, 404, "{text:?}");
        let page = marie.upload(&id, text, &[("a.png", &files::png(2))]).await;
        assert_eq!(page.status, 200, "{text:?}");
    }
    assert!(clinic.count("SELECT COUNT(*) FROM patient").await >= 2);
}

#[test]
fn every_answer_carries_its_headers_and_no_password_hash() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let mut admin = clinic.signed_in("administrator", "admin").await;
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let study = marie.upload(&id, "pneumonia", &[("a.png", &files::png(1))]).await.is(200).study();
        let page = marie.result(&study).await;
        let (image, prediction) = (page.between("/images/", "/view"), page.between("/predictions/", "/review"));
        let model = marie.get("/models").await.between("/models/", "\"");
        let mut pages = vec![];
        for (method, path, right) in route_table() {
            let record = match path.split('/').nth(1).unwrap() {
                "patients" => &id,
                "studies" => &study,
                "images" => &image,
                "predictions" => &prediction,
                _ => &model,
            };
            let address = path.replace("{id}", record).replace("{frame}", "0").replace("{secret}", "x");
            let browser = if right == "administrator" { &mut admin } else { &mut marie };
            if method == Method::GET {
                let page = browser.get(&address).await;
                // Pages that this model did not bring, and a comparison of no job.
                let may_be_missing = ["/report", "/data", "/map", "/compare"].iter().any(|end| path.ends_with(end));
                assert!(page.status.as_u16() < 400 || may_be_missing, "{path}");
                pages.push((path, page));
            } else {
                pages.push((path, browser.post_bare(&address, &[]).await));
            }
        }
        for path in [
            "/healthz",
            "/readyz",
            "/metrics",
            "/static/app.css",
            "/static/none",
            "/static/..%2f..%2fCargo.toml",
            "/nowhere",
            "/patients/none",
            "/patients?page=x",
        ] {
            pages.push((path, marie.get(path).await));
        }
        pages.push(("PUT", marie.send(Method::PUT, "/patients", "", &[], vec![]).await));
        pages.push(("OPTIONS", marie.send(Method::OPTIONS, "/patients", "", &[], vec![]).await));
        for (path, page) in pages {
            let is = |name: &str, value: &str| {
                let held = page.headers.get(name).unwrap_or_else(|| panic!("{path} has no {name}"));
                assert!(held.to_str().unwrap().contains(value), "{path} {name}");
            };
            is("content-security-policy", "frame-ancestors 'none'");
            let policy = page.headers["content-security-policy"].to_str().unwrap();
            assert!(path.ends_with("/report") || !policy.contains("unsafe-inline"));
            is("x-content-type-options", "nosniff");
            is("x-frame-options", "DENY");
            is("referrer-policy", "no-referrer");
            is("cross-origin-opener-policy", "same-origin");
            is("x-request-id", "-");
            if !path.starts_with("/static") {
                is("cache-control", if path.starts_with("/twin/") { "private" } else { "no-store" });
            }
            assert!(
                !page.headers.contains_key(header::SERVER) && !page.headers.contains_key("strict-transport-security")
            );
            assert!(!page.has("argon2") && !page.has("password_hash"), "{path}");
        }
    });
}

#[test]
fn cookies_are_bound_to_tls_where_there_is_tls() {
    let proxy = |config: &mut semio_clinic::Config| {
        config.behind_proxy = true;
        config.public_address = Some("https://semio.clinic.example".into());
    };
    on_with(Kind::Sqlite, proxy, |clinic| async move {
        clinic.account("physician", "marie").await;
        let mut browser = clinic.browser();
        let page = browser.get("/sign-in").await.is(200);
        assert_eq!(page.headers["strict-transport-security"], "max-age=63072000; includeSubDomains");
        let flags = |page: &crate::harness::Page| page.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        let strict = |cookie: &str| {
            for flag in ["__Host-semio=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
                assert!(cookie.contains(flag), "{cookie}");
            }
            assert!(!cookie.contains("Domain"));
        };
        strict(&flags(&page));
        strict(&flags(&browser.try_sign_in("marie@clinic.example", PASSWORD).await.is(303)));
        let language = flags(&browser.post("/language", &[("language", "fr"), ("back", "/about")]).await.is(303));
        assert!(language.contains("; Secure") && language.contains("; HttpOnly"));
        // Tries are counted for whom the proxy names, and only what the proxy itself added is believed.
        let body = crate::harness::encoded(&[("csrf", &browser.csrf().await), ("email", "x@y.zz"), ("password", "x")]);
        let mut last = StatusCode::OK;
        for n in 0..25 {
            let forwarded = format!("198.51.100.{n}, 203.0.113.7");
            let kind = "application/x-www-form-urlencoded";
            let headers = [("x-forwarded-for", forwarded.as_str())];
            last = browser.send(Method::POST, "/sign-in", kind, &headers, body.clone().into_bytes()).await.status;
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS);
    });
    on(Kind::Sqlite, |clinic| async move {
        let page = clinic.browser().get("/sign-in").await;
        let cookie = page.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        assert!(cookie.starts_with("semio=") && cookie.contains("HttpOnly") && !cookie.contains("Secure"));
    });
}

#[test]
fn nobody_is_sent_elsewhere() {
    on(Kind::Sqlite, |clinic| async move {
        clinic.account("physician", "marie").await;
        for next in [
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "javascript:alert(1)",
            "/\r\nset-cookie: a=b",
        ] {
            let mut browser = clinic.browser();
            let fields = [("email", "marie@clinic.example"), ("password", PASSWORD), ("next", next)];
            let page = browser.post("/sign-in", &fields).await.is(303);
            assert_eq!(page.location(), "/", "{next:?}");
            let page = browser.post("/language", &[("language", "fr"), ("back", next)]).await.is(303);
            assert_eq!(page.location(), "/", "{next:?}");
            assert!(!page.headers.contains_key("a"));
        }
    });
}

#[test]
fn too_large_a_body_is_refused_and_leaves_nothing() {
    on_with(
        Kind::Sqlite,
        |config| config.upload_megabytes = 1,
        |clinic| async move {
            let mut marie = clinic.physician("marie").await;
            let id = marie.patient("Curie", "Marie", "1967-11-07").await;
            let mut large = files::png(1);
            large.resize(3 << 20, 0);
            marie.upload(&id, "pneumonia", &[("a.png", &large)]).await.is(413);
            // Neither does a field that is no file.
            let csrf = marie.csrf().await;
            let parts = [("csrf", None, csrf.as_bytes()), ("job", None, large.as_slice())];
            let kind = format!("multipart/form-data; boundary={BOUNDARY}");
            marie.send(Method::POST, "/upload", &kind, &[], multipart(&parts)).await.is(413);
            let note = "x".repeat(2 << 20);
            let mut form = patient_form("A", "B", "1980-01-01");
            form.push(("note", &note));
            marie.post("/patients/new", &form).await.is(413);
            assert_eq!(clinic.count("SELECT COUNT(*) FROM picture").await, 0);
            assert_eq!(std::fs::read_dir(clinic.config.data.join("pictures")).unwrap().count(), 0);
        },
    );
}

#[test]
fn files_that_promise_too_much_are_refused() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let dicom = Dicom { rows: 65_535, columns: 65_535, ..Dicom::default() }.bytes(1);
        let short = Dicom { rows: 4096, columns: 4096, ..Dicom::default() }.bytes(1);
        let (png, valid) = (files::png(1), Dicom::default().bytes(1));
        let cut = |bytes: &[u8]| bytes[..bytes.len() / 2].to_vec();
        for (name, bytes) in [
            ("60000 × 60000", files::promising_png(60_000, 60_000)),
            ("4 milliards", files::promising_png(u32::MAX, u32::MAX)),
            ("16384 × 16384", files::promising_png(16_384, 16_384)),
            ("9000 × 9000 of nothing", files::promising_png(9000, 9000)),
            ("0 × 0", files::promising_png(0, 0)),
            ("65535 rows", dicom),
            ("fewer samples than rows", short),
            ("half a PNG", cut(&png)),
            ("half a DICOM file", cut(&valid)),
            ("a zip", b"PK\x03\x04aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_vec()),
            ("a page", b"<html><script>alert(1)</script></html>".to_vec()),
            ("nothing of use", vec![0; 4096]),
        ] {
            let page = marie.upload(&id, "pneumonia", &[(name, &bytes)]).await;
            assert!(page.status == 200 && page.has("data-state=\"failed\""), "{name}: {} {}", page.status, page.text());
        }
        assert_eq!(clinic.count("SELECT COUNT(*) FROM picture").await, 0);
        assert_eq!(std::fs::read_dir(clinic.config.data.join("pictures")).unwrap().count(), 0);
        // A good file among bad ones is filed.
        let page = marie.upload(&id, "", &[("a", b"bad"), ("b", &png), ("c", b"worse")]).await.is(200);
        assert_eq!(page.text().matches("data-state=\"failed\"").count(), 2);
        assert_eq!(clinic.count("SELECT COUNT(*) FROM image").await, 1);
    });
}

#[test]
fn records_that_fail_are_told_of_on_a_page() {
    let proxy = |config: &mut semio_clinic::Config| {
        config.behind_proxy = true;
        config.public_address = Some("https://semio.clinic.example".into());
    };
    on_with(Kind::Sqlite, proxy, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        clinic.sql("DROP TABLE session").await;
        let accept = [("accept-language", "fr")];
        for path in ["/patients", "/nowhere"] {
            let mut browser = marie.clone();
            let page = browser.send(Method::GET, path, "", &[], vec![]).await.is(500);
            assert!(page.has("Something went wrong on our side"), "{path}: {}", page.text());
            assert!(page.headers.contains_key("content-security-policy"));
            assert!(page.headers.contains_key("strict-transport-security"));
        }
        marie.cookies.insert("semio-language".into(), "fr".into());
        let page = marie.send(Method::GET, "/patients", "", &accept, vec![]).await.is(500);
        assert!(page.has("Une erreur est survenue"), "{}", page.text());
    });
}

#[test]
fn nobody_pushes_others_off_the_list_of_people() {
    on(Kind::Sqlite, |clinic| async move {
        clinic.account("physician", "early").await;
        let mut admin = clinic.signed_in("administrator", "admin").await;
        let spam = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) \
                    INSERT INTO person SELECT randomblob(16), 'physician', 'spam_' || i || '@x.yz', 'spam_' || i || '@x.yz', \
                    'A', 'B', NULL, NULL, 'x', NULL, NULL, 0, NULL, NULL, 0, NULL, 9000000000000 + i FROM n";
        clinic.sql(spam).await;
        assert!(!admin.get("/admin").await.is(200).has("early@"));
        let found = admin.get("/admin?q=EARLY").await.is(200);
        assert!(found.has("early@clinic.example") && !found.has("spam_1@"), "{}", found.text());
        // Signs that a database takes for patterns, and nobody.
        assert!(admin.get("/admin?q=spam%25").await.is(200).has("begins with"));
        assert!(!admin.get("/admin?q=spam_44").await.has("spam_45@"));
        let (mut path, mut pages) = ("/admin".to_owned(), 0);
        let last = loop {
            let page = admin.get(&path).await.is(200);
            pages += 1;
            if !page.has("rel=\"next\"") {
                break page;
            }
            let links = page.text();
            let link = links.split("<a href=\"").find(|link| link.contains("rel=\"next\"")).unwrap();
            path = link.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
        };
        assert!(pages == 5 && last.has("early@"), "{pages} pages");
    });
}

#[test]
fn whoever_sends_a_byte_now_and_then_is_not_waited_for() {
    let change = |config: &mut semio_clinic::Config| {
        config.listen = ([127, 0, 0, 1], 0).into();
        config.patience = Patience { head: Duration::from_millis(300), file: Duration::from_millis(300) };
    };
    on_with(Kind::Sqlite, change, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let id = marie.patient("Curie", "Marie", "1967-11-07").await;
        let key = crate::api::key(&mut marie, true).await;
        let (told, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let app = clinic.app.clone();
        let serving = tokio::spawn(async {
            let ready = move |bound| told.send(bound).unwrap();
            serve(app, ready, async { drop(stopped.await) }).await.unwrap();
        });
        let address = address.await.unwrap();
        // What is sent, and what is answered once the server has had enough.
        let answer = async |sent: String| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent.as_bytes()).await.unwrap();
            let mut answer = String::new();
            let read = stream.read_to_string(&mut answer);
            tokio::time::timeout(Duration::from_secs(10), read).await.expect("the connection ends").ok();
            answer
        };
        let head = answer("GET /about HTTP/1.1\r\nHost: semio\r\nX-Slow: ".into()).await;
        assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
        let body = answer(format!(
            "POST /api/v1/patients/{id}/images HTTP/1.1\r\nHost: semio\r\nAuthorization: Bearer {key}\r\n\
             Content-Length: 100000\r\nConnection: close\r\n\r\nhalf"
        ))
        .await;
        assert!(body.starts_with("HTTP/1.1 408"), "{body}");
        // A record that is not there takes no byte, and no turn.
        let nobody = answer(format!(
            "POST /api/v1/patients/01890000-0000-7000-8000-000000000000/images HTTP/1.1\r\nHost: semio\r\n\
             Authorization: Bearer {key}\r\nContent-Length: 100000\r\nConnection: close\r\n\r\nhalf"
        ))
        .await;
        assert!(nobody.starts_with("HTTP/1.1 404"), "{nobody}");
        drop(stop);
        serving.await.unwrap();
    });
}

#[test]
fn what_a_visitor_calls_a_request_is_taken_only_where_it_is_an_identity() {
    on(Kind::Sqlite, |clinic| async move {
        let mut browser = clinic.browser();
        let id = "0190c7a4-7f6e-7cc3-98c4-dc0c0c07398f";
        for (sent, kept) in [(id, true), ("Marie Curie", false), ("curie-marie-19671107", false)] {
            let page = browser.send(Method::GET, "/about", "", &[("x-request-id", sent)], vec![]).await.is(200);
            assert_eq!(page.headers["x-request-id"] == sent, kept, "{sent}");
        }
    });
}
