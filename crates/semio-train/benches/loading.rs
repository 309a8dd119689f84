//! Time of loading pictures with augmentation at 224 px in colour; prints one JSON line an epoch.
//!
//! `loading [labels.csv] [MiB of cache] [epochs] [threads]`, by default the brain set, 0, 1, 2. Run beside
//! torchvision by `benches/loading/run.py`.

#![expect(clippy::print_stdout, clippy::print_stderr, clippy::unwrap_used, reason = "a measuring program")]

use std::{hint::black_box, ops::ControlFlow, path::PathBuf, time::Instant};

use semio_data::{Manifest, ManifestOptions, Split};
use semio_train::{ColorChoice, Loader, Picture, Recipe, Variation};

/// As in the program `semio`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // Cargo adds `--bench`.
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let brain = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/brain_tumor_mri/labels.csv");
    let labels = args.next().map_or_else(|| PathBuf::from(brain), PathBuf::from);
    let [cache, epochs, threads] = [0, 1, 2].map(|usual| args.next().map_or(usual, |a| a.parse().unwrap()));
    if !labels.exists() {
        eprintln!("skipped: no {}", labels.display());
        return;
    }

    let recipe = Recipe { image_size: Some(224), color: ColorChoice::Rgb, ..Recipe::default() };
    let pipeline = recipe.pipeline().unwrap();
    let manifest = Manifest::load(&labels, &ManifestOptions::default()).unwrap();
    let train = manifest.samples.iter().filter(|s| s.split == Some(Split::Train));
    let picture = |s: &semio_data::Sample| Picture {
        file: s.file.clone(),
        frame: s.frame,
        name: s.name.clone(),
        label: 0,
        mask: None,
    };
    let pictures: Vec<Picture> = train.map(picture).collect();
    let order: Vec<usize> = (0..pictures.len()).collect();
    let variation = Variation { augmentation: recipe.augmentation(), classes: vec![true], seed: 1 };
    let loader = Loader::new(&pictures, &pipeline, Some(variation), threads, cache << 20);
    for epoch in 0..epochs as u64 {
        let started = Instant::now();
        let failed = loader.batches(&order, 32, epoch, |batch| match batch {
            Ok(batch) => {
                black_box(&batch.inputs);
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        });
        assert!(failed.is_none(), "{failed:?}");
        let seconds = started.elapsed().as_secs_f64();
        println!("{}", serde_json::json!({ "pictures": order.len(), "seconds": seconds }));
    }
}
