use super::{Comparison, Standing};
use crate::{
    dataset::Dataset,
    plot::{IntervalRow, Point, count, decimal, inline, interval_plot, percent, scatter_plot},
    report::ReportError,
    survey::{BANNER, Survey, Table},
};
use semio_stats::Interval;

/// The comparison as one page.
pub(super) fn page(comparison: &Comparison, dataset: &Dataset, today: &str) -> Result<String, ReportError> {
    let judged: Vec<&Standing> = comparison.standings.iter().filter(|s| s.failed.is_none()).collect();
    let interval = |i: Option<Interval>| i.map(|i| (i.low, i.high));
    let rows: Vec<IntervalRow<'_>> = judged
        .iter()
        .filter_map(|s| Some(IntervalRow { name: &s.name, value: s.roc_auc?, interval: interval(s.roc_auc_interval) }))
        .collect();
    let ranking = (!rows.is_empty())
        .then(|| inline(&interval_plot("Area under the ROC curve", "validation part, 95 % intervals", &rows)));
    let against = |x: fn(&Standing) -> f64| -> Vec<Point<'_>> {
        judged.iter().filter_map(|s| Some(Point { name: &s.name, x: x(s), y: s.accuracy? })).collect()
    };
    let speed = against(|s| s.pictures_per_second);
    let size = against(|s| s.parameters as f64 / 1e6);
    let mut figures = vec![];
    if speed.len() > 1 {
        let plot =
            scatter_plot("Accuracy and speed", ["pictures a second, predicted on this machine", "accuracy"], &speed);
        figures.push(("Accuracy and speed", inline(&plot)));
        let plot = scatter_plot("Accuracy and size", ["million parameters", "accuracy"], &size);
        figures.push(("Accuracy and size", inline(&plot)));
    }
    let mut tables = vec![quality(&judged), cost(&judged), by_class(&judged, dataset)];
    tables.retain(|t| !t.rows.is_empty());
    tables.extend(failures(comparison));
    let pictures = judged.first().map_or(0, |s| s.pictures);
    Survey {
        title: format!("{} networks for {}", comparison.standings.len(), dataset.classes.join(" / ")),
        running_head: ["Comparison".into(), today.into(), BANNER.into()],
        plot_style: String::new(),
        facts: vec![
            ("Made", format!("{today}, semio {}", env!("CARGO_PKG_VERSION"))),
            ("Data", dataset.report.source.display().to_string()),
            ("Data's SHA-256", dataset.sha256.clone()),
            ("Judged on", format!("the validation part, {} pictures", count(pictures))),
            (
                "Groups (patients)",
                match dataset.groups {
                    None => "unknown: pictures of one patient may stand in two parts".into(),
                    Some((groups, 0)) => format!("{} groups, none of them divided", count(groups as u64)),
                    Some((groups, divided)) => format!("{divided} of {groups} groups have pictures in several parts"),
                },
            ),
        ],
        brief: brief(&judged),
        ranked_by: "Ranking",
        ranking,
        tables,
        figures,
        limits: limits(&judged),
    }
    .page()
}

fn brief(judged: &[&Standing]) -> Vec<String> {
    let Some(best) = judged.first() else {
        return vec!["No network could be trained; the table below says why.".into()];
    };
    let auc = |s: &Standing| s.roc_auc.map_or_else(|| "undefined".into(), |v| decimal(v, 3));
    let mut said = vec![format!(
        "Of {} networks {} has the largest area under the ROC curve, {}, with an accuracy of {}.",
        judged.len(),
        best.name,
        auc(best),
        best.accuracy.map_or_else(|| "–".into(), percent),
    )];
    // Those whose interval reaches the best one's figure cannot be told from it.
    let level: Vec<&str> = judged[1..]
        .iter()
        .filter(|s| s.roc_auc_interval.zip(best.roc_auc).is_some_and(|(i, v)| i.high >= v))
        .map(|s| s.name.as_str())
        .collect();
    match level.as_slice() {
        [] => {}
        [one] => said.push(format!(
            "The interval of {one} reaches that figure too: on these pictures the two cannot be told apart by it."
        )),
        _ => said.push(format!(
            "The intervals of {} further networks reach that figure: {}. On these pictures they cannot be told apart by it.",
            level.len(),
            level.join(", ")
        )),
    }
    let small = judged
        .iter()
        .filter(|s| s.accuracy.zip(best.accuracy).is_some_and(|(a, b)| a >= b - 0.01))
        .max_by(|a, b| a.pictures_per_second.total_cmp(&b.pictures_per_second));
    if let Some(fast) = small.filter(|s| s.name != best.name) {
        said.push(format!(
            "Within one percentage point of its accuracy, {} is the fastest: {} pictures a second, where {} reads {}.",
            fast.name,
            count(fast.pictures_per_second.round() as u64),
            best.name,
            count(best.pictures_per_second.round() as u64),
        ));
    }
    said
}

fn limits(judged: &[&Standing]) -> Vec<String> {
    let mut said = vec![
        "The validation part chose each network's best epoch, and the best of many networks is chosen by it here: the winner's figure is too good. Judge the one you take on pictures that nobody tuned on (semio evaluate … --split test).".to_owned(),
        "Intervals are 95 % percentile bootstrap intervals over groups (patients) where groups are known, over pictures where not; each class keeps its number of groups. They tell nothing about another seed or another training.".to_owned(),
    ];
    if judged.iter().any(|s| s.epochs[0] != judged[0].epochs[0]) {
        said.push("The networks were not trained for the same number of epochs.".into());
    }
    said
}

fn share(value: Option<f64>, interval: Option<Interval>) -> String {
    let value = value.map_or_else(|| "–".into(), percent);
    match interval {
        Some(i) => format!("{value} ({} to {})", decimal(100.0 * i.low, 1), decimal(100.0 * i.high, 1)),
        None => value,
    }
}

fn quality(judged: &[&Standing]) -> Table {
    let area = |s: &Standing| match (s.roc_auc, s.roc_auc_interval) {
        (Some(v), Some(i)) => format!("{} ({} to {})", decimal(v, 3), decimal(i.low, 3), decimal(i.high, 3)),
        (Some(v), None) => decimal(v, 3),
        _ => "–".into(),
    };
    let row = |s: &&Standing| {
        vec![
            s.name.clone(),
            area(s),
            share(s.accuracy, s.accuracy_interval),
            share(s.balanced_accuracy, None),
            s.macro_f1.map_or_else(|| "–".into(), |v| decimal(v, 3)),
            format!("{} of {}", s.epochs[1], s.epochs[0]),
        ]
    };
    let header = ["Network", "ROC-AUC (95 %)", "Accuracy (95 %)", "Balanced accuracy", "Macro F1", "Epoch kept"];
    Table {
        title: "Figures",
        header: header.map(str::to_owned).to_vec(),
        rows: judged.iter().map(row).collect(),
        note: None,
    }
}

fn cost(judged: &[&Standing]) -> Table {
    let row = |s: &&Standing| {
        vec![
            s.name.clone(),
            format!("{0} × {0}", s.image_size),
            decimal(s.parameters as f64 / 1e6, 2),
            decimal(s.multiply_adds as f64 / 1e9, 2),
            decimal(s.training_seconds / 60.0, 1),
            count(s.training_mebibytes),
            count(s.pictures_per_second.round() as u64),
        ]
    };
    let header = [
        "Network",
        "Pixels",
        "Parameters, millions",
        "Multiply-adds a picture, 10⁹",
        "Training, minutes",
        "Training memory, MiB",
        "Pictures a second",
    ];
    let note = "Training memory is an estimate for a step in which every layer learns. Pictures a second: prediction of 8 at once on this machine, without reading files.";
    Table {
        title: "Cost",
        header: header.map(str::to_owned).to_vec(),
        rows: judged.iter().map(row).collect(),
        note: Some(note.into()),
    }
}

fn by_class(judged: &[&Standing], dataset: &Dataset) -> Table {
    let figure = |s: &Standing, class: &String| {
        s.f1.get(class).copied().flatten().map_or_else(|| "–".to_owned(), |v| decimal(v, 3))
    };
    let row = |s: &&Standing| {
        std::iter::once(s.name.clone()).chain(dataset.classes.iter().map(|class| figure(s, class))).collect()
    };
    Table {
        title: "F1 by class",
        header: std::iter::once("Network".to_owned()).chain(dataset.classes.iter().cloned()).collect(),
        rows: judged.iter().map(row).collect(),
        note: Some("– means undefined: the class was neither present nor given.".into()),
    }
}

fn failures(comparison: &Comparison) -> Option<Table> {
    let rows: Vec<Vec<String>> =
        comparison.standings.iter().filter_map(|s| Some(vec![s.name.clone(), s.failed.clone()?])).collect();
    let header = vec!["Network".into(), "Why".into()];
    (!rows.is_empty()).then_some(Table { title: "Not trained", header, rows, note: None })
}
