//! Who opened which picture a moment ago: a viewer asks for facts, frames and maps of one picture many times, and the audit
//! trail tells it once.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{App, Problem};
use crate::{
    audit::Entry,
    store::entity::{image::Model as Image, patient::Model as Patient, person::Model as Person},
};

/// What comes within this time of the first look is the same opening.
const OPENING: Duration = Duration::from_mins(10);
/// Openings remembered; beyond this those that are over are forgotten, and then all.
const REMEMBERED: usize = 10_000;

/// The latest openings, by person and picture.
#[derive(Default)]
pub(crate) struct Openings(Mutex<HashMap<(Uuid, Uuid), Instant>>);

impl Openings {
    fn is_new(&self, person: Uuid, image: Uuid) -> bool {
        let mut openings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if openings.len() >= REMEMBERED {
            openings.retain(|_, since| now - *since < OPENING);
            if openings.len() >= REMEMBERED {
                openings.clear();
            }
        }
        if openings.get(&(person, image)).is_some_and(|since| now - *since < OPENING) {
            return false;
        }
        openings.insert((person, image), now);
        true
    }

    fn forget(&self, person: Uuid, image: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(person, image));
    }
}

/// Notes that a person opened a picture, once an opening. What cannot be noted is not shown.
pub(super) async fn note(app: &App, person: &Person, image: &Image, patient: &Patient) -> Result<(), Problem> {
    if !app.openings.is_new(person.id, image.id) {
        return Ok(());
    }
    let noted = app.store.note(Entry::by(person.id, "picture.read").of(image.id).patient(patient.id)).await;
    if noted.is_err() {
        app.openings.forget(person.id, image.id);
    }
    Ok(noted?)
}
