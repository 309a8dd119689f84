//! Stored values → pictures: how a file says that its frames are to be seen.

use semio_image::{Color, Display, Image, Lut, Modality, Samples, View, WindowFunction};

use super::{
    DicomError, DicomFile, Frame, Layout, Photometric, Tag, Values,
    dataset::{DataSet, Value},
};

/// What signed 16-bit values are raised by to be kept in unsigned samples.
const RAISED: i32 = 1 << 15;

impl DicomFile<'_> {
    /// Decodes one frame, counted from 0, into the form that the pipeline takes.
    ///
    /// Grey frames keep their stored values and bring how they are to be shown; which of the ways is taken, the
    /// pipeline's depth step says. Colours come as red, green and blue, with palettes applied.
    ///
    /// # Errors
    /// Those of [`Self::frame`], and [`DicomError::Value`] for a palette that cannot be applied.
    pub fn image(&self, frame: u32) -> Result<Image, DicomError> {
        self.image_reduced(frame, None)
    }

    /// As [`Self::image`]; a JPEG 2000 frame comes at its lowest resolution that has at least `enough` columns and rows.
    ///
    /// Frames whose samples cannot be averaged come whole: those with a palette, and those with values that pad them.
    ///
    /// # Errors
    /// Those of [`Self::image`].
    pub fn image_reduced(&self, frame: u32, enough: Option<(usize, usize)>) -> Result<Image, DicomError> {
        let layout = self.layout()?.ok_or_else(|| self.no_pixels())?;
        let averages = layout.photometric != Photometric::Palette && self.padding(&layout).is_none();
        let decoded = self.frame_reduced(frame, enough.filter(|_| averages))?;
        let Frame { rows, columns, values, .. } = decoded;
        let (width, height) = (columns as usize, rows as usize);
        let result = match layout.photometric {
            Photometric::Monochrome1 | Photometric::Monochrome2 => {
                let (samples, first) = samples(values);
                let display = self.display(&layout, frame, first);
                if is_plain(&display, &samples) {
                    Image::new(width, height, Color::Grey, samples)
                } else {
                    Image::measured(width, height, samples, display)
                }
            }
            Photometric::Palette => {
                let palette = self.palette()?;
                match values {
                    Values::U8(v) => palette.paint(width, height, v.into_iter().map(f64::from)),
                    Values::U16(v) => palette.paint(width, height, v.into_iter().map(f64::from)),
                    other => palette.paint(width, height, other.numbers()),
                }
            }
            _ => Image::new(width, height, Color::Rgb, colours(values, layout.bits_stored)),
        };
        result.map_err(|error| DicomError::value(Tag::PIXELS, "Pixel Data", error.to_string()))
    }

    fn display(&self, layout: &Layout, frame: u32, first: i32) -> Display {
        Display {
            first,
            bits: layout.bits_stored,
            modality: self.modality(layout, frame),
            views: self.views(layout, frame).into_iter().map(|(view, _)| view).collect(),
            inverted: layout.photometric == Photometric::Monochrome1,
            padding: self.padding(layout),
        }
    }

    /// The modality transform of one frame; a table before slope and intercept.
    pub fn modality(&self, layout: &Layout, frame: u32) -> Modality {
        if let Some(lut) = self.data.items(Tag::MODALITY_LUT).first().and_then(|item| self.lut(item, layout)) {
            return Modality::Table(lut);
        }
        let transformation = self.group(frame, Tag::PIXEL_TRANSFORMATION);
        let number = |tag| transformation.and_then(|t| self.number(t, tag)).or_else(|| self.number(&self.data, tag));
        // A slope of zero would make every picture one single value.
        let slope = number(Tag::SLOPE).filter(|s| *s != 0.0).unwrap_or(1.0);
        Modality::Rescale { slope, intercept: number(Tag::INTERCEPT).unwrap_or(0.0) }
    }

    /// The ways in which one frame can be looked at, with their names: tables first, then windows.
    pub fn views(&self, layout: &Layout, frame: u32) -> Vec<(View, Option<String>)> {
        let groups = self.group(frame, Tag::FRAME_VOI);
        let mut views = vec![];
        for item in self.data.items(Tag::VOI_LUT) {
            let name = self.value(item, Tag::LUT_EXPLANATION).map(|(bytes, _)| self.charset.decode(bytes));
            views.extend(self.lut(item, layout).map(|lut| (View::Table(lut), name)));
        }
        for set in [Some(&self.data), groups].into_iter().flatten() {
            let function = self.value(set, Tag::WINDOW_FUNCTION).map(|(bytes, _)| self.charset.decode(bytes));
            let function = match function.as_deref() {
                Some("LINEAR_EXACT") => WindowFunction::LinearExact,
                Some("SIGMOID") => WindowFunction::Sigmoid,
                _ => WindowFunction::Linear,
            };
            let names = self.value(set, Tag::WINDOW_EXPLANATION).map(|(bytes, _)| self.charset.decode(bytes));
            let names: Vec<&str> = names.as_deref().map(|n| n.split('\\').collect()).unwrap_or_default();
            let pairs = self.numbers(set, Tag::WINDOW_CENTER).into_iter().zip(self.numbers(set, Tag::WINDOW_WIDTH));
            for (index, (center, width)) in pairs.enumerate() {
                let name = names.get(index).map(|n| n.trim().to_owned()).filter(|n| !n.is_empty());
                views.extend(View::window(center, width, function).ok().map(|view| (view, name)));
            }
        }
        views
    }

    /// The stored values that fill the frame around the picture (PS3.3, C.7.5.1.1.2).
    pub(crate) fn padding(&self, layout: &Layout) -> Option<(f64, f64)> {
        let stored = |tag| self.number(&self.data, tag).map(|v| as_stored(v, layout));
        let value = stored(Tag::PADDING)?;
        let limit = stored(Tag::PADDING_LIMIT).unwrap_or(value);
        Some((value.min(limit), value.max(limit)))
    }

    fn lut(&self, item: &DataSet, layout: &Layout) -> Option<Lut> {
        let descriptor = self.numbers(item, Tag::LUT_DESCRIPTOR);
        let &[count, first, bits, ..] = descriptor.as_slice() else { return None };
        let count = usize::from(count as i32 as u16);
        let count = if count == 0 { 1 << 16 } else { count };
        let (bytes, vr) = self.value(item, Tag::LUT_DESCRIPTOR).map(|(_, vr)| vr).and_then(|vr| {
            let (bytes, _) = self.value(item, Tag::LUT_DATA)?;
            Some((bytes, vr))
        })?;
        let first = if vr.is_none() { as_stored(first, layout) } else { first };
        Lut::new(first as i32, bits.clamp(1.0, 16.0) as u8, self.entries(bytes, count)).ok()
    }

    /// An item of an enhanced object's functional groups: that of the frame, or that shared by all.
    pub(super) fn group(&self, frame: u32, tag: Tag) -> Option<&DataSet> {
        let frames = self.data.items(Tag::FRAME_GROUPS).get(frame as usize);
        let groups = [frames, self.data.items(Tag::SHARED_GROUPS).first()];
        groups.into_iter().flatten().find_map(|group| group.items(tag).first())
    }

    pub(super) fn no_pixels(&self) -> DicomError {
        match self.data.get(Tag::PIXELS).map(|e| &e.value) {
            Some(Value::Bytes(range)) if range.is_empty() => {
                return DicomError::Missing { tag: Tag::PIXELS, name: "Pixel Data" };
            }
            Some(Value::Fragments(_)) => return DicomError::CutShort { tag: Tag::PIXELS },
            _ => {}
        }
        let object = self.text(Tag::MODALITY).filter(|m| m.len() <= 16 && m.bytes().all(|b| b.is_ascii_uppercase()));
        DicomError::NoPixels { object }
    }
}

/// Gives an unsigned number of 16 bits the sign that stored values have.
fn as_stored(value: f64, layout: &Layout) -> f64 {
    if layout.signed && layout.bits_allocated <= 16 && value > f64::from(i16::MAX) { value - 65_536.0 } else { value }
}

/// Whether samples are grey levels as they are.
fn is_plain(display: &Display, samples: &Samples) -> bool {
    let whole = matches!((samples, display.bits), (Samples::U8(_), 8)) && display.first == 0;
    let unchanged = display.modality == Modality::NONE && display.views.is_empty();
    whole && unchanged && !display.inverted && display.padding.is_none()
}

/// Samples and what 0 in them stands for. 32-bit whole numbers lose what single precision cannot hold.
fn samples(values: Values) -> (Samples, i32) {
    match values {
        Values::U8(v) => (Samples::U8(v), 0),
        Values::U16(v) => (Samples::U16(v), 0),
        Values::I8(v) => (Samples::U8(v.into_iter().map(|v| (i32::from(v) + 128) as u8).collect()), -128),
        Values::I16(v) => (Samples::U16(v.into_iter().map(|v| (i32::from(v) + RAISED) as u16).collect()), -RAISED),
        Values::F32(v) => (Samples::F32(v), 0),
        other => (Samples::F32(other.numbers().map(|v| v as f32).collect()), 0),
    }
}

/// Spreads colours over the range of 8 or 16 bits.
fn colours(values: Values, bits: u8) -> Samples {
    match values {
        Values::U8(v) if bits == 8 => Samples::U8(v),
        Values::U16(v) if bits == 16 => Samples::U16(v),
        Values::U8(v) => {
            let top = (1u32 << bits) - 1;
            Samples::U8(v.into_iter().map(|v| ((u32::from(v) * 255 + top / 2) / top).min(255) as u8).collect())
        }
        other => {
            let scale = 65_535.0 / ((1u64 << bits) - 1) as f64;
            Samples::U16(other.numbers().map(|v| (v * scale + 0.5) as u16).collect())
        }
    }
}
