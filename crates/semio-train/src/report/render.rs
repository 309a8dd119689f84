use std::{fmt::Write, path::Path};

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};

use semio_model::GroupKind;

use super::{
    Example, LeftOut, Maps, PartUse, Report, leak, overfitting_remark, shortcuts,
    subgroups::{self, SubgroupTable},
    tables::{self, Notes, Row},
    words,
};
use crate::language::{Language, banner, say};
use crate::plot::{
    LearningCurves, class_distribution, confusion_matrix, inline, learning_curves, precision_recall_plot,
    reliability_plot, risk_coverage_plot, roc_plot, style_sheet,
};

/// With more classes, matrix and curves are too large to read.
const MOST_CLASSES: usize = 40;
/// Bytes of thumbnails that a report takes in, so that it stays under 5 MB with the rest.
const THUMBNAILS: usize = 3_000_000;
/// File names shown of those left out for one reason.
const NAMES: usize = 20;

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A thumbnail is no PNG file.
    #[error("the thumbnail of {file} is not a png file")]
    NotPng {
        /// The picture.
        file: String,
    },
    /// The page could not be put together.
    #[error("cannot write the report")]
    Template(#[from] askama::Error),
}

impl Report {
    /// Writes the page.
    ///
    /// # Errors
    /// Where a thumbnail is no PNG file.
    pub fn render(&self) -> Result<String, ReportError> {
        Ok(Page::new(self)?.render()?)
    }
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    /// Escaped for a string in CSS.
    running_head: [String; 3],
    plot_style: String,
    facts: Vec<(String, String)>,
    brief: Vec<String>,
    limits: Vec<String>,
    some_unanswered: bool,
    overall: Vec<Row>,
    averages: Vec<Row>,
    per_class: Vec<Row>,
    notes: Vec<String>,
    certainty: Vec<String>,
    certainty_figures: Vec<String>,
    intervals_words: Option<String>,
    at_site: Vec<Row>,
    leaked: Vec<Row>,
    parts_seen: Vec<Row>,
    parts_seen_words: Vec<String>,
    subgroups: Vec<SubgroupTable>,
    subgroup_words: Vec<String>,
    subgroup_notes: Vec<String>,
    folds: Vec<Row>,
    folds_words: String,
    fold_notes: Vec<String>,
    too_many_classes: Option<String>,
    matrix: Option<String>,
    roc: Vec<String>,
    precision_recall: Vec<String>,
    galleries: Vec<Gallery>,
    /// Whether maps stand beside the pictures.
    mapped: bool,
    looked: Vec<String>,
    scale: String,
    thumbnails_left_out: Option<String>,
    data_facts: Vec<(String, String)>,
    several_parts: bool,
    parts: Vec<Row>,
    distribution: String,
    left_out: Vec<LeftOutView<'a>>,
    training: Option<TrainingView>,
}

struct Gallery {
    title: String,
    none: String,
    examples: Vec<ExampleView>,
}

struct ExampleView {
    picture: Option<String>,
    map: Option<String>,
    map_alt: String,
    alt: String,
    result: String,
    truth: String,
    right: bool,
    file: String,
}

struct LeftOutView<'a> {
    count: String,
    reason: &'a str,
    files: &'a [String],
    more: Option<String>,
}

struct TrainingView {
    words: String,
    remark: Option<String>,
    curves: Option<String>,
}

impl<'a> Page<'a> {
    /// The page's fixed words: of both, those in its language.
    fn say(&self, english: &str, french: &str) -> String {
        say!(self.report.language, "{english}", "{french}")
    }

    fn new(report: &'a Report) -> Result<Self, ReportError> {
        let (e, language) = (&report.evaluation, report.language);
        let [mut notes, mut fold_notes, mut subgroup_notes] = [(); 3].map(|()| Notes::new(language));
        let bounds = report.verdict.as_ref().map(|v| &v.intervals.figures);
        let overall = tables::overall(e, bounds, &mut notes);
        let per_class = tables::per_class(&e.overall, bounds, &mut notes);
        let averages = tables::averages(&e.overall, bounds, &mut notes);
        let folds = if report.folds.is_empty() { Vec::new() } else { tables::folds(report, &mut fold_notes) };
        let verdict = report.verdict.as_ref();
        let banner = banner(language);
        let leaked = verdict.and_then(|v| v.leak.as_ref()).map(|scores| leak::rows(scores, language, &mut notes));
        let at_site = verdict.and_then(|v| v.at_site.as_ref());
        let at_site = at_site.map(|site| tables::at_site(&e.classes, site, &mut notes));
        let seen = verdict.and_then(|v| v.parts_seen.as_ref());
        let parts_seen = seen.map_or_else(Vec::new, |seen| shortcuts::rows(seen, language, &mut notes));
        let kind = verdict.map_or_else(GroupKind::default, |v| v.intervals.group_kind);
        let by_subgroup = verdict.map_or(&[][..], |v| &v.subgroups);
        let drawn = e.classes.len() <= MOST_CLASSES;
        let (roc, precision_recall) = if drawn { curves(report) } else { Default::default() };
        let (galleries, left_out) = galleries(report)?;
        Ok(Self {
            report,
            running_head: [&report.model.name, &report.created, &banner].map(|text| css_string(text)),
            plot_style: style_sheet(),
            facts: facts(report),
            brief: words::brief(report),
            limits: words::limits(report),
            some_unanswered: e.selective.n != e.overall.n,
            overall,
            averages,
            per_class,
            notes: notes.words(),
            certainty: report
                .verdict
                .as_ref()
                .map_or_else(Vec::new, |v| words::certainty(v, report.coverage, language)),
            certainty_figures: (report.verdict.as_ref()).and_then(|v| v.calibration.as_ref()).map_or_else(
                Vec::new,
                |c| {
                    let reliability = reliability_plot(&c.equal_mass.bins, c.equal_width.ece, e.overall.n, language);
                    let answered = risk_coverage_plot(&c.risk_coverage, e.overall.n, language);
                    [reliability, answered].iter().map(|svg| inline(svg)).collect()
                },
            ),
            intervals_words: report.verdict.as_ref().map(|v| words::intervals(v, e.overall.n, language)),
            at_site: at_site.unwrap_or_default(),
            leaked: leaked.unwrap_or_default(),
            parts_seen,
            parts_seen_words: seen.map_or_else(Vec::new, |seen| shortcuts::words(seen, language)),
            subgroups: subgroups::tables(by_subgroup, language, &mut subgroup_notes),
            subgroup_words: subgroups::words(by_subgroup, e.classes.len() == 2, kind, language),
            subgroup_notes: subgroup_notes.words(),
            folds,
            folds_words: words::folds(report),
            fold_notes: fold_notes.words(),
            too_many_classes: (!drawn).then(|| words::too_many_classes(e.classes.len(), language)),
            matrix: drawn.then(|| inline(&confusion_matrix(&e.classes, &e.overall.confusion_matrix, language))),
            roc,
            precision_recall,
            galleries,
            mapped: matches!(report.examples.maps, Some(Maps::Shown { .. })),
            looked: words::looked(report),
            scale: map_colors(),
            thumbnails_left_out: (left_out > 0).then(|| words::thumbnails_left_out(left_out, language)),
            data_facts: data_facts(report),
            several_parts: report.data.parts.len() > 1,
            parts: tables::parts(report),
            distribution: if drawn {
                inline(&class_distribution(&e.classes, &report.data.parts, language))
            } else {
                String::new()
            },
            left_out: report.data.left_out.iter().map(|l| left_out_view(l, language)).collect(),
            training: training(report),
        })
    }
}

fn facts(report: &Report) -> Vec<(String, String)> {
    let (model, language) = (&report.model, report.language);
    let mut out = vec![
        (say!(language, "Model", "Modèle"), model.name.clone()),
        (say!(language, "Architecture", "Architecture"), model.architecture.clone()),
    ];
    let mut add = |name: String, value: Option<String>| out.extend(value.map(|value| (name, value)));
    add(say!(language, "Parameters", "Paramètres"), model.parameters.map(|n| language.count(n)));
    add(say!(language, "Input", "Entrée"), model.input.clone());
    add(say!(language, "Classes", "Classes"), Some(report.evaluation.classes.join(", ")));
    add(say!(language, "Class given", "Classe donnée"), model.rule.clone());
    add(say!(language, "Intended use", "Usage prévu"), model.intended_use.clone());
    add(say!(language, "Weights (SHA-256)", "Poids (SHA-256)"), model.hash.clone());
    let made = format!("{}, {}", report.created, report.program);
    add(say!(language, "Report made", "Rapport établi"), Some(made));
    out
}

fn data_facts(report: &Report) -> Vec<(String, String)> {
    let (data, language) = (&report.data, report.language);
    let mut out = vec![(say!(language, "Data", "Données"), data.name.clone())];
    let mut add = |name: String, value: Option<String>| out.extend(value.map(|value| (name, value)));
    add(say!(language, "Table (SHA-256)", "Table (SHA-256)"), data.hash.clone());
    let part = (data.part_use != PartUse::CrossValidation && !data.part.is_empty()).then(|| data.part.clone());
    add(say!(language, "Part judged", "Partie jugée"), part);
    add(say!(language, "Split", "Découpage"), report.split.as_ref().map(|s| s.how.clone()));
    add(
        say!(language, "Groups", "Groupes"),
        report.split.as_ref().map(|s| words::groups(s.groups, s.group_kind, language)),
    );
    let leak = leak::sentences(data, language);
    add(say!(language, "Leaks", "Fuites"), (!leak.is_empty()).then(|| leak.join(" ")));
    out
}

/// ROC and precision-recall figures; with two classes the ROC curve of the first would only mirror the second's.
fn curves(report: &Report) -> (Vec<String>, Vec<String>) {
    let figures = &report.evaluation.overall;
    let two = report.evaluation.classes.len() == 2;
    let (mut roc, mut precision_recall) = (Vec::new(), Vec::new());
    for (place, curves) in report.curves.iter().enumerate() {
        let Some(class) = figures.per_class.get(&curves.class) else { continue };
        if let (Ok(points), Ok(auc), true) = (&curves.roc, class.roc_auc, !two || place == 1) {
            roc.push(inline(&roc_plot(&curves.class, points, auc, class.support, figures.n, report.language)));
        }
        if let (Ok(points), Ok(area)) = (&curves.precision_recall, class.pr_auc) {
            precision_recall.push(inline(&precision_recall_plot(
                &curves.class,
                points,
                area,
                class.support,
                figures.n,
                report.language,
            )));
        }
    }
    (roc, precision_recall)
}

/// The examples, and how many thumbnails found no room.
fn galleries(report: &Report) -> Result<(Vec<Gallery>, u64), ReportError> {
    let (examples, language) = (&report.examples, report.language);
    let kinds = [
        (
            say!(language, "Right, typical", "Justes, typiques"),
            say!(language, "No picture was given its true class.", "Aucune image n’a reçu sa vraie classe."),
            &examples.hits,
        ),
        (
            say!(language, "Wrong, with the highest scores", "Fausses, aux scores les plus élevés"),
            say!(language, "Every picture was given its true class.", "Toutes les images ont reçu leur vraie classe."),
            &examples.misses,
        ),
        (
            say!(language, "Most doubtful", "Les plus incertaines"),
            say!(language, "No picture is left to show.", "Il ne reste aucune image à montrer."),
            &examples.doubtful,
        ),
    ];
    if kinds.iter().all(|(.., list)| list.is_empty()) {
        return Ok((Vec::new(), 0));
    }
    let (mut room, mut left_out) = (THUMBNAILS, 0);
    let galleries = kinds
        .into_iter()
        .map(|(title, none, list)| {
            let views = list.iter().map(|e| example(e, language, &mut room, &mut left_out));
            Ok(Gallery { title, none, examples: views.collect::<Result<_, ReportError>>()? })
        })
        .collect::<Result<_, ReportError>>()?;
    Ok((galleries, left_out))
}

fn example(
    example: &Example,
    language: Language,
    room: &mut usize,
    left_out: &mut u64,
) -> Result<ExampleView, ReportError> {
    let mut inlined = |png: &Option<Vec<u8>>| match png {
        Some(png) if !png.starts_with(b"\x89PNG\r\n\x1a\n") => Err(ReportError::NotPng { file: example.file.clone() }),
        Some(png) if png.len() > *room => {
            *left_out += 1;
            Ok(None)
        }
        Some(png) => {
            *room -= png.len();
            Ok(Some(format!("data:image/png;base64,{}", STANDARD.encode(png))))
        }
        None => Ok(None),
    };
    let (picture, map) = (inlined(&example.png)?, inlined(&example.map)?);
    let file = own_name(&example.file);
    Ok(ExampleView {
        picture,
        map,
        map_alt: words::map(&file, language),
        alt: words::thumbnail(&file, language),
        result: words::example(&example.given, example.probability, example.outcome, language),
        truth: example.truth.clone(),
        right: example.truth == example.given,
        file,
    })
}

/// A file's name with its folder's: where on a machine the rest lies, a reader has no use for.
fn own_name(file: &str) -> String {
    let path = Path::new(file);
    if path.is_relative() {
        return file.to_owned();
    }
    let own = [path.parent().and_then(Path::file_name), path.file_name()];
    own.into_iter().flatten().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

fn left_out_view(left_out: &LeftOut, language: Language) -> LeftOutView<'_> {
    let shown = left_out.files.len().min(NAMES);
    let hidden = left_out.count.saturating_sub(shown as u64);
    LeftOutView {
        count: language.count(left_out.count),
        reason: &left_out.reason,
        files: &left_out.files[..shown],
        more: (shown > 0 && hidden > 0).then(|| language.count(hidden)),
    }
}

fn training(report: &Report) -> Option<TrainingView> {
    report.training.as_ref().map(|t| TrainingView {
        words: words::training(t.history.len(), t.best_epoch, &t.stopping, report.language),
        remark: overfitting_remark(&t.history, t.best_epoch, report.language),
        curves: (!t.history.is_empty()).then(|| {
            inline(&learning_curves(&LearningCurves {
                epochs: &t.history,
                best_epoch: t.best_epoch,
                training_pictures: t.training_pictures,
                validation_pictures: t.validation_pictures,
                language: report.language,
            }))
        }),
    })
}

/// The colours of maps, from nothing to most, as CSS.
fn map_colors() -> String {
    let color = |i: u8| {
        let [r, g, b] = semio_model::explain::map_color(f32::from(i) / 8.0);
        format!("rgb({r} {g} {b})")
    };
    (0..=8).map(color).collect::<Vec<_>>().join(",")
}

/// Makes any text safe between the quotes of a CSS string inside `<style>`.
pub(crate) fn css_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || c == ' ' {
            out.push(c);
        } else {
            let _ = write!(out, "\\{:06x} ", c as u32);
        }
    }
    out
}
