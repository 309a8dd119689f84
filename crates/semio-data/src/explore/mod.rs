//! What a data set looks like before anything is learnt from it.
//!
//! [`explore`] reads every picture once, keeps some 550 bytes of each, and gives an [`Exploration`]: counts, sizes,
//! brightness, metadata, duplicates, leaks between parts, pictures unlike the rest. [`Exploration::page`] is the same as
//! one HTML page that needs no network.

mod facts;
mod measure;
mod outliers;
mod page;
mod plot;
mod sheet;
mod statistics;
mod warnings;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rayon::prelude::*;
use serde::Serialize;

use crate::{
    leak::{self, LeakReport},
    likeness::{self, Fingerprint},
    manifest::{Sample, Split},
    raster::ReadLimits,
};

pub use facts::{Ages, Count, Crosstab, Missing, SizeCount};
use measure::Measured;
pub use outliers::Outlier;
pub use page::PageError;
use sheet::Thumbnails;
pub use statistics::Spread;

/// What to explore and how.
#[derive(Clone, Debug)]
pub struct ExploreOptions {
    /// The further column that says where a picture comes from; without one, `source` and the like are taken, and else
    /// the manufacturer of a DICOM file's device.
    pub source_column: Option<String>,
    /// What a file may ask for.
    pub limits: ReadLimits,
    /// Pictures in each class's contact sheet.
    pub thumbnails: usize,
}

impl Default for ExploreOptions {
    fn default() -> Self {
        Self { source_column: None, limits: ReadLimits::default(), thumbnails: 24 }
    }
}

/// A file that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// How the manifest spells it.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Groups of pictures that are alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Duplicates {
    /// Groups of pictures with the same samples.
    pub exact_groups: usize,
    /// Pictures that could go: all of these groups but one each.
    pub exact_surplus: usize,
    /// Groups of pictures that are nearly the same (and not all the same).
    pub near_groups: usize,
    /// Pictures in them.
    pub near_pictures: usize,
    /// Groups of either kind whose pictures have different classes.
    pub contradictory_groups: usize,
    /// The groups of the same pictures by name, the first thousand.
    pub exact: Vec<Vec<String>>,
    /// The groups of nearly the same pictures by name, the first thousand.
    pub near: Vec<Vec<String>>,
}

/// How much the parts know of each other, in figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leaks {
    /// Patients in more than one part; `None` where patients are unknown.
    pub patients: Option<usize>,
    /// Groups of the same picture in more than one part.
    pub exact_groups: usize,
    /// Groups of nearly the same picture in more than one part.
    pub near_groups: usize,
    /// Of each part but training: pictures, and those known to the parts before it.
    pub parts: BTreeMap<Split, LeakOfPart>,
}

/// How much of one part is known to the parts before it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeakOfPart {
    /// Pictures.
    pub pictures: usize,
    /// Those known by patient, duplicate or near duplicate.
    pub touched: usize,
    /// Their share, 0 to 1.
    pub share: f64,
    /// Their names, the first thousand.
    pub files: Vec<String>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Exploration {
    /// The data set's name.
    pub name: String,
    /// Pictures in the list.
    pub pictures: usize,
    /// Those that can be read.
    pub readable: usize,
    /// Those that cannot.
    pub unreadable: Vec<Unreadable>,
    /// Patients; `None` where unknown.
    pub patients: Option<usize>,
    /// Pictures a class.
    pub classes: Vec<Count>,
    /// Classes by part; `None` without parts.
    pub by_split: Option<Crosstab>,
    /// Classes by source; `None` where the source is unknown.
    pub by_source: Option<Crosstab>,
    /// Columns and rows.
    pub sizes: Vec<SizeCount>,
    /// File formats.
    pub formats: Vec<Count>,
    /// Bits a sample that are used.
    pub bits: Vec<Count>,
    /// Samples a pixel.
    pub channels: Vec<Count>,
    /// Mean brightness of a picture, 0 (black) to 1 (white), by class.
    pub brightness: BTreeMap<String, Spread>,
    /// Standard deviation of the brightness within a picture, by class.
    pub contrast: BTreeMap<String, Spread>,
    /// Mean brightness by source.
    pub brightness_by_source: BTreeMap<String, Spread>,
    /// Standard deviation by source.
    pub contrast_by_source: BTreeMap<String, Spread>,
    /// Patient's sex by class, `unknown` where it is absent.
    pub sex: Option<Crosstab>,
    /// Ages in tens of years by sex.
    pub ages: Option<Ages>,
    /// Views by class.
    pub views: Option<Crosstab>,
    /// Empty values by column.
    pub missing: Vec<Missing>,
    /// Pictures that are alike.
    pub duplicates: Duplicates,
    /// What the parts know of each other; `None` without parts.
    pub leaks: Option<Leaks>,
    /// Pictures unlike the rest of their class, the most unlike first.
    pub outliers: Vec<Outlier>,
    /// What to look at before training, in words.
    pub warnings: Vec<String>,
    /// Whether there is trouble: unreadable files, contradictory duplicates, or parts that know each other.
    pub trouble: bool,
    #[serde(skip)]
    thumbnails: Thumbnails,
}

/// Reads all pictures and describes them.
///
/// `columns` are the names of the samples' further values. `progress` hears how many pictures are read. Memory grows by
/// some 550 bytes a picture and holds one decoded picture a thread.
pub fn explore(
    name: &str,
    samples: &[Sample],
    columns: &[String],
    options: &ExploreOptions,
    progress: &(dyn Fn(usize) + Sync),
) -> Exploration {
    let done = AtomicUsize::new(0);
    let chosen = sheet::choose(samples, options.thumbnails);
    let thumbnails = Mutex::new(Thumbnails::default());
    let read = |(place, sample): (usize, &Sample)| {
        let measured = measure::measure(sample, &options.limits, |image| {
            if chosen.contains(&place)
                && let Some(jpeg) = sheet::thumbnail(image)
            {
                thumbnails.lock().unwrap_or_else(PoisonError::into_inner).insert(place, jpeg);
            }
        });
        progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        measured
    };
    let measured: Vec<Result<Measured, String>> = samples.par_iter().enumerate().map(read).collect();
    let thumbnails = thumbnails.into_inner().unwrap_or_else(PoisonError::into_inner);
    describe(name, samples, columns, options, &measured, thumbnails)
}

fn describe(
    name: &str,
    samples: &[Sample],
    columns: &[String],
    options: &ExploreOptions,
    measured: &[Result<Measured, String>],
    mut thumbnails: Thumbnails,
) -> Exploration {
    let table = facts::Table::new(samples, columns, measured, options.source_column.as_deref());
    let fingerprints: Vec<Option<Fingerprint>> =
        measured.iter().map(|m| m.as_ref().ok().map(|m| m.fingerprint)).collect();
    let exact = likeness::exact(&fingerprints);
    let near = likeness::near(samples, &fingerprints, &options.limits);
    let alike = likeness::groups(samples.len(), &exact, &near);
    let unreadable: Vec<Unreadable> = samples
        .iter()
        .zip(measured)
        .filter_map(|(s, m)| Some(Unreadable { file: s.name.clone(), reason: m.as_ref().err()?.clone() }))
        .collect();
    let report = leak::compare(samples, &exact, &alike);
    let outliers = outliers::find(samples, measured);
    for outlier in &outliers {
        if let Some(jpeg) = sheet::read_thumbnail(&samples[outlier.place], &options.limits) {
            thumbnails.insert(outlier.place, jpeg);
        }
    }
    let duplicates = duplicates(samples, &exact, &alike);
    for place in alike.iter().take(sheet::GROUPS).flat_map(|group| group.iter().take(sheet::MEMBERS)) {
        if let Some(jpeg) = sheet::read_thumbnail(&samples[*place], &options.limits) {
            thumbnails.insert(*place, jpeg);
        }
    }
    thumbnails.lay(samples, &alike, &outliers, options.thumbnails);
    let mut found = Exploration {
        name: name.to_owned(),
        pictures: samples.len(),
        readable: samples.len() - unreadable.len(),
        unreadable,
        patients: table.patients(),
        classes: table.classes(),
        by_split: table.by_split(),
        by_source: table.by_source(),
        sizes: table.sizes(),
        formats: table.counts(|m| m.format.to_owned()),
        bits: table.counts(|m| m.bits.to_string()),
        channels: table.counts(|m| m.channels.to_string()),
        brightness: table.spreads(|m| m.brightness, false),
        contrast: table.spreads(|m| m.contrast, false),
        brightness_by_source: table.spreads(|m| m.brightness, true),
        contrast_by_source: table.spreads(|m| m.contrast, true),
        sex: table.sex(),
        ages: table.ages(),
        views: table.views(),
        missing: table.missing(),
        duplicates,
        leaks: leak_figures(samples, &report),
        outliers,
        warnings: vec![],
        trouble: false,
        thumbnails,
    };
    found.warnings = warnings::of(&found, &table);
    found.trouble = !found.unreadable.is_empty() || found.duplicates.contradictory_groups > 0 || !report.is_clean();
    found
}

/// Names that are listed in JSON at most.
const LISTED: usize = 1000;

fn duplicates(samples: &[Sample], exact: &[Vec<usize>], alike: &[Vec<usize>]) -> Duplicates {
    let names = |group: &Vec<usize>| group.iter().map(|&i| samples[i].name.clone()).collect();
    let near: Vec<&Vec<usize>> = alike.iter().filter(|group| !exact.contains(group)).collect();
    let differs = |group: &&Vec<usize>| {
        let mut labels = group.iter().filter_map(|&i| samples[i].label.as_ref());
        labels.next().is_some_and(|first| labels.any(|label| label != first))
    };
    Duplicates {
        exact_groups: exact.len(),
        exact_surplus: exact.iter().map(|group| group.len() - 1).sum(),
        near_groups: near.len(),
        near_pictures: near.iter().map(|group| group.len()).sum(),
        contradictory_groups: alike.iter().filter(differs).count(),
        exact: exact.iter().take(LISTED).map(names).collect(),
        near: near.iter().take(LISTED).map(|group| names(group)).collect(),
    }
}

fn leak_figures(samples: &[Sample], report: &LeakReport) -> Option<Leaks> {
    samples.iter().any(|sample| sample.split.is_some()).then(|| Leaks {
        patients: report.patients,
        exact_groups: report.exact.len(),
        near_groups: report.near.len(),
        parts: report
            .parts
            .iter()
            .map(|(&split, part)| {
                let files = part.touched.iter().take(LISTED).map(|t| samples[t.sample].name.clone()).collect();
                let (pictures, touched) = (part.pictures, part.touched.len());
                (split, LeakOfPart { pictures, touched, share: part.share(), files })
            })
            .collect(),
    })
}
