use super::{DicomError, DicomFile, Tag, dataset::Value};

/// What the samples of a pixel mean (DICOM PS3.3, C.7.6.3.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Photometric {
    /// Grey, the smallest value is white.
    Monochrome1,
    /// Grey, the smallest value is black.
    Monochrome2,
    /// Numbers of colours.
    Palette,
    /// Red, green, blue.
    Rgb,
    /// Luma and colour differences in the full range of bits.
    YbrFull,
    /// The same, with one pair of colour differences for two pixels of a row.
    YbrFull422,
    /// Luma and colour differences in the range of television, one pair for two pixels of a row (retired).
    YbrPartial422,
    /// JPEG 2000's irreversible transform, which its decoder takes back.
    YbrIct,
    /// JPEG 2000's reversible transform, which its decoder takes back.
    YbrRct,
}

impl Photometric {
    const ALL: [(&'static str, Self); 9] = [
        ("MONOCHROME1", Self::Monochrome1),
        ("MONOCHROME2", Self::Monochrome2),
        ("PALETTE COLOR", Self::Palette),
        ("RGB", Self::Rgb),
        ("YBR_FULL", Self::YbrFull),
        ("YBR_FULL_422", Self::YbrFull422),
        ("YBR_PARTIAL_422", Self::YbrPartial422),
        ("YBR_ICT", Self::YbrIct),
        ("YBR_RCT", Self::YbrRct),
    ];

    /// DICOM's term.
    pub fn term(self) -> &'static str {
        Self::ALL.iter().find(|(_, p)| *p == self).map_or("", |(term, _)| term)
    }

    /// Whether a pixel is one grey value.
    pub fn is_grey(self) -> bool {
        matches!(self, Self::Monochrome1 | Self::Monochrome2)
    }

    fn samples(self) -> u16 {
        if self.is_grey() || self == Self::Palette { 1 } else { 3 }
    }
}

/// How pixels are laid out (DICOM PS3.3, C.7.6.3), checked: a layout that exists, makes sense.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Rows of a frame.
    pub rows: u32,
    /// Columns of a frame.
    pub columns: u32,
    /// Frames.
    pub frames: u32,
    /// Samples a pixel: 1 or 3.
    pub samples: u16,
    /// What they mean.
    pub photometric: Photometric,
    /// Whether samples of one kind lie together, as planes.
    pub planar: bool,
    /// Bits that a sample takes: 1, 8, 16, 32 or 64.
    pub bits_allocated: u8,
    /// Bits of them that are used.
    pub bits_stored: u8,
    /// The highest of the used bits, from 0.
    pub high_bit: u8,
    /// Whether samples are two's complements.
    pub signed: bool,
    /// Whether samples are real numbers of 32 or 64 bits.
    pub real: bool,
}

impl Layout {
    /// The number of samples in a frame.
    pub fn frame_samples(&self) -> usize {
        self.rows as usize * self.columns as usize * usize::from(self.samples)
    }
}

impl DicomFile<'_> {
    /// How the pixels are laid out; `None` where the file holds none, as reports and plans do.
    ///
    /// # Errors
    /// [`DicomError::Missing`] or [`DicomError::Value`] name the element that is absent or makes no sense;
    /// [`DicomError::Limit`] for more pixels than the limits grant.
    pub fn layout(&self) -> Result<Option<Layout>, DicomError> {
        let Some(pixels) = self.pixels() else { return Ok(None) };
        let photometric = self.photometric()?;
        let rows = self.side(Tag::ROWS, "Rows")?;
        let columns = self.side(Tag::COLUMNS, "Columns")?;
        if u64::from(rows) * u64::from(columns) > self.limits.max_pixels {
            let (what, limit) = (format!("{columns} × {rows} pixels"), format!("{} in all", self.limits.max_pixels));
            return Err(DicomError::Limit { what, limit });
        }
        let number = |tag, name, otherwise| match self.whole(tag, name)? {
            Some(number) => Ok(number),
            None => otherwise,
        };
        let missing = |tag, name| Err(DicomError::Missing { tag, name });
        let frames = number(Tag::FRAMES, "Number of Frames", Ok(1))?.max(1);
        let samples = number(Tag::SAMPLES, "Samples per Pixel", Ok(photometric.samples().into()))?;
        if samples != u32::from(photometric.samples()) {
            let reason = format!("{samples}, but {} has {}", photometric.term(), photometric.samples());
            return Err(DicomError::value(Tag::SAMPLES, "Samples per Pixel", reason));
        }
        let real = pixels != Tag::PIXELS;
        let allocated = number(Tag::BITS_ALLOCATED, "Bits Allocated", missing(Tag::BITS_ALLOCATED, "Bits Allocated"))?;
        let sensible = match pixels {
            Tag::FLOAT_PIXELS => allocated == 32,
            Tag::DOUBLE_PIXELS => allocated == 64,
            _ => matches!(allocated, 1 | 8 | 16 | 32),
        };
        if !sensible || (real && !photometric.is_grey()) || (allocated == 1 && samples != 1) {
            let reason = format!("{allocated} bits are not supported here (1, 8, 16 and 32 are; 64 for real numbers)");
            return Err(DicomError::value(Tag::BITS_ALLOCATED, "Bits Allocated", reason));
        }
        let stored = number(Tag::BITS_STORED, "Bits Stored", Ok(allocated))?;
        let stored = if real { allocated } else { stored };
        let high_bit = number(Tag::HIGH_BIT, "High Bit", Ok(stored.max(1) - 1))?;
        if !(1..=allocated).contains(&stored) {
            let reason = format!("{stored} of {allocated} bits");
            return Err(DicomError::value(Tag::BITS_STORED, "Bits Stored", reason));
        }
        // A high bit that does not fit is worth less than the number of bits, which it contradicts.
        let high_bit = if (stored - 1..allocated).contains(&high_bit) && !real { high_bit } else { stored - 1 };
        let signed = number(Tag::SIGNED, "Pixel Representation", Ok(0))? == 1;
        let planar = number(Tag::PLANAR, "Planar Configuration", Ok(0))? == 1 && samples > 1;
        let [bits_allocated, bits_stored, high_bit] = [allocated, stored, high_bit].map(|bits| bits as u8);
        let samples = photometric.samples();
        Ok(Some(Layout {
            rows,
            columns,
            frames,
            samples,
            photometric,
            planar,
            bits_allocated,
            bits_stored,
            high_bit,
            signed,
            real,
        }))
    }

    /// The element that holds the pixels.
    pub(super) fn pixels(&self) -> Option<Tag> {
        let holds = |tag: &Tag| match self.data.get(*tag).map(|e| &e.value) {
            Some(Value::Bytes(range)) => !range.is_empty(),
            Some(Value::Fragments(fragments)) => !fragments.is_empty(),
            _ => false,
        };
        [Tag::PIXELS, Tag::FLOAT_PIXELS, Tag::DOUBLE_PIXELS].into_iter().find(holds)
    }

    fn photometric(&self) -> Result<Photometric, DicomError> {
        const NAME: &str = "Photometric Interpretation";
        let term = self.text(Tag::PHOTOMETRIC).ok_or(DicomError::Missing { tag: Tag::PHOTOMETRIC, name: NAME })?;
        let term = term.to_ascii_uppercase();
        let known = Photometric::ALL.iter().find(|(known, _)| *known == term);
        known.map(|(_, photometric)| *photometric).ok_or_else(|| {
            // The element holds a defined term; what is none may be anything, and is not repeated.
            let reason = match term.as_str() {
                "HSV" | "ARGB" | "CMYK" | "YBR_PARTIAL_420" | "XYB" => format!("{term} is not supported"),
                _ => "it holds no known term".into(),
            };
            DicomError::value(Tag::PHOTOMETRIC, NAME, reason)
        })
    }

    fn side(&self, tag: Tag, name: &'static str) -> Result<u32, DicomError> {
        let side = self.whole(tag, name)?.ok_or(DicomError::Missing { tag, name })?;
        if side == 0 {
            return Err(DicomError::value(tag, name, "0 pixels"));
        }
        if side > self.limits.max_side {
            let (what, limit) = (format!("{side} {name}"), format!("{} on a side", self.limits.max_side));
            return Err(DicomError::Limit { what, limit });
        }
        Ok(side)
    }

    /// A whole number, none where the element is absent or empty.
    fn whole(&self, tag: Tag, name: &'static str) -> Result<Option<u32>, DicomError> {
        if self.value(&self.data, tag).is_none() {
            return Ok(None);
        }
        let number =
            self.number(&self.data, tag).filter(|n| n.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(n));
        match number {
            Some(number) => Ok(Some(number as u32)),
            None => Err(DicomError::value(tag, name, "it holds no whole number")),
        }
    }
}
