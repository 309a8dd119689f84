//! Class activation maps: where in the picture a layer saw what speaks for a class.

use burn::tensor::{Tensor, TensorData};

use crate::{
    Network,
    graph::{NodeId, Shape},
    to_vec,
};

/// How a layer's maps become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cam {
    /// Maps weighted by the mean gradient of the class's logit; positive part (Selvaraju et al. 2017).
    Grad,
    /// Gradients weighted so that several objects of a class count alike (Chattopadhyay et al. 2018), with the
    /// exponential of the logit as score.
    GradPlusPlus,
    /// First principal component of the maps, whatever the class (Muhammad and Yeasin 2020).
    Eigen,
}

/// One picture's class activation map, at the size of the layer.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationMap {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Row by row, 0 or greater, not scaled.
    pub values: Vec<f32>,
}

/// Weight of each output in the sum whose gradient is asked for: the class's logit. Of two classes with one logit, the
/// first has its negative.
fn targets(classes: &[usize], outputs: usize) -> Vec<f32> {
    let mut weights = vec![0.0; classes.len() * outputs];
    for (row, &class) in weights.chunks_mut(outputs).zip(classes) {
        match row {
            [one] => *one = if class == 0 { -1.0 } else { 1.0 },
            _ => row[class] = 1.0,
        }
    }
    weights
}

impl Network {
    /// The gradient of each picture's logit of a class with respect to the picture, in evaluation mode: batch norms at
    /// their running statistics, no dropout.
    ///
    /// # Shapes
    /// `pictures`: `[batch, channels, height, width]`, likewise the gradient; `classes`: one a picture.
    ///
    /// # Panics
    /// Where a class is not below the number of outputs.
    pub fn input_gradient(&self, pictures: Tensor<4>, classes: &[usize]) -> Tensor<4> {
        let (batch, outputs) = (classes.len(), self.graph().outputs());
        let pictures = pictures.autodiff().require_grad();
        let logits = self.evaluate_tracked(pictures.clone());
        let weights = TensorData::new(targets(classes, outputs), [batch, outputs]);
        let weights = Tensor::<2>::from_data(weights, &logits.device());
        let mut gradients = (logits * weights).sum().backward();
        let shape = pictures.dims();
        let device = self.device().clone();
        pictures.grad_remove(&mut gradients).unwrap_or_else(|| Tensor::zeros(shape, &device))
    }

    /// Class activation maps of a layer, one a picture.
    ///
    /// The layers up to this one run as in prediction; a gradient is taken of those behind it alone.
    ///
    /// # Shapes
    /// `pictures`: `[batch, channels, height, width]`; `classes`: one a picture.
    ///
    /// # Panics
    /// Where the layer gives no maps ([`Graph::last_maps`](crate::Graph::last_maps) and
    /// [`Graph::layer`](crate::Graph::layer) find one that does), or a class is not below the number of outputs.
    pub fn class_activation(
        &self,
        cam: Cam,
        layer: NodeId,
        pictures: Tensor<4>,
        classes: &[usize],
    ) -> Vec<ActivationMap> {
        let Shape::Maps { channels, height, width } = self.graph().nodes()[layer.0].shape else {
            panic!("layer {} gives no maps", self.graph().layer_name(layer));
        };
        let batch = classes.len();
        let (base, head) = self.clone().split(layer);
        let maps = base.predict(pictures).reshape([batch, channels, height, width]);
        let activations = to_vec(maps.clone());
        let gradients = if cam == Cam::Eigen { vec![] } else { to_vec(head.input_gradient(maps, classes)) };
        let area = height * width;
        let one = |picture: usize| {
            let part =
                |all: &[f32]| all.get(picture * channels * area..(picture + 1) * channels * area).map(<[f32]>::to_vec);
            let (a, g) = (part(&activations).unwrap_or_default(), part(&gradients).unwrap_or_default());
            let weights = match cam {
                Cam::Grad => g.chunks(area).map(|g| g.iter().sum::<f32>() / area as f32).collect(),
                Cam::GradPlusPlus => a.chunks(area).zip(g.chunks(area)).map(|(a, g)| plus_plus(a, g)).collect(),
                Cam::Eigen => principal(&a, area),
            };
            ActivationMap { height, width, values: weighted_sum(&a, &weights, area) }
        };
        (0..batch).map(one).collect()
    }
}

/// The positive part of the weighted sum of maps.
fn weighted_sum(maps: &[f32], weights: &[f32], area: usize) -> Vec<f32> {
    let mut sum = vec![0.0; area];
    for (map, weight) in maps.chunks(area).zip(weights) {
        sum.iter_mut().zip(map).for_each(|(s, a)| *s += weight * a);
    }
    for value in &mut sum {
        *value = value.max(0.0);
    }
    sum
}

/// One map's weight in Grad-CAM++.
fn plus_plus(a: &[f32], g: &[f32]) -> f32 {
    let sum: f32 = a.iter().sum();
    let weight = |g: &f32| {
        let (square, cube) = (g * g, g * g * g);
        let below = 2.0 * square + sum * cube;
        if *g > 0.0 && below.abs() > f32::MIN_POSITIVE { square / below * g } else { 0.0 }
    };
    g.iter().map(weight).sum()
}

/// The first principal component of the pixels' channels, by power iteration; its sign such that the maps add up to
/// more than zero.
fn principal(maps: &[f32], area: usize) -> Vec<f32> {
    let channels = maps.len() / area;
    let means: Vec<f32> = maps.chunks(area).map(|m| m.iter().sum::<f32>() / area as f32).collect();
    let mut direction = vec![1.0 / (channels as f32).sqrt(); channels];
    for _ in 0..100 {
        let mut along = vec![0.0; area];
        for ((map, mean), d) in maps.chunks(area).zip(&means).zip(&direction) {
            along.iter_mut().zip(map).for_each(|(s, a)| *s += d * (a - mean));
        }
        let dot = |(map, mean): (&[f32], &f32)| map.iter().zip(&along).map(|(a, s)| (a - mean) * s).sum::<f32>();
        let next: Vec<f32> = maps.chunks(area).zip(&means).map(dot).collect();
        let norm = next.iter().map(|v| v * v).sum::<f32>().sqrt();
        if norm <= f32::MIN_POSITIVE {
            break;
        }
        direction = next.into_iter().map(|v| v / norm).collect();
    }
    let total: f32 = means.iter().zip(&direction).map(|(m, d)| m * d).sum();
    if total < 0.0 {
        for d in &mut direction {
            *d = -*d;
        }
    }
    direction
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use burn::tensor::Device;

    use super::*;
    use crate::{Architecture, Blueprint, Builder, Init};

    #[test]
    fn a_linear_networks_gradient_is_its_weights() {
        let mut b = Builder::new(1, 2, 2);
        let x = b.flatten(b.input());
        b.linear(x, "fc", 1, Init::Constant(3.0), Init::Constant(1.0));
        let network = Network::new(Arc::new(b.finish().expect("fits")), 0, &Device::flex());
        let pictures = Tensor::<4>::zeros([2, 1, 2, 2], &Device::flex());
        assert_eq!(to_vec(network.input_gradient(pictures, &[1, 0])), [3.0, 3.0, 3.0, 3.0, -3.0, -3.0, -3.0, -3.0]);
    }

    #[test]
    fn the_gradient_is_the_difference_quotient() {
        let graph = Architecture::find("mobilenet_v2")
            .and_then(|a| a.build(&Blueprint { channels: 3, height: 32, width: 32, outputs: 3 }));
        let network = Network::new(Arc::new(graph.expect("fits")), 3, &Device::flex());
        let values: Vec<f32> = (0..3 * 32 * 32).map(|i| ((i * 37 % 101) as f32 / 50.0) - 1.0).collect();
        let picture =
            |values: &[f32]| Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 3, 32, 32]), &Device::flex());
        let gradient = to_vec(network.input_gradient(picture(&values), &[2]));
        let norm = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
        let step = 1e-2;
        let moved = |sign: f32| -> f32 {
            let values: Vec<f32> = values.iter().zip(&gradient).map(|(v, g)| v + sign * step * g / norm).collect();
            to_vec(network.predict(picture(&values)))[2]
        };
        let quotient = (moved(1.0) - moved(-1.0)) / (2.0 * step);
        assert!((quotient / norm - 1.0).abs() < 0.02, "{quotient} {norm}");
    }

    #[test]
    fn the_first_component_is_found() {
        // Three channels over four pixels: the second is twice the first, the third is constant.
        let maps = [1.0, 2.0, 3.0, 4.0, 2.0, 4.0, 6.0, 8.0, 5.0, 5.0, 5.0, 5.0];
        let direction = principal(&maps, 4);
        let expected = [1.0 / 5f32.sqrt(), 2.0 / 5f32.sqrt(), 0.0];
        assert!(direction.iter().zip(expected).all(|(d, e)| (d - e).abs() < 1e-5), "{direction:?}");
    }
}
