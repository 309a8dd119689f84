//! Any bytes are de-identified or refused; what is written is a whole file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use semio_data::{
    ReadLimits,
    deidentify::{Key, Options, deidentify},
    dicom::DicomFile,
};

fuzz_target!(
    // A decoder's panic is caught and told as an error; libFuzzer's own hook would end the run before.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| {
        let Some(key) = Key::new(b"0123456789abcdef") else { return };
        let limits = ReadLimits { max_pixels: 4_000_000, ..ReadLimits::default() };
        let Ok(made) = deidentify(bytes, Options::default(), &key, &limits) else { return };
        match DicomFile::parse(&made.bytes, &limits) {
            Ok(read) if !read.notes().iter().any(|note| note.contains("ends early")) => {}
            _ => std::process::abort(),
        }
    }
);
