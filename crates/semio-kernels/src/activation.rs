//! Functions of each value, with their derivatives.

use crate::simd::Simd;

/// A function applied to each value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Activation {
    /// x
    #[default]
    Identity,
    /// max(x, 0)
    Relu,
    /// min(max(x, 0), 6)
    Relu6,
    /// x · σ(x) (swish)
    Silu,
    /// x · min(max(x + 3, 0), 6) / 6
    Hardswish,
    /// min(max(x + 3, 0), 6) / 6
    Hardsigmoid,
    /// σ(x) = 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// x · Φ(x), with Φ the normal distribution.
    Gelu,
}

impl Activation {
    /// Bounds that are the whole function, for those that only clip.
    pub(crate) fn bounds(self) -> (f32, f32) {
        match self {
            Self::Relu => (0.0, f32::INFINITY),
            Self::Relu6 => (0.0, 6.0),
            _ => (f32::NEG_INFINITY, f32::INFINITY),
        }
    }

    /// Whether [`bounds`](Self::bounds) are the whole function.
    pub(crate) fn clips(self) -> bool {
        matches!(self, Self::Identity | Self::Relu | Self::Relu6)
    }

    /// The function.
    #[inline(always)]
    pub(crate) unsafe fn apply<S: Simd>(self, x: S::V) -> S::V {
        let one = S::splat(1.0);
        match self {
            Self::Identity => x,
            Self::Relu => S::max(S::zero(), x),
            Self::Relu6 => S::min(S::splat(6.0), S::max(S::zero(), x)),
            Self::Silu => S::mul(x, sigmoid::<S>(x)),
            Self::Hardswish => S::mul(x, hard_sigmoid::<S>(x)),
            Self::Hardsigmoid => hard_sigmoid::<S>(x),
            Self::Sigmoid => sigmoid::<S>(x),
            Self::Tanh => {
                let e = S::exp(S::add(x, x));
                let large = S::div(S::sub(e, one), S::add(e, one));
                // Near zero the quotient loses digits: x − x³/3 + 2x⁵/15.
                let x2 = S::mul(x, x);
                let series = S::fma(x2, S::splat(2.0 / 15.0), S::splat(-1.0 / 3.0));
                let small = S::fma(S::mul(series, x2), x, x);
                S::select_gt(S::splat(0.01), x2, small, large)
            }
            Self::Gelu => S::mul(x, normal::<S>(x)),
        }
    }

    /// The derivative at `x`.
    #[inline(always)]
    pub(crate) unsafe fn slope<S: Simd>(self, x: S::V) -> S::V {
        let (zero, one) = (S::zero(), S::splat(1.0));
        match self {
            Self::Identity => one,
            Self::Relu => S::select_gt(x, zero, one, zero),
            Self::Relu6 => S::select_gt(x, zero, S::select_gt(S::splat(6.0), x, one, zero), zero),
            Self::Silu => {
                let s = sigmoid::<S>(x);
                S::mul(s, S::fma(x, S::sub(one, s), one))
            }
            Self::Hardswish => {
                let inside = S::fma(x, S::splat(1.0 / 3.0), S::splat(0.5));
                let upper = S::select_gt(S::splat(3.0), x, inside, one);
                S::select_gt(x, S::splat(-3.0), upper, zero)
            }
            Self::Hardsigmoid => {
                let upper = S::select_gt(S::splat(3.0), x, S::splat(1.0 / 6.0), zero);
                S::select_gt(x, S::splat(-3.0), upper, zero)
            }
            Self::Sigmoid => {
                let s = sigmoid::<S>(x);
                S::mul(s, S::sub(one, s))
            }
            Self::Tanh => {
                let t = Self::Tanh.apply::<S>(x);
                S::fnma(t, t, one)
            }
            Self::Gelu => {
                let density = S::mul(S::splat(0.398_942_3), S::exp(S::mul(S::splat(-0.5), S::mul(x, x))));
                S::fma(x, density, normal::<S>(x))
            }
        }
    }
}

#[inline(always)]
unsafe fn sigmoid<S: Simd>(x: S::V) -> S::V {
    S::reciprocal(S::add(S::splat(1.0), S::exp(S::sub(S::zero(), x))))
}

#[inline(always)]
unsafe fn hard_sigmoid<S: Simd>(x: S::V) -> S::V {
    let y = S::fma(x, S::splat(1.0 / 6.0), S::splat(0.5));
    S::min(S::splat(1.0), S::max(S::zero(), y))
}

/// Φ(x) = ½ (1 + erf(x / √2)), with erf to 3e-7 as a quotient of polynomials on ±4, beyond which it is ±1 (Eigen's
/// coefficients).
#[inline(always)]
unsafe fn normal<S: Simd>(x: S::V) -> S::V {
    let half = S::splat(0.5);
    let z = S::mul(x, S::splat(std::f32::consts::FRAC_1_SQRT_2));
    let z = S::max(S::splat(-4.0), S::min(S::splat(4.0), z));
    let z2 = S::mul(z, z);
    let polynomial = |first: f32, rest: &[f32]| {
        let mut p = S::splat(first);
        for c in rest {
            p = S::fma(p, z2, S::splat(*c));
        }
        p
    };
    let above = polynomial(
        -2.726_142_3e-10,
        &[2.770_681_4e-8, -2.101_024e-6, -5.692_506_4e-5, -7.349_906_3e-4, -2.954_6e-3, -1.609_603_3e-2],
    );
    let below = polynomial(-1.456_607_2e-5, &[-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2]);
    let erf = S::mul(S::mul(z, above), S::reciprocal(below));
    S::fma(half, erf, half)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Kernel, LANES, run};

    struct Both<'a>(Activation, &'a [f32; LANES], &'a mut [f32; LANES], &'a mut [f32; LANES]);

    impl Kernel for Both<'_> {
        #[inline(always)]
        unsafe fn run<S: Simd>(self) {
            let x = S::load(self.1.as_ptr());
            S::store(self.2.as_mut_ptr(), self.0.apply::<S>(x));
            S::store(self.3.as_mut_ptr(), self.0.slope::<S>(x));
        }
    }

    fn erf(x: f64) -> f64 {
        // Series to double precision for the range that is tested.
        let (mut term, mut sum) = (x, x);
        for n in 1..200 {
            term *= -x * x / n as f64;
            sum += term / (2 * n + 1) as f64;
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    }

    fn exact(f: Activation, x: f64) -> f64 {
        let sigmoid = 1.0 / (1.0 + (-x).exp());
        let hard = ((x + 3.0) / 6.0).clamp(0.0, 1.0);
        match f {
            Activation::Identity => x,
            Activation::Relu => x.max(0.0),
            Activation::Relu6 => x.clamp(0.0, 6.0),
            Activation::Silu => x * sigmoid,
            Activation::Hardswish => x * hard,
            Activation::Hardsigmoid => hard,
            Activation::Sigmoid => sigmoid,
            Activation::Tanh => x.tanh(),
            Activation::Gelu => x * 0.5 * (1.0 + erf(x / 2f64.sqrt())),
        }
    }

    #[test]
    fn values_and_slopes_are_the_functions() {
        use Activation::*;
        for f in [Identity, Relu, Relu6, Silu, Hardswish, Hardsigmoid, Sigmoid, Tanh, Gelu] {
            for i in 0..40 {
                // No point lies on a corner.
                let x: [f32; LANES] = std::array::from_fn(|j| (i * LANES + j) as f32 / 320.0 * 4.4 - 4.4 + 0.003);
                let (mut y, mut slope) = ([0.0; LANES], [0.0; LANES]);
                // SAFETY: arrays of one vector.
                unsafe { run(Both(f, &x, &mut y, &mut slope)) };
                for j in 0..LANES {
                    let v = f64::from(x[j]);
                    let expected = exact(f, v);
                    assert!((f64::from(y[j]) - expected).abs() < 2e-6, "{f:?}({v}) = {} not {expected}", y[j]);
                    let h = 1e-5;
                    let rise = (exact(f, v + h) - exact(f, v - h)) / (2.0 * h);
                    assert!((f64::from(slope[j]) - rise).abs() < 1e-5, "{f:?}'({v}) = {} not {rise}", slope[j]);
                }
            }
        }
    }
}
