use super::{Report, words};
use crate::plot::{count, decimal, percent};
use semio_stats::{Averages, ClassFigures, Evaluation, Figures, Interval, Metric, MicroAverages, Undefined};

/// One cell; an undefined metric is a dash with the number of its footnote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) note: Option<usize>,
}

/// A table row with its heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

/// The reasons of undefined metrics, each once, in the order in which they are met.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Vec<Undefined>);

impl Notes {
    /// The reasons in words, the first being number 1.
    pub(super) fn words(&self) -> Vec<&'static str> {
        self.0.iter().map(|r| r.words()).collect()
    }

    fn cell(&mut self, metric: Metric, write: impl Fn(f64) -> String) -> Cell {
        match metric {
            Ok(value) => Cell { text: write(value), note: None },
            Err(reason) => {
                let place = self.0.iter().position(|r| *r == reason).unwrap_or_else(|| {
                    self.0.push(reason);
                    self.0.len() - 1
                });
                Cell { text: "–".to_owned(), note: Some(place + 1) }
            }
        }
    }
}

/// The metrics of the whole; with unanswered pictures, a second column for the answered ones.
pub(super) fn overall(e: &Evaluation, bounds: Option<&Figures<Option<Interval>>>, notes: &mut Notes) -> Vec<Row> {
    let sets: Vec<&Figures<Metric>> =
        if e.selective.n == e.overall.n { vec![&e.overall] } else { vec![&e.overall, &e.selective] };
    let mut row = |name: &str, metric: fn(&Figures<Metric>) -> Metric, write: fn(&Figures<Metric>, f64) -> String| {
        let cells = sets.iter().map(|f| notes.cell(metric(f), |v| write(f, v)));
        Row { name: name.to_owned(), cells: cells.collect() }
    };
    let mut rows = vec![
        row("Accuracy", |f| f.accuracy, |f, _| words::share(words::correct(&f.confusion_matrix), f.n)),
        row("Balanced accuracy", |f| f.balanced_accuracy, |_, v| percent(v)),
        row("ROC-AUC", |f| f.roc_auc, |_, v| words::area(v)),
        row("PR-AUC (average precision)", |f| f.pr_auc, |_, v| words::area(v)),
        row("Log loss", |f| f.log_loss, |_, v| decimal(v, 3)),
        row("Cohen's kappa", |f| f.kappa, |_, v| decimal(v, 3)),
        row("Matthews' correlation", |f| f.mcc, |_, v| decimal(v, 3)),
    ];
    if let Some(b) = bounds {
        let shares = [b.accuracy, b.balanced_accuracy];
        let numbers = [b.roc_auc, b.pr_auc, b.log_loss, b.kappa, b.mcc];
        let shown = shares.map(|i| (i, percent as fn(f64) -> String)).into_iter();
        let shown = shown.chain(numbers.map(|i| (i, (|v| decimal(v, 3)) as fn(f64) -> String)));
        for (row, (interval, write)) in rows.iter_mut().zip(shown) {
            let text = interval.map_or_else(|| "–".to_owned(), |i| format!("{} to {}", write(i.low), write(i.high)));
            row.cells.insert(1, Cell { text, note: None });
        }
    }
    rows
}

/// The averages over the classes.
pub(super) fn averages(f: &Figures<Metric>, notes: &mut Notes) -> Vec<Row> {
    let mut row = |name: &str, metrics: [Metric; 5]| Row {
        name: name.to_owned(),
        cells: metrics.into_iter().map(|m| notes.cell(m, percent)).collect(),
    };
    let of = |a: &Averages<Metric>| [a.recall, a.specificity, a.precision, a.npv, a.f1];
    let micro = |a: &MicroAverages<Metric>| [a.recall, a.specificity, a.precision, a.npv, a.f1];
    vec![
        row("Macro (each class counts the same)", of(&f.macro_average)),
        row("Weighted (by pictures)", of(&f.weighted)),
        row("Micro (all decisions pooled)", micro(&f.micro)),
    ]
}

/// One row a class.
pub(super) fn per_class(f: &Figures<Metric>, notes: &mut Notes) -> Vec<Row> {
    let hits = |class: usize| f.confusion_matrix.get(class).and_then(|row| row.get(class)).copied().unwrap_or(0);
    let rows = f.per_class.iter().enumerate();
    rows.map(|(class, (name, c)): (usize, (&String, &ClassFigures<Metric>))| Row {
        name: name.clone(),
        cells: vec![
            Cell { text: count(c.support), note: None },
            notes.cell(c.recall, |_| words::share(hits(class), c.support)),
            notes.cell(c.specificity, percent),
            notes.cell(c.precision, percent),
            notes.cell(c.npv, percent),
            notes.cell(c.f1, percent),
            notes.cell(c.roc_auc, words::area),
            notes.cell(c.pr_auc, words::area),
        ],
    })
    .collect()
}

/// One row a fold, and the pooled figures last.
pub(super) fn folds(report: &Report, notes: &mut Notes) -> Vec<Row> {
    let pooled = ("All, pooled".to_owned(), &report.evaluation.overall);
    let rows = report.folds.iter().map(|f| (f.name.clone(), &f.evaluation.overall)).chain([pooled]);
    rows.map(|(name, f)| Row {
        name,
        cells: vec![
            notes.cell(f.accuracy, |_| words::share(words::correct(&f.confusion_matrix), f.n)),
            notes.cell(f.balanced_accuracy, percent),
            notes.cell(f.roc_auc, words::area),
            notes.cell(f.pr_auc, words::area),
            notes.cell(f.macro_average.f1, percent),
            notes.cell(f.log_loss, |v| decimal(v, 3)),
        ],
    })
    .collect()
}

/// Pictures of each class in each part, and their sums.
pub(super) fn parts(report: &Report) -> Vec<Row> {
    let parts = &report.data.parts;
    let row = |name: String, of: &dyn Fn(&[u64]) -> u64| {
        let counts: Vec<u64> = parts.iter().map(|p| of(&p.counts)).collect();
        let sum = counts.iter().sum();
        let sum = (parts.len() > 1).then_some(sum);
        let cells = counts.into_iter().chain(sum).map(|n| Cell { text: count(n), note: None }).collect();
        Row { name, cells }
    };
    let classes = report.evaluation.classes.iter().enumerate();
    let classes = classes.map(|(c, name)| row(name.clone(), &|counts| counts.get(c).copied().unwrap_or(0)));
    let all = row("All".to_owned(), &|counts| counts.iter().sum());
    classes.chain([all]).collect()
}
