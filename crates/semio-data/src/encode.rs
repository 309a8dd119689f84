//! Pictures → PNG bytes.

use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};
use semio_image::{Color, Image, Samples};

/// Encodes a picture as PNG, with 8 bits a sample; deeper ones are shown as [`Image::to_u8`] shows them.
///
/// # Errors
/// [`image::ImageError`] where the picture is larger than PNG allows.
pub fn encode_png(picture: &Image) -> Result<Vec<u8>, image::ImageError> {
    let shown = picture.to_u8();
    let Samples::U8(samples) = shown.samples() else { unreachable!("`to_u8` gives 8 bits a sample") };
    let color = match shown.color() {
        Color::Grey => ExtendedColorType::L8,
        Color::Rgb => ExtendedColorType::Rgb8,
    };
    let (width, height) = (u32::try_from(shown.width()), u32::try_from(shown.height()));
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive).write_image(
        samples,
        width.unwrap_or(u32::MAX),
        height.unwrap_or(u32::MAX),
        color,
    )?;
    Ok(png)
}
