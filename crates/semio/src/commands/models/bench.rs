use std::process::ExitCode;

use clap::{Args, ValueEnum};
use semio_nn::{Architecture, Blueprint};
use semio_train::{BenchOptions, Mode};

use crate::{Outcome, commands::train::free_memory, fault::Fault, progress::count};

#[derive(Args)]
pub(crate) struct Bench {
    /// The network: `semio models list` shows all
    name: String,
    /// Pictures at once
    #[arg(long, value_name = "N", default_value_t = 8)]
    batch: usize,
    /// Side of the pictures in pixels [default: the network's own]
    #[arg(long, value_name = "PIXELS")]
    size: Option<usize>,
    /// What is timed
    #[arg(long, value_enum, default_value_t = What::Inference)]
    mode: What,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Outputs of the network
    #[arg(long, value_name = "N", default_value_t = 2)]
    classes: usize,
    /// Timed runs, after three that are not
    #[arg(long, value_name = "N", default_value_t = 10)]
    runs: usize,
    /// Use burn's own operations instead of Semio's kernels
    #[arg(long)]
    plain: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// Predictions
    Inference,
    /// Training steps with Adam
    Train,
}

impl Bench {
    pub(crate) fn run(self) -> Outcome {
        for (flag, value) in [("--batch", self.batch), ("--classes", self.classes), ("--runs", self.runs)] {
            if value == 0 {
                return Err(Fault::usage(format_args!("{flag} = 0: must be at least 1")));
            }
        }
        let architecture = Architecture::find(&self.name)?;
        let (channels, side) = (architecture.channels, self.size.unwrap_or(architecture.size));
        let graph = architecture.build(&Blueprint { channels, height: side, width: side, outputs: self.classes })?;
        let multiply_adds = graph.multiply_adds() * self.batch as u64;
        let train = self.mode == What::Train;
        let kernels = !self.plain && if train { graph.trains_on_kernels() } else { graph.runs_on_kernels() };
        semio_nn::set_threads(self.threads);
        let mode = if train { Mode::Train } else { Mode::Inference };
        let options = BenchOptions { mode, batch: self.batch, runs: self.runs, plain: self.plain };
        let needed = semio_train::bench_memory(&graph, &options);
        if let Some(free) = free_memory().filter(|free| needed > *free) {
            let (needed, free, batch) = (needed >> 20, free >> 20, self.batch);
            return Err(Fault::trouble(format_args!("batch {batch} needs about {needed} MB, and {free} MB are free"))
                .help("take a smaller --batch or --size"));
        }
        // Burn's operations use the pool that they are called in.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build()?;
        let mut times = pool.install(|| semio_train::bench(graph, &options));
        times.sort_by(f64::total_cmp);
        let [least, median, most] =
            [times[0], f64::midpoint(times[(self.runs - 1) / 2], times[self.runs / 2]), times[self.runs - 1]];
        let images_per_s = self.batch as f64 * 1e3 / median;
        let memory = peak_memory();
        let mode = if self.mode == What::Train { "train" } else { "inference" };
        if self.json {
            let line = serde_json::json!({
                "model": architecture.name, "mode": mode, "batch": self.batch, "size": side, "threads": semio_nn::threads(),
                "instructions": semio_nn::isa().to_string(), "kernels": kernels, "runs": self.runs,
                "median_ms": median, "min_ms": least, "max_ms": most, "images_per_s": images_per_s,
                "multiply_adds": multiply_adds, "peak_memory_bytes": memory,
            });
            println!("{line}");
        } else {
            println!("{} at {side} × {side}, {mode}, batch {}", architecture.name, self.batch);
            println!(
                "{median:.1} ms (median of {}; {least:.1} to {most:.1}), {images_per_s:.1} pictures a second",
                self.runs
            );
            let speed = multiply_adds as f64 / median / 1e6;
            let cost = count(multiply_adds as usize);
            match mode {
                "train" => println!("{cost} multiply-adds in the forward pass"),
                _ => println!("{cost} multiply-adds, {speed:.0} G/s"),
            }
            if let Some(memory) = memory {
                println!("{:.0} MB at most", memory as f64 / 1e6);
            }
            let with = if kernels { "Semio's kernels" } else { "burn's operations" };
            println!("on {} threads with {} and {with}", semio_nn::threads(), semio_nn::isa());
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The most memory that this process has held, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kb| kb << 10)
}
