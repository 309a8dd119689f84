use super::{Report, words};
use crate::{
    AtSite,
    language::{Language, say},
};
use semio_stats::{
    Averages, Bounded, ClassFigures, Evaluation, Figures, Interval, Metric, MicroAverages, PartFigures, Undefined,
};

/// One cell; an undefined metric is a dash with the number of its footnote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    /// Its interval, which stands below.
    pub(super) bounds: Option<String>,
    pub(super) note: Option<usize>,
}

impl Cell {
    pub(super) fn plain(text: String) -> Self {
        Self { text, bounds: None, note: None }
    }
}

/// A table row with its heading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

impl Row {
    /// Pictures, groups, accuracy, area and sensitivity of a part.
    pub(super) fn of_part(name: String, figures: &PartFigures, notes: &mut Notes) -> Self {
        let language = notes.language;
        let plain = |n: usize| Cell::plain(language.count(n as u64));
        let cells = vec![
            plain(figures.n),
            plain(figures.groups),
            notes.bounded(&figures.accuracy, true),
            notes.bounded(&figures.roc_auc, false),
            notes.bounded(&figures.sensitivity, true),
        ];
        Self { name, cells }
    }
}

/// The reasons of undefined metrics, each once, in the order in which they are met.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    language: Language,
    reasons: Vec<Undefined>,
}

impl Notes {
    pub(super) fn new(language: Language) -> Self {
        Self { language, reasons: vec![] }
    }

    /// The reasons in words, the first being number 1.
    pub(super) fn words(&self) -> Vec<String> {
        self.reasons.iter().map(|r| words::undefined(*r, self.language)).collect()
    }

    fn cell(&mut self, metric: Metric, write: impl Fn(f64) -> String) -> Cell {
        match metric {
            Ok(value) => Cell::plain(write(value)),
            Err(reason) => {
                let place = self.reasons.iter().position(|r| *r == reason).unwrap_or_else(|| {
                    self.reasons.push(reason);
                    self.reasons.len() - 1
                });
                Cell { text: "–".to_owned(), bounds: None, note: Some(place + 1) }
            }
        }
    }

    fn percent(&mut self, metric: Metric) -> Cell {
        let language = self.language;
        self.cell(metric, |v| language.percent(v))
    }

    fn area(&mut self, metric: Metric) -> Cell {
        let language = self.language;
        self.cell(metric, |v| language.area(v))
    }

    fn number(&mut self, metric: Metric) -> Cell {
        let language = self.language;
        self.cell(metric, |v| language.decimal(v, 3))
    }

    /// The share of right pictures with its counts.
    fn accuracy(&mut self, f: &Figures<Metric>) -> Cell {
        let language = self.language;
        self.cell(f.accuracy, |_| words::share(words::correct(&f.confusion_matrix), f.n, language))
    }

    /// A figure with its interval in one cell.
    fn bounded(&mut self, figure: &Bounded, percents: bool) -> Cell {
        let language = self.language;
        let write = |v: f64| if percents { language.percent(v) } else { language.area(v) };
        let mut cell = self.cell(figure.value, write);
        if let Some(Interval { low, high }) = figure.interval {
            let end = |v: f64| if percents { language.decimal(100.0 * v, 1) } else { language.decimal(v, 3) };
            cell.bounds = Some(language.between(&end(low), &end(high)));
        }
        cell
    }
}

/// The metrics of the whole; with unanswered pictures, a second column for the answered ones.
pub(super) fn overall(e: &Evaluation, bounds: Option<&Figures<Option<Interval>>>, notes: &mut Notes) -> Vec<Row> {
    let language = notes.language;
    let sets: Vec<&Figures<Metric>> =
        if e.selective.n == e.overall.n { vec![&e.overall] } else { vec![&e.overall, &e.selective] };
    let mut row = |name: String, cell: fn(&mut Notes, &Figures<Metric>) -> Cell| {
        let cells = sets.iter().map(|f| cell(notes, f)).collect();
        Row { name, cells }
    };
    let mut rows = vec![
        row(say!(language, "Accuracy", "Exactitude"), Notes::accuracy),
        row(say!(language, "Balanced accuracy", "Exactitude équilibrée"), |notes, f| {
            notes.percent(f.balanced_accuracy)
        }),
        row("ROC-AUC".into(), |notes, f| notes.area(f.roc_auc)),
        row(say!(language, "PR-AUC (average precision)", "PR-AUC (précision moyenne)"), |notes, f| {
            notes.area(f.pr_auc)
        }),
        row(say!(language, "Log loss", "Perte logarithmique"), |notes, f| notes.number(f.log_loss)),
        row(say!(language, "Cohen's kappa", "Kappa de Cohen"), |notes, f| notes.number(f.kappa)),
        row(say!(language, "Matthews' correlation", "Corrélation de Matthews"), |notes, f| notes.number(f.mcc)),
    ];
    if let Some(b) = bounds {
        let figures = [b.accuracy, b.balanced_accuracy, b.roc_auc, b.pr_auc, b.log_loss, b.kappa, b.mcc];
        for (place, (row, interval)) in rows.iter_mut().zip(figures).enumerate() {
            let write = |v: f64| if place < 2 { language.percent(v) } else { language.decimal(v, 3) };
            let between = |i: Interval| language.between(&write(i.low), &write(i.high));
            row.cells.insert(1, Cell::plain(interval.map_or_else(|| "–".to_owned(), between)));
        }
    }
    rows
}

/// The averages over the classes.
pub(super) fn averages(f: &Figures<Metric>, bounds: Option<&Figures<Option<Interval>>>, notes: &mut Notes) -> Vec<Row> {
    fn of<T: Copy>(a: &Averages<T>) -> [T; 5] {
        [a.recall, a.specificity, a.precision, a.npv, a.f1]
    }
    fn micro<T: Copy>(a: &MicroAverages<T>) -> [T; 5] {
        [a.recall, a.specificity, a.precision, a.npv, a.f1]
    }
    let language = notes.language;
    let mut row = |name: String, metrics: [Metric; 5], bounds: Option<[Option<Interval>; 5]>| {
        let cells = metrics.into_iter().zip(bounds.unwrap_or_default());
        Row { name, cells: cells.map(|(value, interval)| notes.bounded(&Bounded { value, interval }, true)).collect() }
    };
    vec![
        row(
            say!(language, "Macro (each class counts the same)", "Macro (chaque classe compte autant)"),
            of(&f.macro_average),
            bounds.map(|b| of(&b.macro_average)),
        ),
        row(
            say!(language, "Weighted (by pictures)", "Pondérée (par images)"),
            of(&f.weighted),
            bounds.map(|b| of(&b.weighted)),
        ),
        row(
            say!(language, "Micro (all decisions pooled)", "Micro (toutes décisions réunies)"),
            micro(&f.micro),
            bounds.map(|b| micro(&b.micro)),
        ),
    ]
}

/// One row a class, each figure with its interval where there are intervals.
pub(super) fn per_class(
    f: &Figures<Metric>,
    bounds: Option<&Figures<Option<Interval>>>,
    notes: &mut Notes,
) -> Vec<Row> {
    let language = notes.language;
    let hits = |class: usize| f.confusion_matrix.get(class).and_then(|row| row.get(class)).copied().unwrap_or(0);
    let rows = f.per_class.iter().enumerate();
    rows.map(|(class, (name, c)): (usize, (&String, &ClassFigures<Metric>))| {
        let bounds = bounds.and_then(|b| b.per_class.get(name));
        let cell = |notes: &mut Notes, value: Metric, interval: Option<Option<Interval>>, percents: bool| {
            notes.bounded(&Bounded { value, interval: interval.flatten() }, percents)
        };
        let cells = vec![
            Cell::plain(language.count(c.support)),
            match bounds.and_then(|b| b.recall) {
                // Counts say how rough it is where no interval does.
                None => notes.cell(c.recall, |_| words::share(hits(class), c.support, language)),
                interval => notes.bounded(&Bounded { value: c.recall, interval }, true),
            },
            cell(notes, c.specificity, bounds.map(|b| b.specificity), true),
            cell(notes, c.precision, bounds.map(|b| b.precision), true),
            cell(notes, c.npv, bounds.map(|b| b.npv), true),
            cell(notes, c.f1, bounds.map(|b| b.f1), true),
            cell(notes, c.roc_auc, bounds.map(|b| b.roc_auc), false),
            cell(notes, c.pr_auc, bounds.map(|b| b.pr_auc), false),
        ];
        Row { name: name.clone(), cells }
    })
    .collect()
}

/// One row a class: its frequency at the place, and what an answer for it or against it is worth there.
pub(super) fn at_site(classes: &[String], site: &AtSite, notes: &mut Notes) -> Vec<Row> {
    let language = notes.language;
    let rows = classes.iter().zip(&site.prevalence).zip(&site.predictive_values);
    rows.map(|((class, share), values)| Row {
        name: class.clone(),
        cells: vec![
            Cell::plain(language.percent(*share)),
            notes.percent(values.positive),
            notes.percent(values.negative),
        ],
    })
    .collect()
}

/// One row a fold, and the pooled figures last.
pub(super) fn folds(report: &Report, notes: &mut Notes) -> Vec<Row> {
    let pooled = (say!(report.language, "All, pooled", "Tous, réunis"), &report.evaluation.overall);
    let rows = report.folds.iter().map(|f| (f.name.clone(), &f.evaluation.overall)).chain([pooled]);
    rows.map(|(name, f)| Row {
        name,
        cells: vec![
            notes.accuracy(f),
            notes.percent(f.balanced_accuracy),
            notes.area(f.roc_auc),
            notes.area(f.pr_auc),
            notes.percent(f.macro_average.f1),
            notes.number(f.log_loss),
        ],
    })
    .collect()
}

/// Pictures of each class in each part, and their sums.
pub(super) fn parts(report: &Report) -> Vec<Row> {
    let (parts, language) = (&report.data.parts, report.language);
    let row = |name: String, of: &dyn Fn(&[u64]) -> u64| {
        let counts: Vec<u64> = parts.iter().map(|p| of(&p.counts)).collect();
        let sum = counts.iter().sum();
        let sum = (parts.len() > 1).then_some(sum);
        Row { name, cells: counts.into_iter().chain(sum).map(|n| Cell::plain(language.count(n))).collect() }
    };
    let classes = report.evaluation.classes.iter().enumerate();
    let classes = classes.map(|(c, name)| row(name.clone(), &|counts| counts.get(c).copied().unwrap_or(0)));
    let all = row(say!(language, "All", "Toutes"), &|counts| counts.iter().sum());
    classes.chain([all]).collect()
}
