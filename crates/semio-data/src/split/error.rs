/// Why a data set could not be split.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// The ratios make no sense.
    #[error(
        "the ratios train {train}, val {val}, test {test} cannot be used: each must be zero or more, train and the \
         sum above zero"
    )]
    Ratios {
        /// Share for training.
        train: f64,
        /// Share for validation.
        val: f64,
        /// Share for the test.
        test: f64,
    },
    /// There are fewer groups than parts.
    #[error(
        "{groups} groups cannot fill {parts} parts without dividing one; ask for fewer parts, or check the group column"
    )]
    TooFewGroups {
        /// Groups present.
        groups: usize,
        /// Parts wanted.
        parts: usize,
    },
    /// Folds begin at two.
    #[error("{folds} folds cannot be made; ask for 2 or more")]
    TooFewFolds {
        /// Folds wanted.
        folds: usize,
    },
    /// Leaving one group out needs groups.
    #[error("{count} pictures have no group, so no group can be left out; name the column with --group-column")]
    NoGroup {
        /// Samples without a group.
        count: usize,
    },
    /// Some samples have a split and others have none.
    #[error("{without} of {all} pictures have no split; give each one, or none")]
    Mixed {
        /// Samples without a split.
        without: usize,
        /// All samples.
        all: usize,
    },
    /// The split column names no training picture.
    #[error("no picture belongs to train; check the split column")]
    NoTrain,
}
