//! Any bytes are de-identified or refused; what is written is a whole file. The first byte's bits are the options.

#![no_main]

use libfuzzer_sys::fuzz_target;
use semio_data::{
    ReadLimits,
    deidentify::{DeidentifyError, Key, Options, deidentify},
    dicom::DicomFile,
};

fuzz_target!(
    // A decoder's panic is caught and told as an error; libFuzzer's own hook would end the run before.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| {
        let (Some(key), Some((first, bytes))) = (Key::new(b"0123456789abcdef"), bytes.split_first()) else { return };
        let is_on = |bit: u8| first >> bit & 1 == 1;
        let options = Options {
            shift_dates: is_on(0),
            keep_characteristics: is_on(1),
            keep_uids: is_on(2),
            keep_device: is_on(3),
            clean_descriptors: is_on(4),
            keep_safe_private: is_on(5),
            black_out: is_on(6),
        };
        let limits = ReadLimits::default();
        let made = match deidentify(bytes, options, &key, &limits) {
            Ok(made) => made,
            // A decoder's panic is told as an error of the pixels; one of the rest is a fault here.
            Err(DeidentifyError::Panicked) => std::process::abort(),
            Err(_) => return,
        };
        // A path is made of it.
        if made.instance.bytes().any(|b| !b.is_ascii_digit() && b != b'.') || made.instance.len() > 64 {
            std::process::abort();
        }
        match DicomFile::parse(&made.bytes, &limits) {
            Ok(read) if !read.notes().iter().any(|note| note.contains("ends early")) => {}
            _ => std::process::abort(),
        }
    }
);
