//! Weights files of other programs. `fixtures/pth.py` wrote those of PyTorch.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::PathBuf};

use semio_nn::weights::{WeightsError, read_tensors};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn every_form_that_pytorch_writes_holds_the_same_tensors() {
    for name in ["plain.pth", "legacy.pth", "wrapped.pth", "half.pth", "odd.pth"] {
        let tensors = read_tensors(&fixture(name)).unwrap();
        let names: Vec<&str> = tensors.keys().map(String::as_str).collect();
        assert_eq!(names, ["a.bias", "a.weight"], "{name}: whole numbers and the optimiser's state are left out");
        assert_eq!((&tensors["a.weight"].shape[..], &tensors["a.bias"].shape[..]), (&[2, 3][..], &[2][..]), "{name}");
        assert_eq!(tensors["a.weight"].values, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5], "{name}");
        assert_eq!(tensors["a.bias"].values, [1.0, -2.0], "{name}");
        assert_eq!(tensors["a.bias"].name, "a.bias", "{name}");
    }
}

#[test]
fn damaged_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.pth");
    for name in ["plain.pth", "legacy.pth", "wrapped.pth"] {
        let whole = fs::read(fixture(name)).unwrap();
        for cut in [0, 1, 9, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).unwrap();
            // What was cut off may be nothing that matters; it must not panic, and not give other numbers.
            if let Ok(tensors) = read_tensors(&path) {
                assert!(tensors.get("a.bias").is_none_or(|t| t.values == [1.0, -2.0]), "{name} cut at {cut}");
            }
        }
    }
    fs::write(&path, b"no weights at all, but long enough").unwrap();
    assert!(matches!(read_tensors(&path), Err(WeightsError::Pytorch(_))));
    assert!(matches!(read_tensors(&folder.path().join("absent")), Err(WeightsError::File { .. })));
}
