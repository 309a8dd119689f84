use std::path::PathBuf;

/// Why a data set could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The source itself cannot be opened.
    #[error("cannot open {}: {source}", path.display())]
    Open {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's words.
        source: std::io::Error,
    },
    /// The CSV file breaks its own rules.
    #[error("cannot read {}: {reason}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Where and how.
        reason: String,
    },
    /// A column is not there.
    #[error("{} has no column '{column}'; it has: {present}. {advice}", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The name looked for.
        column: String,
        /// The names present.
        present: String,
        /// The flag that names another one.
        advice: String,
    },
    /// The folder is in no known layout.
    #[error(
        "{} is not in a layout that is understood: {reason}. Expected one folder a class, or train, val and test \
         with one folder a class in each, or a CSV file",
        path.display()
    )]
    Layout {
        /// The folder.
        path: PathBuf,
        /// What was found instead.
        reason: String,
    },
    /// A class in the options is not in the data.
    #[error("no picture has the class '{class}' named in {flag}; the classes are: {present}")]
    NoClass {
        /// The class.
        class: String,
        /// Where it was named.
        flag: &'static str,
        /// The classes present.
        present: String,
    },
    /// A class is named twice.
    #[error("{flag} names the class '{class}' twice")]
    RepeatedClass {
        /// The class.
        class: String,
        /// Where it was named.
        flag: &'static str,
    },
    /// Files are named and not there.
    #[error("{count} files are missing: {names}. Restore them, or leave them out with --skip-bad")]
    Missing {
        /// How many.
        count: usize,
        /// The first of them.
        names: String,
    },
    /// One file stands in rows that contradict each other.
    #[error(
        "{count} files stand in several rows with different labels, splits or groups: {names}. Mend the rows, or \
         leave these files out with --skip-bad"
    )]
    Contradiction {
        /// How many files.
        count: usize,
        /// The first of them.
        names: String,
    },
    /// Nothing is left to work on.
    #[error("{} holds no picture to work on{left_out}", path.display())]
    Empty {
        /// The source.
        path: PathBuf,
        /// What was left out.
        left_out: String,
    },
}

/// Joins the first 20 names and counts the rest.
pub(super) fn first_names<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 20;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = names.len().saturating_sub(SHOWN);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}
