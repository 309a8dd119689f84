//! What the transforms do to one row of a tile.

use crate::simd::Simd;

const A: f32 = std::f32::consts::FRAC_1_SQRT_2;
const B: f32 = std::f32::consts::SQRT_2;

/// Bᵀ, one row: six values → their polynomial's products with the points' basis.
#[inline(always)]
pub(super) unsafe fn input_points<S: Simd>(d: [S::V; 6]) -> [S::V; 6] {
    let (a, b, two, half, sum) = (S::splat(A), S::splat(B), S::splat(2.0), S::splat(0.5), S::splat(2.5));
    let (t, u) = (S::fnma(two, d[2], d[4]), S::fnma(two, d[1], d[3]));
    let (p, q) = (S::fnma(half, d[2], d[4]), S::fnma(half, d[1], d[3]));
    [
        S::fnma(sum, d[2], S::add(d[0], d[4])),
        S::fma(a, u, t),
        S::fnma(a, u, t),
        S::fma(b, q, p),
        S::fnma(b, q, p),
        S::fnma(sum, d[3], S::add(d[1], d[5])),
    ]
}

/// Aᵀ, one row: six points' products → four outputs.
#[inline(always)]
pub(super) unsafe fn output_points<S: Simd>(m: [S::V; 6]) -> [S::V; 4] {
    let (p, q) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
    let (r, s) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
    [
        S::add(S::add(m[0], p), r),
        S::fma(S::splat(A), q, S::mul(S::splat(B), s)),
        S::fma(S::splat(0.5), p, S::mul(S::splat(2.0), r)),
        S::fma(S::splat(A * 0.5), q, S::fma(S::splat(B * 2.0), s, m[5])),
    ]
}

/// G, one row: three weights → six points.
#[inline(always)]
pub(super) unsafe fn weight_points<S: Simd>(g: [S::V; 3]) -> [S::V; 6] {
    let near = S::mul(S::splat(-2.0 / 3.0), S::fma(S::splat(0.5), g[2], g[0]));
    let near_odd = S::mul(S::splat(-2.0 / 3.0 * A), g[1]);
    let far = S::mul(S::splat(1.0 / 6.0), S::fma(S::splat(2.0), g[2], g[0]));
    let far_odd = S::mul(S::splat(B / 6.0), g[1]);
    [g[0], S::add(near, near_odd), S::sub(near, near_odd), S::add(far, far_odd), S::sub(far, far_odd), g[2]]
}

/// A, one row: four outputs' gradients → six points, the adjoint of [`output_points`].
#[inline(always)]
pub(super) unsafe fn output_points_adjoint<S: Simd>(d: [S::V; 4]) -> [S::V; 6] {
    let near = S::fma(S::splat(0.5), d[2], d[0]);
    let near_odd = S::mul(S::splat(A), S::fma(S::splat(0.5), d[3], d[1]));
    let far = S::fma(S::splat(2.0), d[2], d[0]);
    let far_odd = S::mul(S::splat(B), S::fma(S::splat(2.0), d[3], d[1]));
    [d[0], S::add(near, near_odd), S::sub(near, near_odd), S::add(far, far_odd), S::sub(far, far_odd), d[3]]
}

/// Gᵀ, one row: six points' gradients → three weights', the adjoint of [`weight_points`].
#[inline(always)]
pub(super) unsafe fn weight_points_adjoint<S: Simd>(m: [S::V; 6]) -> [S::V; 3] {
    let (p, q) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
    let (r, s) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
    [
        S::fma(S::splat(-2.0 / 3.0), p, S::fma(S::splat(1.0 / 6.0), r, m[0])),
        S::fma(S::splat(-2.0 / 3.0 * A), q, S::mul(S::splat(B / 6.0), s)),
        S::fma(S::splat(-1.0 / 3.0), p, S::fma(S::splat(1.0 / 3.0), r, m[5])),
    ]
}
