//! Files that wait for a physician's decision: what a page brings back to name one.

use super::filing::Wish;
use crate::{
    clock,
    pictures::HELD,
    web::{App, Visit},
};

/// A note of a held file that only this visit can hand back, as long as the file is surely there.
pub(super) fn hold(app: &App, visit: &Visit, sha256: &str, wish: &Wish) -> String {
    let day = wish.taken_on.map(|d| d.to_string()).unwrap_or_default();
    let facts = format!("{sha256}|{}|{day}|{}", clock::now() + HELD - clock::HOUR, wish.job);
    let proof = app.store.secrets().form_token(&format!("held|{}|{facts}", visit.cookie));
    format!("{proof}|{facts}")
}

/// The hash of the held file, and what was wished for it.
pub(super) fn held(app: &App, visit: &Visit, note: &str) -> Option<(String, Wish)> {
    let (proof, facts) = note.split_once('|')?;
    if !app.store.secrets().is_form_token(&format!("held|{}|{facts}", visit.cookie), proof) {
        return None;
    }
    let mut parts = facts.splitn(4, '|');
    let (sha256, until, day, job) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_fresh = until.parse::<i64>().is_ok_and(|until| until > clock::now());
    let wish = Wish { patient: None, job: job.to_owned(), taken_on: day.parse().ok() };
    is_fresh.then(|| (sha256.to_owned(), wish))
}
