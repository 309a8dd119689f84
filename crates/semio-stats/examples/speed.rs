//! How long the heavy functions take: BCa intervals of every metric for 10,000 predictions and 2,000 samples, and fits on
//! deep features of 1,700 pictures.
//!
//! On two cores beside other work (optimised, with debug checks): percentile intervals 1.3 s, BCa 1.8 s; on 1,700 × 1,280
//! features the distance 1.6 s, a forest of 300 trees 5.9 s, logistic regression 0.5 s, k-means 1.1 s, t-SNE 2.6 s.
//!
//! `cargo run --release -p semio-stats --example speed`
#![expect(clippy::print_stdout, reason = "an example's result")]

use std::error::Error;
use std::time::Instant;

use semio_stats::{
    Bootstrap, FeatureDistance, Forest, ForestSettings, IntervalMethod, Judge, Logistic, LogisticSettings, Pca,
    Predictions, Table, best_k_means, picture_uniform, tsne,
};

const PICTURES: u64 = 10_000;
const CLASSES: u64 = 4;

fn main() -> Result<(), Box<dyn Error>> {
    bootstrap()?;
    features()
}

fn bootstrap() -> Result<(), Box<dyn Error>> {
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
        let name = format!("{method:?} intervals");
        let intervals = timed(&name, || bootstrap.intervals(&judge, 0.95, method));
        println!("  accuracy {:?}", intervals.accuracy);
    }
    Ok(())
}

fn features() -> Result<(), Box<dyn Error>> {
    let (n, d) = (1700u64, 1280u64);
    let value = |i: u64, j: u64| picture_uniform(1, i * d + j) + if j % CLASSES == i % CLASSES { 0.1 } else { 0.0 };
    let table = Table::new((0..n).flat_map(|i| (0..d).map(move |j| value(i, j))).collect(), d as usize)?;
    let labels: Vec<usize> = (0..n).map(|i| (i % CLASSES) as usize).collect();
    let classes = CLASSES as usize;
    let distance = timed("feature distance, fitted", || FeatureDistance::fit(&table, &labels, classes, 64))?;
    timed("feature distance of 1,700", || table.rows().try_for_each(|row| distance.distance(row).map(|_| ())))?;
    let forest = timed("forest of 300 trees", || Forest::fit(&table, &labels, classes, &ForestSettings::default()))?;
    println!("  out of bag {:?}", forest.out_of_bag_accuracy);
    timed("logistic regression", || Logistic::fit(&table, &labels, classes, &LogisticSettings::default()))?;
    let places = Pca::fit(&table, 50)?.project_all(&table)?;
    timed("k-means, k from 2 to 10", || best_k_means(&places, 10, 10, 0))?;
    timed("t-SNE, 750 epochs", || tsne(&places, 750, 0))?;
    Ok(())
}

fn timed<T>(name: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{name}: {:.2} s", start.elapsed().as_secs_f64());
    result
}
