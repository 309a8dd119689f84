//! Resizing and luma beside Pillow's; the pictures come from `fixtures/pillow.py`.
#![expect(clippy::unwrap_used, reason = "tests")]

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use semio_image::{Color, Filter, Image, Samples};
use serde_json::Value;

#[test]
fn eight_bits_agree_to_one_level() {
    let worst = compare(&["L", "RGB"]);
    assert!(worst <= 1.0, "{worst} levels of 255 from Pillow");
}

#[test]
fn sixteen_bits_agree_to_one_level() {
    let worst = compare(&["I;16"]);
    assert!(worst <= 1.0, "{worst} levels of 65,535 from Pillow");
}

#[test]
fn real_values_agree() {
    let worst = compare(&["F"]);
    assert!(worst <= 0.001, "{worst} Hounsfield units of 4,000 from Pillow");
}

#[test]
fn luma_is_bit_exact() {
    let luma = &fixture()["luma"];
    let (width, height) = (length(&luma["width"]), length(&luma["height"]));
    let image = Image::new(width, height, Color::Rgb, Samples::U8(bytes(&luma["rgb"]))).unwrap();
    assert_eq!(image.to_color(Color::Grey).samples(), &Samples::U8(bytes(&luma["grey"])));
}

/// The largest difference over all pictures of these modes.
fn compare(modes: &[&str]) -> f64 {
    let mut compared = 0;
    let mut worst = 0.0;
    for case in fixture()["resize"].as_array().unwrap() {
        let mode = case["mode"].as_str().unwrap();
        if !modes.contains(&mode) {
            continue;
        }
        let source = picture(case, mode);
        for result in case["results"].as_array().unwrap() {
            let expected = picture(result, mode);
            let filter: Filter = serde_json::from_value(result["filter"].clone()).unwrap();
            let got = source.resize(expected.width(), expected.height(), filter).unwrap();
            worst = f64::max(worst, largest_difference(&got, &expected));
            compared += 1;
        }
    }
    assert!(compared > 0);
    worst
}

fn largest_difference(a: &Image, b: &Image) -> f64 {
    let (a, b) = (real(a), real(b));
    assert_eq!(a.len(), b.len());
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn real(image: &Image) -> Vec<f64> {
    match image.samples() {
        Samples::U8(v) => v.iter().map(|&v| v.into()).collect(),
        Samples::U16(v) => v.iter().map(|&v| v.into()).collect(),
        Samples::F32(v) => v.iter().map(|&v| v.into()).collect(),
    }
}

fn picture(value: &Value, mode: &str) -> Image {
    let bytes = bytes(&value["samples"]);
    let (color, samples) = match mode {
        "L" => (Color::Grey, Samples::U8(bytes)),
        "RGB" => (Color::Rgb, Samples::U8(bytes)),
        "I;16" => {
            let samples = bytes.chunks_exact(2).map(|b| u16::from_le_bytes(b.try_into().unwrap())).collect();
            (Color::Grey, Samples::U16(samples))
        }
        "F" => {
            let samples = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
            (Color::Grey, Samples::F32(samples))
        }
        other => panic!("no samples of mode {other}"),
    };
    Image::new(length(&value["width"]), length(&value["height"]), color, samples).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn length(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/pillow.json")).unwrap()
}
