use image::{
    ImageBuffer, Luma, Pixel, Primitive, Rgb,
    imageops::{flip_horizontal_in_place, flip_vertical_in_place, rotate90, rotate180_in_place, rotate270},
    metadata::Orientation,
};
use semio_image::{Color, Image, ImageError, Samples};

/// How many bytes decoded samples may take whatever the file's size, and how many for each of its bytes. Deflate makes a
/// thousand bytes of one: 10,000 × 10,000 transparent pixels of 16 bits lie in 780 kB, and would take 800 MB.
const DECODED_BYTES: usize = 256 << 20;
const DECODED_PER_BYTE: usize = 64;

/// Why so many bytes of samples are not decoded out of a file's; nothing where they are.
pub(super) fn too_large(decoded: usize, file: usize) -> Option<String> {
    let most = DECODED_BYTES.max(file.saturating_mul(DECODED_PER_BYTE));
    (decoded > most).then(|| format!("its pixels take {decoded} bytes, and a file of its size holds {most} at most"))
}

/// What the last sample of a pixel means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alpha {
    /// There is none.
    None,
    /// The others are to be multiplied by it.
    Straight,
    /// The others are multiplied by it already.
    Premultiplied,
}

/// What a decoder found, before transparency and orientation are dealt with.
pub(super) struct Decoded {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Samples a pixel, alpha included.
    pub(super) channels: usize,
    pub(super) alpha: Alpha,
    /// Whether red, green and blue are known to be the same everywhere.
    pub(super) all_grey: bool,
    pub(super) orientation: Orientation,
    pub(super) samples: Samples,
}

impl Decoded {
    pub(super) fn into_image(self) -> Result<Image, ImageError> {
        let Self { width, height, channels, alpha, all_grey, orientation, samples } = self;
        let collapse = all_grey && channels >= 3;
        let color = if channels <= 2 || collapse { Color::Grey } else { Color::Rgb };
        macro_rules! finish {
            ($variant:ident, $samples:expr, $multiply:expr) => {{
                let mut samples = $samples;
                if alpha != Alpha::None {
                    let multiply = $multiply;
                    drop_alpha(
                        &mut samples,
                        channels,
                        |c, a| if alpha == Alpha::Straight { multiply(c, a) } else { c },
                    );
                }
                if collapse {
                    keep_first_of_three(&mut samples);
                }
                let (width, height, samples) = upright(width, height, color, samples, orientation);
                Image::new(width as usize, height as usize, color, Samples::$variant(samples))
            }};
        }
        match samples {
            Samples::U8(v) => finish!(U8, v, |c: u8, a: u8| ((c as u32 * a as u32 + 127) / 255) as u8),
            Samples::U16(v) => finish!(U16, v, |c: u16, a: u16| ((c as u32 * a as u32 + 32_767) / 65_535) as u16),
            Samples::F32(v) => finish!(F32, v, |c: f32, a: f32| c * a),
        }
    }
}

fn drop_alpha<T: Copy>(samples: &mut Vec<T>, channels: usize, over_black: impl Fn(T, T) -> T) {
    let colours = channels - 1;
    let pixels = samples.len() / channels;
    for pixel in 0..pixels {
        let alpha = samples[pixel * channels + colours];
        for c in 0..colours {
            samples[pixel * colours + c] = over_black(samples[pixel * channels + c], alpha);
        }
    }
    samples.truncate(pixels * colours);
}

fn keep_first_of_three<T: Copy>(samples: &mut Vec<T>) {
    let pixels = samples.len() / 3;
    for pixel in 0..pixels {
        samples[pixel] = samples[pixel * 3];
    }
    samples.truncate(pixels);
}

fn upright<T>(width: u32, height: u32, color: Color, samples: Vec<T>, orientation: Orientation) -> (u32, u32, Vec<T>)
where
    T: Primitive + 'static,
    Luma<T>: Pixel<Subpixel = T>,
    Rgb<T>: Pixel<Subpixel = T>,
{
    if orientation == Orientation::NoTransforms || samples.len() != width as usize * height as usize * color.channels()
    {
        return (width, height, samples);
    }
    match color {
        Color::Grey => turn::<Luma<T>>(width, height, samples, orientation),
        Color::Rgb => turn::<Rgb<T>>(width, height, samples, orientation),
    }
}

fn turn<P: Pixel + 'static>(
    width: u32,
    height: u32,
    samples: Vec<P::Subpixel>,
    orientation: Orientation,
) -> (u32, u32, Vec<P::Subpixel>) {
    let Some(mut buffer) = ImageBuffer::<P, _>::from_raw(width, height, samples) else { return (0, 0, Vec::new()) };
    match orientation {
        Orientation::NoTransforms => {}
        Orientation::Rotate90 => buffer = rotate90(&buffer),
        Orientation::Rotate180 => rotate180_in_place(&mut buffer),
        Orientation::Rotate270 => buffer = rotate270(&buffer),
        Orientation::FlipHorizontal => flip_horizontal_in_place(&mut buffer),
        Orientation::FlipVertical => flip_vertical_in_place(&mut buffer),
        Orientation::Rotate90FlipH => {
            buffer = rotate90(&buffer);
            flip_horizontal_in_place(&mut buffer);
        }
        Orientation::Rotate270FlipH => {
            buffer = rotate270(&buffer);
            flip_horizontal_in_place(&mut buffer);
        }
    }
    (buffer.width(), buffer.height(), buffer.into_raw())
}
