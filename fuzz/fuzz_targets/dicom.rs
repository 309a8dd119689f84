//! Any bytes are read as DICOM or refused: no crash, no second lost, no gigabyte taken.

#![no_main]

use libfuzzer_sys::fuzz_target;
use semio_data::{
    ReadLimits,
    dicom::{DicomError, DicomFile},
};

fuzz_target!(
    // A decoder's panic is caught and told as an error; libFuzzer's own hook would end the run before.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| {
        let Ok(file) = DicomFile::parse(bytes, &ReadLimits::default()) else { return };
        let _ = (file.attributes(), file.notes(), file.layout());
        let _ = file.image(0).map(|image| image.to_u8());
        let _ = file.image_reduced(0, Some((48, 48)));
        if let Err(DicomError::Panicked { .. }) = file.digest() {
            // Known ways into `dicom-toolkit-jpeg2000` and `hayro-jpeg2000` are caught; a new one in our own code is not.
            if !is_jpeg_2000(&file) {
                std::process::abort();
            }
        }
    }
);

fn is_jpeg_2000(file: &DicomFile) -> bool {
    let uid = file.transfer_syntax().uid();
    [".4.90", ".4.91", ".4.201", ".4.202", ".4.203"].iter().any(|end| uid.ends_with(end))
}
