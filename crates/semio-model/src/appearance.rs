use semio_image::{Color, Image, Samples};

/// Numbers that [`appearance`] gives.
pub const APPEARANCE: usize = 10;

/// What a picture looks like, in a few numbers that need no network: brightness, spread, shares of black and white,
/// fine and coarse detail, border against middle, colour.
///
/// A network that was made to tell four tumours apart has no neuron for "this is a photograph"; these numbers see it.
/// `stored` is the picture as it was read, which still has its colours; `prepared` what the pipeline makes of it.
pub fn appearance(stored: &Image, prepared: &Image) -> [f32; APPEARANCE] {
    let (width, height) = (prepared.width(), prepared.height());
    let grey = brightness(prepared);
    let n = grey.len() as f32;
    let mean = grey.iter().sum::<f32>() / n;
    let deviation = (grey.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / n).sqrt();
    let share = |test: fn(f32) -> bool| grey.iter().filter(|v| test(**v)).count() as f32 / n;
    let (blocks, across) = blocks(&grey, width, height);
    let [colorful, red, blue] = colors(stored);
    [
        mean,
        deviation,
        share(|v| v <= 0.05),
        share(|v| v >= 0.95),
        detail(&grey, width),
        detail(&blocks, across),
        border(&grey, width, height) - mean,
        colorful,
        red,
        blue,
    ]
}

/// One value between 0 and 1 a pixel: the mean of the channels.
fn brightness(image: &Image) -> Vec<f32> {
    fn scaled<T: Copy + Into<f32>>(samples: &[T], channels: usize, largest: f32) -> Vec<f32> {
        let mean = |pixel: &[T]| pixel.iter().map(|v| (*v).into()).sum::<f32>() / (largest * channels as f32);
        samples.chunks(channels).map(mean).collect()
    }
    let channels = image.color().channels();
    match image.samples() {
        Samples::U8(v) => scaled(v, channels, 255.0),
        Samples::U16(v) => scaled(v, channels, 65_535.0),
        Samples::F32(v) => scaled(v, channels, 1.0),
    }
}

/// The mean step between neighbours.
fn detail(values: &[f32], width: usize) -> f32 {
    let across = values.chunks(width).flat_map(|row| row.windows(2).map(|p| (p[0] - p[1]).abs()));
    let down = values.iter().zip(&values[width.min(values.len())..]).map(|(a, b)| (a - b).abs());
    let (sum, n) = across.chain(down).fold((0.0, 0usize), |(sum, n), step| (sum + step, n + 1));
    sum / n.max(1) as f32
}

/// Means over an eighth of the picture's sides.
fn blocks(values: &[f32], width: usize, height: usize) -> (Vec<f32>, usize) {
    let (across, down) = (width.min(8), height.min(8));
    let mut sums = vec![(0.0, 0usize); across * down];
    for (i, value) in values.iter().enumerate() {
        let (sum, n) = &mut sums[(i / width * down / height) * across + i % width * across / width];
        *sum += value;
        *n += 1;
    }
    (sums.into_iter().map(|(sum, n)| sum / n.max(1) as f32).collect(), across)
}

/// The mean brightness of the outer tenth on each side.
fn border(values: &[f32], width: usize, height: usize) -> f32 {
    let near = |at: usize, side: usize| at < side.div_ceil(10) || at >= side - side.div_ceil(10);
    let outer = values.iter().enumerate().filter(|(i, _)| near(i % width, width) || near(i / width, height));
    let (sum, n) = outer.fold((0.0, 0usize), |(sum, n), (_, value)| (sum + value, n + 1));
    sum / n.max(1) as f32
}

/// How far the channels are from each other, and how far red and blue are from green, in the mean of at most 4096 pixels.
fn colors(image: &Image) -> [f32; 3] {
    if image.color() != Color::Rgb {
        return [0.0; 3];
    }
    let pixels = image.width() * image.height();
    let step = pixels.div_ceil(4096);
    let pixel = |i: usize| -> [f32; 3] {
        std::array::from_fn(|c| match image.samples() {
            Samples::U8(v) => f32::from(v[3 * i + c]) / 255.0,
            Samples::U16(v) => f32::from(v[3 * i + c]) / 65_535.0,
            Samples::F32(v) => v[3 * i + c],
        })
    };
    let mut sums = [0.0; 3];
    for [r, g, b] in (0..pixels).step_by(step).map(pixel) {
        sums[0] += r.max(g).max(b) - r.min(g).min(b);
        sums[1] += r - g;
        sums[2] += b - g;
    }
    sums.map(|sum| sum / pixels.div_ceil(step) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(width: usize, color: Color, samples: Vec<u8>) -> [f32; APPEARANCE] {
        let height = samples.len() / width / color.channels();
        let image = Image::new(width, height, color, Samples::U8(samples)).expect("fits");
        appearance(&image, &image)
    }

    #[test]
    fn a_black_picture_is_nothing_but_black() {
        let black = of(20, Color::Grey, vec![0; 400]);
        assert!(black.iter().enumerate().all(|(i, v)| (v - if i == 2 { 1.0 } else { 0.0 }).abs() < 1e-9), "{black:?}");
    }

    #[test]
    fn detail_border_and_colour_are_seen() {
        let checks: Vec<u8> = (0..400).map(|i| if (i % 20 + i / 20) % 2 == 0 { 255 } else { 0 }).collect();
        let a = of(20, Color::Grey, checks);
        assert!((a[4] - 1.0).abs() < 1e-6 && a[5] < 0.2 && (a[2], a[3]) == (0.5, 0.5), "{a:?}");
        let frame: Vec<u8> = (0..400)
            .map(|i| if (2..18).contains(&(i % 20)) && (2..18).contains(&(i / 20)) { 0 } else { 255 })
            .collect();
        assert!(of(20, Color::Grey, frame)[6] > 0.6);
        let purple = of(4, Color::Rgb, [200, 100, 255].repeat(16));
        assert!((purple[7] - 155.0 / 255.0).abs() < 1e-5 && purple[8] > 0.3 && purple[9] > 0.5, "{purple:?}");
    }

    #[test]
    fn one_pixel_is_enough() {
        assert!(of(1, Color::Grey, vec![128]).iter().all(|v| v.is_finite()));
    }
}
