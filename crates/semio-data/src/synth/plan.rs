//! Which patient, class and split the picture with a given number belongs to.

use super::random::{Purpose, Random};
use super::{Job, SynthError, SynthOptions};

/// A picture's place in the set.
pub(super) struct Place {
    /// Number of the class in [`Job::classes`].
    pub(super) class: usize,
    /// Number of the patient.
    pub(super) group: u64,
    /// `train`, `val` or `test`.
    pub(super) split: &'static str,
}

/// Pictures a class in one block: four patients with 1, 2, 3 and 4 pictures.
const BLOCK: usize = 10;
const PATIENTS: usize = 4;

/// Finds a picture's place without looking at the others.
///
/// The set is made of blocks. In each, every class has four patients with 1, 2, 3 and 4 pictures in random order, so
/// that classes are equally frequent; two blocks together give each class 14 pictures to train, 3 to val, 3 to test.
pub(super) fn place(options: &SynthOptions, index: usize) -> Result<Place, SynthError> {
    if index >= options.count {
        return Err(SynthError::Index { index, count: options.count });
    }
    let classes = options.job.classes().len();
    let block = index / (BLOCK * classes);
    let mut before = block * BLOCK * classes;
    for (number, patient) in block_patients(options.seed, options.job, block as u64).into_iter().enumerate() {
        before += patient.pictures;
        if index < before {
            let group = (block * PATIENTS * classes + number) as u64;
            return Ok(Place { class: patient.class, group, split: patient.split });
        }
    }
    Err(SynthError::Index { index, count: options.count })
}

struct Patient {
    class: usize,
    pictures: usize,
    split: &'static str,
}

fn block_patients(seed: u64, job: Job, block: u64) -> Vec<Patient> {
    let mut random = Random::new(seed, job, Purpose::Plan, block);
    let classes = job.classes().len();
    // In each round, every class brings one patient, so that also a short set has them all.
    let mut rounds = vec![Vec::new(); PATIENTS];
    for class in 0..classes {
        let mut order = [1, 2, 3, 4];
        random.shuffle(&mut order);
        for (round, pictures) in rounds.iter_mut().zip(order) {
            round.push((class, pictures));
        }
    }
    let mut patients = Vec::with_capacity(PATIENTS * classes);
    for mut round in rounds {
        random.shuffle(&mut round);
        for (class, pictures) in round {
            // Halves of a pair of blocks mirror one another; every second pair gives training other sizes, so that
            // the number of pictures a patient has says nothing about the split.
            let split = match (block % 4, pictures) {
                (0 | 1, 3 | 4) | (2 | 3, 1 | 2 | 4) => "train",
                (0, 2) | (1, 1) | (2, 3) => "val",
                _ => "test",
            };
            patients.push(Patient { class, pictures, split });
        }
    }
    patients
}
