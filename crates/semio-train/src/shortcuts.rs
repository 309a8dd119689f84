//! What a model makes of the parts of its pictures: whether it reads the organ or what stands around it.

use std::collections::{HashMap, HashSet};

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

/// Shows a model that was trained on whole pictures the insides and the outsides of their masks.
///
/// Pictures whose mask marks nothing are left out: a lesion's mask would tell the class by being empty. None where fewer
/// than two classes are left, where a mask cannot be read, or where the model sees a part already.
///
/// What a model still tells without the organ it did not take from the organ (Maguolo and Nanni 2021, DeGrave et al.
/// 2021); the outline of what was made black stays to be seen, so a low figure shows more than a high one.
pub fn parts_seen(
    predictor: &Predictor,
    judged: &Judged,
    samples: &[Sample],
    threads: usize,
    batch_size: usize,
) -> Option<PartsSeen> {
    let pipeline = &predictor.manifest().pipeline;
    if pipeline.keep().is_some() {
        return None;
    }
    let members: Vec<usize> = (0..judged.pictures.len()).filter(|&i| is_marked(&judged.pictures[i])).collect();
    let classes: HashSet<usize> = members.iter().map(|&i| judged.pictures[i].label).collect();
    if classes.len() < 2 {
        return None;
    }
    let masked: Vec<Picture> = members.iter().map(|&i| judged.pictures[i].clone()).collect();
    let groups = group_names(&judged.pictures, samples);
    let group_of: HashMap<&str, &String> =
        judged.pictures.iter().map(|p| p.name.as_str()).zip(groups.iter().flatten()).collect();
    let seen = |keep| {
        let judged = judge_seen(predictor, &pipeline.keeping(Some(keep)), &masked, threads, batch_size, |_| ()).ok()?;
        let whole = judged.unreadable.is_empty();
        let groups: Option<Vec<String>> =
            judged.pictures.iter().map(|p| group_of.get(p.name.as_str()).map(|group| (*group).clone())).collect();
        let all: Vec<usize> = (0..judged.pictures.len()).collect();
        whole.then(|| PartFigures::new(&judged.predictions, groups.as_deref(), &all))
    };
    Some(PartsSeen {
        whole: PartFigures::new(&judged.predictions, groups.as_deref(), &members),
        inside: seen(Keep::Inside)?,
        outside: seen(Keep::Outside)?,
    })
}

/// Whether the picture has a mask that marks something; one that cannot be read is found out later.
fn is_marked(picture: &Picture) -> bool {
    let Some(mask) = &picture.mask else { return false };
    read_image(mask, &ReadLimits::default()).map_or(true, |image| Mask::of(&image).share() > 0.0)
}
