//! DICOM files → attributes, stored values, and pictures as they are to be seen.
//!
//! [`DicomFile`] reads the data elements without copying or decoding pixels. [`DicomFile::frame`] decodes the stored
//! values of one frame, [`DicomFile::image`] brings one into the form that the pipeline takes: grey values together
//! with how they are to be shown ([`semio_image::Display`]), or colours.
//!
//! What is read, what is refused, and what pydicom makes of the same files: `docs/dicom.md`.

mod attributes;
mod codec;
mod color;
pub(crate) mod dataset;
mod digest;
mod display;
mod error;
mod file;
mod frames;
mod layout;
mod palette;
mod syntax;
mod tag;
mod text;
mod values;
pub(crate) mod write;

pub use attributes::{Age, Attributes, Sex, Spacing};
pub use digest::PixelDigest;
pub use error::DicomError;
pub(crate) use file::is_marked;
pub use file::{DicomFile, looks_like_dicom};
pub use frames::{Frame, Values};
pub use layout::{Layout, Photometric};
pub use syntax::TransferSyntax;
pub use tag::Tag;
