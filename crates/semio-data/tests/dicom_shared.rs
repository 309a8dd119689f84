//! Real DICOM files (`../shared/data/dicom`): what pydicom finds in them, this reader finds. `table.tsv` there says what.

#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

use std::{fs, path::PathBuf};

use semio_data::{
    Inspection, ReadLimits,
    dicom::{DicomError, DicomFile},
    read_image,
};
use semio_image::Samples;

/// Pixels of these were changed by their coding: decoders may differ a little.
const LOSSY: [&str; 5] = [".4.50)", ".4.51)", ".4.81)", ".4.91)", ".4.203)"];

struct Row {
    file: String,
    syntax: String,
    decoded: String,
    sha: String,
}

/// The folder and the table's rows; `None`, said aloud, where they are not there.
fn table() -> Option<(PathBuf, Vec<Row>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).unwrap().join("shared/data/dicom");
    let other = PathBuf::from("/work/shared/data/dicom");
    let folder = [folder, other].into_iter().find(|f| f.join("table.tsv").is_file());
    let Some(folder) = folder else {
        eprintln!("skipped: ../shared/data/dicom is not there");
        return None;
    };
    let table = fs::read_to_string(folder.join("table.tsv")).unwrap();
    let mut lines = table.lines();
    let header: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let rows = lines.map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        let cell = |name| {
            let at = header.iter().position(|h| *h == name).unwrap();
            cells.get(at).copied().unwrap_or_default().to_owned()
        };
        Row { file: cell("file"), syntax: cell("ts"), decoded: cell("dec"), sha: cell("sha") }
    });
    Some((folder, rows.collect()))
}

#[test]
fn real_files_hold_what_pydicom_finds_in_them() {
    let Some((folder, rows)) = table() else { return };
    assert_eq!(rows.len(), 171);
    let mut wrong = vec![];
    for row in &rows {
        if let Err(reason) = check(&folder, row) {
            wrong.push(format!("{} ({}; {}): {reason}", row.file, row.syntax, row.decoded));
        }
    }
    assert!(wrong.is_empty(), "{} of {} files:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

fn check(folder: &std::path::Path, row: &Row) -> Result<(), String> {
    let file = match DicomFile::open(&folder.join(&row.file), &ReadLimits::default()) {
        Ok(file) => file,
        Err(_) if row.decoded.starts_with("FAIL") => return Ok(()),
        Err(error) => return Err(error.reason.to_string()),
    };
    let digest = file.digest();
    if row.decoded.starts_with("no") {
        // A file without pixels is read; only who wants its pixels hears why there are none.
        let inspected = Inspection::of(&folder.join(&row.file), &ReadLimits::default());
        let read = inspected.ok && inspected.pixel_sha256.is_none();
        return match digest {
            Err(DicomError::NoPixels { .. } | DicomError::CutShort { .. }) if read => Ok(()),
            other => Err(format!("{other:?}")),
        };
    }
    if row.decoded.starts_with("FAIL") {
        // A picture or words; that neither crashes is what this row says.
        return Ok(());
    }
    let digest = digest.map_err(|error| error.to_string())?;
    let layout = file.layout().unwrap().unwrap();
    let mut shape = vec![];
    if layout.frames > 1 {
        shape.push(layout.frames);
    }
    shape.extend([layout.rows, layout.columns]);
    if layout.samples > 1 {
        shape.push(layout.samples.into());
    }
    let shape = shape.iter().map(u32::to_string).collect::<Vec<_>>().join("x");
    let mut words = row.decoded.split(' ').skip(1);
    let (expected_shape, span) = (words.next().unwrap(), words.nth(1).unwrap());
    if shape != expected_shape {
        return Err(format!("shape {shape}"));
    }
    let (min, max) = span.trim_matches(['[', ']']).split_once("..").unwrap();
    let (min, max): (f64, f64) = (min.parse().unwrap(), max.parse().unwrap());
    let lossy = LOSSY.iter().any(|syntax| row.syntax.ends_with(syntax));
    if lossy && ((digest.min - min).abs() > 2.0 || (digest.max - max).abs() > 2.0) {
        return Err(format!("{} to {}", digest.min, digest.max));
    }
    if !lossy && digest.short() != row.sha {
        return Err(format!("{} instead of {}, {} to {}", digest.short(), row.sha, digest.min, digest.max));
    }
    Ok(())
}

#[test]
fn what_pydicom_refuses_is_decoded_where_the_same_pixels_lie_in_another_file() {
    let Some((folder, rows)) = table() else { return };
    let sha = |name: &str| rows.iter().find(|r| r.file.ends_with(name)).unwrap().sha.clone();
    for (refused, same) in [
        ("pydicom_data/liver_rle.dcm", "pydicom/liver.dcm"),
        ("pydicom_data/liver_deflate.dcm", "pydicom/liver.dcm"),
        ("pydicom_data/liver_nonbyte_aligned_rle.dcm", "pydicom_data/liver_nonbyte_aligned.dcm"),
        ("pydicom_data/liver_nonbyte_aligned_deflate.dcm", "pydicom_data/liver_nonbyte_aligned.dcm"),
    ] {
        let file = DicomFile::open(&folder.join(refused), &ReadLimits::default()).unwrap();
        assert_eq!(file.digest().unwrap().short(), sha(same), "{refused}");
    }
}

#[test]
fn every_file_with_pixels_is_a_picture_and_monochrome1_is_dark_where_it_was_bright() {
    let Some((folder, rows)) = table() else { return };
    for row in rows.iter().filter(|r| r.decoded.starts_with("ok")) {
        let image = read_image(&folder.join(&row.file), &ReadLimits::default()).unwrap();
        let shown = image.shown().into_owned();
        assert_eq!((shown.width(), shown.height()), (image.width(), image.height()), "{}", row.file);
    }
    // A chest X-ray from 803 to 26,512 with the window 15,000 / 30,000: 255 · (1 − 803 / 30,000) = 248, and 30.
    let image = read_image(&folder.join("pydicom_data/RG1_J2KI.dcm"), &ReadLimits::default()).unwrap();
    assert!(image.display().unwrap().inverted);
    let shown = image.to_u8();
    let (Samples::U16(stored), Samples::U8(shown)) = (image.samples(), shown.samples()) else {
        panic!("16 and 8 bits")
    };
    let shown_at = |value| shown[stored.iter().position(|v| *v == value).unwrap()];
    let (low, high) = (stored.iter().min().unwrap(), stored.iter().max().unwrap());
    assert_eq!((shown_at(*low), shown_at(*high)), (248, 30));
}
