use serde::{Deserialize, Serialize};

/// What a manifest is loaded for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Training or evaluation: every picture needs a class, and no file may be missing.
    #[default]
    Train,
    /// Prediction: every row counts and keeps its place, also where its file is missing; labels and splits are kept
    /// where they are understood, and nothing is left out because of them.
    Predict,
}

/// The names of a CSV file's columns; where none is given, the usual name is taken if the file has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Columns {
    /// The picture's path; usually `file`.
    pub file: Option<String>,
    /// The number of a DICOM file's frame, from 1 on; usually `frame`.
    pub frame: Option<String>,
    /// The class; usually `label`.
    pub label: Option<String>,
    /// The part; usually `split`.
    pub split: Option<String>,
    /// What must stay together; usually `group`.
    pub group: Option<String>,
    /// The mask's path; usually `mask`.
    pub mask: Option<String>,
}

/// How a manifest is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ManifestOptions {
    /// What it is loaded for.
    pub purpose: Purpose,
    /// The columns' names.
    pub columns: Columns,
    /// Chooses and orders the classes; empty means all, sorted.
    pub classes: Vec<String>,
    /// Renames classes (old, new), before `classes` chooses; two old names with one new name are merged.
    pub map: Vec<(String, String)>,
    /// Keeps the rows with these values (column, value), as spelled in the source: one column given twice means
    /// either value, several columns mean all of them. In folders the columns are `label` and `split`.
    #[serde(rename = "where")]
    pub filter: Vec<(String, String)>,
    /// Leaves out missing and contradictory rows instead of stopping.
    pub skip_bad: bool,
}
