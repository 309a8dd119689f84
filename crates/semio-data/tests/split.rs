//! Splits and folds: no patient divided, nothing lost, ratios kept, the same on every run.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::{prelude::*, test_runner::RngSeed};
use semio_data::{
    Ratios, Sample, Split, SplitError,
    split::{PartReport, assign, cut_val, divided_groups, folds, leave_one_group_out, split},
};

fn sample(name: &str, label: &str, group: Option<&str>) -> Sample {
    Sample {
        file: name.into(),
        frame: None,
        name: name.into(),
        label: Some(label.into()),
        split: None,
        group: group.map(Into::into),
        mask: None,
        extra: Vec::new(),
    }
}

/// Samples of up to four classes in groups of any size, some with several classes and some without a group.
fn any_samples() -> impl Strategy<Value = Vec<Sample>> {
    prop::collection::vec((0..4_usize, prop::option::weighted(0.8, 0..40_usize)), 3..200).prop_map(|rows| {
        let named = |(i, (class, group)): (usize, (usize, Option<usize>))| {
            sample(&format!("{i}.png"), &format!("c{class}"), group.map(|g| format!("p{g}")).as_deref())
        };
        rows.into_iter().enumerate().map(named).collect()
    })
}

/// Samples whose groups have one class each: (class, size) of every group.
fn one_class_groups(largest: usize) -> impl Strategy<Value = Vec<Sample>> {
    prop::collection::vec((0..4_usize, 1..=largest), 3..120).prop_map(|groups| {
        let members = |(g, (class, size)): (usize, (usize, usize))| {
            (0..size).map(move |i| sample(&format!("{g}-{i}"), &format!("c{class}"), Some(&format!("p{g}"))))
        };
        groups.into_iter().enumerate().flat_map(members).collect()
    })
}

fn any_ratios() -> impl Strategy<Value = Ratios> {
    (1..10_u32, 0..5_u32, 0..5_u32).prop_map(|(train, val, test)| Ratios {
        train: train.into(),
        val: val.into(),
        test: test.into(),
    })
}

fn groups_of(samples: &[Sample]) -> usize {
    let keys: BTreeSet<_> = samples.iter().map(|s| s.group.as_ref().map_or((1, &s.name), |g| (0, g))).collect();
    keys.len()
}

fn divides_no_group<T: Ord + Copy>(samples: &[Sample], parts: &[T]) -> bool {
    let mut seen = BTreeMap::new();
    samples.iter().zip(parts).all(|(s, &part)| match &s.group {
        Some(group) => *seen.entry(group).or_insert(part) == part,
        None => true,
    })
}

/// Groups of each class, and the parts in which it is.
fn classes(samples: &[Sample], parts: &[usize]) -> BTreeMap<String, (BTreeSet<String>, BTreeSet<usize>)> {
    let mut found: BTreeMap<String, (BTreeSet<String>, BTreeSet<usize>)> = BTreeMap::new();
    for (sample, &part) in samples.iter().zip(parts) {
        let entry = found.entry(sample.label.clone().unwrap()).or_default();
        entry.0.insert(sample.group.clone().unwrap());
        entry.1.insert(part);
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_split_keeps_groups_whole(samples in any_samples(), ratios in any_ratios(), seed: u64) {
        let shares = ratios.shares().unwrap();
        let wanted = shares.iter().filter(|&&s| s > 0.0).count();
        match split(&samples, ratios, seed) {
            Ok(done) => {
                prop_assert_eq!(done.parts.len(), samples.len());
                prop_assert!(divides_no_group(&samples, &done.parts));
                for (part, share) in Split::ALL.into_iter().zip(shares) {
                    prop_assert_eq!(done.parts.contains(&part), share > 0.0);
                }
                prop_assert_eq!(done.report.parts.iter().map(PartReport::samples).sum::<usize>(), samples.len());
                prop_assert_eq!(done.report.parts.iter().map(|p| p.groups).sum::<usize>(), groups_of(&samples));
                prop_assert_eq!(done.report.ungrouped, samples.iter().filter(|s| s.group.is_none()).count());
            }
            Err(error) => {
                prop_assert_eq!(error, SplitError::TooFewGroups { groups: groups_of(&samples), parts: wanted });
                prop_assert!(groups_of(&samples) < wanted);
            }
        }
    }

    #[test]
    fn rows_may_come_in_any_order(samples in any_samples(), ratios in any_ratios(), seed: u64, turn in 0..200_usize) {
        let mut other = samples.clone();
        other.rotate_left(turn % samples.len());
        other.reverse();
        let by_name = |samples: &[Sample], parts: Vec<Split>| -> BTreeMap<String, Split> {
            samples.iter().map(|s| s.name.clone()).zip(parts).collect()
        };
        match (split(&samples, ratios, seed), split(&other, ratios, seed)) {
            (Ok(a), Ok(b)) => {
                prop_assert_eq!(by_name(&samples, a.parts), by_name(&other, b.parts));
                prop_assert_eq!(a.report, b.report);
            }
            (a, b) => prop_assert_eq!(a.is_err(), b.is_err()),
        }
    }

    #[test]
    fn single_pictures_meet_the_ratios(samples in one_class_groups(1), ratios in any_ratios(), seed: u64) {
        let shares = ratios.shares().unwrap();
        let Ok(done) = split(&samples, ratios, seed) else { return Ok(()) };
        for (class, name) in done.report.classes.iter().enumerate() {
            let total: usize = done.report.parts.iter().map(|p| p.counts[class]).sum();
            // Below one picture wanted, that each part gets the class goes before the ratio.
            if shares.iter().all(|&s| s == 0.0 || s * total as f64 >= 1.0) {
                for part in &done.report.parts {
                    let off = part.counts[class] as f64 - part.wanted.unwrap() * total as f64;
                    prop_assert!(off.abs() <= 1.0, "{} of {name} in {}: {off} off", part.counts[class], part.name);
                }
            }
        }
    }

    #[test]
    fn every_part_sees_every_class(samples in one_class_groups(9), ratios in any_ratios(), seed: u64) {
        let parts = ratios.shares().unwrap().iter().filter(|&&s| s > 0.0).count();
        let Ok(done) = split(&samples, ratios, seed) else { return Ok(()) };
        let part_of: Vec<usize> = done.parts.iter().map(|&p| p as usize).collect();
        for (class, (groups, seen)) in classes(&samples, &part_of) {
            prop_assert!(groups.len() < parts || seen.len() == parts, "{class}: {} groups, {seen:?}", groups.len());
        }
    }

    #[test]
    fn folds_are_a_partition(samples in any_samples(), k in 2..8_usize, seed: u64) {
        let Ok(made) = folds(&samples, k, seed) else {
            prop_assert!(groups_of(&samples) < k);
            return Ok(());
        };
        prop_assert_eq!(made.len(), k);
        prop_assert!(divides_no_group(&samples, &made.fold_of));
        let mut held_out = vec![0; samples.len()];
        for fold in 0..k {
            let parts = made.parts(fold);
            prop_assert!(parts.contains(&Split::Test) && parts.contains(&Split::Train));
            for (count, part) in held_out.iter_mut().zip(parts) {
                *count += usize::from(part == Split::Test);
            }
        }
        prop_assert!(held_out.iter().all(|&count| count == 1));
    }

    #[test]
    fn folds_are_level_and_stratified(samples in one_class_groups(1), k in 2..6_usize, seed: u64) {
        let Ok(made) = folds(&samples, k, seed) else { return Ok(()) };
        for class in 0..made.report.classes.len() {
            let counts: Vec<usize> = made.report.parts.iter().map(|p| p.counts[class]).collect();
            let spread = counts.iter().max().unwrap() - counts.iter().min().unwrap();
            prop_assert!(spread <= 1 || counts.iter().sum::<usize>() < k, "{counts:?}");
        }
    }

    #[test]
    fn val_comes_out_of_train(samples in any_samples(), tests in prop::collection::vec(any::<bool>(), 200), seed: u64) {
        let mut samples = samples;
        let given: Vec<Split> =
            tests.iter().map(|&t| if t { Split::Test } else { Split::Train }).take(samples.len()).collect();
        let before: BTreeSet<String> = {
            samples.iter_mut().zip(&given).for_each(|(s, &p)| s.split = Some(p));
            divided_groups(&samples).into_iter().map(|d| d.group).collect()
        };
        let Ok(done) = cut_val(&samples, &given, 0.2, seed) else { return Ok(()) };
        for (part, given) in done.parts.iter().zip(&given) {
            prop_assert_eq!(*part == Split::Test, *given == Split::Test);
        }
        prop_assert!(done.parts.contains(&Split::Val) && done.parts.contains(&Split::Train));
        done.apply(&mut samples);
        let after: BTreeSet<String> = divided_groups(&samples).into_iter().map(|d| d.group).collect();
        prop_assert_eq!(before, after);
    }
}

fn hundred() -> Vec<Sample> {
    (0..100)
        .map(|i| sample(&format!("{i}"), if i % 4 == 0 { "sick" } else { "well" }, Some(&format!("p{i}"))))
        .collect()
}

/// The parts are fixed for all time: a change here changes everybody's test set.
#[test]
fn the_order_is_a_standard() {
    let done = split(&hundred(), Ratios::default(), 1).unwrap();
    let test: Vec<usize> = (0..100).filter(|&i| done.parts[i] == Split::Test).collect();
    assert_eq!(test, EXPECTED_TEST);
    assert_ne!(split(&hundred(), Ratios::default(), 2).unwrap().parts, done.parts);
}

/// From fixtures/split.py.
const EXPECTED_TEST: [usize; 15] = [1, 14, 25, 35, 39, 44, 48, 52, 55, 80, 81, 83, 91, 94, 95];

#[test]
fn the_report_is_a_table() {
    let mut samples = hundred();
    samples.iter_mut().skip(90).for_each(|s| s.group = None);
    let text = split(&samples, Ratios { train: 80.0, val: 20.0, test: 0.0 }, 3).unwrap().report.to_string();
    assert_eq!(
        text,
        "part   pictures  reached  wanted  groups         sick         well\n\
         train        80   80.0 %  80.0 %      80  20 (80.0 %)  60 (80.0 %)\n\
         val          20   20.0 %  20.0 %      20   5 (20.0 %)  15 (20.0 %)\n\
         10 pictures have no group; each counts as a group of its own"
    );
    let two = [sample("1", "a", None), sample("2", "b", None)];
    let text = folds(&two, 2, 0).unwrap().report.to_string();
    assert!(text.contains("fold 1 holds no picture of class"), "{text}");
}

#[test]
fn a_large_group_stays_whole() {
    let mut samples = hundred();
    samples.iter_mut().take(60).for_each(|s| s.group = Some("large".into()));
    let done = split(&samples, Ratios::default(), 5).unwrap();
    assert!(done.parts[..60].iter().all(|&p| p == Split::Train));
    let count = |part| done.parts.iter().filter(|&&p| p == part).count();
    assert_eq!((count(Split::Train), count(Split::Val), count(Split::Test)), (70, 15, 15));
}

#[test]
fn the_sources_own_split_is_kept() {
    let mut samples = hundred();
    let given = split(&samples, Ratios { train: 8.0, val: 0.0, test: 2.0 }, 4).unwrap();
    given.apply(&mut samples);
    let ratios = Ratios { train: 0.6, val: 0.2, test: 0.2 };
    let cut = assign(&samples, ratios, 4).unwrap();
    let count = |part| cut.parts.iter().filter(|&&p| p == part).count();
    // A quarter of the 80 training pictures, as 0.2 is of 0.6 + 0.2.
    assert_eq!((count(Split::Train), count(Split::Val), count(Split::Test)), (60, 20, 20));
    assert_eq!(assign(&samples, Ratios { train: 8.0, val: 0.0, test: 2.0 }, 4).unwrap().parts, given.parts);
    cut.apply(&mut samples);
    assert_eq!(assign(&samples, Ratios::default(), 9).unwrap().parts, cut.parts);

    samples[7].split = None;
    assert_eq!(assign(&samples, ratios, 4), Err(SplitError::Mixed { without: 1, all: 100 }));
    for sample in &mut samples {
        sample.split = Some(Split::Test);
    }
    assert_eq!(assign(&samples, ratios, 4), Err(SplitError::NoTrain));
    for sample in &mut samples {
        sample.split = None;
    }
    assert_eq!(assign(&samples, ratios, 4), split(&samples, ratios, 4));
}

#[test]
fn divided_groups_are_found_and_not_named_in_words() {
    let mut samples = hundred();
    for sample in &mut samples {
        sample.split = Some(Split::Train);
    }
    assert!(divided_groups(&samples).is_empty());
    samples[1].group = Some("p0".into());
    samples[1].split = Some(Split::Test);
    let found = divided_groups(&samples);
    assert_eq!((found.len(), found[0].group.as_str()), (1, "p0"));
    assert_eq!(found[0].to_string(), "one group has 1 in train (such as 0) and 1 in test (such as 1)");
}

#[test]
fn one_group_is_left_out_at_a_time() {
    let mut samples: Vec<Sample> =
        ["b", "a", "b", "c"].iter().enumerate().map(|(i, g)| sample(&i.to_string(), "x", Some(g))).collect();
    let made = leave_one_group_out(&samples).unwrap();
    assert_eq!((made.names.join(","), made.fold_of.clone()), ("a,b,c".into(), vec![1, 0, 1, 2]));
    assert_eq!(made.parts(1), [Split::Test, Split::Train, Split::Test, Split::Train]);
    assert_eq!(made.report.parts[1].counts, [2]);
    samples[3].group = None;
    assert_eq!(leave_one_group_out(&samples), Err(SplitError::NoGroup { count: 1 }));
    assert_eq!(leave_one_group_out(&samples[..1]), Err(SplitError::TooFewGroups { groups: 1, parts: 2 }));
}

#[test]
fn senseless_requests_are_refused() {
    for (train, val, test) in [(0.0, 0.5, 0.5), (0.7, -0.1, 0.4), (f64::NAN, 0.1, 0.1), (f64::INFINITY, 0.0, 0.0)] {
        assert!(matches!(split(&hundred(), Ratios { train, val, test }, 0), Err(SplitError::Ratios { .. })));
    }
    assert_eq!(folds(&hundred(), 1, 0), Err(SplitError::TooFewFolds { folds: 1 }));
    assert_eq!(folds(&hundred()[..3], 5, 0), Err(SplitError::TooFewGroups { groups: 3, parts: 5 }));
    assert!(split(&[], Ratios::default(), 0).is_err());
}
