use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use semio_data::{
    BadFile, Checked, DataHash, Manifest, ManifestError, ManifestOptions, Purpose, Ratios, ReadError, ReadLimits,
    Sample, Split, SplitError, check_files,
    leak::Alike,
    manifest::{Columns, LeftOut},
    split::{SplitReport, assign, divided_groups, split},
};
use semio_image::{Color, Image, Keep, Samples};
use semio_model::{GroupKind, Leak, Pictures, Seen};

use crate::{
    apart::apart_from,
    leak::{self, Measured},
    loader::Picture,
    recipe::{Folds, Recipe, RecipeError, pairs},
};

/// Labelled pictures, each in its part.
pub struct Dataset {
    /// The classes, in the order of the network's outputs.
    pub classes: Vec<String>,
    /// The pictures; each has a class and a part.
    pub samples: Vec<Sample>,
    /// What was read, and what was left out and why.
    pub report: semio_data::manifest::LoadReport,
    /// Files that cannot be read and were left out.
    pub unreadable: Vec<BadFile>,
    /// Who made the parts.
    pub origin: Origin,
    /// The ratios reached.
    pub split: SplitReport,
    /// Groups in all, and groups with pictures in more than one part; `None` where groups are unknown.
    pub groups: Option<(usize, usize)>,
    /// What a group is.
    pub group_kind: GroupKind,
    /// What the parts know of each other.
    pub leak: Leak,
    /// Groups of pictures that are alike, which the program's own splits keep together.
    pub alike: usize,
    /// The names of the samples' further columns. The last is `leak` where a leak was accepted.
    pub columns: Vec<String>,
    /// What each sample must stay together with, by name: its group, and what is alike.
    units: Vec<Option<String>>,
    /// SHA-256 over names, classes, parts, groups and contents.
    pub sha256: String,
    /// SHA-256 of each sample's file.
    contents: Vec<[u8; 32]>,
}

/// Who decided which picture belongs to which part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The data name all parts.
    Source,
    /// The data name training and perhaps test; validation was cut from training.
    SourceWithCut,
    /// The program.
    Program,
}

/// Why data cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The recipe's choice of data is not understood.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The pictures cannot be divided into parts.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Some files cannot be read.
    #[error("{} cannot be read: {}; mend them, or leave them out with --skip-bad", files(bad.len()), first(bad))]
    Unreadable {
        /// The files, with reasons.
        bad: Vec<BadFile>,
    },
    /// Classification needs two classes.
    #[error("the data hold {} ({}), and classification needs at least two; check the label column and --classes", counted(classes.len(), "class", "classes"), classes.join(", "))]
    Classes {
        /// The classes found.
        classes: Vec<String>,
    },
    /// The network sees parts of pictures, and some have no mask.
    #[error(
        "the network is to see what lies {keep} of a mask, and {missing} of {all} pictures have none (first: {first}); name the masks in a column `mask` or with --mask-column, choose the pictures that have one with --where, or see whole pictures (--mask whole)"
    )]
    Unmasked {
        /// What is to be seen.
        keep: Keep,
        /// Pictures without a mask.
        missing: usize,
        /// Pictures in all.
        all: usize,
        /// One of those without.
        first: String,
    },
    /// The parts know each other.
    #[error(
        "the parts of the data know each other, so the figures would be too good: {what}; mend the split, let the program divide anew with --resplit, or accept it with --allow-leak (bundle, card and every report will say so). First: {first}"
    )]
    Leak {
        /// Counts, and the share of each part that is touched.
        what: String,
        /// One example, by its files.
        first: String,
    },
    /// The labels are those of other classes than the model's.
    #[error("the data hold the class {class}, which the model does not know ({}); rename it with --map {class}=…, or choose with --classes", known.join(", "))]
    UnknownClass {
        /// The label.
        class: String,
        /// The model's classes.
        known: Vec<String>,
    },
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many }).trim_end().to_owned()
}

fn files(n: usize) -> String {
    counted(n, "file", "files")
}

/// Names the first files in full.
fn first(bad: &[BadFile]) -> String {
    let mut text: Vec<String> = bad.iter().take(20).map(|b| format!("{} ({})", b.name, b.reason)).collect();
    if bad.len() > 20 {
        text.push(format!("and {} more", bad.len() - 20));
    }
    text.join("; ")
}

impl Dataset {
    /// Reads the recipe's data, checks every file, and divides what has no part yet.
    ///
    /// `progress` is told how many files are checked, of how many.
    ///
    /// # Errors
    /// [`DatasetError`] says what is wrong and what to do.
    pub fn open(recipe: &Recipe, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Self, DatasetError> {
        let manifest = Manifest::load(&recipe.data, &options(recipe)?)?;
        if manifest.classes.len() < 2 {
            return Err(DatasetError::Classes { classes: manifest.classes });
        }
        let (mut report, mut columns) = (manifest.report, manifest.extra_columns);
        // Each file is read twice: once to know that it can be read, once to be compared with the others.
        let half = |done: usize, all: usize| progress(done, 2 * all);
        let (mut samples, checked) =
            readable(manifest.samples, recipe.mask.keep(), recipe.skip_bad, recipe.threads, &half)?;
        report.first_frames = checked.first_frames;
        drop_own_columns(&mut samples, &mut columns);
        let mut samples = apart_from(samples, &recipe.apart_from, &mut report)?;
        let (val, test) = (recipe.val_ratio, recipe.test_ratio);
        let mut ratios = Ratios { train: 1.0 - val - test, val, test };
        let folds = recipe.folds()?;
        if folds.is_some() {
            // The folds are the parts. A test part that the data set aside stays aside.
            let before = samples.len();
            samples.retain(|s| s.split != Some(Split::Test));
            if samples.len() < before {
                report.left_out.insert(LeftOut::Split("test".into()), before - samples.len());
                report.kept = samples.len();
            }
            ratios = Ratios { train: 1.0, val: 0.0, test: 0.0 };
        }
        if folds.is_some() || recipe.resplit {
            for sample in &mut samples {
                sample.split = None;
            }
        }
        let named = |split| samples.iter().any(|s: &Sample| s.split == Some(split));
        let origin = match (samples.iter().any(|s| s.split.is_some()), named(Split::Val)) {
            (true, true) => Origin::Source,
            (true, false) => Origin::SourceWithCut,
            (false, _) => Origin::Program,
        };
        let n = samples.len();
        let alike = Alike::find(&samples, &ReadLimits::default(), &|done| progress(n + done, 2 * n));
        let together = alike.kept_together(&samples);
        let assignment = assign(&together, ratios, recipe.seed)?;
        assignment.apply(&mut samples);
        let measured = match folds {
            None => Measured::of(&samples, &alike),
            Some(folds) => Measured::of_folds(&samples, &alike, folds == Folds::LeaveOneGroupOut),
        };
        let groups = groups(&samples);
        if !measured.leak.is_clean() {
            if !recipe.allow_leak {
                let what = leak::counts(&measured.leak, groups.map(|(all, _)| all));
                return Err(DatasetError::Leak { what, first: measured.first.unwrap_or_default() });
            }
            columns.push(leak::COLUMN.to_owned());
            for (i, sample) in samples.iter_mut().enumerate() {
                sample.extra.push(measured.cell(i));
            }
        }
        let hash = DataHash::of(&samples)?;
        Ok(Self {
            classes: manifest.classes,
            samples,
            report,
            unreadable: checked.bad,
            origin,
            split: assignment.report,
            groups,
            group_kind: recipe.group_kind(),
            leak: measured.leak,
            alike: alike.groups.len(),
            columns,
            units: together.into_iter().map(|sample| sample.group).collect(),
            sha256: hash.whole,
            contents: hash.contents,
        })
    }

    /// The samples, or the same with other parts, with groups that hold together what is alike: what splits and folds are
    /// made by.
    pub(crate) fn together(&self, samples: &[Sample]) -> Vec<Sample> {
        let unit = |(sample, unit): (&Sample, &Option<String>)| Sample { group: unit.clone(), ..sample.clone() };
        samples.iter().zip(&self.units).map(unit).collect()
    }

    /// Gives every picture another part, as a fold of a cross-validation does.
    pub(crate) fn with_parts(&self, parts: &[Split]) -> Vec<Sample> {
        let part = |(sample, part): (&Sample, &Split)| Sample { split: Some(*part), ..sample.clone() };
        self.samples.iter().zip(parts).map(part).collect()
    }

    /// Checks that the pictures have the masks that a recipe needs: runs on the same data may see different parts of them.
    pub(crate) fn check_masks(&self, recipe: &Recipe) -> Result<(), DatasetError> {
        check_masks(&self.samples, recipe.mask.keep())
    }

    /// What the parts know of each other, in words; empty where they know nothing.
    pub fn leak_words(&self) -> String {
        leak::counts(&self.leak, self.groups.map(|(all, _)| all))
    }

    /// The pictures of one part.
    pub fn part(&self, split: Split) -> Vec<Picture> {
        pictures(&self.samples, &self.classes, split)
    }

    /// Whether the pictures show colour: of up to 64 training pictures spread over all, any has unequal channels.
    pub fn is_colored(&self) -> bool {
        let train: Vec<&Sample> = self.samples.iter().filter(|s| s.split == Some(Split::Train)).collect();
        let step = train.len().div_ceil(64).max(1);
        let limits = ReadLimits::default();
        train.iter().step_by(step).any(|s| s.read(&limits, None).is_ok_and(|image| shows_color(&image)))
    }

    /// Pictures of each part and class.
    pub fn counts(&self) -> BTreeMap<String, BTreeMap<String, usize>> {
        counts(&self.samples)
    }

    /// The pictures by the content of their files, in the parts of these samples: what a bundle remembers of them.
    pub(crate) fn contents(&self, samples: &[Sample]) -> Pictures {
        let mut pictures = Pictures::default();
        for (sample, sha256) in samples.iter().zip(&self.contents) {
            if let Some(part) = sample.split {
                pictures.insert(part.name(), sha256);
            }
        }
        pictures
    }

    /// What pictures of this data are to a model that was made from these contents.
    pub(crate) fn seen(&self, contents: &Pictures, pictures: &[Picture]) -> Seen {
        let names: HashSet<&str> = pictures.iter().map(|p| p.name.as_str()).collect();
        let of = |(sample, sha256): (&Sample, _)| names.contains(sample.name.as_str()).then_some(sha256);
        contents.seen(self.samples.iter().zip(&self.contents).filter_map(of))
    }

    /// The pictures with their classes, parts, groups and further columns as CSV, with absolute paths: what `--data`
    /// reads again. A column tells which validation pictures are kept for calibration.
    ///
    /// # Errors
    /// [`csv::Error`], which a table in memory has no reason for.
    pub fn csv(&self, calibration_ratio: f64) -> Result<Vec<u8>, csv::Error> {
        self.split_csv(&self.samples, calibration_ratio)
    }

    /// The same of samples with other parts, as a fold has them.
    pub(crate) fn split_csv(&self, samples: &[Sample], calibration_ratio: f64) -> Result<Vec<u8>, csv::Error> {
        let together = self.together(samples);
        let kept = calibration_names(&together, calibration_ratio);
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let masks = samples.iter().any(|s| s.mask.is_some());
        let mut writer = csv::Writer::from_writer(vec![]);
        let frames = samples.iter().any(|s| s.frame.is_some());
        let own = ["file"].into_iter().chain(frames.then_some("frame")).chain(["label", "split", "group"]);
        let own = own.chain(masks.then_some("mask")).chain([CALIBRATION]);
        writer.write_record(own.chain(self.columns.iter().map(String::as_str)))?;
        for s in samples {
            let mask = s.mask.as_deref().map(|mask| absolute(mask).to_string_lossy().into_owned()).unwrap_or_default();
            let calibration = s.split == Some(Split::Val) && kept.contains(s.name.as_str());
            let file = absolute(&s.file);
            let file = file.to_string_lossy();
            let (label, group) = (s.label.as_deref().unwrap_or(""), s.group.as_deref().unwrap_or(""));
            let frame = s.frame.map_or_else(String::new, |frame| frame.to_string());
            let own = [&*file].into_iter().chain(frames.then_some(frame.as_str()));
            let own = own.chain([label, s.split.map_or("", Split::name), group]);
            let own = own.chain(masks.then_some(mask.as_str())).chain([if calibration { "yes" } else { "" }]);
            writer.write_record(own.chain(s.extra.iter().map(String::as_str)))?;
        }
        writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))
    }

    /// The validation pictures in two: those that decide when training ends and which epoch is kept, and those that
    /// tell how sure a result is. What belongs together is on one side. Where there are too few groups all belong to the
    /// first.
    pub(crate) fn val_halves(&self, samples: &[Sample], share: f64) -> (Vec<Picture>, Vec<Picture>) {
        let together = self.together(samples);
        let kept = calibration_names(&together, share);
        pictures(samples, &self.classes, Split::Val).into_iter().partition(|p| !kept.contains(p.name.as_str()))
    }
}

/// The column of a run's list that names the pictures kept for calibration.
const CALIBRATION: &str = "calibration";

/// Takes away the columns that a run writes into its list itself.
fn drop_own_columns(samples: &mut [Sample], columns: &mut Vec<String>) {
    while let Some(place) = columns.iter().position(|c| [CALIBRATION, leak::COLUMN].contains(&c.as_str())) {
        columns.remove(place);
        for sample in samples.iter_mut().filter(|sample| place < sample.extra.len()) {
            sample.extra.remove(place);
        }
    }
}

/// Pictures of each part and class.
pub(crate) fn counts(samples: &[Sample]) -> BTreeMap<String, BTreeMap<String, usize>> {
    let mut counts: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for sample in samples {
        if let (Some(split), Some(label)) = (sample.split, &sample.label) {
            *counts.entry(split.name().into()).or_default().entry(label.clone()).or_default() += 1;
        }
    }
    counts
}

/// The pictures of one part, with their classes as numbers.
pub(crate) fn pictures(samples: &[Sample], classes: &[String], split: Split) -> Vec<Picture> {
    samples.iter().filter(|s| s.split == Some(split)).filter_map(|s| Picture::of(s, classes)).collect()
}

/// The pictures of the validation part that are kept for calibration, by their names. Nobody's choice decides which:
/// a search and the training that follows it must agree.
fn calibration_names(samples: &[Sample], share: f64) -> HashSet<&str> {
    let val: Vec<Sample> = samples.iter().filter(|s| s.split == Some(Split::Val)).cloned().collect();
    let ratios = Ratios { train: 1.0 - share, val: share, test: 0.0 };
    let Ok(halves) = split(&val, ratios, 0) else { return HashSet::new() };
    let kept = samples.iter().filter(|s| s.split == Some(Split::Val)).zip(&halves.parts);
    kept.filter(|(_, part)| share > 0.0 && **part == Split::Val).map(|(s, _)| s.name.as_str()).collect()
}

/// The group (patient) of each picture, empty where it has none; `None` where no picture has one.
pub fn group_names(pictures: &[Picture], samples: &[Sample]) -> Option<Vec<String>> {
    let known: HashMap<&str, &str> =
        samples.iter().filter_map(|s| Some((s.name.as_str(), s.group.as_deref()?))).collect();
    let name = |p: &Picture| known.get(p.name.as_str()).map_or_else(String::new, |group| (*group).to_owned());
    (!known.is_empty()).then(|| pictures.iter().map(name).collect())
}

fn options(recipe: &Recipe) -> Result<ManifestOptions, RecipeError> {
    Ok(ManifestOptions {
        purpose: Purpose::Train,
        columns: Columns {
            file: recipe.file_column.clone(),
            frame: recipe.frame_column.clone(),
            label: recipe.label_column.clone(),
            split: recipe.split_column.clone(),
            group: recipe.group_column.clone(),
            mask: recipe.mask_column.clone(),
        },
        classes: recipe.classes.clone(),
        map: pairs("map", &recipe.map)?,
        filter: pairs("where", &recipe.r#where)?,
        skip_bad: recipe.skip_bad,
    })
}

/// Parts the samples into readable and unreadable ones; the latter stop the work unless they may be skipped. Where a
/// network sees what lies inside or outside of a mask, every sample needs one.
pub(crate) fn readable(
    samples: Vec<Sample>,
    keep: Option<Keep>,
    skip_bad: bool,
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(Vec<Sample>, Checked), DatasetError> {
    let n = samples.len();
    check_masks(&samples, keep)?;
    let checked = check_files(&samples, &ReadLimits::default(), keep.is_some(), threads, &|done| progress(done, n));
    if !checked.bad.is_empty() && !skip_bad {
        return Err(DatasetError::Unreadable { bad: checked.bad });
    }
    let mut skipped = checked.bad.iter().map(|b| b.index).peekable();
    let keep = |(i, sample)| skipped.next_if_eq(&i).is_none().then_some(sample);
    Ok((samples.into_iter().enumerate().filter_map(keep).collect(), checked))
}

/// Every picture needs a mask where the network sees a part of it.
fn check_masks(samples: &[Sample], keep: Option<Keep>) -> Result<(), DatasetError> {
    let missing: Vec<&Sample> = samples.iter().filter(|s| s.mask.is_none()).collect();
    match (keep, missing.first()) {
        (Some(keep), Some(first)) => {
            Err(DatasetError::Unmasked { keep, missing: missing.len(), all: samples.len(), first: first.name.clone() })
        }
        _ => Ok(()),
    }
}

/// Many grey pictures are stored with three equal channels, a little apart where they were compressed.
fn shows_color(image: &Image) -> bool {
    let shown = image.to_u8();
    match (shown.color(), shown.samples()) {
        (Color::Rgb, Samples::U8(v)) => v.as_chunks::<3>().0.iter().any(|[r, g, b]| {
            let (high, low) = (r.max(g).max(b), r.min(g).min(b));
            high - low > 24
        }),
        _ => false,
    }
}

/// Groups in all and groups in several parts; `None` where no sample has a group.
fn groups(samples: &[Sample]) -> Option<(usize, usize)> {
    let mut names: Vec<&str> = samples.iter().filter_map(|s| s.group.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty()).then(|| (names.len(), divided_groups(samples).len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_channels_are_no_colour() {
        let picture =
            |samples: Vec<u8>| Image::new(2, 1, Color::Rgb, Samples::U8(samples)).expect("two pixels of three samples");
        assert!(!shows_color(&picture(vec![10, 12, 9, 200, 198, 203])));
        assert!(shows_color(&picture(vec![10, 12, 9, 200, 100, 203])));
    }
}
