use std::{
    fmt,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use image::ImageFormat;

use crate::dicom::DicomError;

/// A picture format that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
    /// Windows bitmap.
    Bmp,
    /// Tagged Image File Format.
    Tiff,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
        })
    }
}

/// A picture file that could not be read, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}: {reason}", file.display())]
pub struct ReadError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: DecodeError,
}

impl ReadError {
    pub(crate) fn new(file: &Path, reason: DecodeError) -> Self {
        Self { file: file.to_owned(), reason }
    }
}

/// What can be wrong with the content of a picture file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The operating system would not hand it out.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A folder, a pipe or a device.
    #[error("it is not a regular file")]
    NotAFile,
    /// No byte in it.
    #[error("the file is empty; copy it again from its source")]
    Empty,
    /// The content is of no format that is read.
    #[error("the content is {found}, not PNG, JPEG, BMP, TIFF or DICOM{hint}")]
    NotAPicture {
        /// What it looks like instead.
        found: &'static str,
        /// What to do, after a semicolon, or nothing.
        hint: &'static str,
    },
    /// More bytes than allowed.
    #[error("the file is larger than the limit of {max} bytes")]
    TooManyBytes {
        /// The limit.
        max: u64,
    },
    /// The header announces more pixels than allowed.
    #[error(
        "the {format} header says {width} × {height} pixels; the limits are {max_side} on a side and {max_pixels} in \
         all: cut the picture into tiles or reduce it first"
    )]
    TooManyPixels {
        /// The format.
        format: Format,
        /// Columns announced.
        width: u64,
        /// Rows announced.
        height: u64,
        /// The limit on a side.
        max_side: u32,
        /// The limit on the product.
        max_pixels: u64,
    },
    /// A variant of the format that is not read.
    #[error("this kind of {format} is not supported ({reason}); convert it to PNG")]
    Unsupported {
        /// The format.
        format: Format,
        /// What is not supported.
        reason: String,
    },
    /// The file ends before its picture does.
    #[error("the {format} file ends early; copy it again from its source")]
    CutShort {
        /// The format.
        format: Format,
    },
    /// The content contradicts the format.
    #[error("the {format} file is broken ({reason}); copy it again from its source")]
    Broken {
        /// The format.
        format: Format,
        /// What the decoder found.
        reason: String,
    },
    /// A frame of a file that is one picture.
    #[error(
        "frame {frame} is asked for, and a {format} file is read as one picture, frame 1; if a list's column means \
         something else, rename it"
    )]
    OneFrame {
        /// The format.
        format: Format,
        /// The frame, counted from 1.
        frame: NonZeroU32,
    },
    /// A DICOM file that cannot be read.
    #[error("{0}")]
    Dicom(#[from] DicomError),
    /// The decoder failed in a way that it should not.
    #[error("the {format} decoder failed on this file, which is probably broken; copy it again from its source")]
    Panicked {
        /// The format.
        format: Format,
    },
}

/// Says what a content is that is no picture, as far as its first bytes tell.
pub(crate) fn not_a_picture(bytes: &[u8], known: Option<ImageFormat>) -> DecodeError {
    const CONVERT: &str = "; convert it to PNG";
    if bytes.is_empty() {
        return DecodeError::Empty;
    }
    let text = bytes.iter().take(512).all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e));
    let start = bytes.trim_ascii_start();
    let (found, hint) = if let Some(format) = known {
        let name = match format {
            ImageFormat::Gif => "GIF",
            ImageFormat::WebP => "WebP",
            ImageFormat::Avif => "AVIF",
            _ => "a picture in another format",
        };
        (name, CONVERT)
    } else if bytes.starts_with(b"\0\0\0\x0cjP  ") || bytes.starts_with(b"\xff\x4f\xff\x51") {
        ("JPEG 2000", CONVERT)
    } else if bytes.starts_with(b"version https://git-lfs") {
        ("a Git LFS pointer", "; fetch the pictures with `git lfs pull`")
    } else if start.starts_with(b"<") && text {
        ("a web page or XML", "; the download probably failed")
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x1f\x8b") {
        ("a compressed archive", "; unpack it first")
    } else if text {
        ("text", "")
    } else if bytes.iter().all(|&b| b == 0) {
        ("nothing but zeros", "; copy the file again from its source")
    } else {
        ("unknown", "")
    };
    DecodeError::NotAPicture { found, hint }
}
