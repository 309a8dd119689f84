use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use semio_image::Image;

use crate::encode_png;

use super::{Format, Job, SynthError, SynthOptions, dicom, synthesize};

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Pictures in all.
    pub pictures: usize,
    /// Synthetic patients.
    pub groups: usize,
    /// Pictures a class, in the order of the job's classes.
    pub classes: Vec<(&'static str, usize)>,
    /// Pictures in `train`, `val` and `test`.
    pub splits: [(&'static str, usize); 3],
}

/// Writes a set of pictures with their truth into a new or empty folder.
///
/// `images/<label>/<number>.png`, `masks/<number>.png`, for chest X-rays `lungs/<number>.png`, and at the end
/// `labels.csv` with the columns `file, label, split, group, mask` and, for chest X-rays, `lung_mask`; paths in it
/// are relative to the folder. A folder without `labels.csv` is therefore one whose making was cut short.
/// `progress` is told after each picture how many there are by then, from any thread.
///
/// # Errors
/// [`SynthError::Size`] and [`SynthError::Count`] for options out of range, [`SynthError::NotEmpty`] for a folder
/// with content, and [`SynthError::Io`], [`SynthError::Encode`] or [`SynthError::Table`] where writing fails.
pub fn write_dataset(
    options: &SynthOptions,
    dir: &Path,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Summary, SynthError> {
    write_dataset_as(options, Format::Png, dir, progress)
}

/// The same with pictures in another format; masks stay PNG.
///
/// # Errors
/// Those of [`write_dataset`], and [`SynthError::TooDeep`] where the job's objects cannot take the format.
pub fn write_dataset_as(
    options: &SynthOptions,
    format: Format,
    dir: &Path,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Summary, SynthError> {
    options.check()?;
    if format == Format::DicomJpeg && matches!(options.job, Job::BrainTumor | Job::Ms) {
        return Err(SynthError::TooDeep { job: options.job });
    }
    make_folders(options, dir)?;
    let done = AtomicUsize::new(0);
    let rows = (0..options.count)
        .into_par_iter()
        .map(|index| {
            let row = write_sample(options, format, index, dir)?;
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
            Ok(row)
        })
        .collect::<Result<Vec<Row>, SynthError>>()?;
    write_table(options, dir, &rows)?;
    Ok(summarise(options, &rows))
}

struct Row {
    file: String,
    label: &'static str,
    split: &'static str,
    group: String,
    mask: String,
    lung_mask: Option<String>,
}

fn make_folders(options: &SynthOptions, dir: &Path) -> Result<(), SynthError> {
    create_folder(dir)?;
    let mut entries = fs::read_dir(dir).map_err(|source| io("read the folder", dir, source))?;
    if entries.next().is_some() {
        return Err(SynthError::NotEmpty { dir: dir.into() });
    }
    for label in options.job.classes() {
        create_folder(&dir.join("images").join(label))?;
    }
    create_folder(&dir.join("masks"))?;
    if options.job.has_lungs() {
        create_folder(&dir.join("lungs"))?;
    }
    Ok(())
}

fn write_sample(options: &SynthOptions, format: Format, index: usize, dir: &Path) -> Result<Row, SynthError> {
    let sample = synthesize(options, index)?;
    let name = format!("{:06}.png", index + 1);
    let row = Row {
        file: format!("images/{}/{:06}.{}", sample.label, index + 1, format.ending()),
        label: sample.label,
        split: sample.split,
        group: sample.group.clone(),
        mask: format!("masks/{name}"),
        lung_mask: sample.lung_mask.is_some().then(|| format!("lungs/{name}")),
    };
    let path = dir.join(&row.file);
    if format == Format::Png {
        write_png(&path, &sample.image)?;
    } else {
        let bytes = dicom::encode(options, index, &sample, format)
            .map_err(|source| SynthError::Encode { path: path.clone(), source })?;
        fs::write(&path, bytes).map_err(|source| io("write", &path, source))?;
    }
    write_png(&dir.join(&row.mask), &sample.mask)?;
    if let (Some(file), Some(lungs)) = (&row.lung_mask, &sample.lung_mask) {
        write_png(&dir.join(file), lungs)?;
    }
    Ok(row)
}

fn write_png(path: &Path, picture: &Image) -> Result<(), SynthError> {
    let png = encode_png(picture).map_err(|source| SynthError::Encode { path: path.into(), source })?;
    fs::write(path, png).map_err(|source| io("write", path, source))
}

fn write_table(options: &SynthOptions, dir: &Path, rows: &[Row]) -> Result<(), SynthError> {
    let path = dir.join("labels.csv");
    let failed = |source| SynthError::Table { path: path.clone(), source };
    let mut table = csv::Writer::from_path(&path).map_err(failed)?;
    let mut header = vec!["file", "label", "split", "group", "mask"];
    if options.job.has_lungs() {
        header.push("lung_mask");
    }
    table.write_record(header).map_err(failed)?;
    for row in rows {
        let mut record = vec![row.file.as_str(), row.label, row.split, &row.group, &row.mask];
        record.extend(row.lung_mask.as_deref());
        table.write_record(record).map_err(failed)?;
    }
    table.flush().map_err(|source| io("write", &path, source))
}

fn summarise(options: &SynthOptions, rows: &[Row]) -> Summary {
    // Pictures of a patient follow one another.
    let groups = rows.chunk_by(|a, b| a.group == b.group).count();
    let class = |label| (label, rows.iter().filter(|row| row.label == label).count());
    let split = |name| (name, rows.iter().filter(|row| row.split == name).count());
    Summary {
        pictures: rows.len(),
        groups,
        classes: options.job.classes().iter().copied().map(class).collect(),
        splits: ["train", "val", "test"].map(split),
    }
}

fn create_folder(path: &Path) -> Result<(), SynthError> {
    fs::create_dir_all(path).map_err(|source| io("create the folder", path, source))
}

fn io(action: &'static str, path: &Path, source: std::io::Error) -> SynthError {
    SynthError::Io { action, path: path.into(), source }
}
