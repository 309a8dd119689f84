//! What a model makes of the parts of its pictures: whether it reads the organ or what stands around it.

use std::collections::HashSet;

use semio_data::{ReadLimits, Sample, read_image};
use semio_image::{Keep, Mask};
use semio_model::Predictor;
use semio_stats::PartFigures;
use serde::Serialize;

use crate::{
    dataset::group_names,
    inference::{Judged, judge_seen},
    loader::Picture,
};

/// The main figures of the same pictures, seen whole and in part.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PartsSeen {
    /// Of whole pictures.
    pub whole: PartFigures,
    /// Of what lies inside of the masks, the rest made black.
    pub inside: PartFigures,
    /// Of what lies outside.
    pub outside: PartFigures,
}

/// What a model makes of the insides and the outsides of the masks of its pictures.
pub(crate) struct Shown {
    inside: Judged,
    outside: Judged,
}

/// Shows a model that was trained on whole pictures the insides and the outsides of their masks.
///
/// Pictures whose mask marks nothing are left out: a lesion's mask would tell the class by being empty. None where no
/// mask marks anything, where one cannot be read, or where the model sees a part already.
pub(crate) fn show_parts(predictor: &Predictor, judged: &Judged, threads: usize, batch_size: usize) -> Option<Shown> {
    let pipeline = &predictor.manifest().pipeline;
    let masked: Vec<Picture> = judged.pictures.iter().filter(|picture| is_marked(picture)).cloned().collect();
    if pipeline.keep().is_some() || masked.is_empty() {
        return None;
    }
    let seen = |keep| {
        let judged = judge_seen(predictor, &pipeline.keeping(Some(keep)), &masked, threads, batch_size, |_| ()).ok()?;
        judged.unreadable.is_empty().then_some(judged)
    };
    Some(Shown { inside: seen(Keep::Inside)?, outside: seen(Keep::Outside)? })
}

impl Shown {
    /// What several networks made of pictures of their own; none where none has masks.
    pub(crate) fn pool(parts: Vec<Option<Self>>) -> Option<Self> {
        let (inside, outside) = parts.into_iter().flatten().map(|shown| (shown.inside, shown.outside)).unzip();
        Some(Self { inside: Judged::pool(inside).ok()?, outside: Judged::pool(outside).ok()? })
    }
}

impl PartsSeen {
    /// Judges what was made of parts beside what was made of the same pictures whole; none where they are of one class.
    ///
    /// What a model still tells without the organ it did not take from the organ (Maguolo and Nanni 2021, DeGrave et al.
    /// 2021); the outline of what was made black stays to be seen, so a low figure shows more than a high one.
    pub(crate) fn new(whole: &Judged, shown: &Shown, samples: &[Sample]) -> Option<Self> {
        let names: HashSet<&str> = shown.inside.pictures.iter().map(|p| p.name.as_str()).collect();
        let members: Vec<usize> =
            (0..whole.pictures.len()).filter(|&i| names.contains(whole.pictures[i].name.as_str())).collect();
        let classes: HashSet<usize> = members.iter().map(|&i| whole.pictures[i].label).collect();
        if classes.len() < 2 {
            return None;
        }
        let figures = |judged: &Judged, members: &[usize]| {
            let groups = group_names(&judged.pictures, samples);
            PartFigures::new(&judged.predictions, groups.as_deref(), members)
        };
        let all: Vec<usize> = (0..shown.inside.pictures.len()).collect();
        Some(Self {
            whole: figures(whole, &members),
            inside: figures(&shown.inside, &all),
            outside: figures(&shown.outside, &all),
        })
    }
}

/// Both at once.
pub fn parts_seen(
    predictor: &Predictor,
    judged: &Judged,
    samples: &[Sample],
    threads: usize,
    batch_size: usize,
) -> Option<PartsSeen> {
    PartsSeen::new(judged, &show_parts(predictor, judged, threads, batch_size)?, samples)
}

/// Whether the picture has a mask that marks something; one that cannot be read is found out later.
fn is_marked(picture: &Picture) -> bool {
    let Some(mask) = &picture.mask else { return false };
    read_image(mask, &ReadLimits::default()).map_or(true, |image| Mask::of(&image).share() > 0.0)
}
