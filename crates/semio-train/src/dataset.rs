use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::Path,
};

use semio_data::{
    BadFile, Manifest, ManifestError, ManifestOptions, Purpose, Ratios, ReadError, ReadLimits, Sample, Split,
    SplitError, check_files, data_hash,
    manifest::{Columns, LeftOut},
    read_image,
    split::{SplitReport, assign, divided_groups, split},
};
use semio_image::{Color, Image, Samples};

use crate::{
    loader::Picture,
    recipe::{Recipe, RecipeError, pairs},
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
    /// SHA-256 over names, classes, parts, groups and contents.
    pub sha256: String,
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
    /// A group stands on two sides.
    #[error(
        "{} of {groups} groups (patients) have pictures in more than one part, so the figures would be too good; mend the split, drop the split column, or accept it with --allow-leak (the report will say so). First: {first}",
        divided
    )]
    Leak {
        /// Groups in all.
        groups: usize,
        /// Groups in more than one part.
        divided: usize,
        /// The first of them, by its files.
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
        let mut report = manifest.report;
        let (mut samples, unreadable) = readable(manifest.samples, recipe.skip_bad, recipe.threads, progress)?;
        let (val, test) = (recipe.val_ratio, recipe.test_ratio);
        let mut ratios = Ratios { train: 1.0 - val - test, val, test };
        if recipe.folds()?.is_some() {
            // The folds are the parts. A test part that the data set aside stays aside.
            let before = samples.len();
            samples.retain(|s| s.split != Some(Split::Test));
            if samples.len() < before {
                report.left_out.insert(LeftOut::Split("test".into()), before - samples.len());
                report.kept = samples.len();
            }
            for sample in &mut samples {
                sample.split = None;
            }
            ratios = Ratios { train: 1.0, val: 0.0, test: 0.0 };
        }
        let named = |split| samples.iter().any(|s: &Sample| s.split == Some(split));
        let origin = match (samples.iter().any(|s| s.split.is_some()), named(Split::Val)) {
            (true, true) => Origin::Source,
            (true, false) => Origin::SourceWithCut,
            (false, _) => Origin::Program,
        };
        let assignment = assign(&samples, ratios, recipe.seed)?;
        assignment.apply(&mut samples);
        let groups = groups(&samples);
        if let (Some((groups, divided)), false) = (groups, recipe.allow_leak)
            && divided > 0
        {
            let first = divided_groups(&samples).first().map(ToString::to_string).unwrap_or_default();
            return Err(DatasetError::Leak { groups, divided, first });
        }
        let sha256 = data_hash(&samples)?;
        Ok(Self {
            classes: manifest.classes,
            samples,
            report,
            unreadable,
            origin,
            split: assignment.report,
            groups,
            sha256,
        })
    }

    /// Gives every picture another part, as a fold of a cross-validation does.
    pub(crate) fn with_parts(&self, parts: &[Split]) -> Vec<Sample> {
        let part = |(sample, part): (&Sample, &Split)| Sample { split: Some(*part), ..sample.clone() };
        self.samples.iter().zip(parts).map(part).collect()
    }

    /// The pictures of one part.
    pub fn part(&self, split: Split) -> Vec<Picture> {
        pictures(&self.samples, &self.classes, split)
    }

    /// The validation pictures in two: those that decide when training ends and which epoch is kept, and those that
    /// tell how sure a result is. A group is on one side. Where there are too few groups all belong to the first.
    pub fn val_halves(&self, share: f64) -> (Vec<Picture>, Vec<Picture>) {
        val_halves(&self.samples, &self.classes, share)
    }

    /// Whether the pictures show colour: of up to 64 training pictures spread over all, any has unequal channels.
    pub fn is_colored(&self) -> bool {
        let train: Vec<&Sample> = self.samples.iter().filter(|s| s.split == Some(Split::Train)).collect();
        let step = train.len().div_ceil(64).max(1);
        let limits = ReadLimits::default();
        train.iter().step_by(step).any(|s| read_image(&s.file, &limits).is_ok_and(|image| shows_color(&image)))
    }

    /// Pictures of each part and class.
    pub fn counts(&self) -> BTreeMap<String, BTreeMap<String, usize>> {
        counts(&self.samples)
    }

    /// The pictures with their classes, parts and groups as CSV, with absolute paths: what `--data` reads again. A column
    /// tells which validation pictures are kept for calibration.
    ///
    /// # Errors
    /// [`csv::Error`], which a table in memory has no reason for.
    pub fn csv(&self, calibration_ratio: f64) -> Result<Vec<u8>, csv::Error> {
        split_csv(&self.samples, calibration_ratio)
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

/// The samples as CSV, with absolute paths.
pub(crate) fn split_csv(samples: &[Sample], calibration_ratio: f64) -> Result<Vec<u8>, csv::Error> {
    let kept = calibration_names(samples, calibration_ratio);
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(["file", "label", "split", "group", "calibration"])?;
    for s in samples {
        let file = std::path::absolute(&s.file).unwrap_or_else(|_| s.file.clone());
        let split = s.split.map_or("", Split::name);
        let (label, group) = (s.label.as_deref().unwrap_or(""), s.group.as_deref().unwrap_or(""));
        let calibration = if s.split == Some(Split::Val) && kept.contains(s.name.as_str()) { "yes" } else { "" };
        writer.write_record([&*file.to_string_lossy(), label, split, group, calibration])?;
    }
    writer.into_inner().map_err(|e| csv::Error::from(e.into_error()))
}

/// The pictures of one part, with their classes as numbers.
pub(crate) fn pictures(samples: &[Sample], classes: &[String], split: Split) -> Vec<Picture> {
    let label = |sample: &Sample| classes.iter().position(|c| Some(c) == sample.label.as_ref());
    let picture = |s: &Sample| Some(Picture { file: s.file.clone(), name: s.name.clone(), label: label(s)? });
    samples.iter().filter(|s| s.split == Some(split)).filter_map(picture).collect()
}

/// The pictures of the validation part that are kept for calibration, by their names. Nobody's choice decides which:
/// a search and the training that follows it must agree.
pub(crate) fn calibration_names(samples: &[Sample], share: f64) -> HashSet<&str> {
    let val: Vec<Sample> = samples.iter().filter(|s| s.split == Some(Split::Val)).cloned().collect();
    let ratios = Ratios { train: 1.0 - share, val: share, test: 0.0 };
    let Ok(halves) = split(&val, ratios, 0) else { return HashSet::new() };
    let kept = samples.iter().filter(|s| s.split == Some(Split::Val)).zip(&halves.parts);
    kept.filter(|(_, part)| share > 0.0 && **part == Split::Val).map(|(s, _)| s.name.as_str()).collect()
}

pub(crate) fn val_halves(samples: &[Sample], classes: &[String], share: f64) -> (Vec<Picture>, Vec<Picture>) {
    let kept = calibration_names(samples, share);
    pictures(samples, classes, Split::Val).into_iter().partition(|p| !kept.contains(p.name.as_str()))
}

/// The group (patient) of each picture, empty where it has none; `None` where no picture has one.
pub fn group_names(pictures: &[Picture], samples: &[Sample]) -> Option<Vec<String>> {
    let known: HashMap<&str, &str> =
        samples.iter().filter_map(|s| Some((s.name.as_str(), s.group.as_deref()?))).collect();
    let name = |p: &Picture| known.get(p.name.as_str()).map_or_else(String::new, |group| (*group).to_owned());
    (!known.is_empty()).then(|| pictures.iter().map(name).collect())
}

/// Labelled pictures for a judgement, with the classes of a model.
pub struct Labelled {
    /// The pictures chosen.
    pub pictures: Vec<Picture>,
    /// Their samples, with groups and further columns.
    pub samples: Vec<Sample>,
    /// What was read, and what was left out and why.
    pub report: semio_data::manifest::LoadReport,
    /// The files that cannot be read and were left out.
    pub unreadable: Vec<BadFile>,
    /// SHA-256 over names, classes, parts, groups and contents.
    pub sha256: String,
}

impl Labelled {
    /// Reads labelled pictures of one part, or of all.
    ///
    /// # Errors
    /// [`DatasetError::UnknownClass`] where a label is none of the model's classes, and those of the manifest.
    pub fn open(
        path: &Path,
        options: &ManifestOptions,
        classes: &[String],
        split: Option<Split>,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self, DatasetError> {
        let manifest = Manifest::load(path, options)?;
        let chosen = |s: &Sample| split.is_none() || s.split == split;
        let samples: Vec<Sample> = manifest.samples.into_iter().filter(chosen).collect();
        if let Some(class) = samples.iter().filter_map(|s| s.label.as_ref()).find(|l| !classes.contains(l)) {
            return Err(DatasetError::UnknownClass { class: class.clone(), known: classes.to_vec() });
        }
        let (samples, unreadable) = readable(samples, options.skip_bad, 0, progress)?;
        let sha256 = data_hash(&samples)?;
        let label = |s: &Sample| classes.iter().position(|c| Some(c) == s.label.as_ref());
        let picture = |s: &Sample| Some(Picture { file: s.file.clone(), name: s.name.clone(), label: label(s)? });
        Ok(Self {
            pictures: samples.iter().filter_map(picture).collect(),
            samples,
            report: manifest.report,
            unreadable,
            sha256,
        })
    }
}

fn options(recipe: &Recipe) -> Result<ManifestOptions, RecipeError> {
    Ok(ManifestOptions {
        purpose: Purpose::Train,
        columns: Columns {
            file: recipe.file_column.clone(),
            label: recipe.label_column.clone(),
            split: recipe.split_column.clone(),
            group: recipe.group_column.clone(),
            mask: None,
        },
        classes: recipe.classes.clone(),
        map: pairs("map", &recipe.map)?,
        filter: pairs("where", &recipe.r#where)?,
        skip_bad: recipe.skip_bad,
    })
}

/// Parts the samples into readable and unreadable ones; the latter stop the work unless they may be skipped.
fn readable(
    samples: Vec<Sample>,
    skip_bad: bool,
    threads: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(Vec<Sample>, Vec<BadFile>), DatasetError> {
    let n = samples.len();
    let bad = check_files(&samples, &ReadLimits::default(), threads, &|done| progress(done, n));
    if !bad.is_empty() && !skip_bad {
        return Err(DatasetError::Unreadable { bad });
    }
    let mut skipped = bad.iter().map(|b| b.index).peekable();
    let keep = |(i, sample)| skipped.next_if_eq(&i).is_none().then_some(sample);
    Ok((samples.into_iter().enumerate().filter_map(keep).collect(), bad))
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
