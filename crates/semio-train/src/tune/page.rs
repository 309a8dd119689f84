use super::{
    Search, Searched, State, Trial, shown,
    space::{Dimension, Values},
};
use crate::{
    Language,
    dataset::Dataset,
    plot::{Axis, count, decimal, inline, parallel_coordinates},
    recipe::Recipe,
    report::ReportError,
    survey::{Survey, Table},
};

/// Trials whose lines stand out.
const BEST: usize = 5;

/// The search as one page.
pub(super) fn page(
    search: &Search,
    searched: &Searched,
    base: &Recipe,
    dataset: &Dataset,
    today: &str,
) -> Result<String, ReportError> {
    let mut ranked: Vec<&Trial> = searched.trials.iter().filter(|t| t.score.is_some()).collect();
    ranked.sort_by(|a, b| {
        let done = |t: &Trial| t.state == State::Done;
        done(b).cmp(&done(a)).then(b.score.partial_cmp(&a.score).unwrap_or(std::cmp::Ordering::Equal))
    });
    let lines: Vec<&Trial> = searched.trials.iter().filter(|t| t.score.is_some()).collect();
    let best: Vec<usize> =
        ranked.iter().take(BEST).filter_map(|t| lines.iter().position(|line| line.number == t.number)).collect();
    let figure = base.monitor.replace("val_", "validation ").replace('_', " ");
    let mut axes: Vec<Axis> = search.space.dimensions.iter().enumerate().map(|(i, d)| axis(d, i, &lines)).collect();
    axes.push(score_axis(&figure, &lines));
    let picture = (lines.len() > 1).then(|| {
        let subtitle = format!("{} trials; the best {} stand out, the best of them thickest", lines.len(), best.len());
        inline(&parallel_coordinates("What was tried, and what it reached", &subtitle, &axes, &best))
    });
    let states = |state| searched.trials.iter().filter(|t| t.state == state).count();
    let judged = match &base.folds {
        Some(folds) => format!("all pictures, each by a network that had not seen it ({folds} folds)"),
        None => "the validation part".into(),
    };
    Survey {
        language: Language::English,
        title: format!("A search over {} keys for {}", search.space.dimensions.len(), dataset.classes.join(" / ")),
        running_head: ["Search".into(), today.into(), String::new()],
        plot_style: String::new(),
        facts: vec![
            ("Made".into(), format!("{today}, semio {}", env!("CARGO_PKG_VERSION"))),
            ("Data".into(), dataset.report.source.display().to_string()),
            ("Data's SHA-256".into(), dataset.sha256.clone()),
            ("Judged on".into(), judged),
            ("Figure".into(), figure.clone()),
            ("Points by".into(), match search.method {
                super::Method::Random => format!("chance, seed {}", search.seed),
                super::Method::Tpe => format!("a tree-structured Parzen estimator after 8 random ones, seed {}", search.seed),
            }),
            ("Trials".into(), format!(
                "{} to the end, {} ended early, {} failed",
                states(State::Done),
                states(State::Pruned),
                states(State::Failed)
            )),
        ],
        brief: brief(searched, &figure),
        ranked_by: "What was tried".into(),
        ranking: picture,
        tables: vec![table(search, &ranked, &figure), failures(searched)].into_iter().filter(|t| !t.rows.is_empty()).collect(),
        figures: vec![],
        limits: vec![
            "The best of many trials is chosen by the same pictures that judge it here: its figure is too good. Judge it on pictures that nobody tuned on.".into(),
            "One training a point: two points whose figures lie closer together than two seeds of one recipe do cannot be told apart.".into(),
        ],
    }
    .page()
}

fn value_of(score: f64) -> String {
    // Losses are kept with their sign turned.
    decimal(score.abs(), 4)
}

fn brief(searched: &Searched, figure: &str) -> Vec<String> {
    let Some(best) = searched.best.and_then(|n| searched.trials.get(n)) else {
        return vec!["No trial was trained to its end.".into()];
    };
    let keys: Vec<String> = best.keys.iter().map(|(key, value)| format!("{key} {}", shown(Some(value)))).collect();
    let seconds: f64 = searched.trials.iter().map(|t| t.seconds).sum();
    vec![
        format!(
            "The best of {} trials is number {}, with {figure} {}: {}.",
            searched.trials.len(),
            best.number + 1,
            best.score.map_or_else(|| "–".into(), value_of),
            keys.join(", ")
        ),
        format!(
            "The search took {} minutes. best.toml holds the whole recipe, ready for semio train.",
            decimal(seconds / 60.0, 1)
        ),
    ]
}

/// The axis of the space's dimension at `place`.
fn axis(dimension: &Dimension, place: usize, lines: &[&Trial]) -> Axis {
    let (from, to) = dimension.values.range();
    let at = |x: f64| match &dimension.values {
        Values::Choice(values) if values.len() == 1 => 0.5,
        Values::Choice(values) => (x as usize).min(values.len() - 1) as f64 / (values.len() - 1) as f64,
        Values::Range { .. } => (x - from) / (to - from),
    };
    let marks: Vec<f64> = match &dimension.values {
        Values::Choice(values) => (0..values.len()).map(|i| i as f64 + 0.5).collect(),
        Values::Range { .. } => [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| from + share * (to - from)).to_vec(),
    };
    let ticks = marks.iter().map(|&x| (at(x), shown(Some(&dimension.values.value(x))))).collect();
    let places = lines.iter().map(|t| t.point.get(place).map(|x| at(*x))).collect();
    Axis { name: dimension.key.clone(), ticks, places }
}

fn score_axis(figure: &str, lines: &[&Trial]) -> Axis {
    let scores: Vec<f64> = lines.iter().filter_map(|t| t.score).collect();
    let (low, high) = scores.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), s| (l.min(*s), h.max(*s)));
    let span = if high > low { high - low } else { 1.0 };
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| (p, value_of(low + p * span))).to_vec();
    Axis { name: figure.to_owned(), ticks, places: lines.iter().map(|t| Some((t.score? - low) / span)).collect() }
}

fn table(search: &Search, ranked: &[&Trial], figure: &str) -> Table {
    let keys: Vec<&String> = search.space.dimensions.iter().map(|d| &d.key).collect();
    let header = ["Trial".to_owned(), figure.to_owned(), "State".into(), "Epochs".into(), "Minutes".into()];
    let row = |t: &&Trial| {
        let fixed = [
            (t.number + 1).to_string(),
            t.score.map_or_else(|| "–".into(), value_of),
            match t.state {
                State::Pruned => "ended early".to_owned(),
                state => state.name().to_owned(),
            },
            count(t.epochs as u64),
            decimal(t.seconds / 60.0, 1),
        ];
        fixed.into_iter().chain(keys.iter().map(|k| shown(t.keys.get(*k)))).collect()
    };
    Table {
        title: "Trials, the best first".into(),
        header: header.into_iter().chain(keys.iter().map(|k| (*k).clone())).collect(),
        rows: ranked.iter().map(row).collect(),
        note: Some("A trial that was ended early shows what it had reached by then.".into()),
    }
}

fn failures(searched: &Searched) -> Table {
    let row = |t: &Trial| Some(vec![(t.number + 1).to_string(), t.problem.clone()?]);
    let header = vec!["Trial".into(), "Why".into()];
    Table { title: "Not trained".into(), header, rows: searched.trials.iter().filter_map(row).collect(), note: None }
}
