use crate::{Color, MAX_SIDE};

/// What can be wrong with a picture's own data, or with what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// A side of the picture is zero.
    #[error("a picture of {width} × {height} pixels has no content")]
    Empty {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The samples do not fill the picture.
    #[error("{got} samples do not make a picture of {width} × {height} pixels ({color:?})")]
    SampleCount {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// What the samples mean.
        color: Color,
        /// Samples present.
        got: usize,
    },
    /// A lookup table has no entries, too many, or entries of an impossible width.
    #[error("a lookup table of {entries} entries of {bits} bits cannot be used")]
    Lut {
        /// Entries.
        entries: usize,
        /// Bits of an entry.
        bits: u8,
    },
    /// A window's centre or width is no number that its function allows.
    #[error("a window needs a finite centre and a width of at least 1 (above 0 for LINEAR_EXACT and SIGMOID)")]
    Window,
    /// A cut reaches out of the picture.
    #[error("cannot cut {width} × {height} pixels at ({x}, {y}) out of a picture of {from_width} × {from_height}")]
    Crop {
        /// First column of the cut.
        x: usize,
        /// First row of the cut.
        y: usize,
        /// Columns of the cut.
        width: usize,
        /// Rows of the cut.
        height: usize,
        /// Columns of the picture.
        from_width: usize,
        /// Rows of the picture.
        from_height: usize,
    },
    /// A size to resize to is larger than pictures for a network or a screen are.
    #[error("cannot resize to {width} × {height} pixels, a side may have {MAX_SIDE} at most")]
    TooLarge {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The resizing library refused the picture.
    #[error("cannot resize a picture of {from_width} × {from_height} pixels to {width} × {height}: {reason}")]
    Resize {
        /// Columns of the picture.
        from_width: usize,
        /// Rows of the picture.
        from_height: usize,
        /// Columns asked for.
        width: usize,
        /// Rows asked for.
        height: usize,
        /// The library's words.
        reason: String,
    },
}
