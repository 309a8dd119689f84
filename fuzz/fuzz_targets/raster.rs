//! Any bytes are read as a picture or refused, and what was read can be compared with others.

#![no_main]

use libfuzzer_sys::fuzz_target;
use semio_data::{ReadLimits, decode_image, likeness::Fingerprint};

fuzz_target!(
    // A decoder's panic is caught and told as an error; libFuzzer's own hook would end the run before.
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| {
        if let Ok(image) = decode_image(bytes, &ReadLimits::default()) {
            let _ = Fingerprint::of(&image);
        }
    }
);
