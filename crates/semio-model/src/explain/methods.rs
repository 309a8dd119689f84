use burn::tensor::{Tensor, TensorData};
use semio_image::sample_seed;
use semio_nn::{Cam, graph::NodeId, to_vec};

use super::{Ask, Map, Method};
use crate::Predictor;

/// Pictures that the network reads at once.
const BATCH: usize = 16;
/// Patches beside each other in a picture's side, for occlusion; each overlaps half of the next.
const PATCHES: usize = 8;
/// SmoothGrad's noise as a share of the picture's range; the paper takes 0.1 to 0.2.
const NOISE: f32 = 0.15;

pub(super) fn map(predictor: &Predictor, input: &[f32], class: usize, layer: Option<NodeId>, ask: &Ask) -> Map {
    let cam = match ask.method {
        Method::GradCam => Cam::Grad,
        Method::GradCamPlusPlus => Cam::GradPlusPlus,
        Method::EigenCam => Cam::Eigen,
        Method::IntegratedGradients => {
            return positive(predictor, &integrated_gradients(predictor, input, class, ask.steps));
        }
        Method::SmoothGrad => return smooth_grad(predictor, input, class, ask),
        Method::Occlusion => return occlusion(predictor, input, class),
    };
    let layer = layer.expect("methods that read a layer have been given one");
    let maps = predictor.network().class_activation(cam, layer, predictor.tensor(&[input]), &[class]);
    let map = maps.into_iter().next().expect("one picture, one map");
    Map { width: map.width, height: map.height, values: map.values }
}

/// The attribution of every value of the input; they add up to the difference of the class's logit between the picture
/// and a black one, as far as the steps are fine enough.
pub(super) fn integrated_gradients(predictor: &Predictor, input: &[f32], class: usize, steps: usize) -> Vec<f32> {
    let black = predictor.black();
    let mut sum = vec![0.0f32; input.len()];
    let on_the_way = |step: usize| -> Vec<f32> {
        let share = (step as f32 + 0.5) / steps as f32;
        input.iter().zip(&black).map(|(x, b)| b + share * (x - b)).collect()
    };
    let all: Vec<usize> = (0..steps).collect();
    for chunk in all.chunks(BATCH) {
        let pictures: Vec<Vec<f32>> = chunk.iter().map(|&step| on_the_way(step)).collect();
        add_gradients(predictor, &pictures, class, &mut sum, |g| g);
    }
    sum.iter().zip(input).zip(&black).map(|((g, x), b)| g / steps as f32 * (x - b)).collect()
}

fn smooth_grad(predictor: &Predictor, input: &[f32], class: usize, ask: &Ask) -> Map {
    let (low, high) = input.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let deviation = NOISE * (high - low);
    let mut sum = vec![0.0f32; input.len()];
    let noisy = |copy: usize| -> Vec<f32> {
        let noise = |i: usize| bell(sample_seed(ask.seed, i as u64, copy as u64));
        input.iter().enumerate().map(|(i, x)| x + deviation * noise(i)).collect()
    };
    let all: Vec<usize> = (0..ask.steps).collect();
    for chunk in all.chunks(BATCH) {
        let pictures: Vec<Vec<f32>> = chunk.iter().map(|&copy| noisy(copy)).collect();
        add_gradients(predictor, &pictures, class, &mut sum, |g| g);
    }
    let (channels, height, width) = predictor.manifest().pipeline.output();
    let area = height * width;
    let strongest = |i: usize| (0..channels).map(|c| (sum[c * area + i] / ask.steps as f32).abs()).fold(0.0, f32::max);
    Map { width, height, values: (0..area).map(strongest).collect() }
}

/// The sum of four bytes' spread, scaled to variance 1: near enough to a bell curve for noise.
fn bell(seed: u64) -> f32 {
    let sum: u64 = seed.to_le_bytes().iter().map(|b| u64::from(*b)).sum();
    (sum as f32 - 8.0 * 127.5) * 0.004_784_196
}

/// Adds each picture's gradient of the class's logit.
fn add_gradients(predictor: &Predictor, pictures: &[Vec<f32>], class: usize, sum: &mut [f32], f: impl Fn(f32) -> f32) {
    let rows: Vec<&[f32]> = pictures.iter().map(Vec::as_slice).collect();
    let gradients = to_vec(predictor.network().input_gradient(predictor.tensor(&rows), &vec![class; rows.len()]));
    for gradient in gradients.chunks(sum.len()) {
        sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += f(*g));
    }
}

fn occlusion(predictor: &Predictor, input: &[f32], class: usize) -> Map {
    let (channels, height, width) = predictor.manifest().pipeline.output();
    let area = height * width;
    let means: Vec<f32> = input.chunks(area).map(|c| c.iter().sum::<f32>() / area as f32).collect();
    let places = |side: usize| -> Vec<(usize, usize)> {
        let patch = (side / PATCHES).max(1);
        let step = (patch / 2).max(1);
        (0..side).step_by(step).map(|from| (from, (from + patch).min(side))).collect()
    };
    let columns = places(width);
    let patches: Vec<_> = places(height).into_iter().flat_map(|rows| columns.iter().map(move |c| (rows, *c))).collect();
    let covered = |((top, bottom), (left, right)): &((usize, usize), (usize, usize))| {
        let mut picture = input.to_vec();
        for (channel, mean) in (0..channels).zip(&means) {
            for row in *top..*bottom {
                let from = channel * area + row * width;
                picture[from + left..from + right].fill(*mean);
            }
        }
        picture
    };
    let whole = predictor.class_logits(&[input], class)[0];
    let (mut falls, mut times) = (vec![0.0f32; area], vec![0.0f32; area]);
    for chunk in patches.chunks(BATCH) {
        let pictures: Vec<Vec<f32>> = chunk.iter().map(covered).collect();
        let rows: Vec<&[f32]> = pictures.iter().map(Vec::as_slice).collect();
        for (logit, ((top, bottom), (left, right))) in predictor.class_logits(&rows, class).into_iter().zip(chunk) {
            for row in *top..*bottom {
                for at in row * width + left..row * width + right {
                    falls[at] += whole - logit;
                    times[at] += 1.0;
                }
            }
        }
    }
    let values = falls.iter().zip(&times).map(|(fall, n)| (fall / n).max(0.0)).collect();
    Map { width, height, values }
}

/// What speaks for the class: the positive part of the channels' sum.
fn positive(predictor: &Predictor, attributions: &[f32]) -> Map {
    let (channels, height, width) = predictor.manifest().pipeline.output();
    let area = height * width;
    let sum = |i: usize| (0..channels).map(|c| attributions[c * area + i]).sum::<f32>().max(0.0);
    Map { width, height, values: (0..area).map(sum).collect() }
}

impl Predictor {
    /// Prepared pictures as one batch.
    pub(super) fn tensor(&self, inputs: &[&[f32]]) -> Tensor<4> {
        let (channels, height, width) = self.manifest().pipeline.output();
        let shape = [inputs.len(), channels, height, width];
        Tensor::from_data(TensorData::new(inputs.concat(), shape), self.network().device())
    }

    /// The logit of a class of each picture; of two classes with one logit, the first has its negative.
    pub(super) fn class_logits(&self, inputs: &[&[f32]], class: usize) -> Vec<f32> {
        let outputs = self.network().graph().outputs();
        let logits = to_vec(self.network().predict(self.tensor(inputs)));
        let of = |row: &[f32]| match row {
            [one] if class == 0 => -one,
            [one] => *one,
            _ => row[class],
        };
        logits.chunks(outputs).map(of).collect()
    }

    /// What the network reads of a black picture.
    pub(super) fn black(&self) -> Vec<f32> {
        let pipeline = &self.manifest().pipeline;
        let (channels, height, width) = pipeline.output();
        let color = if channels == 1 { semio_image::Color::Grey } else { semio_image::Color::Rgb };
        let samples = semio_image::Samples::U8(vec![0; channels * height * width]);
        let mut out = vec![0.0; channels * height * width];
        let image = semio_image::Image::new(width, height, color, samples).expect("as many samples as pixels");
        // Black inside of a mask and outside.
        let mask = semio_image::Mask::of(&image);
        pipeline.finish_with_mask(&image, Some(&mask), &mut out).expect("a picture of the pipeline's own size");
        out
    }
}
