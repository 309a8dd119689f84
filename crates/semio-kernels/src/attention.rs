//! Self-attention: softmax of queries by keys, times values (Vaswani et al. 2017), over all positions or within windows.
//!
//! Positions are pixels of maps or tokens; which of them form a window is a table, so that moved windows, grids and
//! padding cost nothing but the table. Of each window and head queries, keys and values are gathered once; then some
//! queries at a time are compared with all keys, so that scores never leave the first-level cache.

use crate::{
    buffer::Buffer,
    maps::{Maps, View},
    scratch::scratch,
    simd::{Kernel, LANES, Simd, run},
    threads::parallel,
    tile::{Tile, cover},
};

/// Numbers between two keys' coordinates in packed keys, and between two values in packed values.
const PANEL: usize = 2 * LANES;

/// A place of a window that lies beyond the maps.
pub const OUTSIDE: u32 = u32::MAX;

/// How queries and keys are compared.
#[derive(Clone, Debug, Default)]
pub enum Compare {
    /// Dot product; factors are part of the queries.
    #[default]
    Dot,
    /// Cosine, times one factor a head.
    Cosine(Vec<f32>),
}

/// An attention without the dense layers before and after it.
pub struct Attention {
    heads: usize,
    /// Blocks of sixteen values that a head sees.
    blocks: usize,
    compare: Compare,
    /// Pixels of each window, row by row over the whole maps.
    places: Vec<u32>,
    /// Places of a window.
    area: usize,
    /// For each window the number of the table that it adds.
    tables: Vec<usize>,
    /// What is added to scores, `[tables][heads][area][key blocks][16]`: minus infinity for keys that do not exist. One
    /// row for all where nothing else is added.
    bias: Buffer,
    plain: bool,
    /// Queries, keys and values of places beyond the maps.
    outside: Buffer,
}

impl Attention {
    /// Attention of `heads` heads that see `16 · blocks` values each, within windows of `area` places: `places` holds
    /// the pixels of the first window, then of the next, [`OUTSIDE`] where there is none.
    ///
    /// # Panics
    /// Where places do not fill whole windows.
    pub fn new(heads: usize, blocks: usize, area: usize, places: Vec<u32>) -> Self {
        assert!(area > 0 && places.len().is_multiple_of(area), "places of another window");
        let keys = area.div_ceil(LANES) * LANES;
        let mut bias = Buffer::zeroed(keys);
        bias[area..].fill(f32::NEG_INFINITY);
        let tables = vec![0; places.len() / area];
        let outside = Buffer::zeroed(3 * heads * blocks * LANES);
        Self { heads, blocks, compare: Compare::Dot, places, area, tables, bias, plain: true, outside }
    }

    /// Sets how queries and keys are compared.
    ///
    /// # Panics
    /// Where there is not one factor a head.
    #[must_use]
    pub fn comparing(mut self, compare: Compare) -> Self {
        if let Compare::Cosine(factors) = &compare {
            assert_eq!(factors.len(), self.heads, "one factor a head");
        }
        self.compare = compare;
        self
    }

    /// Adds one of some tables, `[tables, heads, area, area]` (queries, then keys), to the scores; `which` names each
    /// window's.
    ///
    /// # Panics
    /// Where the sizes do not fit.
    #[must_use]
    pub fn with_bias(mut self, tables: &[f32], which: Vec<usize>) -> Self {
        let (area, keys) = (self.area, self.area.div_ceil(LANES) * LANES);
        let count = tables.len() / (self.heads * area * area);
        assert_eq!(tables.len(), count * self.heads * area * area, "tables of another size");
        assert!(which.len() == self.tables.len() && which.iter().all(|&t| t < count), "one table a window");
        let mut bias = Buffer::dirty(count * self.heads * area * keys);
        for (to, from) in bias.chunks_exact_mut(keys).zip(tables.chunks_exact(area)) {
            to[..area].copy_from_slice(from);
            to[area..].fill(f32::NEG_INFINITY);
        }
        (self.bias, self.tables, self.plain) = (bias, which, false);
        self
    }

    /// Sets the queries, keys and values that places beyond the maps have.
    ///
    /// # Panics
    /// Where their number is another.
    #[must_use]
    pub fn with_outside(mut self, values: &[f32]) -> Self {
        assert_eq!(values.len(), self.outside.len(), "one number a channel");
        self.outside = Buffer::from_slice(values);
        self
    }

    /// Computes the heads' results, one head's channels after the other's, from maps of queries, then keys, then values
    /// of all heads.
    ///
    /// # Panics
    /// Where sizes do not fit, or maps have a border.
    pub fn run(&self, qkv: &Maps, y: &mut Maps) {
        let (x, y) = (qkv.view(), y.view_mut());
        let channels = self.heads * self.blocks * LANES;
        assert_eq!([x.channels, y.channels], [3 * channels, channels], "maps of another number of heads");
        assert_eq!([x.batch, x.height, x.width], [y.batch, y.height, y.width], "maps of different sizes");
        assert_eq!([x.border, y.border], [0, 0], "attention reads and writes maps without border");
        let pixels = (x.height * x.width) as u32;
        assert!(self.places.iter().all(|&p| p < pixels || p == OUTSIDE), "places beyond the maps");
        let windows = self.tables.len();
        let room = Room::of(self);
        parallel(x.batch * windows * self.heads, |i| {
            let (image, window, head) = (i / (windows * self.heads), i / self.heads % windows, i % self.heads);
            scratch(room.total, |memory| {
                // SAFETY: the memory holds all parts; each task writes its own channels of its own window.
                unsafe { run(Task { attention: self, x, y, image, window, head, room, memory }) }
            });
        });
    }
}

/// Where the parts of a task's memory begin.
#[derive(Clone, Copy)]
struct Room {
    /// Blocks of keys.
    key_blocks: usize,
    keys: usize,
    values: usize,
    scores: usize,
    result: usize,
    total: usize,
}

/// Most queries at a time, on any CPU.
const QUERIES: usize = 16;

impl Room {
    fn of(attention: &Attention) -> Self {
        let Attention { area, blocks, .. } = *attention;
        let key_blocks = area.div_ceil(LANES);
        let padded = key_blocks * LANES;
        let keys = blocks * area * LANES;
        let values = keys + key_blocks.div_ceil(2) * PANEL * blocks * LANES;
        let scores = values + blocks.div_ceil(2) * PANEL * padded;
        let result = scores + key_blocks.next_multiple_of(2) * QUERIES * LANES;
        let total = result + blocks.next_multiple_of(2) * QUERIES * LANES;
        Self { key_blocks, keys, values, scores, result, total }
    }
}

struct Task<'a> {
    attention: &'a Attention,
    x: View,
    y: View,
    image: usize,
    window: usize,
    head: usize,
    room: Room,
    memory: *mut f32,
}

impl Kernel for Task<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { attention, room, memory, .. } = self;
        let Attention { area, blocks, .. } = *attention;
        self.gather::<S>();
        let (queries, keys, values) = (memory, memory.add(room.keys), memory.add(room.values));
        let (scores, result) = (memory.add(room.scores), memory.add(room.result));
        let pitch = QUERIES * LANES;
        let of_queries: Vec<isize> = (0..blocks).map(|b| (b * area * LANES) as isize).collect();
        let of_scores: Vec<isize> = (0..room.key_blocks).map(|b| (b * pitch) as isize).collect();
        let tile = Tile {
            a: queries,
            a_row: 0,
            a_step: LANES,
            runs: of_queries.as_ptr(),
            run_count: blocks,
            run_len: LANES,
            b: keys,
            b_step: PANEL,
            c: scores,
            c_row: 0,
            c_step: LANES,
            c_vector: pitch,
            bias: std::ptr::null(),
            residual: std::ptr::null(),
            low: f32::NEG_INFINITY,
            high: f32::INFINITY,
        };
        cover::<S>(1, area, |_, first, _, count| {
            for block in (0..room.key_blocks).step_by(S::VECTORS) {
                let vectors = S::VECTORS.min(room.key_blocks - block);
                let b = keys.add(block / 2 * PANEL * blocks * LANES + block % 2 * LANES);
                let tile = Tile { a: queries.add(first * LANES), b, c: scores.add(block * pitch), ..tile };
                S::tile(1, count, vectors, LANES)(&tile);
            }
            let inverse = self.softmax::<S>(scores, first, count);
            for block in (0..blocks).step_by(S::VECTORS) {
                let vectors = S::VECTORS.min(blocks - block);
                let b = values.add(block / 2 * PANEL * room.key_blocks * LANES + block % 2 * LANES);
                let (runs, run_count) = (of_scores.as_ptr(), room.key_blocks);
                let tile = Tile { a: scores, runs, run_count, b, c: result.add(block * pitch), ..tile };
                S::tile(1, count, vectors, LANES)(&tile);
            }
            for q in 0..count {
                let Some(place) = self.place(first + q) else { continue };
                let factor = S::broadcast(inverse.as_ptr().add(q));
                for block in 0..blocks {
                    let value = S::load(result.add(block * pitch + q * LANES));
                    let to = self.y.at(self.image, self.head * blocks + block, 0, 0).add(place * LANES);
                    S::store(to, S::mul(value, factor));
                }
            }
        });
    }
}

impl Task<'_> {
    /// The pixel at a place of the window, if it is within the maps.
    #[inline(always)]
    fn place(&self, i: usize) -> Option<usize> {
        let place = self.attention.places[self.window * self.attention.area + i];
        (place != OUTSIDE).then_some(place as usize)
    }

    /// Lays out queries `[blocks][area][16]`, keys `[panels][values][32]` and values `[panels][keys][32]`.
    #[inline(always)]
    unsafe fn gather<S: Simd>(&self) {
        let Self { attention, room, memory, .. } = *self;
        let Attention { heads, area, blocks, .. } = *attention;
        let load = |part: usize, block: usize, i: usize| {
            let block = (part * heads + self.head) * blocks + block;
            match self.place(i) {
                Some(place) => S::load(self.x.at(self.image, block, 0, 0).add(place * LANES)),
                None => S::load(attention.outside.as_ptr().add(block * LANES)),
            }
        };
        let (keys, values) = (memory.add(room.keys), memory.add(room.values));
        for first in (0..area).step_by(LANES) {
            let count = LANES.min(area - first);
            let (query_factors, key_factors) = match &attention.compare {
                Compare::Dot => ([1.0; LANES], [1.0; LANES]),
                Compare::Cosine(factors) => {
                    let factor = factors[self.head];
                    let lengths = |part: usize| {
                        let mut squares = [S::zero(); LANES];
                        for (i, square) in squares.iter_mut().enumerate().take(count) {
                            for block in 0..blocks {
                                let v = load(part, block, first + i);
                                *square = S::fma(v, v, *square);
                            }
                        }
                        let mut sums = [0f32; LANES];
                        S::store(sums.as_mut_ptr(), S::sums(&mut squares));
                        sums.map(|s| 1.0 / s.max(1e-24).sqrt())
                    };
                    (lengths(0).map(|v| v * factor), lengths(1))
                }
            };
            for block in 0..blocks {
                let mut rows = [S::zero(); LANES];
                for i in 0..count {
                    let to = memory.add((block * area + first + i) * LANES);
                    S::store(to, S::mul(load(0, block, first + i), S::splat(query_factors[i])));
                    rows[i] = S::mul(load(1, block, first + i), S::splat(key_factors[i]));
                }
                S::transpose(&mut rows);
                let panel = first / PANEL * PANEL * blocks * LANES + first % PANEL;
                for (i, row) in rows.into_iter().enumerate() {
                    S::store(keys.add(panel + (block * LANES + i) * PANEL), row);
                }
                let panel = block / 2 * PANEL * room.key_blocks * LANES + block % 2 * LANES;
                for i in 0..LANES {
                    let value = if i < count { load(2, block, first + i) } else { S::zero() };
                    S::store(values.add(panel + (first + i) * PANEL), value);
                }
            }
        }
    }

    /// Turns scores `[key blocks][16][16]` into e^(score − largest); gives one over each query's sum.
    #[inline(always)]
    unsafe fn softmax<S: Simd>(&self, scores: *mut f32, first: usize, count: usize) -> [f32; LANES] {
        let Self { attention, room, .. } = *self;
        let row = room.key_blocks * LANES;
        let (bias, step) = if attention.plain {
            (attention.bias.as_ptr(), 0)
        } else {
            let table = attention.tables[self.window] * attention.heads + self.head;
            (attention.bias.as_ptr().add((table * attention.area + first) * row), row)
        };
        let pitch = QUERIES * LANES;
        let mut largest = [S::splat(f32::NEG_INFINITY); LANES];
        for (q, largest) in largest.iter_mut().enumerate().take(count) {
            for block in 0..room.key_blocks {
                let at = scores.add(block * pitch + q * LANES);
                let value = S::add(S::load(at), S::load(bias.add(q * step + block * LANES)));
                S::store(at, value);
                *largest = S::max(*largest, value);
            }
        }
        let mut most = [0f32; LANES];
        S::transpose(&mut largest);
        let all = largest.into_iter().reduce(|a, b| S::max(a, b)).unwrap_or(S::zero());
        S::store(most.as_mut_ptr(), all);
        let mut sums = [S::zero(); LANES];
        for (q, sum) in sums.iter_mut().enumerate().take(count) {
            let most = S::broadcast(most.as_ptr().add(q));
            for block in 0..room.key_blocks {
                let at = scores.add(block * pitch + q * LANES);
                let value = S::exp(S::sub(S::load(at), most));
                S::store(at, value);
                *sum = S::add(*sum, value);
            }
        }
        let mut inverse = [0f32; LANES];
        S::store(inverse.as_mut_ptr(), S::div(S::splat(1.0), S::sums(&mut sums)));
        inverse
    }
}
