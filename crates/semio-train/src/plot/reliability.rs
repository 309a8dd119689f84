use super::curve_panel::CurvePanel;
use crate::language::{Language, say};
use semio_stats::ReliabilityBin;

/// Draws how often the most probable class was the true one, by its probability, with Wilson's 95 % intervals.
pub fn reliability_plot(bins: &[ReliabilityBin], error: f64, n: u64, language: Language) -> String {
    let points: Vec<(f64, f64)> = bins.iter().map(|b| (b.confidence, b.accuracy)).collect();
    let whiskers: Vec<(f64, f64, f64)> = bins.iter().map(|b| (b.confidence, b.low, b.high)).collect();
    let (error, n, groups) = (language.decimal(error, 3), language.count(n), bins.len());
    let label = say!(language, "error {error}", "erreur {error}");
    let said: Vec<String> = bins
        .iter()
        .map(|b| {
            let (said, right) = (language.decimal(b.confidence, 2), language.decimal(b.accuracy, 2));
            let n = language.count(b.count);
            say!(language, "{said} said, {right} true, {n} pictures", "{said} annoncé, {right} vrai, {n} images")
        })
        .collect();
    let said = said.join("; ");
    CurvePanel {
        title: &say!(language, "Reliability", "Fiabilité"),
        subtitle: &say!(language, "{n} pictures in {groups} equal groups", "{n} images en {groups} groupes égaux"),
        axes: [
            &say!(language, "probability of the most probable class", "probabilité de la classe la plus probable"),
            &say!(language, "share of these that were right", "part de celles-ci qui était juste"),
        ],
        points: &points,
        whiskers: &whiskers,
        chance: [(0.0, 0.0), (1.0, 1.0)],
        chance_label: (&say!(language, "dashed: as said", "tirets : comme annoncé"), (0.97, 0.04)),
        area_label: (&label, (0.97, 0.13)),
        description: &say!(
            language,
            "Reliability diagram: {said}. Expected calibration error {error}.",
            "Diagramme de fiabilité : {said}. Erreur de calibration attendue {error}."
        ),
        language,
    }
    .draw()
}
