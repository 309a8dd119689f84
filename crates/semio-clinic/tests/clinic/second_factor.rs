//! Codes beside the password.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::harness::{Browser, Kind, PASSWORD, Page, on};

/// What an authenticator app shows, so many steps of 30 seconds from now (RFC 6238).
fn app_code(secret: &str, steps: i64) -> String {
    let bits: Vec<u8> = secret
        .bytes()
        .map(|letter| if letter.is_ascii_digit() { letter - b'2' + 26 } else { letter - b'A' })
        .flat_map(|value| (0..5).rev().map(move |bit| value >> bit & 1))
        .collect();
    let key: Vec<u8> = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect();
    let step = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64 / 30 + steps;
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(&key).unwrap();
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 0xf);
    let word = u32::from_be_bytes(hash[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

/// Sets the code up and gives the secret and the recovery codes.
async fn set_up(browser: &mut Browser) -> (String, Vec<String>) {
    let page = browser.get("/account/second-factor").await.is(200);
    assert!(page.has("<svg"), "the picture to scan");
    let secret = page.between("<br><code>", "</code>");
    assert_eq!(secret.len(), 32);
    browser.post("/account/second-factor", &[("code", "000000"), ("old", PASSWORD)]).await.is(422);
    // Whoever finds an unlocked screen does not lock its owner out.
    let code = app_code(&secret, -1);
    browser.post("/account/second-factor", &[("code", &code), ("old", "something else")]).await.is(422);
    let page = browser.post("/account/second-factor", &[("code", &code), ("old", PASSWORD)]).await.is(200);
    let codes: Vec<String> = page.text().split("<li><code>").skip(1).map(|rest| rest[..19].to_owned()).collect();
    assert_eq!(codes.len(), 10, "{}", page.text());
    (secret, codes)
}

async fn with_code(browser: &mut Browser, asked: &Page, code: &str) -> Page {
    let note = asked.between("name=\"note\" value=\"", "\"");
    browser.post("/sign-in/code", &[("note", &note), ("code", code), ("next", "/patients")]).await
}

#[test]
fn signing_in_asks_for_a_code_that_works_once() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let (secret, recovery) = set_up(&mut marie).await;
        assert!(
            clinic
                .texts("SELECT salt || recovery FROM second_factor")
                .await
                .iter()
                .all(|kept| { !kept.contains(&secret) && recovery.iter().all(|code| !kept.contains(code.as_str())) })
        );
        let mut other = clinic.browser();
        let asked = other.try_sign_in("marie@clinic.example", PASSWORD).await.is(200);
        // The password alone opens nothing.
        other.get("/patients").await.is(303);
        with_code(&mut other, &asked, "123456").await.is(422);
        let code = app_code(&secret, 0);
        let page = with_code(&mut other, &asked, &code).await.is(303);
        assert_eq!(page.location(), "/patients");
        other.get("/patients").await.is(200);
        // Whoever looked over the shoulder comes too late, and a note is good for its own visit alone.
        let mut third = clinic.browser();
        let again = third.try_sign_in("marie@clinic.example", PASSWORD).await.is(200);
        with_code(&mut third, &again, &code).await.is(422);
        let page = with_code(&mut clinic.browser(), &again, &app_code(&secret, 1)).await.is(422);
        assert!(page.has("five minutes"));
        for forged in ["", "|", "x|01890000-0000-7000-8000-000000000000|9999999999999"] {
            third.post("/sign-in/code", &[("note", forged), ("code", &code)]).await.is(422);
        }
        // Recovery codes work once each, typed as it comes.
        let page = with_code(&mut third, &again, &recovery[3].to_lowercase().replace('-', " ")).await;
        assert_eq!(page.location(), "/patients");
        let mut fourth = clinic.browser();
        let asked = fourth.try_sign_in("marie@clinic.example", PASSWORD).await.is(200);
        with_code(&mut fourth, &asked, &recovery[3]).await.is(422);
        with_code(&mut fourth, &asked, &recovery[4]).await.is(303);
        assert_eq!(clinic.noted("person.second-factor").await, 1);
    });
}

#[test]
fn guessed_codes_lock_the_account_as_guessed_passwords_do() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let (secret, _) = set_up(&mut marie).await;
        let mut thief = clinic.browser();
        for _ in 0..5 {
            // A right password in between does not begin the count anew.
            let asked = thief.try_sign_in("marie@clinic.example", PASSWORD).await.is(200);
            with_code(&mut thief, &asked, "000000").await.is(422);
        }
        let page = thief.try_sign_in("marie@clinic.example", PASSWORD).await.is(422);
        assert!(page.has("Too many wrong tries"), "{}", page.text());
        clinic.sql("UPDATE person SET locked_until = NULL").await;
        let asked = thief.try_sign_in("marie@clinic.example", PASSWORD).await.is(200);
        clinic.sql("UPDATE person SET locked_until = 9000000000000").await;
        let page = with_code(&mut thief, &asked, &app_code(&secret, 0)).await.is(422);
        assert!(page.has("Too many wrong tries"), "a right code opens no locked account");
    });
}

#[test]
fn a_code_is_taken_away_by_its_owner_or_an_administrator() {
    on(Kind::Sqlite, |clinic| async move {
        let mut marie = clinic.physician("marie").await;
        let mut admin = clinic.signed_in("administrator", "admin").await;
        set_up(&mut marie).await;
        marie.post("/account/second-factor/remove", &[("old", "something else")]).await.is(422);
        marie.post("/account/second-factor/remove", &[("old", PASSWORD)]).await.is(303);
        clinic.browser().sign_in("marie").await;
        set_up(&mut marie).await;
        let people = admin.get("/admin").await.text();
        let row = people.split("<tr>").find(|row| row.contains("marie@")).unwrap();
        let way = row.split("action=\"").find(|way| way.contains("/second-factor\"")).unwrap();
        admin.post(way.split('"').next().unwrap(), &[]).await.is(303);
        clinic.browser().sign_in("marie").await;
        assert_eq!(clinic.noted("person.second-factor-remove").await, 2);
        assert!(!admin.get("/admin").await.has("/second-factor\""));
    });
}
