use super::{
    sequential::{color, readable_on},
    svg::{Anchor, LABEL, Svg, TICK, TITLE, fit, text_width},
    theme::Tone,
};

use crate::language::{Language, say};

/// The widest that a class name may be drawn.
const NAME: f64 = 150.0;

/// Draws how often each class was given to the pictures of each true class.
///
/// # Shapes
/// `counts` is `[true][given]` in the order of `classes`; what is missing counts 0.
pub fn confusion_matrix(classes: &[String], counts: &[Vec<u64>], language: Language) -> String {
    let title = say!(language, "Confusion matrix", "Matrice de confusion");
    let k = classes.len();
    let at = |row: usize, column: usize| counts.get(row).and_then(|r| r.get(column)).copied().unwrap_or(0);
    let totals: Vec<u64> = (0..k).map(|row| (0..k).map(|column| at(row, column)).sum()).collect();
    let n: u64 = totals.iter().sum();
    let correct: u64 = (0..k).map(|c| at(c, c)).sum();
    let cell = match k {
        0..=3 => 96.0,
        4..=6 => 72.0,
        _ => (440.0 / k as f64).max(30.0).round(),
    };
    let names = classes.iter().map(|c| text_width(c, LABEL)).fold(40.0, f64::max).min(NAME);
    let turned = names > cell - 6.0;
    let name_height = if turned { names * 0.72 + 24.0 } else { 20.0 };
    let (left, top) = ((34.0 + names + 10.0).round(), (72.0 + name_height).round());
    let side = cell * k as f64;
    let right = if turned { (names * 0.72 - cell / 2.0 + 14.0).max(16.0) } else { 16.0 };
    let (width, height) = ((left + side + right).max(left + 250.0).max(330.0), top + side + 50.0);

    let mut svg = Svg::new(width, height);
    svg.bold((12.0, 24.0), Anchor::Start, TITLE, Tone::Ink, &title);
    let [n, correct] = [n, correct].map(|n| language.count(n));
    let subtitle = say!(language, "{n} pictures, {correct} on the diagonal", "{n} images, {correct} sur la diagonale");
    svg.text((12.0, 43.0), Anchor::Start, TICK, Tone::Soft, &subtitle);
    svg.text(
        (left + side / 2.0, 64.0),
        Anchor::Middle,
        LABEL,
        Tone::Soft,
        &say!(language, "given class", "classe donnée"),
    );
    svg.turned(
        (16.0, top + side / 2.0),
        Anchor::Middle,
        -90.0,
        Tone::Soft,
        &say!(language, "true class", "vraie classe"),
    );
    for (row, class) in classes.iter().enumerate() {
        let name = fit(class, LABEL, NAME);
        let middle = (row as f64 + 0.5) * cell;
        svg.text((left - 8.0, top + middle + 4.0), Anchor::End, LABEL, Tone::Ink, &name);
        if turned {
            svg.turned((left + middle + 2.0, top - 8.0), Anchor::Start, -45.0, Tone::Ink, &name);
        } else {
            svg.text((left + middle, top - 8.0), Anchor::Middle, LABEL, Tone::Ink, &name);
        }
        for (column, given) in classes.iter().enumerate() {
            let corner = (left + column as f64 * cell, top + row as f64 * cell);
            let cell = Cell { count: at(row, column), total: totals[row], corner, side: cell };
            cell.draw(&mut svg, class, given, language);
        }
    }
    svg.frame((left, top), (side, side), Tone::Soft);
    bar(&mut svg, left, top + side + 16.0, language);
    svg.finish(&title, &describe(classes, &at, &totals, language))
}

struct Cell {
    count: u64,
    total: u64,
    corner: (f64, f64),
    side: f64,
}

impl Cell {
    fn draw(&self, svg: &mut Svg, truth: &str, given: &str, language: Language) {
        let (x, y) = self.corner;
        let middle = (x + self.side / 2.0, y + self.side / 2.0);
        if self.count == 0 {
            // Zero is paper, so that the eye finds what did happen.
            svg.frame(self.corner, (self.side, self.side), Tone::Grid);
            svg.text((middle.0, middle.1 + 4.0), Anchor::Middle, TICK, Tone::Soft, "0");
            return;
        }
        let share = self.count as f64 / self.total as f64;
        let back = color(share);
        let ([counted, total], percent) =
            ([self.count, self.total].map(|n| language.count(n)), language.percent(share));
        let tip = say!(
            language,
            "{counted} of {total} pictures of {truth} were given {given} ({percent})",
            "{counted} images de {truth} sur {total} ont reçu {given} ({percent})"
        );
        svg.cell((x + 0.5, y + 0.5), (self.side - 1.0, self.side - 1.0), back, &tip);
        let text = counted;
        let size = if text_width(&text, 15.0) < self.side - 8.0 { 15.0 } else { 10.0 };
        if self.side < 48.0 {
            svg.text_on_cell((middle.0, middle.1 + size * 0.35), size, readable_on(back), &text);
        } else {
            svg.text_on_cell((middle.0, middle.1 - 1.0), size, readable_on(back), &text);
            svg.text_on_cell((middle.0, middle.1 + 16.0), TICK, readable_on(back), &percent);
        }
    }
}

/// What the colours mean.
fn bar(svg: &mut Svg, left: f64, top: f64, language: Language) {
    const STEPS: usize = 32;
    const STEP: f64 = 3.0;
    svg.text((left, top + 10.0), Anchor::Start, TICK, Tone::Soft, "0");
    for step in 0..STEPS {
        let share = step as f64 / (STEPS - 1) as f64;
        svg.cell((left + 12.0 + step as f64 * STEP, top), (STEP, 12.0), color(share), "");
    }
    let end = left + 12.0 + STEPS as f64 * STEP;
    svg.text(
        (end + 5.0, top + 10.0),
        Anchor::Start,
        TICK,
        Tone::Soft,
        &say!(language, "100\u{a0}% of the row", "100 % de la ligne"),
    );
}

fn describe(classes: &[String], at: &impl Fn(usize, usize) -> u64, totals: &[u64], language: Language) -> String {
    let rows = classes.iter().enumerate().map(|(row, class)| {
        let given = classes.iter().enumerate().filter(|&(column, _)| at(row, column) > 0);
        let given = given.map(|(c, name)| {
            let n = language.count(at(row, c));
            say!(language, "{n} given {name}", "{n} ont reçu {name}")
        });
        let given: Vec<String> = given.collect();
        if given.is_empty() {
            say!(language, "{class}: no picture.", "{class} : aucune image.")
        } else {
            let (n, given) = (language.count(totals[row]), given.join(", "));
            say!(language, "{class}, {n} pictures: {given}.", "{class}, {n} images : {given}.")
        }
    });
    rows.collect::<Vec<_>>().join(" ")
}
