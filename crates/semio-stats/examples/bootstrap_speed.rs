//! How long BCa intervals of every metric take: 10,000 predictions over four classes, 2,000 samples.
//!
//! `cargo run --release -p semio-stats --example bootstrap_speed`
#![expect(clippy::print_stdout, reason = "an example's result")]

use std::error::Error;
use std::time::Instant;

use semio_stats::{Bootstrap, IntervalMethod, Judge, Predictions, picture_uniform};

const PICTURES: u64 = 10_000;
const CLASSES: u64 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let truth: Vec<usize> = (0..PICTURES).map(|i| (i % CLASSES) as usize).collect();
    let (mut probabilities, mut decided) = (vec![], vec![]);
    for (i, &truth) in (0..).zip(&truth) {
        let raw: Vec<f64> = (0..CLASSES)
            .map(|c| picture_uniform(0, CLASSES * i + c) + if c as usize == truth { 0.5 } else { 0.1 })
            .collect();
        let sum: f64 = raw.iter().sum();
        decided.push((0..raw.len()).fold(0, |best, c| if raw[c] > raw[best] { c } else { best }));
        probabilities.extend(raw.iter().map(|v| v / sum));
    }
    let classes = (0..CLASSES).map(|c| c.to_string()).collect();
    let predictions = Predictions::new(classes, truth, probabilities, decided, vec![true; PICTURES as usize])?;
    let judge = Judge::new(&predictions);
    let mut bootstrap = Bootstrap::new(&predictions, None);
    bootstrap.resamples = 2000;
    for method in [IntervalMethod::Percentile, IntervalMethod::Bca] {
        let start = Instant::now();
        let intervals = bootstrap.intervals(&judge, 0.95, method);
        println!("{method:?}: {:.2} s, accuracy {:?}", start.elapsed().as_secs_f64(), intervals.accuracy);
    }
    Ok(())
}
