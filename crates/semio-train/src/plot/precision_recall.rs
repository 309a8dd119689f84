use super::{
    curve_panel::CurvePanel,
    numbers::{count, decimal, percent},
};
use semio_stats::PrecisionRecallPoint;

/// Draws the precision-recall curve of one class against the rest, in the steps that average precision sums.
pub fn precision_recall_plot(
    class: &str,
    curve: &[PrecisionRecallPoint],
    average_precision: f64,
    positives: u64,
    n: u64,
) -> String {
    let mut points = Vec::with_capacity(2 * curve.len());
    let mut reached = 0.0;
    for point in curve {
        points.push((reached, point.precision));
        points.push((point.recall, point.precision));
        reached = point.recall;
    }
    let prevalence = positives as f64 / n.max(1) as f64;
    // The words keep off the dashed line and stand on the left, where the curve of a useful model is high above.
    let low = if prevalence < 0.35 { prevalence + 0.03 } else { 0.04 };
    let area = format!("AP {}", decimal(average_precision, 3));
    CurvePanel {
        title: &format!("Precision–recall: {class}"),
        subtitle: &format!("{} of {} pictures are of this class", count(positives), count(n)),
        axes: ["recall (sensitivity)", "precision"],
        points: &points,
        whiskers: &[],
        chance: [(0.0, prevalence), (1.0, prevalence)],
        chance_label: (&format!("dashed: prevalence {}", percent(prevalence)), (0.03, low)),
        area_label: (&area, (0.03, low + 0.09)),
        description: &format!(
            "Precision over recall of {class} over {} pictures; average precision {}, where chance reaches the \
             prevalence, {}.",
            count(n),
            decimal(average_precision, 3),
            percent(prevalence)
        ),
    }
    .draw()
}
