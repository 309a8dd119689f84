//! Keeps out of training what other lists hold, so that a model can be judged on them honestly.

use std::path::PathBuf;

use semio_data::{
    Manifest, ManifestOptions, Purpose, ReadLimits, Sample,
    leak::Alike,
    manifest::{LeftOut, LoadReport},
};

use crate::dataset::DatasetError;

/// Leaves out the samples whose picture, or nearly the same one, stands in one of the lists; the report counts them by list.
///
/// Patients are not compared: lists of different sources name them differently.
///
/// # Errors
/// Those of reading a list.
pub(crate) fn apart_from(
    samples: Vec<Sample>,
    lists: &[PathBuf],
    report: &mut LoadReport,
) -> Result<Vec<Sample>, DatasetError> {
    let mut kept = samples;
    for list in lists {
        let options = ManifestOptions { purpose: Purpose::Predict, ..ManifestOptions::default() };
        let others = Manifest::load(list, &options)?.samples;
        let own = kept.len();
        let together: Vec<Sample> = kept.iter().cloned().chain(others).collect();
        let mut known = vec![false; own];
        let alike = Alike::find(&together, &ReadLimits::default(), &|_| ());
        if !alike.near_sought {
            report.only_same.push(list.clone());
        }
        for group in alike.groups {
            if group.iter().any(|i| *i >= own) {
                group.into_iter().filter(|i| *i < own).for_each(|i| known[i] = true);
            }
        }
        let mut known = known.into_iter();
        kept.retain(|_| !known.next().unwrap_or(false));
        if kept.len() < own {
            report.left_out.insert(LeftOut::Known(list.display().to_string()), own - kept.len());
            report.kept = kept.len();
        }
    }
    Ok(kept)
}
