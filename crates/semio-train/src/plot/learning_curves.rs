use super::{
    scale::{Scale, decimals, ticks_from_zero},
    spread::spread,
    svg::{Anchor, LABEL, Svg, TICK, TITLE, fit},
    theme::Tone,
};

use crate::language::{Language, say};

/// What one epoch of training reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochFigures {
    /// Counted from 1.
    pub epoch: u32,
    /// Mean training loss.
    pub train_loss: f64,
    /// Mean validation loss.
    pub val_loss: Option<f64>,
    /// Training accuracy, 0 to 1.
    pub train_accuracy: Option<f64>,
    /// Validation accuracy, 0 to 1.
    pub val_accuracy: Option<f64>,
}

/// What a figure of learning curves shows.
#[derive(Clone, Copy, Debug)]
pub struct LearningCurves<'a> {
    /// In the order of the epochs.
    pub epochs: &'a [EpochFigures],
    /// The epoch whose weights were kept.
    pub best_epoch: Option<u32>,
    /// Pictures trained on.
    pub training_pictures: Option<u64>,
    /// Pictures validated on.
    pub validation_pictures: Option<u64>,
    /// The language of its words.
    pub language: Language,
}

const WIDTH: f64 = 560.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 142.0;
const TOP: f64 = 76.0;
const PANEL: f64 = 150.0;
const BETWEEN: f64 = 44.0;
const BOTTOM: f64 = 48.0;

/// Draws loss and, where known, accuracy over the epochs, one above the other.
pub fn learning_curves(curves: &LearningCurves<'_>) -> String {
    let (epochs, language) = (curves.epochs, curves.language);
    let title = say!(language, "Learning curves", "Courbes d’apprentissage");
    let training = || say!(language, "training", "entraînement");
    let validation = || "validation".to_owned();
    let loss = Panel {
        name: say!(language, "loss", "perte"),
        series: [
            (training(), epochs.iter().map(|e| Some(e.train_loss)).collect()),
            (validation(), epochs.iter().map(|e| e.val_loss).collect()),
        ],
        share: false,
        language,
    };
    let accuracy = Panel {
        name: say!(language, "accuracy", "exactitude"),
        series: [
            (training(), epochs.iter().map(|e| e.train_accuracy).collect()),
            (validation(), epochs.iter().map(|e| e.val_accuracy).collect()),
        ],
        share: true,
        language,
    };
    let panels: Vec<Panel> = [loss, accuracy].into_iter().filter(|p| !p.share || !p.is_empty()).collect();
    let height = TOP + panels.len() as f64 * (PANEL + BETWEEN) - BETWEEN + BOTTOM;
    let mut svg = Svg::new(WIDTH, height);
    svg.bold((12.0, 24.0), Anchor::Start, TITLE, Tone::Ink, &title);
    svg.text((12.0, 43.0), Anchor::Start, TICK, Tone::Soft, &subtitle(curves));
    let last = epochs.last().map_or(1, |e| e.epoch.max(1));
    let x = Scale { values: (1.0_f64.min(f64::from(last)), f64::from(last)), pixels: (LEFT, WIDTH - RIGHT) };
    for (place, panel) in panels.iter().enumerate() {
        let top = TOP + place as f64 * (PANEL + BETWEEN);
        let lowest = place + 1 == panels.len();
        panel.draw(&mut svg, epochs, x, top, curves.best_epoch, lowest);
    }
    let bottom = height - BOTTOM;
    svg.text(
        ((LEFT + WIDTH - RIGHT) / 2.0, bottom + 38.0),
        Anchor::Middle,
        LABEL,
        Tone::Soft,
        &say!(language, "epoch", "époque"),
    );
    svg.finish(&title, &describe(curves))
}

struct Panel {
    name: String,
    series: [(String, Vec<Option<f64>>); 2],
    /// Shares run from 0 to 100 %.
    share: bool,
    language: Language,
}

impl Panel {
    fn is_empty(&self) -> bool {
        self.series.iter().all(|(_, values)| values.iter().all(Option::is_none))
    }

    fn draw(&self, svg: &mut Svg, epochs: &[EpochFigures], x: Scale, top: f64, best: Option<u32>, lowest: bool) {
        let values = self.series.iter().flat_map(|(_, v)| v.iter().flatten().copied()).filter(|v| v.is_finite());
        let highest = values.fold(0.0, f64::max);
        let ticks = if self.share { vec![0.0, 0.25, 0.5, 0.75, 1.0] } else { ticks_from_zero(highest, 4, 0.0) };
        let y = Scale { values: (0.0, ticks.last().copied().unwrap_or(1.0)), pixels: (top + PANEL, top) };
        let places = decimals(&ticks);
        for &tick in &ticks {
            svg.line((LEFT, y.at(tick)), (WIDTH - RIGHT, y.at(tick)), Tone::Grid, 1.0, false);
            let label =
                if self.share { format!("{:.0}\u{a0}%", tick * 100.0) } else { self.language.decimal(tick, places) };
            svg.text((LEFT - 7.0, y.at(tick) + 4.0), Anchor::End, TICK, Tone::Soft, &label);
        }
        svg.turned((14.0, top + PANEL / 2.0), Anchor::Middle, -90.0, Tone::Soft, &self.name);
        for epoch in epoch_ticks(epochs) {
            let at = x.at(f64::from(epoch));
            svg.line((at, top + PANEL), (at, top + PANEL + 4.0), Tone::Soft, 1.0, false);
            if lowest {
                svg.text((at, top + PANEL + 18.0), Anchor::Middle, TICK, Tone::Soft, &epoch.to_string());
            }
        }
        if let Some(best) = best.filter(|b| epochs.iter().any(|e| e.epoch == *b)) {
            let at = x.at(f64::from(best));
            svg.line((at, top - 4.0), (at, top + PANEL), Tone::Mark, 1.5, true);
            let (anchor, label) = match at {
                at if at > WIDTH - RIGHT - 40.0 => (Anchor::End, WIDTH - RIGHT),
                at if at < LEFT + 40.0 => (Anchor::Start, LEFT),
                at => (Anchor::Middle, at),
            };
            svg.text(
                (label, top - 8.0),
                anchor,
                TICK,
                Tone::Mark,
                &say!(self.language, "best epoch {best}", "meilleure époque {best}"),
            );
        }
        self.draw_series(svg, epochs, x, y);
    }

    fn draw_series(&self, svg: &mut Svg, epochs: &[EpochFigures], x: Scale, y: Scale) {
        let mut ends = Vec::new();
        for (tone, (name, values)) in self.series.iter().enumerate() {
            let tone = Tone::Series(tone);
            let points: Vec<Option<(f64, f64, f64)>> = epochs
                .iter()
                .zip(values)
                .map(|(e, v)| v.filter(|v| v.is_finite()).map(|v| (x.at(f64::from(e.epoch)), y.at(v), v)))
                .collect();
            // A value that is not a number leaves a gap.
            for run in points.split(Option::is_none) {
                let run: Vec<(f64, f64)> = run.iter().flatten().map(|&(x, y, _)| (x, y)).collect();
                match run.as_slice() {
                    [] => {}
                    [only] => svg.dot(*only, 3.0, tone),
                    _ => svg.polyline(&run, tone, 2.0, false),
                }
            }
            if let Some(&(end, at, value)) = points.iter().flatten().last() {
                svg.dot((end, at), 3.0, tone);
                let language = self.language;
                let value = if self.share { language.percent(value) } else { language.decimal(value, 3) };
                ends.push((tone, end, at, format!("{name} {value}")));
            }
        }
        let wanted: Vec<f64> = ends.iter().map(|e| e.2).collect();
        let places = spread(&wanted, LABEL + 3.0, (y.pixels.1, y.pixels.0));
        for ((tone, end, _, label), place) in ends.into_iter().zip(places) {
            let label = fit(&label, LABEL, RIGHT - 10.0);
            svg.text((end + 8.0, place + 4.0), Anchor::Start, LABEL, tone, &label);
        }
    }
}

/// At most eight epochs, the last among them.
fn epoch_ticks(epochs: &[EpochFigures]) -> Vec<u32> {
    let Some(last) = epochs.last().map(|e| e.epoch) else { return Vec::new() };
    let steps = ticks_from_zero(f64::from(last), 6, 1.0);
    let step = steps.get(1).copied().unwrap_or(1.0) as u32;
    let room = step.div_ceil(2);
    let inner = steps.iter().map(|&t| t as u32).filter(|&t| t > 1 && t + room <= last && t > room);
    let mut ticks: Vec<u32> = std::iter::once(1).chain(inner).chain([last]).collect();
    ticks.dedup();
    ticks
}

fn subtitle(curves: &LearningCurves<'_>) -> String {
    let language = curves.language;
    let n = curves.epochs.len();
    let epochs = match n {
        1 => say!(language, "1 epoch", "1 époque"),
        _ => say!(language, "{n} epochs", "{n} époques"),
    };
    let [training, validation] =
        [curves.training_pictures, curves.validation_pictures].map(|n| n.map(|n| language.count(n)));
    match (training, validation) {
        (None, None) => epochs,
        (Some(n), None) => say!(language, "{epochs} · {n} training pictures", "{epochs} · {n} images d’entraînement"),
        (None, Some(n)) => say!(language, "{epochs} · {n} validation pictures", "{epochs} · {n} images de validation"),
        (Some(n), Some(m)) => say!(
            language,
            "{epochs} · {n} training and {m} validation pictures",
            "{epochs} · {n} images d’entraînement et {m} de validation"
        ),
    }
}

fn describe(curves: &LearningCurves<'_>) -> String {
    let language = curves.language;
    let Some(last) = curves.epochs.last() else {
        return say!(language, "No epoch was finished.", "Aucune époque n’a été achevée.");
    };
    let (epoch, loss) = (last.epoch, language.decimal(last.train_loss, 3));
    let mut said = vec![say!(
        language,
        "After epoch {epoch}: training loss {loss}",
        "Après l’époque {epoch} : perte d’entraînement {loss}"
    )];
    said.extend(last.val_loss.map(|loss| {
        let loss = language.decimal(loss, 3);
        say!(language, "validation loss {loss}", "perte de validation {loss}")
    }));
    said.extend(last.val_accuracy.map(|accuracy| {
        let accuracy = language.percent(accuracy);
        say!(language, "validation accuracy {accuracy}", "exactitude de validation {accuracy}")
    }));
    let kept = curves.best_epoch.map_or_else(String::new, |best| {
        say!(language, " The weights of epoch {best} were kept.", " Les poids de l’époque {best} ont été gardés.")
    });
    format!("{}.{kept}", said.join(", "))
}
