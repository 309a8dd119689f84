//! The mask goes where its picture goes, whatever the steps and the augmentation.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use semio_image::{
    Augmentation, Color, Depth, Fill, Filter, Fit, Image, Keep, Mask, Pipeline, PipelineError, Samples, Step,
};

/// A bright ellipse a little off the centre.
fn blob(width: usize, height: usize) -> Image {
    let at = |i: usize| {
        let (x, y) = ((i % width) as f64 + 0.5, (i / width) as f64 + 0.5);
        let (x, y) = (x / width as f64 - 0.45, y / height as f64 - 0.55);
        if x * x + 0.6 * y * y < 0.06 { 255 } else { 0 }
    };
    Image::new(width, height, Color::Grey, Samples::U8((0..width * height).map(at).collect())).unwrap()
}

fn pipeline(fit: Fit, keep: Option<Keep>) -> Pipeline {
    let mut steps = vec![
        Step::Depth { range: Depth::Full },
        Step::Color { to: Color::Grey },
        Step::Resize { width: 40, height: 40, filter: Filter::Bilinear, fit },
        Step::Crop { width: 36, height: 36 },
        Step::Pad { width: 44, height: 44, value: 0.0 },
    ];
    steps.extend(keep.map(|keep| Step::Mask { keep }));
    steps.push(Step::Scale {});
    Pipeline::new(steps).unwrap()
}

/// The share of pixels in which a mask and a picture of itself disagree.
fn disagreement(mask: &Mask, image: &Image) -> f64 {
    let Samples::U8(samples) = image.samples() else { panic!("8 bits") };
    let wrong = mask.inside().iter().zip(samples).filter(|&(&inside, &v)| inside != (v > 127)).count();
    wrong as f64 / samples.len() as f64
}

proptest! {
    #[test]
    fn a_mask_of_any_size_follows_its_picture(scale in 2usize..5, odd in 0usize..3, fit in 0..3) {
        let fit = [Fit::Stretch, Fit::Contain, Fit::Cover][fit as usize];
        let picture = blob(120 + odd, 90 + odd);
        let mask = Mask::of(&blob(40 * scale, 30 * scale));
        let (picture, mask) = pipeline(fit, Some(Keep::Inside)).prepare_with_mask(&picture, Some(&mask)).unwrap();
        let mask = mask.unwrap();
        prop_assert_eq!((mask.width(), mask.height()), (44, 44));
        prop_assert!(disagreement(&mask, &picture) < 0.04, "{}", disagreement(&mask, &picture));
    }

    #[test]
    fn a_mask_is_augmented_with_its_picture(seed: u64, black: bool) {
        let augmentation = Augmentation {
            flip_horizontal: 0.5, flip_vertical: 0.5, rotate: 90.0, shift: 0.2, zoom: 0.3,
            fill: if black { Fill::Black } else { Fill::Edge },
            ..Augmentation::default()
        };
        let picture = blob(64, 48);
        let (moved, mask) = augmentation.apply_with_mask(&picture, &Mask::of(&picture), seed);
        prop_assert_eq!(&moved, &augmentation.apply(&picture, seed));
        prop_assert!(disagreement(&mask, &moved) < 0.03, "{}", disagreement(&mask, &moved));
    }
}

#[test]
fn inside_and_outside_are_the_whole() {
    let samples = (0..100 * 80).map(|i| (i * 7 % 250) as u8 + 5).collect();
    let picture = Image::new(100, 80, Color::Grey, Samples::U8(samples)).unwrap();
    let mask = Mask::of(&blob(50, 40));
    assert!((0.1..0.5).contains(&mask.share()), "{}", mask.share());
    let whole = pipeline(Fit::Contain, None).apply(&picture).unwrap();
    let [inside, outside] = [Keep::Inside, Keep::Outside]
        .map(|keep| pipeline(Fit::Contain, Some(keep)).apply_with_mask(&picture, Some(&mask)).unwrap());
    assert!(inside.iter().any(|&v| v > 0.0) && outside.iter().any(|&v| v > 0.0));
    let kept = pipeline(Fit::Contain, Some(Keep::Outside)).keeping(Some(Keep::Inside));
    assert_eq!(kept, pipeline(Fit::Contain, None).keeping(Some(Keep::Inside)));
    assert_eq!(kept.keeping(None), pipeline(Fit::Contain, None));
    assert_eq!(kept.apply_with_mask(&picture, Some(&mask)).unwrap(), inside);
    for ((whole, inside), outside) in whole.iter().zip(&inside).zip(&outside) {
        assert!((inside + outside - whole).abs() < 1e-6 && inside * outside == 0.0);
    }
}

#[test]
fn a_missing_or_foreign_mask_is_an_error() {
    let picture = blob(100, 80);
    let masked = pipeline(Fit::Stretch, Some(Keep::Inside));
    let error = masked.apply(&picture).unwrap_err();
    assert!(matches!(error, PipelineError::NeedsMask { .. }) && error.to_string().contains("column `mask`"));
    assert!(matches!(masked.finish(&picture, &mut [0.0; 44 * 44]), Err(PipelineError::NeedsMask { .. })));
    let foreign = Mask::of(&blob(80, 100));
    assert!(matches!(masked.apply_with_mask(&picture, Some(&foreign)), Err(PipelineError::MaskShape { .. })));
    assert!(matches!(masked.apply_with_mask(&picture, None), Err(PipelineError::NeedsMask { .. })));
    let whole = pipeline(Fit::Stretch, None);
    assert_eq!(whole.apply_with_mask(&picture, Some(&foreign)).unwrap(), whole.apply(&picture).unwrap());
}

#[test]
fn the_step_has_its_place_and_is_saved() {
    let text = serde_json::to_string(&pipeline(Fit::Stretch, Some(Keep::Outside))).unwrap();
    assert!(text.contains(r#"{"step":"mask","keep":"outside"},{"step":"scale"}"#), "{text}");
    let read: Pipeline = serde_json::from_str(&text).unwrap();
    assert_eq!(read.keep(), Some(Keep::Outside));
    let early = text
        .replace(r#",{"step":"mask","keep":"outside"}"#, "")
        .replace("[{", r#"[{"step":"mask","keep":"outside"},{"#);
    assert!(serde_json::from_str::<Pipeline>(&early).is_err());
}

#[test]
fn masks_are_drawn_with_one_or_with_white() {
    let drawn = |samples: Vec<u8>| Mask::of(&Image::new(4, 1, Color::Grey, Samples::U8(samples)).unwrap());
    assert_eq!(drawn(vec![0, 1, 1, 0]).inside(), [false, true, true, false]);
    assert_eq!(drawn(vec![3, 255, 250, 9]).inside(), [false, true, true, false]);
    assert_eq!(drawn(vec![0; 4]).inside(), [false; 4]);
}
