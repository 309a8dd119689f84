//! Time of reading files to tensors of 224 px, on one thread; driven by `benches/dicom/speed.py`.
//!
//! Reads a line with names of files, separated by tabs, from standard input: `time…` reads all of them once and prints
//! the seconds it took, `values OUT…` writes their tensors to OUT, one after the other. The first name is a word for the
//! colours that come out: `grey` (one channel) or `rgb` (three), with `/2` behind it for a pipeline with the step `decode` of
//! detail 2.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program")]

use std::{fs, hint::black_box, io::stdin, path::Path, time::Instant};

use semio_data::{ReadLimits, ReadOptions, read_image_with};
use semio_image::{Color, Pipeline, Step};

/// As in the program `semio`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let limits = ReadLimits::default();
    for line in stdin().lines() {
        let line = line.unwrap();
        let mut words = line.split('\t');
        let command = words.next().unwrap();
        let word = words.next().unwrap();
        let (color, detail) = word.split_once('/').map_or((word, None), |(color, detail)| (color, Some(detail)));
        let color = if color == "rgb" { Color::Rgb } else { Color::Grey };
        let decode = detail.map(|detail| Step::Decode { detail: detail.parse().unwrap() });
        let standard = Pipeline::standard(224, 224, color);
        let pipeline = Pipeline::new(decode.into_iter().chain(standard.steps().to_vec()).collect()).unwrap();
        let tensor = |file: &str| {
            let image =
                read_image_with(Path::new(file), &limits, &ReadOptions { frame: None, enough: pipeline.enough() })
                    .unwrap();
            pipeline.apply(&image).unwrap()
        };
        if command == "time" {
            let started = Instant::now();
            for file in words {
                black_box(tensor(file));
            }
            println!("{}", started.elapsed().as_secs_f64());
        } else {
            let out = words.next().unwrap();
            let values = words.flat_map(tensor).flat_map(f32::to_le_bytes);
            fs::write(out, values.collect::<Vec<u8>>()).unwrap();
            println!("0");
        }
    }
}
