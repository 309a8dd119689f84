use std::path::{Path, PathBuf};

use semio_image::Image;

use super::{
    DecodeError, Kind, ReadError, ReadLimits, ReadOptions, dicom_image, error::Format, raster_image, read_bytes,
};
use crate::dicom::DicomFile;

/// A picture file whose content is in memory: its pictures are decoded when they are asked for.
#[derive(Debug)]
pub struct PictureFile {
    file: PathBuf,
    content: Content,
    limits: ReadLimits,
}

#[derive(Debug)]
enum Content {
    Dicom(Box<DicomFile<'static>>),
    Raster(Format, Vec<u8>),
}

impl PictureFile {
    /// Reads a file's content, and a DICOM file's data elements.
    ///
    /// # Errors
    /// [`ReadError`] where it cannot be opened, is no picture, or is beyond `limits`.
    pub fn open(path: &Path, limits: &ReadLimits) -> Result<Self, ReadError> {
        let open = || -> Result<Content, DecodeError> {
            let bytes = read_bytes(path, limits)?;
            Ok(match Kind::of(&bytes)? {
                Kind::Dicom => Content::Dicom(Box::new(DicomFile::of(bytes, limits)?)),
                Kind::Raster(format) => Content::Raster(format, bytes),
            })
        };
        let content = open().map_err(|reason| ReadError::new(path, reason))?;
        Ok(Self { file: path.to_owned(), content, limits: *limits })
    }

    /// Where the file lies.
    pub fn path(&self) -> &Path {
        &self.file
    }

    /// How many frames the file says that it has; 1 where it says nothing that makes sense, which [`Self::image`] then
    /// tells, and in every other format than DICOM.
    pub fn frames(&self) -> u32 {
        match &self.content {
            Content::Dicom(file) => file.layout().ok().flatten().map_or(1, |layout| layout.frames),
            Content::Raster(..) => 1,
        }
    }

    /// Decodes one picture.
    ///
    /// # Errors
    /// [`ReadError`] says what is wrong with the file, or that it has no such frame.
    pub fn image(&self, options: &ReadOptions) -> Result<Image, ReadError> {
        let image = match &self.content {
            Content::Dicom(file) => dicom_image(file, options),
            Content::Raster(format, bytes) => raster_image(bytes, *format, &self.limits, options),
        };
        image.map_err(|reason| ReadError::new(&self.file, reason))
    }
}
