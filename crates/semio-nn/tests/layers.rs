//! Layers that no reference covers, and the slopes of those that are trained.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use semio_nn::{
    Builder, Graph, Init, Network,
    graph::{NodeId, Partition, PositionBias, Role, Similarity, Window, WindowAttention},
    to_vec,
};

fn wave(n: usize, step: f32) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * step).sin()).collect()
}

fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

/// A network that ends with the vector of all values of what `lay` lays, on a picture of this shape.
fn network([channels, height, width]: [usize; 3], lay: impl FnOnce(&mut Builder) -> NodeId) -> Network {
    let mut b = Builder::new(channels, height, width);
    let x = lay(&mut b);
    b.flatten(x);
    Network::new(Arc::new(b.finish().unwrap()), 3, &Device::flex())
}

#[test]
fn padding_counts_in_one_mean_and_not_in_the_other() {
    let window = Window::square(3).padding(1);
    let ones = tensor(vec![1.0; 9], [1, 1, 3, 3]);
    let inside = network([1, 3, 3], |b| b.avg_pool_inside(b.input(), window));
    assert_eq!(to_vec(inside.predict(ones.clone())), [1.0; 9]);
    let all = network([1, 3, 3], |b| b.avg_pool(b.input(), window));
    let mean = to_vec(all.predict(ones));
    for (got, pixels) in mean.iter().zip([4, 6, 4, 6, 9, 6, 4, 6, 4]) {
        assert!((got - pixels as f32 / 9.0).abs() < 1e-6);
    }
}

#[test]
fn a_last_window_counts_if_it_begins_inside() {
    let halving = Window::square(3).stride(2);
    assert_eq!(halving.output(6, 7), Some([2, 3]));
    assert_eq!(halving.output_ceil(6, 7), Some([3, 3]));
    // Two steps of two: a third window would begin in the padding behind the three pixels.
    let padded = Window::square(2).stride(2).padding(1);
    assert_eq!(padded.output_ceil(3, 4), Some([2, 3]));
    let pool = network([1, 6, 7], |b| b.max_pool_ceil(b.input(), halving));
    let counted = to_vec(pool.predict(tensor((0..42u8).map(f32::from).collect(), [1, 1, 6, 7])));
    assert_eq!(counted, [16.0, 18.0, 20.0, 30.0, 32.0, 34.0, 37.0, 39.0, 41.0]);
}

#[test]
fn adaptive_means_overlap_where_they_must() {
    let pool = network([1, 1, 3], |b| b.adaptive_avg_pool(b.input(), 1, 2));
    assert_eq!(to_vec(pool.predict(tensor(vec![1.0, 3.0, 7.0], [1, 1, 1, 3]))), [2.0, 5.0]);
    let pool = network([1, 1, 2], |b| b.adaptive_avg_pool(b.input(), 2, 3));
    assert_eq!(to_vec(pool.predict(tensor(vec![1.0, 3.0], [1, 1, 1, 2]))), [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
}

#[test]
fn maps_are_sliced_shuffled_and_merged() {
    let input = || tensor((0..4u8).map(f32::from).collect(), [1, 4, 1, 1]);
    let shuffle = network([4, 1, 1], |b| {
        let x = b.channel_shuffle(b.input(), 2);
        let y = b.slice(x, 1, 2);
        b.concat(&[x, y])
    });
    assert_eq!(to_vec(shuffle.predict(input())), [0.0, 2.0, 1.0, 3.0, 2.0, 1.0]);
    // Upper left, lower left, upper right, lower right; zeros beyond the border.
    let merge = network([1, 3, 2], |b| b.patch_merge(b.input()));
    let merged = to_vec(merge.predict(tensor((1..7u8).map(f32::from).collect(), [1, 1, 3, 2])));
    assert_eq!(merged, [1.0, 5.0, 3.0, 0.0, 2.0, 6.0, 4.0, 0.0]);
}

#[test]
fn stochastic_depth_leaves_out_whole_pictures() {
    let rate = 0.25;
    let network = network([2, 2, 2], |b| b.stochastic_depth(b.input(), rate));
    let n = 4000;
    let run = |network: &Network, seed| {
        let ones = tensor(vec![1.0; n * 8], [n, 2, 2, 2]);
        to_vec(network.train(ones, seed).logits.inner())
    };
    let values = run(&network, 1);
    assert_eq!(values, run(&network, 1));
    assert_ne!(values, run(&network, 2));
    let kept = (1.0 / (1.0 - rate)) as f32;
    assert!(values.chunks(8).all(|picture| picture == [0.0; 8] || picture == [kept; 8]));
    let left_out = values.chunks(8).filter(|picture| picture[0] == 0.0).count() as f64 / n as f64;
    assert!((left_out - rate).abs() < 0.03, "{left_out}");
    let off = network.graph().as_ref().clone().with_stochastic_depth(0.0);
    let off = Network::from_values(Arc::new(off), vec![], 0, &Device::flex());
    assert_eq!(run(&off, 1), vec![1.0; n * 8]);
}

/// A window attention over all maps of `x`, with windows of 2 × 3.
fn attention(b: &mut Builder, x: NodeId, name: &str, partition: Partition, cosine: bool) -> NodeId {
    let (width, heads, window) = (b.width(x), 2, [2, 3]);
    let init = Init::Normal(0.5);
    let mut param = |part: &str, shape: &[usize], role| b.parameter(&format!("{name}.{part}"), shape, init, role);
    let settings = WindowAttention {
        similarity: if cosine {
            Similarity::Cosine(param("scale", &[heads, 1, 1], Role::Vector))
        } else {
            Similarity::Dot(0.7)
        },
        position: if cosine {
            PositionBias::Network {
                offsets: param("offsets", &[1, 3, 5, 2], Role::Statistic),
                weight_in: param("position.0.weight", &[512, 2], Role::Kernel),
                bias_in: param("position.0.bias", &[512], Role::Vector),
                weight_out: param("position.2.weight", &[heads, 512], Role::Kernel),
            }
        } else {
            PositionBias::Table(param("table", &[15, heads], Role::Vector))
        },
        qkv_weight: param("qkv.weight", &[3 * width, width], Role::Kernel),
        qkv_bias: param("qkv.bias", &[3 * width], Role::Vector),
        out_weight: param("out.weight", &[width, width], Role::Kernel),
        out_bias: param("out.bias", &[width], Role::Vector),
        heads,
        window,
        partition,
    };
    b.window_attention(x, name, settings)
}

/// Compares the gradient of Σ wave · output with the difference quotient along one direction.
fn check_slope(network: &Network, shape: [usize; 4]) {
    let input = tensor(wave(shape.iter().product(), 0.7), shape);
    let loss = |out: Tensor<2>| {
        let [n, m] = out.dims();
        let weights = tensor(wave(n * m, 0.37), [n, m]);
        let weights = if out.is_autodiff() { weights.autodiff() } else { weights };
        (out * weights).sum()
    };
    let pass = network.train(input.clone(), 0);
    let total = loss(pass.logits.clone());
    let gradients = network.clone().backward(pass, &total);
    let graph: &Graph = network.graph();
    for (i, param) in graph.params().iter().enumerate().filter(|(_, p)| p.role != Role::Statistic) {
        let gradient = to_vec(gradients[i].clone().unwrap());
        // Along the gradient, so that the slope is its norm.
        let norm = gradient.iter().map(|g| g * g).sum::<f32>().sqrt();
        assert!(norm > 0.0, "{}", param.name);
        let at = |step: f32| {
            let mut moved = network.clone();
            let values = network.read(i).iter().zip(&gradient).map(|(v, g)| v + step * g / norm).collect::<Vec<_>>();
            moved.set(i, tensor(values, [param.len()]));
            to_vec(loss(moved.predict(input.clone())))[0]
        };
        let step = 1e-2;
        let slope = (at(step) - at(-step)) / (2.0 * step);
        assert!((slope - norm).abs() < 0.02 * norm + 1e-3, "{}: {slope} instead of {norm}", param.name);
    }
}

#[test]
fn gradients_of_window_attention_are_its_slope() {
    for (partition, cosine) in [
        (Partition::Neighbours { shift: [1, 1] }, false),
        (Partition::Neighbours { shift: [1, 1] }, true),
        (Partition::Grid, false),
    ] {
        // The sides fit the windows for the grid only.
        let sides = if partition == Partition::Grid { [4, 6] } else { [3, 5] };
        let network = network([4, sides[0], sides[1]], |b| {
            let x = b.layer_norm(b.input(), "norm", 1e-5);
            let x = attention(b, x, "attention", partition, cosine);
            let x = b.patch_merge(x);
            b.linear(x, "reduction", 4, Init::Normal(0.5), Init::Constant(0.1))
        });
        check_slope(&network, [2, 4, sides[0], sides[1]]);
    }
}

#[test]
fn gradients_of_attention_over_tokens_are_its_slope() {
    let network = network([4, 2, 3], |b| {
        let class_token = b.parameter("class", &[1, 1, 4], Init::Normal(0.5), Role::Vector);
        let position = b.parameter("position", &[1, 7, 4], Init::Normal(0.5), Role::Vector);
        let scale = b.parameter("scale", &[4], Init::Constant(0.8), Role::Vector);
        let x = b.embed(b.input(), class_token, position);
        let y = b.layer_norm(x, "norm", 1e-5);
        let y = b.attention(y, "attention", 2);
        let y = b.channel_scale(y, scale);
        let x = b.add(x, y);
        let x = b.linear_unbiased(x, "dense", 5, Init::Normal(0.5));
        b.first_token(x)
    });
    check_slope(&network, [2, 4, 2, 3]);
}
