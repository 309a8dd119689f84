//! The curve of calibrated scores over a patient's studies.

use std::{collections::BTreeMap, fmt::Write};

use chrono::NaiveDate;

use super::result::class_name;
use crate::{finding::Finding, record::Shown, words::Language};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 28.0;

/// One line a class, over days; `None` where no model has two results. Refused pictures have no score.
pub(super) fn history(language: Language, studies: &[Shown]) -> Option<String> {
    // Scores of different models are different scales: the model with most results is drawn.
    let mut by_model: BTreeMap<uuid::Uuid, Vec<(NaiveDate, Finding)>> = BTreeMap::new();
    for shown in studies {
        for prediction in &shown.predictions {
            let finding = prediction.finding.as_deref().and_then(|f| serde_json::from_str::<Finding>(f).ok());
            if let Some(finding) = finding.filter(|f| f.outcome != "refused") {
                by_model.entry(prediction.model_id).or_default().push((shown.study.taken_on, finding));
            }
        }
    }
    let mut results = by_model.into_values().max_by_key(Vec::len)?;
    results.sort_by_key(|(day, _)| *day);
    let (first, last) = (results.first()?.0, results.last()?.0);
    if first == last {
        return None;
    }
    let days = (last - first).num_days() as f64;
    let x = |day: NaiveDate| LEFT + (day - first).num_days() as f64 / days * (WIDTH - LEFT - RIGHT);
    let y = |p: f64| TOP + (1.0 - p) * (HEIGHT - TOP - BOTTOM);
    let mut svg = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}, {count}\">\
         <text class=\"tick\" x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{count}</text>",
        escape(&language.t("history-caption")),
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 8.0,
        count = language.x("history-count", results.len()),
    );
    for tick in [0.0, 0.5, 1.0] {
        let at = y(tick);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"tick\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0,
            language.percent(tick)
        );
    }
    for (day, anchor) in [(first, "start"), (last, "end")] {
        let _ = write!(
            svg,
            "<text class=\"tick\" x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"{anchor}\">{}</text>",
            x(day),
            HEIGHT - 8.0,
            language.day(day)
        );
    }
    let classes: Vec<&String> = results[0].1.probabilities.iter().map(|(class, _)| class).collect();
    let mut ends: Vec<(f64, usize, String)> = vec![];
    for (number, class) in classes.iter().enumerate() {
        let points: Vec<(f64, f64)> = results
            .iter()
            .filter_map(|(day, f)| {
                let (_, p) = f.probabilities.iter().find(|(c, _)| c == *class)?;
                Some((x(*day), y(*p)))
            })
            .collect();
        let line: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(svg, "<g class=\"series s{}\"><polyline points=\"{}\"/>", number % 6, line.join(" "));
        for (x, y) in &points {
            let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"/>");
        }
        svg.push_str("</g>");
        ends.push((points.last()?.1, number, class_name(language, class)));
    }
    // Names stand beside their lines' ends, moved apart where lines end together.
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut below = TOP;
    for (at, number, name) in ends {
        let at = at.max(below);
        below = at + 15.0;
        let _ = write!(
            svg,
            "<text class=\"name s{}\" x=\"{:.0}\" y=\"{:.1}\">{}</text>",
            number % 6,
            WIDTH - RIGHT + 8.0,
            at + 4.0,
            escape(&name)
        );
    }
    svg.push_str("</svg>");
    Some(svg)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
