use std::sync::Arc;

use crate::harness::{Browser, Clinic, PASSWORD, on_every_database, rpps};

on_every_database!(
    a_registered_account_waits_for_confirmation,
    five_failures_lock_an_account,
    sessions_end,
    a_reset_link_works_once,
    a_new_password_ends_other_sessions,
);

const SIGNED_OUT: &str = "/sign-in?next=%2Faccount";

async fn is_signed_in(browser: &mut Browser) -> bool {
    let page = browser.get("/account").await;
    assert!(page.status == 200 || page.location() == SIGNED_OUT);
    page.status == 200
}

async fn a_registered_account_waits_for_confirmation(clinic: Arc<Clinic>) {
    let mut admin = clinic.signed_in("administrator", "admin").await;
    let mut new = clinic.browser();
    let number = rpps();
    let form = [
        ("email", "Zoe@Clinic.Example"),
        ("family_name", "Núñez-Álvarez"),
        ("given_name", "Zoë 李"),
        ("register_number", number.as_str()),
        ("password", PASSWORD),
        // Whoever registers is a physician, whatever the form says.
        ("role", "administrator"),
    ];
    new.post("/register", &form).await.is(200);
    let page = new.try_sign_in("zoe@clinic.example", PASSWORD).await.is(422);
    assert!(page.has("confirm"), "{}", page.text());
    // The same address in other letters, and the same number, are taken.
    let again: Vec<_> = form.iter().map(|(k, v)| (*k, if *k == "email" { "ZOE@clinic.EXAMPLE" } else { v })).collect();
    assert!(new.post("/register", &again).await.is(422).has("id=\"fault-email\""));
    let other: Vec<_> =
        form.iter().map(|(k, v)| (*k, if *k == "email" { "other@clinic.example" } else { v })).collect();
    assert!(new.post("/register", &other).await.is(422).has("id=\"fault-register_number\""));
    for (field, value) in
        [("register_number", "12345678901"), ("password", "short"), ("email", "nobody"), ("family_name", " ")]
    {
        let number = rpps();
        let mut wrong = vec![
            ("email", "fresh@clinic.example"),
            ("family_name", "A"),
            ("given_name", "B"),
            ("register_number", number.as_str()),
            ("password", PASSWORD),
        ];
        wrong.iter_mut().filter(|(k, _)| *k == field).for_each(|(_, v)| *v = value);
        let page = new.post("/register", &wrong).await.is(422);
        assert!(page.has(&format!("id=\"fault-{field}\"")), "{field}");
        // What was typed comes back, but never the password.
        assert!(field == "password" || !page.has(PASSWORD));
    }
    let people = admin.get("/admin").await.is(200);
    assert!(people.has("Núñez-Álvarez"));
    let id = people.between("/admin/people/", "/team");
    admin.post(&format!("/admin/people/{id}/confirm"), &[]).await.is(303);
    let page = new.try_sign_in("ZOE@clinic.example ", PASSWORD).await.is(303);
    assert_eq!(page.location(), "/");
    assert!(new.get("/patients").await.is(200).has("Núñez-Álvarez"));
    assert_eq!(clinic.noted("person.confirm").await, 2);
    admin.post(&format!("/admin/people/{id}/close"), &[]).await.is(303);
    assert!(!is_signed_in(&mut new).await);
    new.try_sign_in("zoe@clinic.example", PASSWORD).await.is(422);
}

async fn five_failures_lock_an_account(clinic: Arc<Clinic>) {
    clinic.account("physician", "marie").await;
    let mut browser = clinic.browser();
    for _ in 0..5 {
        browser.try_sign_in("marie@clinic.example", "another password").await.is(422);
    }
    let locked = browser.try_sign_in("marie@clinic.example", PASSWORD).await.is(422);
    assert!(locked.has("minute"), "{}", locked.text());
    clinic.sql("UPDATE person SET locked_until = 1").await;
    browser.sign_in("marie").await;
    assert_eq!(clinic.noted("person.sign-in-failed").await, 5);
    // Guesses at the same time count as many.
    let mut tries = vec![];
    for _ in 0..8 {
        let mut guess = clinic.browser();
        guess.csrf().await;
        tries.push(tokio::spawn(async move { guess.try_sign_in("marie@clinic.example", "another password").await }));
    }
    for task in tries {
        task.await.unwrap().is(422);
    }
    let refused = clinic.browser().try_sign_in("marie@clinic.example", PASSWORD).await.is(422);
    assert!(refused.has("minute"), "eight guesses at once did not lock the account");
    // One address alone cannot go on for ever, whatever it tries.
    let mut eager = clinic.browser();
    let mut last = 0;
    for n in 0..25 {
        last = eager.try_sign_in(&format!("nobody{n}@clinic.example"), "a password").await.status.as_u16();
    }
    assert_eq!(last, 429);
}

async fn sessions_end(clinic: Arc<Clinic>) {
    let mut desk = clinic.physician("marie").await;
    let mut ward = clinic.browser();
    ward.sign_in("marie").await;
    assert!(is_signed_in(&mut desk).await && is_signed_in(&mut ward).await);
    desk.post("/sign-out", &[]).await.is(303);
    assert!(!is_signed_in(&mut desk).await && is_signed_in(&mut ward).await);
    desk.sign_in("marie").await;
    desk.post("/sign-out", &[("everywhere", "on")]).await.is(303);
    assert!(!is_signed_in(&mut desk).await && !is_signed_in(&mut ward).await);
    // Not used for longer than half an hour, and older than a working day.
    for change in ["seen_at = seen_at - 1860000", "created_at = created_at - 46800000"] {
        desk.sign_in("marie").await;
        assert!(is_signed_in(&mut desk).await);
        clinic.sql(&format!("UPDATE session SET {change}")).await;
        assert!(!is_signed_in(&mut desk).await, "{change}");
    }
    assert_eq!(clinic.count("SELECT COUNT(*) FROM session").await, 0);
}

async fn a_reset_link_works_once(clinic: Arc<Clinic>) {
    let mut marie = clinic.physician("marie").await;
    let mut admin = clinic.signed_in("administrator", "admin").await;
    let people = admin.get("/admin").await.text();
    let row = people.split("<tr>").find(|row| row.contains("marie@")).unwrap();
    let id = row.split("/admin/people/").nth(1).unwrap().split('/').next().unwrap();
    let link = |page: crate::harness::Page| page.between("/reset/", "<");
    let first = link(admin.post(&format!("/admin/people/{id}/reset"), &[]).await.is(200));
    let second = link(admin.post(&format!("/admin/people/{id}/reset"), &[]).await.is(200));
    let mut browser = clinic.browser();
    let new = [("password", "another horse battery")];
    // The earlier link no longer works; a password that is too short does not spend the link.
    browser.post(&format!("/reset/{first}"), &new).await.is(422);
    browser.post(&format!("/reset/{second}"), &[("password", "short")]).await.is(422);
    browser.post(&format!("/reset/{second}"), &new).await.is(200);
    browser.post(&format!("/reset/{second}"), &[("password", "a third horse battery")]).await.is(422);
    assert!(!is_signed_in(&mut marie).await);
    marie.try_sign_in("marie@clinic.example", PASSWORD).await.is(422);
    marie.try_sign_in("marie@clinic.example", "another horse battery").await.is(303);
    let third = link(admin.post(&format!("/admin/people/{id}/reset"), &[]).await.is(200));
    clinic.sql("UPDATE letter SET expires_at = 1").await;
    browser.post(&format!("/reset/{third}"), &new).await.is(422);
    assert!(!admin.get("/admin").await.has(&third));
}

async fn a_new_password_ends_other_sessions(clinic: Arc<Clinic>) {
    let mut desk = clinic.physician("marie").await;
    let mut ward = clinic.browser();
    ward.sign_in("marie").await;
    let new = "another horse battery";
    desk.post("/account/password", &[("old", "wrong wrong wrong"), ("password", new)]).await.is(422);
    desk.post("/account/password", &[("old", PASSWORD), ("password", "short")]).await.is(422);
    assert!(is_signed_in(&mut ward).await);
    desk.post("/account/password", &[("old", PASSWORD), ("password", new)]).await.is(303);
    assert!(is_signed_in(&mut desk).await && !is_signed_in(&mut ward).await);
    ward.try_sign_in("marie@clinic.example", new).await.is(303);
    desk.post("/account", &[("language", "fr"), ("reads_first", "on")]).await.is(303);
    assert!(desk.get("/account").await.has("lang=\"fr\""));
}
