//! Sixteen numbers at a time, on every CPU.
//!
//! Kernels are written once, over [`Simd`]; [`run`] enters them with the instructions that this CPU has. AVX-512 holds
//! sixteen numbers in one register, AVX2 in two. Everywhere else they are an array, which the compiler turns into the
//! platform's own vectors (four NEON registers on ARM).

use std::sync::OnceLock;

use crate::tile::{self, Tile};

/// Numbers in one vector, and channels in one block of [`Maps`](crate::Maps).
pub const LANES: usize = 16;

/// The instructions that kernels use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// AVX-512 F, BW, DQ, VL.
    Avx512,
    /// AVX2 with FMA.
    Avx2,
    /// What the compiler makes of plain arrays: NEON on ARM.
    Portable,
}

impl std::fmt::Display for Isa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Avx512 => "AVX-512",
            Self::Avx2 => "AVX2",
            Self::Portable if cfg!(target_arch = "aarch64") => "NEON",
            Self::Portable => "portable",
        })
    }
}

/// The instructions in use: the best that this CPU has.
///
/// The environment variable `SEMIO_ISA` (`avx512`, `avx2`, `portable`) asks for lesser ones, for tests and comparisons;
/// what the CPU lacks is not taken.
pub fn isa() -> Isa {
    static ISA: OnceLock<Isa> = OnceLock::new();
    *ISA.get_or_init(|| {
        let wish = std::env::var("SEMIO_ISA").unwrap_or_default();
        available().into_iter().find(|isa| wish.is_empty() || wish == key(*isa)).unwrap_or(Isa::Portable)
    })
}

fn key(isa: Isa) -> &'static str {
    match isa {
        Isa::Avx512 => "avx512",
        Isa::Avx2 => "avx2",
        Isa::Portable => "portable",
    }
}

/// Pixels of the largest [`tile`] that this CPU's registers hold.
pub(crate) fn pixels() -> usize {
    match isa() {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => x86::Avx512::PIXELS,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => x86::Avx2::PIXELS,
        _ => Portable::PIXELS,
    }
}

/// What this CPU offers, best first.
fn available() -> Vec<Isa> {
    let mut all = vec![];
    #[cfg(target_arch = "x86_64")]
    {
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        let avx512 = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        if avx2 && avx512 {
            all.push(Isa::Avx512);
        }
        if avx2 {
            all.push(Isa::Avx2);
        }
    }
    all.push(Isa::Portable);
    all
}

/// Something to compute, written over the vector type.
pub(crate) trait Kernel {
    /// Computes it.
    ///
    /// # Safety
    /// The CPU has `S`'s instructions, and the kernel's own pointers are valid.
    unsafe fn run<S: Simd>(self);
}

/// Runs a kernel with this CPU's instructions.
///
/// # Safety
/// The kernel's pointers are valid.
#[inline]
pub(crate) unsafe fn run<K: Kernel>(kernel: K) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
        unsafe fn avx512<K: Kernel>(kernel: K) {
            kernel.run::<x86::Avx512>();
        }
        #[target_feature(enable = "avx2,fma")]
        unsafe fn avx2<K: Kernel>(kernel: K) {
            kernel.run::<x86::Avx2>();
        }
        match isa() {
            Isa::Avx512 => return avx512(kernel),
            Isa::Avx2 => return avx2(kernel),
            Isa::Portable => {}
        }
    }
    kernel.run::<Portable>();
}

/// A vector of [`LANES`] numbers and what kernels do with it.
///
/// # Safety
/// Every operation needs the CPU to have the instructions; [`run`] sees to it.
pub(crate) trait Simd: Copy + 'static {
    /// The vector.
    type V: Copy;
    /// Pixels (rows × columns) that the largest [`tile`] computes at once.
    const PIXELS: usize;
    /// Vectors of output channels that the largest [`tile`] computes at once.
    const VECTORS: usize;

    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `c − a · b`
    unsafe fn fnma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` where one is not a number.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` where one is not a number.
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    /// `yes` where `a > b`, else `no`.
    unsafe fn select_gt(a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V;
    /// 2 to the power of the nearest integer, and that integer.
    unsafe fn exp2_round(v: Self::V) -> (Self::V, Self::V);
    /// The function that computes a tile of this size, see [`tile`].
    fn tile(rows: usize, pixels: usize, vectors: usize, step: usize) -> unsafe fn(&Tile);

    #[inline(always)]
    unsafe fn zero() -> Self::V {
        Self::splat(0.0)
    }

    /// One over each number, to a unit in the last place; of no use where that leaves the normal range.
    #[inline(always)]
    unsafe fn reciprocal(v: Self::V) -> Self::V {
        Self::div(Self::splat(1.0), v)
    }

    /// One number from memory in all lanes.
    ///
    /// Where several neighbours are broadcast, the compiler would load them as one vector and spread its lanes by
    /// shuffles, which take the place of multiply-adds; a broadcast from memory takes none.
    #[inline(always)]
    unsafe fn broadcast(p: *const f32) -> Self::V {
        Self::splat(*p)
    }

    /// `N` neighbours, each in all lanes.
    #[inline(always)]
    unsafe fn broadcasts<const N: usize>(p: *const f32) -> [Self::V; N] {
        std::array::from_fn(|i| Self::broadcast(p.add(i)))
    }

    /// Rows become columns.
    #[inline(always)]
    unsafe fn transpose(rows: &mut [Self::V; LANES]) {
        let mut a = [[0f32; LANES]; LANES];
        for (i, r) in rows.iter().enumerate() {
            Self::store(a[i].as_mut_ptr(), *r);
        }
        for i in 0..LANES {
            for j in 0..i {
                let t = a[i][j];
                a[i][j] = a[j][i];
                a[j][i] = t;
            }
        }
        for (i, r) in rows.iter_mut().enumerate() {
            *r = Self::load(a[i].as_ptr());
        }
    }

    /// The sum over each vector's lanes, one a lane of the result.
    #[inline(always)]
    unsafe fn sums(rows: &mut [Self::V; LANES]) -> Self::V {
        Self::transpose(rows);
        let mut n = LANES;
        while n > 1 {
            n /= 2;
            for i in 0..n {
                rows[i] = Self::add(rows[i], rows[i + n]);
            }
        }
        rows[0]
    }

    /// eˣ to 2e-7 relative (Cephes' polynomial on ±½ ln 2), 0 and ∞ beyond the range.
    #[inline(always)]
    unsafe fn exp(x: Self::V) -> Self::V {
        let x = Self::max(Self::splat(-87.3), Self::min(Self::splat(88.3), x));
        let (scale, n) = Self::exp2_round(Self::mul(x, Self::splat(std::f32::consts::LOG2_E)));
        let r = Self::fnma(n, Self::splat(0.693_359_4), x);
        let r = Self::fnma(n, Self::splat(-2.121_944_4e-4), r);
        let mut p = Self::splat(1.987_569_1e-4);
        for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_6e-1, 0.5] {
            p = Self::fma(p, r, Self::splat(c));
        }
        let p = Self::fma(Self::mul(p, r), r, Self::add(r, Self::splat(1.0)));
        Self::mul(p, scale)
    }
}

/// Plain arrays.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

#[inline(always)]
fn zip(a: [f32; LANES], b: [f32; LANES], f: impl Fn(f32, f32) -> f32) -> [f32; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

/// Fused where the platform always has the instruction: elsewhere it would be a call for each number.
#[inline(always)]
fn fused(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(target_arch = "aarch64") { a.mul_add(b, c) } else { a * b + c }
}

impl Simd for Portable {
    type V = [f32; LANES];
    const PIXELS: usize = if cfg!(target_arch = "aarch64") { 6 } else { 3 };
    const VECTORS: usize = 1;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        p.cast::<Self::V>().read_unaligned()
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::V) {
        p.cast::<Self::V>().write_unaligned(v);
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a + b)
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a - b)
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a * b)
    }
    #[inline(always)]
    unsafe fn div(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| a / b)
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|i| fused(a[i], b[i], c[i]))
    }
    #[inline(always)]
    unsafe fn fnma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        std::array::from_fn(|i| fused(-a[i], b[i], c[i]))
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V {
        zip(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    unsafe fn select_gt(a: Self::V, b: Self::V, yes: Self::V, no: Self::V) -> Self::V {
        std::array::from_fn(|i| if a[i] > b[i] { yes[i] } else { no[i] })
    }
    #[inline(always)]
    unsafe fn exp2_round(v: Self::V) -> (Self::V, Self::V) {
        let n = v.map(f32::round_ties_even);
        // Not a number stays one: the cast would make it 0.
        (n.map(|n| if n.is_nan() { n } else { f32::from_bits(((n as i32 + 127) as u32) << 23) }), n)
    }
    fn tile(rows: usize, pixels: usize, vectors: usize, step: usize) -> unsafe fn(&Tile) {
        tile::portable(rows, pixels, vectors, step)
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    //! Intel's and AMD's vectors.

    #[allow(clippy::wildcard_imports, reason = "half a hundred instructions")]
    use std::arch::x86_64::*;

    use super::{LANES, Simd};
    use crate::tile::{self, Tile};

    const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn broadcast512(p: *const f32) -> __m512 {
        let v: __m512;
        std::arch::asm!(
            "vbroadcastss {v}, dword ptr [{p}]", v = lateout(zmm_reg) v, p = in(reg) p,
            options(pure, readonly, nostack, preserves_flags)
        );
        v
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn broadcast256(p: *const f32) -> __m256 {
        let v: __m256;
        std::arch::asm!(
            "vbroadcastss {v}, dword ptr [{p}]", v = lateout(ymm_reg) v, p = in(reg) p,
            options(pure, readonly, nostack, preserves_flags)
        );
        v
    }

    /// Eight neighbours with one address: an instruction each to compute it would cost as much as the broadcasts.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn eight512(p: *const f32) -> [__m512; 8] {
        let (a, b, c, d, e, f, g, h): (__m512, __m512, __m512, __m512, __m512, __m512, __m512, __m512);
        std::arch::asm!(
            "vbroadcastss {a}, dword ptr [{p}]",
            "vbroadcastss {b}, dword ptr [{p} + 4]",
            "vbroadcastss {c}, dword ptr [{p} + 8]",
            "vbroadcastss {d}, dword ptr [{p} + 12]",
            "vbroadcastss {e}, dword ptr [{p} + 16]",
            "vbroadcastss {f}, dword ptr [{p} + 20]",
            "vbroadcastss {g}, dword ptr [{p} + 24]",
            "vbroadcastss {h}, dword ptr [{p} + 28]",
            a = out(zmm_reg) a, b = out(zmm_reg) b, c = out(zmm_reg) c, d = out(zmm_reg) d,
            e = out(zmm_reg) e, f = out(zmm_reg) f, g = out(zmm_reg) g, h = out(zmm_reg) h,
            p = in(reg) p,
            options(pure, readonly, nostack, preserves_flags)
        );
        [a, b, c, d, e, f, g, h]
    }

    /// One 512-bit register.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    impl Simd for Avx512 {
        type V = __m512;
        const PIXELS: usize = 14;
        const VECTORS: usize = 2;

        #[inline(always)]
        unsafe fn splat(x: f32) -> __m512 {
            _mm512_set1_ps(x)
        }
        #[inline(always)]
        unsafe fn broadcast(p: *const f32) -> __m512 {
            broadcast512(p)
        }
        #[inline(always)]
        unsafe fn broadcasts<const N: usize>(p: *const f32) -> [__m512; N] {
            if N == 8 {
                let eight = eight512(p);
                return std::array::from_fn(|i| eight[i]);
            }
            std::array::from_fn(|i| Self::broadcast(p.add(i)))
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> __m512 {
            _mm512_loadu_ps(p)
        }
        #[inline(always)]
        unsafe fn store(p: *mut f32, v: __m512) {
            _mm512_storeu_ps(p, v);
        }
        #[inline(always)]
        unsafe fn add(a: __m512, b: __m512) -> __m512 {
            _mm512_add_ps(a, b)
        }
        #[inline(always)]
        unsafe fn sub(a: __m512, b: __m512) -> __m512 {
            _mm512_sub_ps(a, b)
        }
        #[inline(always)]
        unsafe fn mul(a: __m512, b: __m512) -> __m512 {
            _mm512_mul_ps(a, b)
        }
        #[inline(always)]
        unsafe fn div(a: __m512, b: __m512) -> __m512 {
            _mm512_div_ps(a, b)
        }
        #[inline(always)]
        unsafe fn fma(a: __m512, b: __m512, c: __m512) -> __m512 {
            _mm512_fmadd_ps(a, b, c)
        }
        #[inline(always)]
        unsafe fn fnma(a: __m512, b: __m512, c: __m512) -> __m512 {
            _mm512_fnmadd_ps(a, b, c)
        }
        #[inline(always)]
        unsafe fn max(a: __m512, b: __m512) -> __m512 {
            _mm512_max_ps(a, b)
        }
        #[inline(always)]
        unsafe fn min(a: __m512, b: __m512) -> __m512 {
            _mm512_min_ps(a, b)
        }
        #[inline(always)]
        unsafe fn reciprocal(v: __m512) -> __m512 {
            // An estimate of 14 bits and one step of Newton's: a division takes as long as a dozen multiplications.
            let r = _mm512_rcp14_ps(v);
            _mm512_mul_ps(r, _mm512_fnmadd_ps(v, r, _mm512_set1_ps(2.0)))
        }
        #[inline(always)]
        unsafe fn select_gt(a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes)
        }
        #[inline(always)]
        unsafe fn exp2_round(v: __m512) -> (__m512, __m512) {
            let n = _mm512_roundscale_ps::<NEAREST>(v);
            (_mm512_scalef_ps(_mm512_set1_ps(1.0), n), n)
        }
        fn tile(rows: usize, pixels: usize, vectors: usize, step: usize) -> unsafe fn(&Tile) {
            tile::avx512(rows, pixels, vectors, step)
        }
        #[inline(always)]
        unsafe fn transpose(r: &mut [__m512; LANES]) {
            let mut t = [_mm512_setzero_ps(); LANES];
            let pd = |x| _mm512_castps_pd(x);
            let ps = |x| _mm512_castpd_ps(x);
            for i in 0..8 {
                t[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
                t[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
            }
            for i in 0..4 {
                let [a, b, c, d] = [t[4 * i], t[4 * i + 1], t[4 * i + 2], t[4 * i + 3]];
                r[4 * i] = ps(_mm512_unpacklo_pd(pd(a), pd(c)));
                r[4 * i + 1] = ps(_mm512_unpackhi_pd(pd(a), pd(c)));
                r[4 * i + 2] = ps(_mm512_unpacklo_pd(pd(b), pd(d)));
                r[4 * i + 3] = ps(_mm512_unpackhi_pd(pd(b), pd(d)));
            }
            for i in 0..4 {
                t[i] = _mm512_shuffle_f32x4::<0x88>(r[i], r[i + 4]);
                t[i + 4] = _mm512_shuffle_f32x4::<0xdd>(r[i], r[i + 4]);
                t[i + 8] = _mm512_shuffle_f32x4::<0x88>(r[i + 8], r[i + 12]);
                t[i + 12] = _mm512_shuffle_f32x4::<0xdd>(r[i + 8], r[i + 12]);
            }
            for i in 0..8 {
                r[i] = _mm512_shuffle_f32x4::<0x88>(t[i], t[i + 8]);
                r[i + 8] = _mm512_shuffle_f32x4::<0xdd>(t[i], t[i + 8]);
            }
        }
    }

    /// Two 256-bit registers.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;

    type Pair = [__m256; 2];

    impl Simd for Avx2 {
        type V = Pair;
        const PIXELS: usize = 6;
        const VECTORS: usize = 1;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Pair {
            [_mm256_set1_ps(x); 2]
        }
        #[inline(always)]
        unsafe fn broadcast(p: *const f32) -> Pair {
            [broadcast256(p); 2]
        }
        #[inline(always)]
        unsafe fn load(p: *const f32) -> Pair {
            [_mm256_loadu_ps(p), _mm256_loadu_ps(p.add(8))]
        }
        #[inline(always)]
        unsafe fn store(p: *mut f32, v: Pair) {
            _mm256_storeu_ps(p, v[0]);
            _mm256_storeu_ps(p.add(8), v[1]);
        }
        #[inline(always)]
        unsafe fn add(a: Pair, b: Pair) -> Pair {
            [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn sub(a: Pair, b: Pair) -> Pair {
            [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn mul(a: Pair, b: Pair) -> Pair {
            [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn div(a: Pair, b: Pair) -> Pair {
            [_mm256_div_ps(a[0], b[0]), _mm256_div_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn fma(a: Pair, b: Pair, c: Pair) -> Pair {
            [_mm256_fmadd_ps(a[0], b[0], c[0]), _mm256_fmadd_ps(a[1], b[1], c[1])]
        }
        #[inline(always)]
        unsafe fn fnma(a: Pair, b: Pair, c: Pair) -> Pair {
            [_mm256_fnmadd_ps(a[0], b[0], c[0]), _mm256_fnmadd_ps(a[1], b[1], c[1])]
        }
        #[inline(always)]
        unsafe fn max(a: Pair, b: Pair) -> Pair {
            [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn min(a: Pair, b: Pair) -> Pair {
            [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])]
        }
        #[inline(always)]
        unsafe fn select_gt(a: Pair, b: Pair, yes: Pair, no: Pair) -> Pair {
            let half = |i: usize| _mm256_blendv_ps(no[i], yes[i], _mm256_cmp_ps::<_CMP_GT_OQ>(a[i], b[i]));
            [half(0), half(1)]
        }
        #[inline(always)]
        unsafe fn exp2_round(v: Pair) -> (Pair, Pair) {
            let half = |v: __m256| {
                let n = _mm256_round_ps::<NEAREST>(v);
                let bits = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
                let scale = _mm256_castsi256_ps(_mm256_slli_epi32::<23>(bits));
                // Not a number stays one.
                (_mm256_blendv_ps(scale, n, _mm256_cmp_ps::<_CMP_UNORD_Q>(n, n)), n)
            };
            let ((a, n), (b, m)) = (half(v[0]), half(v[1]));
            ([a, b], [n, m])
        }
        fn tile(rows: usize, pixels: usize, vectors: usize, step: usize) -> unsafe fn(&Tile) {
            tile::avx2(rows, pixels, vectors, step)
        }
    }
}
