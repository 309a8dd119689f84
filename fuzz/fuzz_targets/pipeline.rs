//! Any steps are a pipeline or refused, and any pipeline takes any picture or refuses it. The input is the steps as JSON
//! up to a zero byte, then a picture file; without a zero byte the whole of it goes through the usual steps.

#![no_main]

use libfuzzer_sys::fuzz_target;
use semio_data::{ReadLimits, ReadOptions, decode_image_with};
use semio_image::{Color, Pipeline};

/// Numbers that come out at most: what steps ask for is the author's choice, and 8,192² in colour are a gigabyte.
const MOST: usize = 3 * 1024 * 1024;

fuzz_target!(
    // A decoder's panic is caught and told as an error; libFuzzer's own hook would end the run before.
    init: std::panic::set_hook(Box::new(|info| {
        if info.location().is_some_and(|place| place.file().contains("semio-image")) {
            eprintln!("{info}");
            std::process::abort();
        }
    })),
    |bytes: &[u8]| {
        let usual = Pipeline::standard(224, 224, Color::Rgb);
        let (pipeline, picture) = match bytes.iter().position(|b| *b == 0).map(|at| bytes.split_at(at)) {
            Some((steps, picture)) if steps.first() == Some(&b'[') => match serde_json::from_slice(steps) {
                Ok(pipeline) => (pipeline, &picture[1..]),
                Err(_) => return,
            },
            _ => (usual, bytes),
        };
        let limits = ReadLimits { max_pixels: 4_000_000, ..ReadLimits::default() };
        let (channels, height, width) = pipeline.output();
        if channels * height * width > MOST || !steps_are_small(&pipeline) {
            return;
        }
        let options = ReadOptions { frame: None, enough: pipeline.enough() };
        let Ok(image) = decode_image_with(picture, &limits, &options) else { return };
        let Ok(tensor) = pipeline.apply(&image) else { return };
        if tensor.len() != channels * height * width || tensor.iter().any(|v| !v.is_finite()) {
            eprintln!("{} values, {channels} × {height} × {width}", tensor.len());
            std::process::abort();
        }
    }
);

/// Whether no step makes a picture much larger than the last one does.
fn steps_are_small(pipeline: &Pipeline) -> bool {
    let Ok(steps) = serde_json::to_value(pipeline.steps()) else { return false };
    let side = |step: &serde_json::Value, name: &str| step.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    steps.as_array().is_some_and(|s| s.iter().all(|s| side(s, "width") * side(s, "height") <= 4 * MOST as u64))
}
