//! 1,000 broken files: each is decoded or named, none ends the program or takes its memory.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{fs, path::Path};

use semio_data::{DecodeError, ReadLimits, read_image};

const FILES: usize = 1000;

/// A small generator (splitmix64) so that the files are the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, &b| {
        (0..8).fold(crc ^ u32::from(b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xedb8_8320 } else { c >> 1 })
    })
}

/// Headers of `side` × `side` pixels; JPEG can say 65,535 at most.
fn huge(format: &str, side: u32, mut bytes: Vec<u8>) -> Vec<u8> {
    match format {
        "png" => {
            bytes[16..20].copy_from_slice(&side.to_be_bytes());
            bytes[20..24].copy_from_slice(&side.to_be_bytes());
            let crc = crc32(&bytes[12..29]);
            bytes[29..33].copy_from_slice(&crc.to_be_bytes());
        }
        "jpg" => {
            let frame = bytes.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
            bytes[frame + 5..frame + 9].fill(0xff);
        }
        "bmp" => {
            bytes[18..22].copy_from_slice(&side.to_le_bytes());
            bytes[22..26].copy_from_slice(&side.to_le_bytes());
        }
        _ => {
            // Width, height and rows a strip become 32-bit numbers.
            let ifd = u32::from_le_bytes(*bytes[4..8].first_chunk().unwrap()) as usize;
            for entry in 0..usize::from(u16::from_le_bytes([bytes[ifd], bytes[ifd + 1]])) {
                let at = ifd + 2 + 12 * entry;
                if matches!(u16::from_le_bytes([bytes[at], bytes[at + 1]]), 256 | 257 | 278) {
                    bytes[at + 2..at + 4].copy_from_slice(&4_u16.to_le_bytes());
                    bytes[at + 8..at + 12].copy_from_slice(&side.to_le_bytes());
                }
            }
        }
    }
    bytes
}

/// The most memory that this process ever held, in bytes (Linux only).
fn peak_memory() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok().map(|kb| kb * 1024)
}

#[test]
fn broken_files_are_named() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raster");
    let mut names: Vec<_> =
        fs::read_dir(&fixtures).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(2024);
    let mut files = Vec::new();
    for i in 0..FILES {
        let name = &names[random.below(names.len())];
        let mut bytes = fs::read(fixtures.join(name)).unwrap();
        let ending = name.rsplit('.').next().unwrap();
        let (kind, bytes) = match i % 10 {
            0..=2 => ("truncated", bytes[..random.below(bytes.len())].to_vec()),
            3..=7 => {
                for _ in 0..=random.below(8) {
                    let at = random.below(bytes.len());
                    bytes[at] ^= 1 << random.below(8);
                }
                ("flipped", bytes)
            }
            8 => match random.below(3) {
                0 => ("empty", Vec::new()),
                1 => ("zeros", vec![0; bytes.len()]),
                _ => ("text", b"patient list, not a picture\n".to_vec()),
            },
            _ => {
                let (format, source) =
                    [("png", "rgb8.png"), ("jpg", "ycbcr444.jpg"), ("bmp", "rgb8.bmp"), ("tif", "grey16.tif")]
                        [random.below(4)];
                ("huge", huge(format, 100_000, fs::read(fixtures.join(source)).unwrap()))
            }
        };
        let path = folder.path().join(format!("{i:04}-{kind}.{ending}"));
        fs::write(&path, bytes).unwrap();
        files.push((kind, path));
    }
    // In the files of a few kilobytes above, flipped bits can announce pictures of any size up to the limit.
    let limits = ReadLimits { max_pixels: 4_000_000, ..ReadLimits::default() };
    let before = peak_memory();
    let mut decoded = 0;
    for (kind, path) in &files {
        match read_image(path, &limits) {
            Ok(image) => {
                decoded += 1;
                assert!(image.width() * image.height() <= 4_000_000);
                assert!(matches!(*kind, "truncated" | "flipped"), "{} was decoded", path.display());
            }
            Err(error) => {
                assert!(error.to_string().contains(&path.file_name().unwrap().to_string_lossy().into_owned()));
                if *kind == "huge" {
                    let default = read_image(path, &ReadLimits::default()).unwrap_err().reason;
                    assert!(matches!(default, DecodeError::TooManyPixels { .. }), "{}: {default}", path.display());
                }
                assert!(!matches!(error.reason, DecodeError::Panicked { .. }), "{error}");
            }
        }
    }
    println!("{decoded} of {FILES} broken files could be decoded all the same");
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after - before < 192 << 20, "reading took {} bytes", after - before);
    }
}
