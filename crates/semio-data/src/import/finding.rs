use std::fmt;

use serde::Serialize;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    // Trouble: pictures are lost or figures become wrong.
    /// Rows whose file is not there.
    RowWithoutFile,
    /// Files that no row names.
    FileWithoutRow,
    /// Rows of one picture that contradict each other, or the file's name.
    Contradiction,
    /// Patients with pictures in more than one part.
    DividedGroup,
    /// Pictures that have no mask while others have one.
    PictureWithoutMask,
    /// Masks that belong to no picture.
    MaskWithoutPicture,
    /// Pictures without a part while others have one.
    WithoutSplit,
    /// Pictures without a patient while others have one.
    WithoutGroup,
    /// Names that do not follow the layout's rule.
    OddName,
    /// Files that are no picture by content, or cannot be opened.
    NotAPicture,
    /// Files without the frame that is asked for, and rows whose frame is no number.
    NoFrame,
    // Notes: good to know.
    /// Rows without a value that is needed, dropped.
    EmptyRow,
    /// Further rows of one picture, collapsed.
    RepeatedRow,
    /// Pictures of an unlabelled part.
    Unlabelled,
    /// The data set does not say which pictures are of one patient.
    PatientsUnknown,
    /// Masks of another size than their picture.
    MaskSize,
    /// The table states another size than the file has.
    StatedSize,
    /// The table states another format than the file has.
    StatedFormat,
    /// The table spells names in another way than the files.
    Spelling,
    /// Rows without a source.
    NoSource,
    /// A class of the layout without a picture.
    EmptyClass,
    /// Files or folders that were passed over.
    PassedOver,
    /// Files of several frames, of which one is read.
    SeveralFrames,
}

impl Kind {
    /// Whether pictures are lost or figures become wrong by it; else it is good to know.
    pub fn is_trouble(self) -> bool {
        self < Self::EmptyRow
    }
}

/// Something unusual in a data set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was found.
    pub kind: Kind,
    /// How often.
    pub count: usize,
    /// What it is and what becomes of it, in words.
    pub text: String,
    /// The first of the files or rows.
    pub examples: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, self.text)?;
        if !self.examples.is_empty() {
            let more = if self.count > self.examples.len() { ", …" } else { "" };
            write!(f, ": {}{more}", self.examples.join(", "))?;
        }
        Ok(())
    }
}

/// Findings of one data set.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    /// Notes one more case, of which the first few are kept by name.
    pub(super) fn add(&mut self, kind: Kind, text: &str, example: impl Into<String>) {
        const KEPT: usize = 5;
        let index = self.0.iter().position(|f| f.kind == kind && f.text == text).unwrap_or_else(|| {
            self.0.push(Finding { kind, count: 0, text: text.to_owned(), examples: vec![] });
            self.0.len() - 1
        });
        let finding = &mut self.0[index];
        finding.count += 1;
        let example = example.into();
        if finding.examples.len() < KEPT && !example.is_empty() {
            finding.examples.push(example);
        }
    }

    pub(super) fn into_sorted(self) -> Vec<Finding> {
        let mut findings = self.0;
        findings.sort_by_key(|finding| finding.kind);
        findings
    }
}
