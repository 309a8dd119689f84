use burn::tensor::{
    Tensor,
    module::{adaptive_avg_pool2d, avg_pool2d, max_pool2d},
    ops::{AvgPoolOptions, MaxPoolOptions},
};

use crate::graph::Window;

pub(crate) fn max_pool(x: Tensor<4>, window: &Window, ceil: bool) -> Tensor<4> {
    let options = MaxPoolOptions {
        kernel_size: window.kernel,
        stride: window.stride,
        padding: window.padding.map(|p| (p, p)),
        dilation: window.dilation,
        ceil_mode: ceil,
    };
    max_pool2d(x, options)
}

pub(crate) fn avg_pool(x: Tensor<4>, window: &Window, zeros_count: bool) -> Tensor<4> {
    let options = AvgPoolOptions {
        kernel_size: window.kernel,
        stride: window.stride,
        padding: window.padding.map(|p| (p, p)),
        count_include_pad: zeros_count,
        ceil_mode: false,
    };
    avg_pool2d(x, options)
}

pub(crate) fn adaptive_avg_pool(x: Tensor<4>, [height, width]: [usize; 2]) -> Tensor<4> {
    let [n, c, h, w] = x.dims();
    match (height, width) {
        (1, 1) => x.reshape([n, c, h * w]).mean_dim(2).reshape([n, c, 1, 1]),
        sides if sides == (h, w) => x,
        _ => adaptive_avg_pool2d(x, [height, width]),
    }
}

pub(crate) fn global_avg_pool(x: Tensor<4>) -> Tensor<2> {
    let [n, c, h, w] = x.dims();
    x.reshape([n, c, h * w]).mean_dim(2).reshape([n, c])
}
