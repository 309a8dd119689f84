use super::curve_panel::CurvePanel;
use crate::language::{Language, say};
use semio_stats::PrecisionRecallPoint;

/// Draws the precision-recall curve of one class against the rest, in the steps that average precision sums.
pub fn precision_recall_plot(
    class: &str,
    curve: &[PrecisionRecallPoint],
    average_precision: f64,
    positives: u64,
    n: u64,
    language: Language,
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
    let (ap, share) = (language.decimal(average_precision, 3), language.percent(prevalence));
    let (area, [positives, n]) = (format!("AP {ap}"), [positives, n].map(|n| language.count(n)));
    CurvePanel {
        title: &say!(language, "Precision–recall: {class}", "Précision–rappel : {class}"),
        subtitle: &say!(
            language,
            "{positives} of {n} pictures are of this class",
            "{positives} images sur {n} sont de cette classe"
        ),
        axes: [
            &say!(language, "recall (sensitivity)", "rappel (sensibilité)"),
            &say!(language, "precision", "précision"),
        ],
        points: &points,
        whiskers: &[],
        chance: [(0.0, prevalence), (1.0, prevalence)],
        chance_label: (&say!(language, "dashed: prevalence {share}", "tirets : prévalence {share}"), (0.03, low)),
        area_label: (&area, (0.03, low + 0.09)),
        description: &say!(
            language,
            "Precision over recall of {class} over {n} pictures; average precision {ap}, where chance reaches the \
             prevalence, {share}.",
            "Précision selon le rappel de {class} sur {n} images ; précision moyenne {ap}, où le hasard atteint la \
             prévalence, {share}."
        ),
        language,
    }
    .draw()
}
