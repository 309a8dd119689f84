//! Every format, depth and orientation against what Pillow reads (fixtures/raster.py).
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use semio_data::{DecodeError, ReadLimits, decode_image, read_image};
use semio_image::{Color, Image, Samples};

#[derive(serde::Deserialize)]
struct Case {
    file: String,
    width: usize,
    height: usize,
    color: String,
    depth: String,
    tolerance: f64,
    samples: Vec<f64>,
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixtures().join("raster").join(name)).unwrap()
}

fn read(name: &str) -> Image {
    read_image(&fixtures().join("raster").join(name), &ReadLimits::default()).unwrap()
}

fn values(image: &Image) -> (&'static str, Vec<f64>) {
    match image.samples() {
        Samples::U8(v) => ("u8", v.iter().map(|&s| s.into()).collect()),
        Samples::U16(v) => ("u16", v.iter().map(|&s| s.into()).collect()),
        Samples::F32(v) => ("f32", v.iter().map(|&s| s.into()).collect()),
    }
}

#[test]
fn agrees_with_pillow() {
    let cases: Vec<Case> = serde_json::from_slice(&fs::read(fixtures().join("raster.json")).unwrap()).unwrap();
    assert!(cases.len() > 70);
    let mut wrong = Vec::new();
    for case in cases {
        let image = match read_image(&fixtures().join("raster").join(&case.file), &ReadLimits::default()) {
            Ok(image) => image,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let color = if image.color() == Color::Grey { "grey" } else { "rgb" };
        let (depth, samples) = values(&image);
        let got = (image.width(), image.height(), color, depth);
        let expected = (case.width, case.height, case.color.as_str(), case.depth.as_str());
        if got != expected {
            wrong.push(format!("{}: {got:?}, not {expected:?}", case.file));
            continue;
        }
        let apart = samples.iter().zip(&case.samples).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        if apart > case.tolerance {
            wrong.push(format!("{}: {apart} apart", case.file));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn content_decides_not_the_name() {
    let folder = tempfile::tempdir().unwrap();
    for (name, wrong) in [("rgb8.png", "a.jpg"), ("grey.jpg", "b.png"), ("grey16.tif", "c.bmp"), ("rgb8.bmp", "d")] {
        let path = folder.path().join(wrong);
        fs::write(&path, bytes(name)).unwrap();
        assert_eq!(read_image(&path, &ReadLimits::default()).unwrap(), read(name));
    }
}

#[test]
fn what_is_no_picture_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut dicom = vec![0; 128];
    dicom.extend(b"DICM");
    let contents: [(&[u8], &str); 7] = [
        (b"", "empty"),
        (b"not a picture\n", "text"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"GIF89a\x01\0\x01\0", "GIF"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "git lfs pull"),
        (&[0; 64], "zeros"),
        (&dicom, "DICOM"),
    ];
    for (content, words) in contents {
        let path = folder.path().join("scan.png");
        fs::write(&path, content).unwrap();
        let text = read_image(&path, &ReadLimits::default()).unwrap_err().to_string();
        assert!(text.contains("scan.png") && text.contains(words), "{text}");
    }
    let text = read_image(folder.path(), &ReadLimits::default()).unwrap_err().to_string();
    assert!(text.contains("not a regular file"), "{text}");
    let text = read_image(&folder.path().join("gone.png"), &ReadLimits::default()).unwrap_err().to_string();
    assert!(text.contains("gone.png"), "{text}");
}

/// A file cut anywhere is an error, or holds the whole picture; never a part of it.
#[test]
fn no_file_is_read_in_part() {
    for entry in fs::read_dir(fixtures().join("raster")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (whole, expected) = (bytes(&name), read(&name));
        let mut whole_from = whole.len();
        for length in (0..whole.len()).rev() {
            match decode_image(&whole[..length], &ReadLimits::default()) {
                Ok(image) => {
                    assert!(image == expected, "{name} cut to {length} of {} bytes", whole.len());
                    whole_from = length;
                }
                Err(DecodeError::Panicked { .. }) => panic!("{name} cut to {length} bytes panics"),
                Err(_) => {}
            }
        }
        if matches!(name.rsplit('.').next(), Some("png" | "jpg")) {
            assert_eq!(whole_from, whole.len(), "{name} needs its end");
        }
    }
}

#[test]
fn limits_hold_before_decoding() {
    let small = |max_side, max_pixels| ReadLimits { max_side, max_pixels, ..ReadLimits::default() };
    for name in ["rgb8.png", "grey.jpg", "rgb8.bmp", "grey16.tif"] {
        let image = read(name);
        let (side, pixels) = (image.width().max(image.height()) as u32, (image.width() * image.height()) as u64);
        assert!(decode_image(&bytes(name), &small(side, pixels)).is_ok());
        for limits in [small(side - 1, pixels), small(side, pixels - 1)] {
            let error = decode_image(&bytes(name), &limits).unwrap_err();
            assert!(matches!(error, DecodeError::TooManyPixels { .. }), "{name}: {error}");
        }
    }
    let limits = ReadLimits { max_file_bytes: 20, ..ReadLimits::default() };
    let error = read_image(&fixtures().join("raster/rgb8.png"), &limits).unwrap_err();
    assert!(matches!(error.reason, DecodeError::TooManyBytes { max: 20 }));
}

/// Strict reading must not refuse files that are in order: all pictures of the development sets, where present.
#[test]
fn reads_the_development_pictures() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !data.is_dir() {
        println!("skipped: {} is absent", data.display());
        return;
    }
    let mut seen = 0;
    for entry in walkdir::WalkDir::new(data).into_iter().map(Result::unwrap) {
        let ending = entry.path().extension().and_then(|e| e.to_str()).unwrap_or_default();
        // Every eleventh: a sample of each set that takes a second.
        if matches!(ending, "jpg" | "jpeg" | "png") {
            seen += 1;
            if seen % 11 == 0 {
                read_image(entry.path(), &ReadLimits::default()).unwrap();
            }
        }
    }
    assert!(seen > 1000);
}
