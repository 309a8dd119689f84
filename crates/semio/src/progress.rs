use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar with rate and time left on standard error; hidden where nobody looks or where quiet is asked for.
pub(crate) fn bar(length: usize, what: &'static str, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(length as u64), target);
    let style = "{prefix:<9} {wide_bar} {human_pos}/{human_len}  {per_sec:>12}  {eta:>4} left  {msg}";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(what);
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// A bar for bytes that are fetched.
pub(crate) fn bytes_bar(length: u64, what: &'static str, quiet: bool) -> ProgressBar {
    let bar = bar(length as usize, what, quiet);
    let style = "{prefix} {wide_bar} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
    bar.set_style(ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A number with a thin mark between thousands, as in `12,345`.
pub(crate) fn count(n: usize) -> String {
    indicatif::HumanCount(n as u64).to_string()
}

/// A duration in words, as in `3 min 20 s`.
pub(crate) fn duration(seconds: f64) -> String {
    let s = seconds.round() as u64;
    match (s / 3600, s / 60 % 60, s % 60) {
        (0, 0, _) if seconds < 10.0 => format!("{seconds:.1} s"),
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}
