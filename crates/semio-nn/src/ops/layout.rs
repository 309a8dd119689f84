//! Layers that put values elsewhere.

use burn::tensor::Tensor;

pub(crate) fn channel_shuffle(x: Tensor<4>, groups: usize) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, groups, c / groups, h * w]).swap_dims(1, 2).reshape([n, c, h, w])
}

/// Pads below and on the right with zeros.
pub(crate) fn pad_to(x: Tensor<4>, height: usize, width: usize) -> Tensor<4> {
    let [_, _, h, w] = x.dims();
    if (h, w) == (height, width) { x } else { x.pad((0, width - w, 0, height - h), 0.0) }
}

pub(crate) fn patch_merge(x: Tensor<4>) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    let (rows, columns) = (h.div_ceil(2), w.div_ceil(2));
    let x = pad_to(x, 2 * rows, 2 * columns).reshape([n, c, rows, 2, columns, 2]);
    // Place in the row before place in the column, since lower left comes before upper right.
    x.permute([0, 5, 3, 1, 2, 4]).reshape([n, 4 * c, rows, columns])
}

pub(crate) fn embed(x: Tensor<4>, class_token: Tensor<3>, position: Tensor<3>) -> Tensor<3> {
    let [n, width, h, w] = x.dims();
    let pixels = x.reshape([n, width, h * w]).swap_dims(1, 2);
    let token = class_token.expand([n, 1, width]);
    Tensor::cat(vec![token, pixels], 1) + position
}

pub(crate) fn first_token(x: Tensor<3>) -> Tensor<2> {
    let [n, _, width] = x.dims();
    x.narrow(1, 0, 1).reshape([n, width])
}
