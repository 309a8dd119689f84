use super::{
    scale::{Scale, ticks_from_zero},
    svg::{Anchor, LABEL, Svg, TICK, TITLE, fit, text_width},
    theme::Tone,
};

use crate::language::{Language, say};

/// How many pictures of each class a part of the data holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartCounts {
    /// For example `train`.
    pub name: String,
    /// In the order of the classes.
    pub counts: Vec<u64>,
}

const WIDTH: f64 = 560.0;
const RIGHT: f64 = 128.0;
const TOP: f64 = 62.0;
const BAR: f64 = 18.0;
const BETWEEN: f64 = 14.0;

/// Draws one bar for every class and part.
pub fn class_distribution(classes: &[String], parts: &[PartCounts], language: Language) -> String {
    let title = say!(language, "Pictures by class and part", "Images par classe et par partie");
    let pictures = say!(language, "pictures", "images");
    let n: u64 = parts.iter().flat_map(|p| &p.counts).sum();
    let highest = parts.iter().flat_map(|p| &p.counts).copied().max().unwrap_or(0);
    let names = classes.iter().map(|c| text_width(c, LABEL)).fold(30.0, f64::max).min(160.0);
    let left = names + 22.0;
    let group = BAR * parts.len() as f64 + BETWEEN;
    let bottom = TOP + group * classes.len() as f64;
    let ticks = ticks_from_zero(highest as f64, 4, 1.0);
    let x = Scale { values: (0.0, ticks.last().copied().unwrap_or(1.0)), pixels: (left, WIDTH - RIGHT) };

    let mut svg = Svg::new(WIDTH, bottom + 48.0);
    svg.bold((12.0, 24.0), Anchor::Start, TITLE, Tone::Ink, &title);
    svg.text((12.0, 43.0), Anchor::Start, TICK, Tone::Soft, &format!("{} {pictures}", language.count(n)));
    for &tick in &ticks {
        svg.line((x.at(tick), TOP - 4.0), (x.at(tick), bottom), Tone::Grid, 1.0, false);
        svg.text((x.at(tick), bottom + 17.0), Anchor::Middle, TICK, Tone::Soft, &language.count(tick as u64));
    }
    svg.text(((left + WIDTH - RIGHT) / 2.0, bottom + 38.0), Anchor::Middle, LABEL, Tone::Soft, &pictures);
    let mut rows = Vec::new();
    for (class, name) in classes.iter().enumerate() {
        let top = TOP + class as f64 * group + BETWEEN / 2.0;
        let middle = top + (group - BETWEEN) / 2.0 + 4.0;
        svg.text((left - 10.0, middle), Anchor::End, LABEL, Tone::Ink, &fit(name, LABEL, 160.0));
        let mut said = Vec::new();
        for (place, part) in parts.iter().enumerate() {
            let value = part.counts.get(class).copied().unwrap_or(0);
            let y = top + place as f64 * BAR;
            let end = x.at(value as f64);
            let (of, counted) = (&part.name, language.count(value));
            let tip = say!(language, "{name}, {of}: {counted} pictures", "{name}, {of} : {counted} images");
            svg.bar((left, y + 1.0), (end - left, BAR - 2.0), Tone::Series(place), &tip);
            let label = format!("{counted} {of}");
            let label = fit(&label, TICK, WIDTH - end - 8.0);
            svg.text((end + 6.0, y + BAR / 2.0 + 4.0), Anchor::Start, TICK, Tone::Series(place), &label);
            said.push(format!("{counted} {of}"));
        }
        let said = said.join(", ");
        rows.push(say!(language, "{name}: {said}.", "{name} : {said}."));
    }
    svg.line((left, TOP - 4.0), (left, bottom), Tone::Soft, 1.0, false);
    svg.finish(&title, &rows.join(" "))
}
