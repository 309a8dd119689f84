//! Coded pixels → samples, one frame at a time.

pub(super) mod jpeg;
pub(super) mod jpeg2000;
pub(super) mod jpeg_ls;
pub(super) mod rle;

/// Samples, those of a pixel side by side.
#[derive(Debug, PartialEq)]
pub(super) enum Pixels {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

/// What a decoder found.
#[derive(Debug, PartialEq)]
pub(super) struct Decoded {
    pub(super) pixels: Pixels,
    /// Bits of a sample, as the coded picture says.
    pub(super) bits: u8,
    /// Whether colours are red, green and blue, whatever the file says about them.
    pub(super) rgb: bool,
}

/// Why a frame could not be decoded.
#[derive(Debug, PartialEq)]
pub(super) enum Fault {
    Broken(String),
    Unsupported(String),
}

impl Fault {
    fn broken(reason: impl Into<String>) -> Self {
        Self::Broken(reason.into())
    }

    fn unsupported(reason: impl Into<String>) -> Self {
        Self::Unsupported(reason.into())
    }
}

/// What the coded picture says about itself, checked against what the file says about it.
struct Size {
    width: u32,
    height: u32,
    components: u16,
    bits: u8,
}

impl Size {
    fn check(&self, layout: &super::Layout) -> Result<(), Fault> {
        let Self { width, height, components, bits } = *self;
        if (width, height, components) != (layout.columns, layout.rows, layout.samples) {
            let file = format!("{} × {} × {}", layout.columns, layout.rows, layout.samples);
            return Err(Fault::broken(format!(
                "the coded picture has {width} × {height} × {components} samples, the file says {file}"
            )));
        }
        if bits > layout.bits_allocated.max(8) {
            return Err(Fault::broken(format!(
                "the coded picture has {bits} bits a sample, the file allocates {}",
                layout.bits_allocated
            )));
        }
        Ok(())
    }
}

/// Samples of 8 bits and less as bytes, of more as words.
fn narrow(samples: Vec<u16>, bits: u8) -> Pixels {
    if bits <= 8 { Pixels::U8(samples.into_iter().map(|v| v as u8).collect()) } else { Pixels::U16(samples) }
}
