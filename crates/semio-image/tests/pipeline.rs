//! What every pipeline promises, and what no pipeline may be.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use semio_image::{Color, Depth, Filter, Fit, Image, Pipeline, Samples, Step};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_picture_takes_the_promised_shape(image in pictures(), pipeline in pipelines()) {
        let (channels, height, width) = pipeline.output();
        let prepared = pipeline.prepare(&image).unwrap();
        prop_assert_eq!((prepared.color().channels(), prepared.height(), prepared.width()), (channels, height, width));
        prop_assert!(!matches!(prepared.samples(), Samples::F32(_)));
        let out = pipeline.apply(&image).unwrap();
        prop_assert_eq!(out.len(), channels * height * width);
        match pipeline.steps().last().unwrap() {
            Step::Scale {} => prop_assert!(out.iter().all(|v| (0.0..=1.0).contains(v))),
            Step::Standardize {} => {
                let n = out.len() as f64;
                let mean = out.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
                let variance = out.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
                prop_assert!(mean.abs() < 1e-4, "mean {}", mean);
                prop_assert!((variance - 1.0).abs() < 1e-3 || out.iter().all(|&v| v == 0.0), "variance {}", variance);
            }
            _ => prop_assert!(out.iter().all(|v| v.is_finite())),
        }
    }

    #[test]
    fn apply_is_prepare_and_finish(image in pictures(), pipeline in pipelines()) {
        let mut out = vec![f32::NAN; pipeline.apply(&image).unwrap().len()];
        pipeline.finish(&pipeline.prepare(&image).unwrap(), &mut out).unwrap();
        prop_assert_eq!(out, pipeline.apply(&image).unwrap());
    }

    #[test]
    fn a_prepared_picture_needs_no_more(image in pictures(), to in (1usize..40, 1usize..40)) {
        let pipeline = Pipeline::new(vec![
            Step::Depth { range: Depth::Window { low: 0.0, high: 255.0 } },
            Step::Color { to: Color::Rgb },
            Step::Resize { width: to.0, height: to.1, filter: Filter::Bicubic, fit: Fit::Stretch },
            Step::Scale {},
        ]).unwrap();
        let prepared = pipeline.prepare(&image).unwrap();
        let again = Pipeline::standard(to.0, to.1, Color::Rgb).prepare(&prepared).unwrap();
        prop_assert_eq!(again, prepared);
    }

    #[test]
    fn json_gives_the_pipeline_back(pipeline in pipelines()) {
        let json = serde_json::to_string(&pipeline).unwrap();
        prop_assert_eq!(serde_json::from_str::<Pipeline>(&json).unwrap(), pipeline);
    }
}

#[test]
fn channels_come_one_after_the_other() {
    let image = Image::new(2, 1, Color::Rgb, Samples::U8(vec![0, 51, 102, 153, 204, 255])).unwrap();
    let out = Pipeline::standard(2, 1, Color::Rgb).apply(&image).unwrap();
    assert_eq!(out, [0.0, 0.6, 0.2, 0.8, 0.4, 1.0]);
}

#[test]
fn mean_and_deviation_are_per_channel() {
    let mut steps = Pipeline::standard(1, 1, Color::Rgb).steps().to_vec();
    steps.push(Step::Normalize { mean: vec![0.0, 0.5, 1.0], std: vec![1.0, 0.5, 0.25] });
    let image = Image::new(1, 1, Color::Rgb, Samples::U16(vec![65_535; 3])).unwrap();
    assert_eq!(Pipeline::new(steps).unwrap().apply(&image).unwrap(), [1.0, 1.0, 0.0]);
}

#[test]
fn the_written_form_stays() {
    let json = serde_json::to_string(&Pipeline::standard(28, 30, Color::Grey)).unwrap();
    let written = r#"[{"step":"depth","range":"full"},{"step":"color","to":"grey"},{"step":"resize","width":28,"height":30,"filter":"bilinear","fit":"stretch"},{"step":"scale"}]"#;
    assert_eq!(json, written);
}

#[test]
fn real_values_without_a_range_are_refused() {
    let image = Image::new(1, 1, Color::Grey, Samples::F32(vec![0.5])).unwrap();
    let error = Pipeline::standard(1, 1, Color::Grey).apply(&image).unwrap_err();
    let words = "step `depth`: the picture holds real values, which have no full range: choose `window`, `percentile` or `image`";
    assert_eq!(error.to_string(), words);
}

#[test]
fn only_a_prepared_picture_is_finished() {
    let pipeline = Pipeline::standard(2, 2, Color::Grey);
    let image = Image::new(2, 3, Color::Grey, Samples::U8(vec![0; 6])).unwrap();
    let error = pipeline.finish(&image, &mut [0.0; 4]).unwrap_err();
    let words =
        "step `scale` needs a prepared picture of 2 × 2 pixels (Grey) in 8 or 16 bits, got 2 × 3 (Grey) in 8 bits";
    assert_eq!(error.to_string(), words);
    let error = pipeline.finish(&image, &mut [0.0; 5]).unwrap_err();
    assert_eq!(error.to_string(), "the result holds 4 values, the place for it 5");
}

#[test]
fn faults_are_named() {
    let depth = r#"{"step":"depth","range":"full"}"#;
    let color = r#"{"step":"color","to":"rgb"}"#;
    let resize = r#"{"step":"resize","width":9,"height":9,"filter":"bicubic","fit":"stretch"}"#;
    let cover = r#"{"step":"resize","width":9,"height":9,"filter":"bicubic","fit":"cover"}"#;
    let scale = r#"{"step":"scale"}"#;
    let normalize = r#"{"step":"normalize","mean":[0.5],"std":[0.5]}"#;
    let zero = r#"{"step":"normalize","mean":[0,0,0],"std":[1,0,1]}"#;
    let crop = r#"{"step":"crop","width":10,"height":9}"#;
    let pad = r#"{"step":"pad","width":9,"height":9,"value":1.5}"#;
    let pad_ten = r#"{"step":"pad","width":10,"height":9,"value":0}"#;
    let decode = r#"{"step":"decode","detail":2}"#;
    let huge = r#"{"step":"resize","width":100000,"height":9,"filter":"bicubic","fit":"stretch"}"#;
    let falling = r#"{"step":"depth","range":{"window":{"low":3,"high":3}}}"#;
    let percent = r#"{"step":"depth","range":{"percentile":{"low":1,"high":101}}}"#;
    for (steps, words) in [
        (vec![], "the pipeline lacks the step `depth`: it says which stored values are black and white"),
        (vec![depth, resize, scale], "the pipeline lacks the step `color`: it fixes the number of channels"),
        (vec![depth, color, resize], "the pipeline lacks the step `scale`: it brings 8 and 16 bits to the same units"),
        (
            vec![depth, resize, color],
            "step `color` must stand before `resize`: a picture takes its channels before its size",
        ),
        (
            vec![depth, scale, resize],
            "step `resize` must stand before `scale`: crop and pad bring the resized picture to its final size",
        ),
        (vec![depth, color, color], "step `color` follows `color`: a pipeline takes one of them"),
        (
            vec![depth, color, scale],
            "the steps do not fix the width, pictures come out with 1 or more pixels: add a `resize` with fit `stretch`, or `crop` and `pad`",
        ),
        (
            vec![depth, color, cover, scale],
            "the steps do not fix the width, pictures come out with 9 to 8192 pixels: add a `resize` with fit `stretch`, or `crop` and `pad`",
        ),
        (vec![depth, color, resize, crop, scale], "step `crop`: 10 pixels wide, but the picture has 9 at most"),
        (vec![depth, color, resize, pad, scale], "step `pad`: value 1.5, but black is 0 and white is 1"),
        (vec![depth, color, resize, scale, normalize], "step `normalize`: 1 means and 1 deviations for 3 channels"),
        (vec![depth, color, resize, scale, zero], "step `normalize`: the deviation 0 is no number to divide by"),
        (vec![depth, color, huge, scale], "step `resize`: 100000 × 9 pixels, but a side has 1 to 8192"),
        (vec![falling], "step `depth`: the window 3 to 3 does not rise"),
        (vec![percent], "step `depth`: percentiles 1 to 101 do not rise within 0 to 100"),
        (
            vec![decode, depth, color, crop, pad_ten, scale],
            "the pipeline lacks the step `resize`: the step `decode` goes by its size",
        ),
        (vec![depth, decode], "step `decode` must stand before `depth`: it says how the file itself is read"),
        (vec![r#"{"step":"decode","detail":0}"#], "step `decode`: detail 0, but 1 to 16 pixels can be asked for"),
    ] {
        let error = serde_json::from_str::<Pipeline>(&format!("[{}]", steps.join(","))).unwrap_err();
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn a_pipeline_says_how_large_a_file_must_be_decoded() {
    let standard = Pipeline::standard(28, 30, Color::Grey);
    assert_eq!(standard.enough(), None);
    let reduced = Pipeline::new([vec![Step::Decode { detail: 3 }], standard.steps().to_vec()].concat()).unwrap();
    assert_eq!(reduced.enough(), Some((84, 90)));
    let image = Image::new(2, 2, Color::Grey, Samples::U8(vec![0, 90, 180, 255])).unwrap();
    assert_eq!(reduced.apply(&image).unwrap(), standard.apply(&image).unwrap());
}

#[test]
fn unknown_words_are_refused() {
    assert!(serde_json::from_str::<Step>(r#"{"step":"scale","by":255}"#).is_err());
    assert!(serde_json::from_str::<Step>(r#"{"step":"sharpen"}"#).is_err());
}

fn pictures() -> impl Strategy<Value = Image> {
    let size = prop_oneof![(1usize..40, 1usize..40), (1usize..3, 1usize..400), (1usize..400, 1usize..3)];
    let color = prop_oneof![Just(Color::Grey), Just(Color::Rgb)];
    (size, color, 0..3, any::<u64>()).prop_map(|((width, height), color, depth, seed)| {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as u32
        };
        let count = width * height * color.channels();
        let samples = match depth {
            0 => Samples::U8((0..count).map(|_| next() as u8).collect()),
            1 => Samples::U16((0..count).map(|_| next() as u16).collect()),
            // One in 256 is not a number.
            _ => Samples::F32((0..count).map(|_| if next() % 256 == 0 { f32::NAN } else { next() as f32 }).collect()),
        };
        Image::new(width, height, color, samples).unwrap()
    })
}

fn pipelines() -> impl Strategy<Value = Pipeline> {
    let range = prop_oneof![
        Just(Depth::Image),
        Just(Depth::Percentile { low: 0.5, high: 99.5 }),
        Just(Depth::Window { low: -100.0, high: 40_000.0 })
    ];
    let color = prop_oneof![Just(Color::Grey), Just(Color::Rgb)];
    let filter = prop_oneof![Just(Filter::Bilinear), Just(Filter::Bicubic)];
    let side = || 1usize..33;
    (range, color, filter, (side(), side()), 0..4, 0..3).prop_map(|(range, to, filter, (width, height), fit, last)| {
        let resize = |fit| Step::Resize { width, height, filter, fit };
        let crop = Step::Crop { width, height };
        let pad = Step::Pad { width, height, value: 0.5 };
        let sized = match fit {
            0 => vec![resize(Fit::Stretch)],
            1 => vec![resize(Fit::Contain), pad],
            2 => vec![resize(Fit::Cover), crop],
            _ => vec![crop, pad],
        };
        let channels = to.channels();
        let ending = match last {
            0 => vec![Step::Scale {}],
            1 => vec![Step::Scale {}, Step::Normalize { mean: vec![0.4; channels], std: vec![0.2; channels] }],
            _ => vec![Step::Scale {}, Step::Standardize {}],
        };
        let start = vec![Step::Depth { range }, Step::Color { to }];
        Pipeline::new([start, sized, ending].concat()).unwrap()
    })
}
