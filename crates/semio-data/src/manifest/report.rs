use std::{collections::BTreeMap, fmt, path::PathBuf};

/// Why a row or file was left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeftOut {
    /// Its split is none of train, val and test; the value is as spelled.
    Split(String),
    /// `--where` does not choose it.
    Filter,
    /// `--classes` does not choose its class.
    Class(String),
    /// It has no label.
    NoLabel,
    /// The same file with the same values stands in an earlier row.
    Repeated,
    /// The same file stands in another row with other values.
    Contradictory,
    /// The file, or its mask, is not there.
    Missing,
    /// Its name begins with a dot.
    Hidden,
    /// It is no picture; the value is the ending of its name.
    NotAPicture(String),
    /// The folder is none of train, val and test; the value is its name.
    Folder(String),
    /// The same picture, or nearly, stands in another list; the value is where that lies.
    Known(String),
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Split(value) if value.is_empty() => f.write_str("split is empty"),
            Self::Split(value) => write!(f, "split is '{value}'"),
            Self::Filter => f.write_str("not chosen by --where"),
            Self::Class(class) => write!(f, "class '{class}' is not among --classes"),
            Self::NoLabel => f.write_str("no label"),
            Self::Repeated => f.write_str("repeats an earlier row"),
            Self::Contradictory => f.write_str("contradicts another row of the same file"),
            Self::Missing => f.write_str("file is missing"),
            Self::Hidden => f.write_str("hidden file"),
            Self::NotAPicture(ending) if ending.is_empty() => f.write_str("not a picture, by name and content"),
            Self::NotAPicture(ending) => write!(f, "not a picture (.{ending})"),
            Self::Folder(name) => write!(f, "in the folder '{name}', which is not train, val or test"),
            Self::Known(list) => write!(f, "(nearly) the same picture stands in {list}"),
        }
    }
}

/// What a manifest was made from, and what was left out and why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// The CSV file or folder that was read.
    pub source: PathBuf,
    /// Rows or files seen.
    pub seen: usize,
    /// Rows or files kept.
    pub kept: usize,
    /// How many were left out for each reason.
    pub left_out: BTreeMap<LeftOut, usize>,
    /// The names of those left out because they are missing or contradictory.
    pub bad: Vec<String>,
    /// Lists whose pictures were left out where they are the same, and not where they are nearly the same: together there
    /// were too many to be compared.
    pub only_same: Vec<PathBuf>,
    /// How many files have several frames, of which the first is read because none is named; known once they are read.
    pub first_frames: usize,
}

impl LoadReport {
    pub(super) fn leave_out(&mut self, reason: LeftOut) {
        *self.left_out.entry(reason).or_default() += 1;
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} of {} kept", self.source.display(), self.kept, self.seen)?;
        for (reason, count) in &self.left_out {
            write!(f, "\n  {count} left out: {reason}")?;
        }
        if !self.bad.is_empty() {
            write!(f, "\n  left out by name: {}", super::error::first_names(&self.bad))?;
        }
        for list in &self.only_same {
            let list = list.display();
            write!(f, "\n  too many pictures to seek nearly the same ones in {list}; only the same ones are left out")?;
        }
        if self.first_frames > 0 {
            let (files, have) = if self.first_frames == 1 { ("file", "has") } else { ("files", "have") };
            write!(
                f,
                "\n  {} {files} {have} several frames, and the first is read; `semio data import --frame all` lists each",
                self.first_frames
            )?;
        }
        Ok(())
    }
}
