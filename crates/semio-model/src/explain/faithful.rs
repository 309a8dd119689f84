use super::{Ask, ExplainError, Map, Method, map::rank_correlation};
use crate::{Bundle, OutputKind, Predictor, Prepared};

/// Points of a curve besides its first.
const STEPS: usize = 32;

/// The probability of a class while pixels go or come.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// From no pixel changed to all of them, at even steps.
    pub probabilities: Vec<f64>,
}

impl Curve {
    /// The mean height, by trapezoids.
    pub fn area(&self) -> f64 {
        let pairs = self.probabilities.windows(2);
        let n = pairs.len() as f64;
        pairs.map(|p| p[0].midpoint(p[1])).sum::<f64>() / n
    }
}

/// How much of the result hangs on the places that a map names (Petsiuk et al. 2018).
#[derive(Clone, Debug, PartialEq)]
pub struct Faithfulness {
    /// The most important pixels are replaced by the picture's mean first: the faster it falls, the better the map.
    pub deletion: Curve,
    /// The most important pixels come into a blurred picture first: the faster it rises, the better the map.
    pub insertion: Curve,
}

impl Predictor {
    /// Takes away and brings back the pixels of a prepared picture in the order of a map.
    ///
    /// # Panics
    /// Where another pipeline prepared the picture, or the class is none of the model's.
    pub fn faithfulness(&self, input: &Prepared, map: &Map, class: usize) -> Faithfulness {
        let (_, height, width) = self.manifest().pipeline.output();
        let (area, input) = (height * width, input.values.as_slice());
        let map = map.resized(width, height);
        let mut order: Vec<usize> = (0..area).collect();
        // Equal values, such as the zeros of a map, in the order of their places.
        order.sort_by(|&i, &j| map.values[j].total_cmp(&map.values[i]));
        let grey: Vec<f32> = input
            .chunks(area)
            .flat_map(|channel| std::iter::repeat_n(channel.iter().sum::<f32>() / area as f32, area))
            .collect();
        // Petsiuk et al.: a kernel of 11 pixels with deviation 5 for 224-pixel pictures.
        let blurred: Vec<f32> =
            input.chunks(area).flat_map(|channel| blur(channel, width, 5.0 * width as f32 / 224.0)).collect();
        let curve = |from: &[f32], to: &[f32]| {
            let pictures: Vec<Vec<f32>> =
                (0..=STEPS).map(|step| mixed(from, to, &order[..area * step / STEPS], area)).collect();
            Curve { probabilities: self.probabilities_of(&pictures, class) }
        };
        Faithfulness { deletion: curve(input, &grey), insertion: curve(&blurred, input) }
    }

    /// Spearman's correlation between a picture's map and the map of the same network with fresh weights (Adebayo et al.
    /// 2018). A method whose maps stay alike shows edges of the picture and not what was learned. None where a map is
    /// empty.
    ///
    /// # Errors
    /// Those of [`Predictor::explain`].
    pub fn sanity(&self, input: &Prepared, ask: &Ask) -> Result<Option<f64>, ExplainError> {
        let own = self.explain(input, ask)?;
        let fresh = semio_nn::Network::new(self.network().graph().clone(), ask.seed, self.network().device());
        let fresh = Self::new(Bundle { manifest: self.manifest().clone(), network: fresh });
        let other = fresh.explain(input, &Ask { class: Some(own.class), ..ask.clone() })?;
        Ok(rank_correlation(&own.map.values, &other.map.values))
    }

    fn probabilities_of(&self, pictures: &[Vec<f32>], class: usize) -> Vec<f64> {
        let outputs = self.network().graph().outputs();
        let output: OutputKind = self.manifest().output;
        let mut found = vec![];
        for chunk in pictures.chunks(16) {
            let rows: Vec<&[f32]> = chunk.iter().map(Vec::as_slice).collect();
            let logits = semio_nn::to_vec(self.network().predict(self.tensor(&rows)));
            found.extend(logits.chunks(outputs).map(|row| output.probabilities(row)[class]));
        }
        found
    }

    /// Whether a method is of use for the network.
    pub fn can_explain(&self, method: Method) -> bool {
        !method.reads_layer() || self.network().graph().last_maps().is_some()
    }
}

/// A picture of channels of `area` pixels, with some pixels from another.
fn mixed(from: &[f32], to: &[f32], places: &[usize], area: usize) -> Vec<f32> {
    let mut picture = from.to_vec();
    for (channel, other) in picture.chunks_mut(area).zip(to.chunks(area)) {
        for &place in places {
            channel[place] = other[place];
        }
    }
    picture
}

/// A Gaussian blur of one channel, with the border's values beyond the border.
fn blur(channel: &[f32], width: usize, deviation: f32) -> Vec<f32> {
    let reach = (3.0 * deviation).ceil().max(1.0) as isize;
    let weight = |d: isize| (-0.5 * (d as f32 / deviation.max(0.1)).powi(2)).exp();
    let total: f32 = (-reach..=reach).map(weight).sum();
    let kernel: Vec<f32> = (-reach..=reach).map(|d| weight(d) / total).collect();
    let height = channel.len() / width;
    let pass = |from: &[f32], across: bool| -> Vec<f32> {
        let value = |i: usize| {
            let (x, y) = ((i % width) as isize, (i / width) as isize);
            let at = |d: isize| {
                let (x, y) = if across { (x + d, y) } else { (x, y + d) };
                let (x, y) = (x.clamp(0, width as isize - 1), y.clamp(0, height as isize - 1));
                from[y as usize * width + x as usize]
            };
            kernel.iter().zip(-reach..).map(|(k, d)| k * at(d)).sum()
        };
        (0..from.len()).map(value).collect()
    };
    pass(&pass(channel, true), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_means_of_heights() {
        assert!((Curve { probabilities: vec![1.0, 0.5, 0.0] }.area() - 0.5).abs() < 1e-12);
        assert!((Curve { probabilities: vec![1.0, 0.0, 0.0] }.area() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn a_blur_keeps_a_flat_picture_and_spreads_a_point() {
        assert!(blur(&[2.0; 12], 4, 1.5).iter().all(|v| (v - 2.0).abs() < 1e-5));
        let mut point = vec![0.0; 81];
        point[40] = 1.0;
        let spread = blur(&point, 9, 1.0);
        assert!((spread.iter().sum::<f32>() - 1.0).abs() < 1e-3 && (spread[40] - 0.159).abs() < 2e-3, "{}", spread[40]);
        assert!((spread[41] - spread[49]).abs() < 1e-6);
    }

    #[test]
    fn pixels_change_in_all_channels() {
        assert_eq!(mixed(&[0.0; 4], &[1.0, 2.0, 3.0, 4.0], &[1], 2), [0.0, 2.0, 0.0, 4.0]);
    }
}
