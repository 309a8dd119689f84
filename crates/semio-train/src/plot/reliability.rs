use super::{
    curve_panel::CurvePanel,
    numbers::{count, decimal},
};
use semio_stats::ReliabilityBin;

/// Draws how often the most probable class was the true one, by its probability, with Wilson's 95 % intervals.
pub fn reliability_plot(bins: &[ReliabilityBin], error: f64, n: u64) -> String {
    let points: Vec<(f64, f64)> = bins.iter().map(|b| (b.confidence, b.accuracy)).collect();
    let whiskers: Vec<(f64, f64, f64)> = bins.iter().map(|b| (b.confidence, b.low, b.high)).collect();
    let label = format!("error {}", decimal(error, 3));
    let said: Vec<String> = bins
        .iter()
        .map(|b| {
            format!("{} said, {} true, {} pictures", decimal(b.confidence, 2), decimal(b.accuracy, 2), count(b.count))
        })
        .collect();
    CurvePanel {
        title: "Reliability",
        subtitle: &format!("{} pictures in {} equal groups", count(n), bins.len()),
        axes: ["probability of the most probable class", "share of these that were right"],
        points: &points,
        whiskers: &whiskers,
        chance: [(0.0, 0.0), (1.0, 1.0)],
        chance_label: ("dashed: as said", (0.97, 0.04)),
        area_label: (&label, (0.97, 0.13)),
        description: &format!(
            "Reliability diagram: {}. Expected calibration error {}.",
            said.join("; "),
            decimal(error, 3)
        ),
    }
    .draw()
}
