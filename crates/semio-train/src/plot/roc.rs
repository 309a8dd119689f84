use super::{
    curve_panel::CurvePanel,
    numbers::{count, decimal},
};
use semio_stats::RocPoint;

/// Draws the ROC curve of one class against the rest.
pub fn roc_plot(class: &str, curve: &[RocPoint], auc: f64, positives: u64, n: u64) -> String {
    let points: Vec<(f64, f64)> = curve.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
    let area = format!("AUC {}", decimal(auc, 3));
    CurvePanel {
        title: &format!("ROC: {class}"),
        subtitle: &format!("{} of {} pictures are of this class", count(positives), count(n)),
        axes: ["1 − specificity", "sensitivity"],
        points: &points,
        whiskers: &[],
        chance: [(0.0, 0.0), (1.0, 1.0)],
        chance_label: ("dashed: chance", (0.97, 0.04)),
        area_label: (&area, (0.97, 0.13)),
        description: &format!(
            "Receiver operating characteristic of {class} against all other classes over {} pictures; area under the \
             curve {}, where chance reaches 0.5.",
            count(n),
            decimal(auc, 3)
        ),
    }
    .draw()
}
