use std::{collections::HashMap, path::Path};

use semio_data::{
    BadFile, DataHash, Manifest, ManifestOptions, ReadLimits, Sample, Split, leak::Alike, manifest::LoadReport,
};
use semio_model::{GroupKind, Seen};

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
    /// What the pictures were to the model before; none where its bundle does not know.
    pub seen: Option<Seen>,
    /// What a group is.
    pub group_kind: GroupKind,
}

impl Labelled {
    /// Reads labelled pictures of one part, or of all.
    ///
    /// The classes, and whether masks are needed, are the model's. Where the pictures are its own, and a leak between its
    /// parts was accepted, the parts are measured against each other, if the data do not say themselves which pictures are
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
        group_kind: Option<GroupKind>,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self, DatasetError> {
        let (classes, keep) = (&model.classes, model.pipeline.keep());
        let Manifest { samples: all, mut extra_columns, report, .. } = Manifest::load(path, options)?;
        let chosen = |s: &&Sample| split.is_none() || s.split == split;
        let samples: Vec<Sample> = all.iter().filter(chosen).cloned().collect();
        if let Some(class) = samples.iter().filter_map(|s| s.label.as_ref()).find(|l| !classes.contains(l)) {
            return Err(DatasetError::UnknownClass { class: class.clone(), known: classes.clone() });
        }
        let (mut samples, checked) = readable(samples, keep, options.skip_bad, 0, progress)?;
        let hash = DataHash::of(&samples)?;
        let seen = model.pictures.as_ref().map(|pictures| pictures.seen(hash.contents.iter()));
        let own = seen.is_some_and(Seen::is_own);
        let leaked = model.data.leak.as_ref().is_some_and(|leak| !leak.is_clean());
        if own && leaked && !extra_columns.iter().any(|c| c == leak::COLUMN) {
            let measured = Measured::of(&all, &Alike::find(&all, &ReadLimits::default(), &|_| ()));
            let cells: HashMap<&str, String> =
                all.iter().enumerate().map(|(i, s)| (s.name.as_str(), measured.cell(i))).collect();
            extra_columns.push(leak::COLUMN.to_owned());
            for sample in &mut samples {
                sample.extra.push(cells.get(sample.name.as_str()).cloned().unwrap_or_default());
            }
        }
        let named = || options.columns.group.as_deref().map(GroupKind::of_column).filter(|kind| !kind.is_unsaid());
        let of_model = || own.then_some(model.data.group_kind);
        Ok(Self {
            pictures: samples.iter().filter_map(|s| Picture::of(s, classes)).collect(),
            samples,
            report: LoadReport { first_frames: checked.first_frames, ..report },
            unreadable: checked.bad,
            columns: extra_columns,
            sha256: hash.whole,
            seen,
            group_kind: group_kind.or_else(named).or_else(of_model).unwrap_or_default(),
        })
    }

    /// Whether the pictures are the model's own data.
    pub fn is_own(&self) -> bool {
        self.seen.is_some_and(Seen::is_own)
    }
}
