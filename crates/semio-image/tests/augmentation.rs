//! What chance may do to a picture, and what it may not.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use semio_image::{Augmentation, Color, Fill, Image, Samples, sample_seed};

const OFF: Augmentation = Augmentation {
    flip_horizontal: 0.0,
    flip_vertical: 0.0,
    rotate: 0.0,
    shift: 0.0,
    zoom: 0.0,
    brightness: 0.0,
    contrast: 0.0,
    noise: 0.0,
    cutout: 0.0,
    fill: Fill::Edge,
};

const ALL: Augmentation = Augmentation {
    flip_horizontal: 0.5,
    flip_vertical: 0.5,
    rotate: 180.0,
    shift: 0.4,
    zoom: 0.5,
    brightness: 0.2,
    contrast: 0.3,
    noise: 0.1,
    cutout: 0.5,
    fill: Fill::Black,
};

proptest! {
    #[test]
    fn off_changes_nothing(image in pictures(), seed: u64) {
        prop_assert_eq!(OFF.apply(&image, seed), image);
    }

    #[test]
    fn size_and_depth_stay(image in pictures(), seed: u64) {
        let changed = ALL.apply(&image, seed);
        prop_assert_eq!((changed.width(), changed.height(), changed.color()), (image.width(), image.height(), image.color()));
        prop_assert_eq!(std::mem::discriminant(changed.samples()), std::mem::discriminant(image.samples()));
        prop_assert_eq!(ALL.apply(&image, seed), changed);
    }

    #[test]
    fn two_flips_undo_each_other(image in pictures(), seed: u64, across: bool, down: bool) {
        let flip = Augmentation { flip_horizontal: across.into(), flip_vertical: down.into(), ..OFF };
        prop_assert_eq!(flip.apply(&flip.apply(&image, seed), seed), image);
    }

    #[test]
    fn geometry_of_one_value_is_that_value(side in (1usize..30, 1usize..30), value: u16, seed: u64) {
        let image = Image::new(side.0, side.1, Color::Grey, Samples::U16(vec![value; side.0 * side.1])).unwrap();
        let geometry = Augmentation { noise: 0.0, contrast: 0.0, brightness: 0.0, cutout: 0.0, fill: Fill::Edge, ..ALL };
        prop_assert_eq!(geometry.apply(&image, seed), image);
    }

    #[test]
    fn the_cut_is_bounded(side in (1usize..40, 1usize..40), share in 0.0f32..1.0, seed: u64) {
        let image = Image::new(side.0, side.1, Color::Rgb, Samples::U8(vec![200; side.0 * side.1 * 3])).unwrap();
        let cut = Augmentation { cutout: share, ..OFF }.apply(&image, seed);
        let black = count(&cut, 0);
        let longest = (share * side.0.min(side.1) as f32) as usize;
        prop_assert!(black <= longest * longest * 3);
        prop_assert_eq!(black + count(&cut, 200), side.0 * side.1 * 3);
        let square = (black / 3).isqrt();
        prop_assert_eq!(square * square * 3, black);
    }

    #[test]
    fn one_change_leaves_the_others_their_draws(image in pictures(), seed: u64) {
        let geometry = Augmentation { rotate: 30.0, shift: 0.2, ..OFF };
        let with_tone = Augmentation { brightness: 0.3, ..geometry.clone() };
        let tone = Augmentation { brightness: 0.3, ..OFF };
        // Brightness is the same number on every sample, so it may come before or after the geometry at the edge fill.
        let (after, before) = (with_tone.apply(&image, seed), tone.apply(&geometry.apply(&image, seed), seed));
        if !matches!(image.samples(), Samples::F32(_)) {
            prop_assert_eq!(after, before);
        }
    }

    #[test]
    fn values_out_of_range_do_no_harm(image in pictures(), seed: u64, v in prop_oneof![Just(f32::NAN), Just(f32::INFINITY), any::<f32>()]) {
        let wild = Augmentation {
            flip_horizontal: v, flip_vertical: v, rotate: v, shift: v, zoom: v, brightness: v, contrast: v, noise: v,
            cutout: v, fill: Fill::Edge,
        };
        prop_assert_eq!(wild.apply(&image, seed).samples().len(), image.samples().len());
    }
}

/// FNV-1a over the samples: what a seed means must never change, on any machine.
#[test]
fn a_seed_keeps_its_meaning() {
    let samples = (0..48 * 40 * 3).map(|i| (i * 7919 % 256) as u8).collect();
    let image = Image::new(48, 40, Color::Rgb, Samples::U8(samples)).unwrap();
    let digests: Vec<u64> = (0..3).map(|epoch| digest(&ALL.apply(&image, sample_seed(1, 2, epoch)))).collect();
    assert_eq!(digests, [1_105_242_246_219_117_472, 7_397_251_928_848_479_296, 13_561_040_738_179_583_206]);
}

#[test]
fn any_number_of_threads_gives_the_same() {
    let image = Image::new(20, 20, Color::Grey, Samples::U8((0..400).map(|i| (i % 256) as u8).collect())).unwrap();
    let alone: Vec<Image> = (0..16).map(|i| ALL.apply(&image, sample_seed(3, i, 0))).collect();
    let image = &image;
    let together: Vec<Image> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|i| scope.spawn(move || ALL.apply(image, sample_seed(3, i, 0)))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn a_flip_mirrors() {
    let image = Image::new(2, 2, Color::Grey, Samples::U8(vec![1, 2, 3, 4])).unwrap();
    let across = Augmentation { flip_horizontal: 1.0, ..OFF }.apply(&image, 0);
    assert_eq!(across.samples(), &Samples::U8(vec![2, 1, 4, 3]));
    let down = Augmentation { flip_vertical: 1.0, ..OFF }.apply(&image, 0);
    assert_eq!(down.samples(), &Samples::U8(vec![3, 4, 1, 2]));
}

#[test]
fn a_turned_picture_keeps_its_middle_and_distances() {
    // A bright spot right of the centre stays at its distance from the centre, whatever the angle.
    let mut samples = vec![0u8; 61 * 61];
    samples[30 * 61 + 50] = 255;
    let image = Image::new(61, 61, Color::Grey, Samples::U8(samples)).unwrap();
    for seed in 0..50 {
        let turned = Augmentation { rotate: 180.0, ..OFF }.apply(&image, seed);
        let Samples::U8(v) = turned.samples() else { panic!("8 bits stay 8 bits") };
        let weight: f64 = v.iter().map(|&v| f64::from(v)).sum();
        let mean = |of: fn(usize) -> usize| {
            v.iter().enumerate().map(|(i, &v)| of(i) as f64 * f64::from(v)).sum::<f64>() / weight
        };
        let distance = (mean(|i| i % 61) - 30.0).hypot(mean(|i| i / 61) - 30.0);
        assert!((distance - 20.0).abs() < 0.6, "seed {seed}: {distance}");
    }
}

#[test]
fn noise_has_the_drawn_deviation_and_no_more() {
    let image = Image::new(100, 100, Color::Grey, Samples::U16(vec![30_000; 10_000])).unwrap();
    for seed in 0..20 {
        let Samples::U16(v) = (Augmentation { noise: 0.1, ..OFF }).apply(&image, seed).into_samples() else {
            panic!("16 bits stay 16 bits")
        };
        let variance = v.iter().map(|&v| (f64::from(v) - 30_000.0).powi(2)).sum::<f64>() / 1e4;
        assert!(variance.sqrt() < 0.102 * 65_535.0);
    }
}

#[test]
fn values_out_of_range_are_refused() {
    assert!(ALL.check().is_ok() && OFF.check().is_ok());
    assert!(OFF.is_off() && !ALL.is_off() && Augmentation::default().is_off());
    let error = Augmentation { rotate: 270.0, ..OFF }.check().unwrap_err();
    assert_eq!(error.to_string(), "augmentation `rotate` is 270, but goes from 0 (off) to 180");
    for wrong in [-0.1, 1.5, f32::NAN] {
        assert!(Augmentation { shift: wrong, ..OFF }.check().is_err());
        assert!(Augmentation { zoom: wrong, ..OFF }.check().is_err());
        assert!(Augmentation { flip_vertical: wrong, ..OFF }.check().is_err());
    }
}

#[test]
fn the_written_form_names_what_is_on() {
    let read: Augmentation = serde_json::from_str(r#"{"rotate": 10, "fill": "black"}"#).unwrap();
    assert_eq!(read, Augmentation { rotate: 10.0, fill: Fill::Black, ..OFF });
    assert!(serde_json::from_str::<Augmentation>(r#"{"rotation": 10}"#).is_err());
    let json = serde_json::to_string(&ALL).unwrap();
    assert_eq!(serde_json::from_str::<Augmentation>(&json).unwrap(), ALL);
}

#[expect(clippy::naive_bytecount, reason = "small pictures")]
fn count(image: &Image, value: u8) -> usize {
    let Samples::U8(v) = image.samples() else { panic!("8 bits stay 8 bits") };
    v.iter().filter(|&&v| v == value).count()
}

fn digest(image: &Image) -> u64 {
    let Samples::U8(v) = image.samples() else { panic!("8 bits stay 8 bits") };
    v.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &v| (hash ^ u64::from(v)).wrapping_mul(0x0100_0000_01b3))
}

fn pictures() -> impl Strategy<Value = Image> {
    let color = prop_oneof![Just(Color::Grey), Just(Color::Rgb)];
    (1usize..30, 1usize..30, color, 0..3, any::<u32>()).prop_map(|(width, height, color, depth, seed)| {
        let count = width * height * color.channels();
        let values = (0..count as u32).map(|i| i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 9);
        let samples = match depth {
            0 => Samples::U8(values.map(|v| v as u8).collect()),
            1 => Samples::U16(values.map(|v| v as u16).collect()),
            _ => Samples::F32(values.map(|v| v as f32 - 1000.0).collect()),
        };
        Image::new(width, height, color, samples).unwrap()
    })
}
