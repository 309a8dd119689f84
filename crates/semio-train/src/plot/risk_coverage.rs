use super::curve_panel::CurvePanel;
use crate::language::{Language, say};
use semio_stats::RiskCoveragePoint;

/// Draws how many of the answers are right when only the surest pictures are answered, by the share that is.
pub fn risk_coverage_plot(points: &[RiskCoveragePoint], n: u64, language: Language) -> String {
    let curve: Vec<(f64, f64)> = points.iter().map(|p| (p.coverage, 1.0 - p.risk)).collect();
    let all = points.last().map_or(0.0, |p| 1.0 - p.risk);
    // The surest half says most of what leaving pictures to a person would win.
    let half = points.iter().find(|p| p.coverage >= 0.5).map_or(all, |p| 1.0 - p.risk);
    let [right, surest] = [all, half].map(|share| language.percent(share));
    let n = language.count(n);
    CurvePanel {
        title: &say!(language, "If only the surest are answered", "Si l’on ne répond qu’aux plus sûres"),
        subtitle: &say!(language, "{n} pictures, the surest first", "{n} images, les plus sûres d’abord"),
        axes: [
            &say!(language, "share of pictures answered", "part des images avec réponse"),
            &say!(language, "share of answers that are right", "part de réponses justes"),
        ],
        points: &curve,
        whiskers: &[],
        chance: [(0.0, all), (1.0, all)],
        chance_label: (&say!(language, "dashed: all answered", "tirets : réponse à toutes"), (0.97, 0.04)),
        area_label: (
            &say!(language, "surest half: {surest} right", "moitié la plus sûre : {surest} justes"),
            (0.97, 0.13),
        ),
        description: &say!(
            language,
            "Accuracy by coverage: {surest} of the answers are right when the surest half is answered, {right} when all are.",
            "Exactitude selon la couverture : {surest} des réponses sont justes quand la moitié la plus sûre en reçoit une, \
             {right} quand toutes en reçoivent une."
        ),
        language,
    }
    .draw()
}
