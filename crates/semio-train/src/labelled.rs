use std::path::Path;

use semio_data::{
    BadFile, Manifest, ManifestOptions, ReadLimits, Sample, Split, data_hash, leak::Alike, manifest::LoadReport,
};

use crate::{
    dataset::{DatasetError, readable},
    leak::{self, Measured},
    loader::Picture,
};

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
    /// The names of the samples' further columns. The column `leak` says why a picture is known to a part before.
    pub columns: Vec<String>,
    /// SHA-256 over names, classes, parts, groups and contents.
    pub sha256: String,
}

impl Labelled {
    /// Reads labelled pictures of one part, or of all.
    ///
    /// The classes, and whether masks are needed, are the model's. With `leaked` the parts are measured against each other where the data do not say themselves which pictures are
    /// known to a part before.
    ///
    /// # Errors
    /// [`DatasetError::UnknownClass`] where a label is none of the model's classes, [`DatasetError::Unmasked`] where it sees
    /// parts of pictures and a mask is missing, and those of the manifest.
    pub fn open(
        path: &Path,
        options: &ManifestOptions,
        model: &semio_model::Manifest,
        split: Option<Split>,
        leaked: bool,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self, DatasetError> {
        let (classes, keep) = (&model.classes, model.pipeline.keep());
        let mut manifest = Manifest::load(path, options)?;
        if leaked && !manifest.extra_columns.iter().any(|c| c == leak::COLUMN) {
            let alike = Alike::find(&manifest.samples, &ReadLimits::default(), &|_| ());
            let measured = Measured::of(&manifest.samples, &alike);
            manifest.extra_columns.push(leak::COLUMN.to_owned());
            for (i, sample) in manifest.samples.iter_mut().enumerate() {
                sample.extra.push(measured.cell(i));
            }
        }
        let chosen = |s: &Sample| split.is_none() || s.split == split;
        let samples: Vec<Sample> = manifest.samples.into_iter().filter(chosen).collect();
        if let Some(class) = samples.iter().filter_map(|s| s.label.as_ref()).find(|l| !classes.contains(l)) {
            return Err(DatasetError::UnknownClass { class: class.clone(), known: classes.clone() });
        }
        let (samples, checked) = readable(samples, keep, options.skip_bad, 0, progress)?;
        let sha256 = data_hash(&samples)?;
        Ok(Self {
            pictures: samples.iter().filter_map(|s| Picture::of(s, classes)).collect(),
            samples,
            report: LoadReport { first_frames: checked.first_frames, ..manifest.report },
            unreadable: checked.bad,
            columns: manifest.extra_columns,
            sha256,
        })
    }
}
