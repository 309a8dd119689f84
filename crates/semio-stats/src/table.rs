/// Numbers in rows and columns: logits, probabilities or features, one row a picture. All are finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    values: Vec<f64>,
    columns: usize,
}

/// Why numbers cannot be fitted or judged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// There is nothing to fit or judge.
    #[error("there are no pictures to work on")]
    Empty,
    /// The values do not fill whole rows.
    #[error("{values} values do not fill rows of {columns}")]
    Ragged {
        /// Values present.
        values: usize,
        /// Columns of a row.
        columns: usize,
    },
    /// A list does not have the length that another asks for.
    #[error("expected {expected} entries in `{what}`, got {got}")]
    Length {
        /// The list.
        what: &'static str,
        /// Entries needed.
        expected: usize,
        /// Entries present.
        got: usize,
    },
    /// A number is infinite or none.
    #[error("row {row}, column {column}: the value is not a finite number")]
    NotFinite {
        /// Zero-based row.
        row: usize,
        /// Zero-based column.
        column: usize,
    },
    /// A label names no class.
    #[error("row {row}: label {label}, but there are {classes} classes")]
    Label {
        /// Zero-based row.
        row: usize,
        /// The label found.
        label: usize,
        /// Classes present.
        classes: usize,
    },
    /// A class without which nothing can be fitted has no picture.
    #[error("no picture is of class {0} (counted from 0); add some, or choose a method that needs none")]
    MissingClass(usize),
    /// A setting is outside of what is possible.
    #[error("`{what}` is {value}, expected {expected}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// Its value.
        value: f64,
        /// What is possible.
        expected: &'static str,
    },
    /// There are fewer pictures or groups than the method needs.
    #[error("{got} {what} are too few; at least {needed} are needed")]
    TooFew {
        /// What is counted.
        what: &'static str,
        /// Needed.
        needed: usize,
        /// Present.
        got: usize,
    },
}

impl Table {
    /// Keeps the values.
    ///
    /// # Shapes
    /// Rows × columns, row by row.
    ///
    /// # Errors
    /// Where there is no row, the last row is not full, or a value is not finite.
    pub fn new(values: Vec<f64>, columns: usize) -> Result<Self, InputError> {
        if values.is_empty() || columns == 0 {
            return Err(InputError::Empty);
        }
        if !values.len().is_multiple_of(columns) {
            return Err(InputError::Ragged { values: values.len(), columns });
        }
        if let Some(place) = values.iter().position(|v| !v.is_finite()) {
            return Err(InputError::NotFinite { row: place / columns, column: place % columns });
        }
        Ok(Self { values, columns })
    }

    /// Keeps single-precision values; see [`Table::new`].
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn from_f32(values: &[f32], columns: usize) -> Result<Self, InputError> {
        Self::new(values.iter().copied().map(f64::from).collect(), columns)
    }

    /// The rows in order.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.values.chunks_exact(self.columns)
    }

    /// One row; empty where there is no such row.
    pub fn row(&self, row: usize) -> &[f64] {
        self.rows().nth(row).unwrap_or_default()
    }

    /// The number of rows; never 0.
    #[expect(clippy::len_without_is_empty, reason = "the constructor refuses empty tables")]
    pub fn len(&self) -> usize {
        self.values.len() / self.columns
    }

    /// The number of columns; never 0.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

pub(crate) fn check_length(what: &'static str, expected: usize, got: usize) -> Result<(), InputError> {
    if expected == got { Ok(()) } else { Err(InputError::Length { what, expected, got }) }
}

/// One label a row, each naming a class.
pub(crate) fn check_labels(labels: &[usize], rows: usize, classes: usize) -> Result<(), InputError> {
    check_length("labels", rows, labels.len())?;
    match labels.iter().enumerate().find(|&(_, &label)| label >= classes) {
        Some((row, &label)) => Err(InputError::Label { row, label, classes }),
        None => Ok(()),
    }
}

/// Every class has a picture.
pub(crate) fn check_present(labels: &[usize], classes: usize) -> Result<(), InputError> {
    match (0..classes).find(|c| !labels.contains(c)) {
        Some(missing) => Err(InputError::MissingClass(missing)),
        None => Ok(()),
    }
}

/// A share strictly between 0 and 1.
pub(crate) fn check_share(what: &'static str, value: f64) -> Result<(), InputError> {
    if value > 0.0 && value < 1.0 {
        Ok(())
    } else {
        Err(InputError::Setting { what, value, expected: "a share between 0 and 1" })
    }
}
