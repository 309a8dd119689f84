use super::curve_panel::CurvePanel;
use crate::language::{Language, say};
use semio_stats::RocPoint;

/// Draws the ROC curve of one class against the rest.
pub fn roc_plot(class: &str, curve: &[RocPoint], auc: f64, positives: u64, n: u64, language: Language) -> String {
    let points: Vec<(f64, f64)> = curve.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
    let auc = language.decimal(auc, 3);
    let (area, half) = (format!("AUC {auc}"), language.decimal(0.5, 1));
    let [positives, n] = [positives, n].map(|n| language.count(n));
    CurvePanel {
        title: &say!(language, "ROC: {class}", "ROC : {class}"),
        subtitle: &say!(
            language,
            "{positives} of {n} pictures are of this class",
            "{positives} images sur {n} sont de cette classe"
        ),
        axes: [&say!(language, "1 − specificity", "1 − spécificité"), &say!(language, "sensitivity", "sensibilité")],
        points: &points,
        whiskers: &[],
        chance: [(0.0, 0.0), (1.0, 1.0)],
        chance_label: (&say!(language, "dashed: chance", "tirets : hasard"), (0.97, 0.04)),
        area_label: (&area, (0.97, 0.13)),
        description: &say!(
            language,
            "Receiver operating characteristic of {class} against all other classes over {n} pictures; area under the \
             curve {auc}, where chance reaches {half}.",
            "Courbe ROC de {class} contre toutes les autres classes sur {n} images ; aire sous la courbe {auc}, où le hasard \
             atteint {half}."
        ),
        language,
    }
    .draw()
}
