use semio_image::{Color, Filter, Image, ImageError, Pipeline, Samples};

use super::Map;

/// A map laid over its picture.
///
/// Colours are those of cividis (Nuñez et al. 2018): perceptually even, and the same to colour-blind eyes. Where the map
/// is zero the picture stays as it is.
#[derive(Clone, Debug)]
pub struct Overlay {
    /// The picture, in colour, 8 bits.
    pub picture: Image,
    /// The map over it, in colour, 8 bits.
    pub blended: Image,
}

impl Overlay {
    /// Lays a map over the picture that it was made for. `opacity` is how much of the picture the map's largest value
    /// hides, from 0 to 1; `longest` the longest side of the result in pixels.
    ///
    /// # Errors
    /// [`ImageError`] where the picture cannot take the size.
    pub fn new(
        image: &Image,
        pipeline: &Pipeline,
        map: &Map,
        opacity: f32,
        longest: usize,
    ) -> Result<Self, ImageError> {
        let (width, height) = (image.width(), image.height());
        let long = width.max(height);
        let shown = longest.clamp(1, semio_image::MAX_SIDE);
        let side = |n: usize| if long > shown { (n * shown / long).max(1) } else { n };
        let picture = image.to_u8().to_color(Color::Rgb).resize(side(width), side(height), Filter::Bilinear)?;
        let Samples::U8(samples) = picture.samples() else { unreachable!("8 bits were asked for") };
        let map = map.scaled();
        let place = Place::new(pipeline, &map, [width, height], [picture.width(), picture.height()]);
        let mut blended = samples.clone();
        for (i, pixel) in blended.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let value = place.value(&map, i % picture.width(), i / picture.width());
            let alpha = opacity.clamp(0.0, 1.0) * value;
            for (sample, color) in pixel.iter_mut().zip(map_color(value)) {
                *sample = (f32::from(*sample) * (1.0 - alpha) + f32::from(color) * alpha).round() as u8;
            }
        }
        let blended = Image::new(picture.width(), picture.height(), Color::Rgb, Samples::U8(blended))?;
        Ok(Self { picture, blended })
    }
}

impl Map {
    /// The map over the stored picture, one value a pixel; 0 where the network did not look.
    #[must_use]
    pub fn over(&self, pipeline: &Pipeline, width: usize, height: usize) -> Self {
        let place = Place::new(pipeline, self, [width, height], [width, height]);
        let values = (0..width * height).map(|i| place.value(self, i % width, i / width)).collect();
        Self { width, height, values }
    }
}

/// Where a picture's pixels lie on a map.
struct Place {
    /// Map pixels a picture pixel.
    step: [f64; 2],
    /// The picture's middle, in its pixels.
    middle: [f64; 2],
}

impl Place {
    fn new(pipeline: &Pipeline, map: &Map, stored: [usize; 2], shown: [usize; 2]) -> Self {
        let (_, height, width) = pipeline.output();
        let pixel = pipeline.pixel_size(stored[0], stored[1]);
        let step = |d: usize, read: usize, map: usize| {
            // Shown pixel → stored pixel → what the network reads → map.
            stored[d] as f64 / shown[d] as f64 / pixel[d] * map as f64 / read as f64
        };
        Self {
            step: [step(0, width, map.width), step(1, height, map.height)],
            middle: shown.map(|side| side as f64 / 2.0),
        }
    }

    fn value(&self, map: &Map, x: usize, y: usize) -> f32 {
        let at = |i: usize, d: usize, side: usize| (i as f64 + 0.5 - self.middle[d]) * self.step[d] + side as f64 / 2.0;
        let (x, y) = (at(x, 0, map.width), at(y, 1, map.height));
        let inside = (0.0..=map.width as f64).contains(&x) && (0.0..=map.height as f64).contains(&y);
        if inside { map.at(x, y) } else { 0.0 }
    }
}

/// The colour of a map's value between 0 and 1: cividis, red, green and blue.
pub fn map_color(value: f32) -> [u8; 3] {
    let color = colorous::CIVIDIS.eval_continuous(f64::from(value.clamp(0.0, 1.0)));
    [color.r, color.g, color.b]
}

/// Rows around the scale and its digits.
const MARGIN: usize = 8;
/// Rows of the scale.
const BAR: usize = 10;
/// Rows of the digits below it.
const DIGITS: usize = 10;
/// Digits and the point, three columns by five rows, from the upper left corner on.
const FONT: [(char, u16); 11] = [
    ('0', 0b111_101_101_101_111),
    ('1', 0b010_110_010_010_111),
    ('2', 0b111_001_111_100_111),
    ('3', 0b111_001_111_001_111),
    ('4', 0b101_101_111_001_001),
    ('5', 0b111_100_111_001_111),
    ('6', 0b111_100_111_101_111),
    ('7', 0b111_001_001_010_010),
    ('8', 0b111_101_111_101_111),
    ('9', 0b111_101_111_001_111),
    ('.', 0b000_000_000_000_010),
];

impl Overlay {
    /// The map over its picture with the scale of its colours below, from 0 to the map's largest value.
    ///
    /// # Errors
    /// [`ImageError`] where the picture cannot take the size.
    pub fn with_scale(&self, largest: f32) -> Result<Image, ImageError> {
        let (width, height) = (self.blended.width(), self.blended.height());
        let Samples::U8(samples) = self.blended.samples() else { unreachable!("overlays have 8 bits") };
        let rows = 3 * MARGIN + BAR + DIGITS;
        let mut out = samples.clone();
        out.resize((height + rows) * width * 3, u8::MAX);
        let mut dot = |x: usize, y: usize, color: [u8; 3]| {
            if x < width {
                let at = ((height + y) * width + x) * 3;
                out[at..at + 3].copy_from_slice(&color);
            }
        };
        for x in 0..width {
            let color = map_color(x as f32 / (width - 1).max(1) as f32);
            (0..BAR).for_each(|y| dot(x, MARGIN + y, color));
        }
        // Each dot of the font is two pixels wide and high.
        let mut write = |text: &str, left: usize| {
            for (place, letter) in text.chars().enumerate() {
                let glyph = FONT.iter().find(|(known, _)| *known == letter).map_or(0, |(_, glyph)| *glyph);
                for i in (0..15).filter(|i| glyph >> (14 - i) & 1 == 1) {
                    let (x, y) = (left + 8 * place + 2 * (i % 3), 2 * MARGIN + BAR + 2 * (i / 3));
                    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                        dot(x + dx, y + dy, [0; 3]);
                    }
                }
            }
        };
        let largest = format!("{largest:.3}");
        write("0", 0);
        // Where there is no room for both, the end of the scale is left out.
        if let Some(left) = width.checked_sub(8 * largest.len()).filter(|left| *left > 8) {
            write(&largest, left);
        }
        Image::new(width, height + rows, Color::Rgb, Samples::U8(out))
    }
}

/// The scale of colours as SVG, from 0 to the map's largest value.
///
/// `[x, y, width, height]` in the units of the drawing; the words stand below it.
pub fn color_bar([x, y, width, height]: [f64; 4], words: [&str; 2]) -> String {
    let stop = |i: u8| {
        let [r, g, b] = map_color(f32::from(i) / 10.0);
        format!("<stop offset=\"{}%\" stop-color=\"#{r:02x}{g:02x}{b:02x}\"/>", u32::from(i) * 10)
    };
    let stops = (0..=10).map(stop).collect::<Vec<_>>().concat();
    let below = y + height + 14.0;
    let right = x + width;
    format!(
        "<defs><linearGradient id=\"scale\">{stops}</linearGradient></defs>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" fill=\"url(#scale)\"/>\
         <text x=\"{x}\" y=\"{below}\">{}</text><text x=\"{right}\" y=\"{below}\" text-anchor=\"end\">{}</text>",
        words[0], words[1]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_lies_where_the_network_looked() {
        let pipeline = Pipeline::standard(8, 8, Color::Grey);
        let map = Map { width: 2, height: 2, values: vec![0.0, 0.0, 0.0, 5.0] };
        let over = map.over(&pipeline, 100, 60);
        assert_eq!((over.width, over.height), (100, 60));
        let [x, y] = over.peak_at().expect("is not empty");
        assert!(x >= 0.74 && y >= 0.74, "{x} {y}");
        assert!(over.values[0] == 0.0);
    }

    #[test]
    fn a_scale_stands_below_the_picture() {
        let image = Image::new(100, 40, Color::Grey, Samples::U8(vec![90; 4000])).expect("fits");
        let map = Map { width: 1, height: 1, values: vec![2.0] };
        let overlay = Overlay::new(&image, &Pipeline::standard(4, 4, Color::Grey), &map, 0.5, 1000).expect("fits");
        let scaled = overlay.with_scale(2.0).expect("fits");
        let Samples::U8(samples) = scaled.samples() else { unreachable!() };
        let at = |x: usize, y: usize| -> [u8; 3] {
            let place = (y * 100 + x) * 3;
            samples[place..place + 3].try_into().expect("three samples")
        };
        assert_eq!((scaled.width(), scaled.height()), (100, 40 + 3 * MARGIN + BAR + DIGITS));
        assert_eq!(at(50, 39), {
            let Samples::U8(blended) = overlay.blended.samples() else { unreachable!() };
            [blended[0], blended[1], blended[2]]
        });
        assert_eq!([at(0, 40 + MARGIN), at(99, 40 + MARGIN)], [map_color(0.0), map_color(1.0)]);
        // The upper left corner of both zeros.
        let digits = 40 + 2 * MARGIN + BAR;
        assert_eq!([at(0, digits), at(60, digits), at(30, digits)], [[0; 3], [0; 3], [255; 3]]);
        // A picture of one pixel takes what has room.
        let tiny = Image::new(1, 1, Color::Grey, Samples::U8(vec![9])).expect("fits");
        let overlay = Overlay::new(&tiny, &Pipeline::standard(4, 4, Color::Grey), &map, 0.5, 1000).expect("fits");
        assert_eq!(overlay.with_scale(0.25).expect("fits").width(), 1);
    }

    #[test]
    fn zero_leaves_the_picture_as_it_is() {
        let pipeline = Pipeline::standard(4, 4, Color::Grey);
        let image = Image::new(4, 4, Color::Grey, Samples::U8((0..16).map(|v| v * 16).collect())).expect("fits");
        let nothing = Map { width: 2, height: 2, values: vec![0.0; 4] };
        let overlay = Overlay::new(&image, &pipeline, &nothing, 0.7, 1000).expect("fits");
        assert_eq!(overlay.picture.samples(), overlay.blended.samples());
        let all = Map { width: 1, height: 1, values: vec![2.0] };
        let overlay = Overlay::new(&image, &pipeline, &all, 1.0, 1000).expect("fits");
        let Samples::U8(samples) = overlay.blended.samples() else { unreachable!() };
        assert!(samples.as_chunks::<3>().0.iter().all(|p| *p == map_color(1.0)));
    }
}
