#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use super::scene::Scene;
use super::*;

/// Draws a picture with and without its lesion.
fn pair(options: &SynthOptions, index: usize) -> (plan::Place, [(Scene, Vec<u8>); 2]) {
    let place = plan::place(options, index).unwrap();
    let drawn = [true, false].map(|lesion| render(options, index, &place, lesion));
    (place, drawn)
}

fn has_lesion(job: Job, class: usize) -> bool {
    match job {
        Job::Leukemia => false,
        _ => !["notumor", "clear", "Normal", "No Lung Opacity - Not Normal"].contains(&job.classes()[class]),
    }
}

#[test]
fn lesion_masks_are_where_the_lesion_changes_the_picture() {
    for (job, size) in Job::ALL.into_iter().flat_map(|job| [(job, 32), (job, 64)]) {
        let options = SynthOptions { size, ..SynthOptions::new(job, 60, 3) };
        for index in 0..options.count {
            let (place, [(with, image), (without, plain)]) = pair(&options, index);
            let name = format!("{job} {} number {index} at {size}", job.classes()[place.class]);
            assert!(without.spots.iter().all(|spot| !spot.lesion), "{name}: a mask without lesion");
            assert!(with.spots.iter().zip(&without.spots).all(|(a, b)| a.organ == b.organ), "{name}: organ");
            if !has_lesion(job, place.class) {
                assert!(with.spots.iter().all(|spot| !spot.lesion), "{name}: mask not empty");
                assert_eq!(image, plain, "{name}");
                continue;
            }
            let change = |i: usize| (with.spots[i].value[0] - without.spots[i].value[0]).abs();
            let (inside, outside): (Vec<usize>, Vec<usize>) = (0..size * size).partition(|&i| with.spots[i].lesion);
            assert!(!inside.is_empty(), "{name}: mask empty");
            assert!(inside.iter().all(|&i| with.spots[i].organ), "{name}: mask leaves the organ");
            let changed = inside.iter().filter(|&&i| change(i) > 0.01).count();
            assert!(10 * changed >= 9 * inside.len(), "{name}: {changed} of {} changed", inside.len());
            let mean = |part: &[usize]| part.iter().map(|&i| change(i)).sum::<f32>() / part.len() as f32;
            assert!(mean(&inside) > 10.0 * mean(&outside), "{name}: {} {}", mean(&inside), mean(&outside));
            // Away from the lesion by more than its soft edge and the blur, the pixels are the same to the byte.
            let far = |i: usize| {
                let (x, y) = (i % size, i / size);
                let reach = size / 10;
                (y.saturating_sub(reach)..(y + reach).min(size))
                    .all(|y| (x.saturating_sub(reach)..(x + reach).min(size)).all(|x| change(y * size + x) == 0.0))
            };
            assert!(outside.iter().all(|&i| image[i] == plain[i] || !far(i)), "{name}: changed far away");
            assert!(inside.iter().any(|&i| image[i] != plain[i]), "{name}: nothing to see");
        }
    }
}

#[test]
fn organs_are_of_a_plausible_size() {
    for job in Job::ALL {
        let options = SynthOptions { size: 64, ..SynthOptions::new(job, 60, 5) };
        for index in 0..options.count {
            let (_, [(scene, _), _]) = pair(&options, index);
            let share = scene.spots.iter().filter(|spot| spot.organ).count() as f32 / (64.0 * 64.0);
            assert!((0.04..0.75).contains(&share), "{job} number {index}: {share}");
        }
    }
}

#[test]
fn a_larger_picture_shows_the_same() {
    for job in Job::ALL {
        let shares = [64, 256].map(|size| {
            let options = SynthOptions { size, ..SynthOptions::new(job, 4, 9) };
            let (_, [(scene, _), _]) = pair(&options, 2);
            scene.spots.iter().filter(|spot| spot.organ).count() as f32 / (size * size) as f32
        });
        assert!((shares[0] - shares[1]).abs() < 0.02, "{job}: {shares:?}");
    }
}

#[test]
fn patients_are_whole_and_classes_and_splits_balanced() {
    for job in Job::ALL {
        let classes = job.classes().len();
        for count in [10 * classes, 200 * classes, 200 * classes + 7] {
            let options = SynthOptions::new(job, count, 13);
            let mut groups: HashMap<u64, (&str, &str, usize)> = HashMap::new();
            let mut cells: HashMap<(&str, &str), usize> = HashMap::new();
            for index in 0..count {
                let place = plan::place(&options, index).unwrap();
                let label = job.classes()[place.class];
                *cells.entry((label, place.split)).or_default() += 1;
                let group = groups.entry(place.group).or_insert((label, place.split, 0));
                assert_eq!((group.0, group.1), (label, place.split), "{job}: a patient is divided");
                group.2 += 1;
            }
            assert!(groups.values().all(|group| (1..=4).contains(&group.2)));
            for label in job.classes() {
                let of = |split| cells.get(&(*label, split)).copied().unwrap_or(0);
                let [train, val, test] = ["train", "val", "test"].map(of);
                let all = train + val + test;
                assert!(all.abs_diff(count / classes) <= 4, "{job} {label}: {all} of {count}");
                assert!(train.min(val).min(test) > 0, "{job} {label}: {train}, {val}, {test}");
                if count >= 200 * classes {
                    assert!(train.abs_diff(7 * all / 10) <= 4, "{job} {label}: {train} of {all}");
                    assert!(val.abs_diff(test) <= 8, "{job} {label}: {val} and {test}");
                }
            }
        }
    }
}
