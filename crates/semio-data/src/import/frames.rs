//! Which frames of DICOM files become rows.

use rayon::prelude::*;

use super::{Draft, Kind};
use crate::{
    manifest::Sample,
    raster::{Frames, ReadLimits, frame_count, frame_name},
};

/// Makes a row of each frame that is taken; rows that name a frame keep it.
pub(super) fn choose(draft: &mut Draft, frames: Frames) {
    let limits = ReadLimits::default();
    // What cannot be read is told by whoever reads its pixels.
    let held = |sample: &Sample| sample.frame.map_or_else(|| frame_count(&sample.file, &limits).unwrap_or(1), |_| 1);
    let counts: Vec<u32> = draft.samples.par_iter().map(held).collect();
    let mut kept = Vec::with_capacity(draft.samples.len());
    for (sample, count) in std::mem::take(&mut draft.samples).into_iter().zip(counts) {
        let numbered = |frame| {
            let name = frame_name(&sample.name, frame);
            Sample { frame: Some(frame), name, ..sample.clone() }
        };
        match frames {
            Frames::Number(frame) if frame.get() > count && sample.frame.is_none() => {
                draft.findings.add(Kind::NoFrame, "files have no such frame, left out", &sample.name);
            }
            _ if count == 1 => kept.push(sample),
            Frames::First => {
                let text = "files have several frames, of which the first is read; --frame all makes a row of each";
                draft.findings.add(Kind::SeveralFrames, text, &sample.name);
                kept.push(sample);
            }
            Frames::Number(frame) => kept.push(numbered(frame)),
            Frames::All => {
                let text = "files have several frames, each of which is a row of its own";
                draft.findings.add(Kind::SeveralFrames, text, &sample.name);
                kept.extend((1..=count).filter_map(std::num::NonZeroU32::new).map(numbered));
            }
        }
    }
    draft.samples = kept;
}
