//! Writes the stored values of DICOM files, for comparing with other readers (`benches/dicom/compare.py`).
//!
//! `cargo run --release -p semio-data --example dicom_values OUT FILE…` prints one JSON object a file, as `semio data
//! inspect --json` does, and writes the values of all frames to `OUT/0.raw`, `OUT/1.raw`, …: little endian, rows from
//! the top, samples of a pixel side by side.

#![expect(clippy::print_stdout, reason = "a program")]

use std::{error::Error, fs, io::Write, path::PathBuf};

use semio_data::{Inspection, ReadLimits, dicom::DicomFile};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let out = arguments.next().ok_or("usage: dicom_values OUT FILE…")?;
    fs::create_dir_all(&out)?;
    let limits = ReadLimits::default();
    for (index, path) in arguments.enumerate() {
        let found = Inspection::of(&path, &limits);
        println!("{}", serde_json::to_string(&found)?);
        if found.pixel_sha256.is_none() {
            continue;
        }
        let file = DicomFile::open(&path, &limits)?;
        let mut raw = fs::File::create(out.join(format!("{index}.raw")))?;
        for frame in 0..found.frames.unwrap_or_default() {
            raw.write_all(&file.frame(frame)?.values.to_le_bytes())?;
        }
    }
    Ok(())
}
