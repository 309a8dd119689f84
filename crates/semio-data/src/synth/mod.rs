//! Synthetic pictures with known truth: phantoms for demonstrations and tests, never for medical conclusions.
//!
//! A picture is drawn from its number alone, so that any number of threads makes the same set. What a patient's
//! pictures share, where the body lies, what belongs to the class and the scanner's noise come from separate random
//! sequences: the same picture can be drawn without its lesion.

mod brain_tumor;
mod chest;
mod covid;
mod dicom;
mod head;
mod leukemia;
mod ms;
mod noise;
mod plan;
mod pneumonia;
mod random;
mod scanner;
mod scene;
mod shape;
mod write;

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use semio_image::{Color, Image, ImageError, Samples};

use random::{Purpose, Random};
use scanner::Machine;
use scene::Scene;
pub use write::{Summary, write_dataset, write_dataset_as};

/// A diagnostic question for which pictures can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Job {
    /// Head MRI with contrast agent: kind of tumour.
    BrainTumor,
    /// Head MRI (FLAIR): lesions of multiple sclerosis.
    Ms,
    /// Chest X-ray: opacity as in pneumonia.
    Pneumonia,
    /// Chest X-ray: COVID-19 against other findings.
    Covid,
    /// Stained blood cell: healthy or leukaemic blast.
    Leukemia,
}

impl Job {
    /// All jobs, in the order of the documentation.
    pub const ALL: [Self; 5] = [Self::BrainTumor, Self::Ms, Self::Pneumonia, Self::Covid, Self::Leukemia];

    /// The job's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::BrainTumor => "brain-tumor",
            Self::Ms => "ms",
            Self::Pneumonia => "pneumonia",
            Self::Covid => "covid",
            Self::Leukemia => "leukemia",
        }
    }

    /// The labels, spelled as in the public data sets of the same question.
    pub fn classes(self) -> &'static [&'static str] {
        match self {
            Self::BrainTumor => &brain_tumor::CLASSES,
            Self::Ms => &ms::CLASSES,
            Self::Pneumonia => &pneumonia::CLASSES,
            Self::Covid => &covid::CLASSES,
            Self::Leukemia => &leukemia::CLASSES,
        }
    }

    /// Whether pictures carry a second mask, of the lungs.
    pub fn has_lungs(self) -> bool {
        matches!(self, Self::Pneumonia | Self::Covid)
    }
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Job {
    type Err = SynthError;

    fn from_str(text: &str) -> Result<Self, SynthError> {
        Self::ALL.into_iter().find(|job| job.name() == text).ok_or_else(|| SynthError::Job { got: text.into() })
    }
}

/// The files that pictures are written as; masks are PNG always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// PNG, 8 bits.
    #[default]
    Png,
    /// DICOM, uncompressed: X-rays as CR and head slices as MR with 12 bits, blood cells as Secondary Capture in colour.
    Dicom,
    /// The same with run lengths (RLE Lossless).
    DicomRle,
    /// The same as JPEG Baseline, 8 bits, with loss; MR objects have more bits than that.
    DicomJpeg,
}

impl Format {
    /// The format's name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Dicom => "dicom",
            Self::DicomRle => "dicom-rle",
            Self::DicomJpeg => "dicom-jpeg",
        }
    }

    fn ending(self) -> &'static str {
        if self == Self::Png { "png" } else { "dcm" }
    }
}

impl FromStr for Format {
    type Err = SynthError;

    fn from_str(text: &str) -> Result<Self, SynthError> {
        let all = [Self::Png, Self::Dicom, Self::DicomRle, Self::DicomJpeg];
        all.into_iter().find(|format| format.name() == text).ok_or_else(|| SynthError::Format { got: text.into() })
    }
}

/// Side lengths that can be drawn, in pixels.
pub const SIZES: RangeInclusive<usize> = 32..=1024;

/// Numbers of pictures that can be asked for.
pub const COUNTS: RangeInclusive<usize> = 1..=1_000_000;

/// What to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthOptions {
    /// The question.
    pub job: Job,
    /// Number of pictures, within [`COUNTS`].
    pub count: usize,
    /// Start of all random sequences.
    pub seed: u64,
    /// Side length in pixels, within [`SIZES`].
    pub size: usize,
}

impl SynthOptions {
    /// Asks for `count` pictures of 128 × 128 pixels.
    pub fn new(job: Job, count: usize, seed: u64) -> Self {
        Self { job, count, seed, size: 128 }
    }

    fn check(&self) -> Result<(), SynthError> {
        if !SIZES.contains(&self.size) {
            return Err(SynthError::Size { got: self.size });
        }
        if !COUNTS.contains(&self.count) {
            return Err(SynthError::Count { got: self.count });
        }
        Ok(())
    }
}

/// A picture with its truth.
#[derive(Clone, Debug, PartialEq)]
pub struct SynthSample {
    /// The picture, 8 bits; blood cells in colour, the others grey.
    pub image: Image,
    /// 255 where the lesion is (all 0 where there is none), for blood cells where the cell is.
    pub mask: Image,
    /// 255 where the lungs are seen, for chest X-rays.
    pub lung_mask: Option<Image>,
    /// One of [`Job::classes`].
    pub label: &'static str,
    /// The synthetic patient, who has one to four pictures.
    pub group: String,
    /// `train`, `val` or `test`; the same for all pictures of a patient.
    pub split: &'static str,
}

/// Makes the picture with number `index`, from 0; a pure function of its arguments.
///
/// The number of pictures asked for does not change the picture, only where the set ends.
///
/// # Errors
/// [`SynthError::Size`] and [`SynthError::Count`] for options out of range, [`SynthError::Index`] for a number not
/// below the count.
pub fn synthesize(options: &SynthOptions, index: usize) -> Result<SynthSample, SynthError> {
    options.check()?;
    let place = plan::place(options, index)?;
    let (scene, samples) = render(options, index, &place, true);
    let color = if options.job == Job::Leukemia { Color::Rgb } else { Color::Grey };
    let mask = |of: fn(&scene::Spot) -> bool| {
        let samples = scene.spots.iter().map(|spot| if of(spot) { 255 } else { 0 }).collect();
        Image::new(options.size, options.size, Color::Grey, Samples::U8(samples))
    };
    Ok(SynthSample {
        image: Image::new(options.size, options.size, color, Samples::U8(samples))?,
        mask: if options.job == Job::Leukemia { mask(|spot| spot.organ)? } else { mask(|spot| spot.lesion)? },
        lung_mask: if options.job.has_lungs() { Some(mask(|spot| spot.organ)?) } else { None },
        label: options.job.classes()[place.class],
        group: format!("p{:05}", place.group + 1),
        split: place.split,
    })
}

/// The random sequences of one picture.
struct Draws {
    anatomy: Random,
    pose: Random,
    lesion: Random,
}

fn render(options: &SynthOptions, index: usize, place: &plan::Place, lesion: bool) -> (Scene, Vec<u8>) {
    let random = |purpose, number| Random::new(options.seed, options.job, purpose, number);
    let mut draws = Draws {
        anatomy: random(Purpose::Anatomy, place.group),
        pose: random(Purpose::Pose, index as u64),
        lesion: random(Purpose::Lesion, index as u64),
    };
    let (size, class) = (options.size, place.class);
    let (scene, machine) = match options.job {
        Job::BrainTumor => (brain_tumor::scene(size, class, lesion, &mut draws), Machine::Mri),
        Job::Ms => (ms::scene(size, class, lesion, &mut draws), Machine::Mri),
        Job::Pneumonia => (pneumonia::scene(size, class, lesion, &mut draws), Machine::XRay),
        Job::Covid => (covid::scene(size, class, lesion, &mut draws), Machine::XRay),
        Job::Leukemia => (leukemia::scene(size, class, &mut draws), Machine::Microscope),
    };
    let samples = scanner::take(&scene, machine, &mut draws.pose, &mut random(Purpose::Noise, index as u64));
    (scene, samples)
}

/// What can go wrong in making pictures.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SynthError {
    /// The job's name is unknown.
    #[error("unknown job `{got}`: expected brain-tumor, ms, pneumonia, covid or leukemia")]
    Job {
        /// What was given.
        got: String,
    },
    /// The format's name is unknown.
    #[error("unknown format `{got}`: expected png, dicom, dicom-rle or dicom-jpeg")]
    Format {
        /// What was given.
        got: String,
    },
    /// The job's objects cannot take the format.
    #[error("{job} makes MR objects, which have more bits than JPEG Baseline: choose dicom or dicom-rle")]
    TooDeep {
        /// The job.
        job: Job,
    },
    /// The side length is out of range.
    #[error("a size of {got} pixels cannot be drawn: expected {} to {}", SIZES.start(), SIZES.end())]
    Size {
        /// What was given.
        got: usize,
    },
    /// The number of pictures is out of range.
    #[error("{got} pictures cannot be made: expected {} to {}", COUNTS.start(), COUNTS.end())]
    Count {
        /// What was given.
        got: usize,
    },
    /// There is no picture with this number.
    #[error("there is no picture number {index} in a set of {count}: expected a number below {count}")]
    Index {
        /// What was given.
        index: usize,
        /// Pictures in the set.
        count: usize,
    },
    /// The folder to write into holds something already.
    #[error("the folder {} is not empty, and nothing in it was touched: name a new folder or empty this one", dir.display())]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
    },
    /// A file or folder could not be written or read.
    #[error("could not {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A picture could not be encoded.
    #[error("could not encode {}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// The encoder's answer.
        source: image::ImageError,
    },
    /// The table of labels could not be written.
    #[error("could not write the table {}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// The writer's answer.
        source: csv::Error,
    },
    /// Samples and sides of a drawn picture disagree.
    #[error(transparent)]
    Image(#[from] ImageError),
}

#[cfg(test)]
mod tests;
