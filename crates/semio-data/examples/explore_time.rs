//! Time and memory of exploring a data set: `explore_time LIST.csv` prints pictures, seconds, near duplicates and, on
//! Linux, the most memory that the process had.

#![expect(clippy::print_stdout, reason = "a program")]

use std::{error::Error, fs, path::PathBuf, time::Instant};

use semio_data::{
    Manifest, ManifestOptions,
    explore::{ExploreOptions, explore},
};

/// As in the program `semio`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let list = std::env::args_os().nth(1).map(PathBuf::from).ok_or("usage: explore_time LIST.csv")?;
    let data = Manifest::load(&list, &ManifestOptions::default())?;
    let memory = || {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown").to_owned()
    };
    println!("listed: {}", memory());
    let started = Instant::now();
    let read = std::sync::Mutex::new(0.0);
    let found = explore("data", &data.samples, &data.extra_columns, &ExploreOptions::default(), &|done| {
        if done == data.samples.len()
            && let Ok(mut read) = read.lock()
        {
            *read = started.elapsed().as_secs_f64();
        }
    });
    let (read, all) = (read.into_inner()?, started.elapsed().as_secs_f64());
    let page = found.page("today")?;
    println!(
        "{} pictures, {} near groups of {}, {} exact: read in {read:.1} s, {all:.1} s in all, page of {} bytes; {}",
        found.pictures,
        found.duplicates.near_groups,
        found.duplicates.near_pictures,
        found.duplicates.exact_groups,
        page.len(),
        memory(),
    );
    Ok(())
}
