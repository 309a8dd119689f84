//! The direct form of windows of one pixel: a product of matrices, cut so that its parts stay in a core's caches.
//!
//! A task has some pixels whose inputs fit into the second-level cache and multiplies them with one panel of weights
//! after the other. Long sums are cut into parts, so that a panel's weights stay near as well. Pixels of maps without
//! border form one long row; pictures of few pixels share a tile, one row of it each.

use super::direct::{Direct, activate};
use crate::{
    activation::Activation,
    maps::View,
    simd::{Kernel, LANES, Simd, pixels, run},
    threads::{parallel, threads},
    tile::{MOST_ROWS, Tile, cover_rows},
};

/// Blocks of inputs that are summed at a time, at most.
const MOST_BLOCKS: usize = 48;
/// Numbers of a task's inputs, of which a part is read at a time: half of a usual second-level cache.
const ROOM: usize = 112 << 10;

/// How pixels lie: groups of rows of neighbours.
#[derive(Clone, Copy)]
struct Lines {
    groups: usize,
    rows: usize,
    len: usize,
    flat: bool,
}

impl Lines {
    fn of(x: View, y: View) -> Self {
        if x.border == 0 && y.border == 0 {
            Self { groups: 1, rows: y.batch, len: y.height * y.width, flat: true }
        } else {
            Self { groups: y.batch, rows: y.height, len: y.width, flat: false }
        }
    }

    /// From a row to the next.
    fn pitch(self, v: View) -> usize {
        if self.flat { v.image } else { v.pitch }
    }

    /// Rows of a tile: as many as leave the fewest places of tiles empty.
    fn tall(self) -> usize {
        let tiles = |tall: usize| self.rows.div_ceil(tall) * self.len.div_ceil((pixels() / tall).max(1));
        (1..=MOST_ROWS.min(pixels())).min_by_key(|&tall| tiles(tall)).unwrap_or(1)
    }
}

impl Direct {
    /// Whether this is a product of matrices.
    pub(super) fn is_pointwise(&self) -> bool {
        let all = self.panels[0].blocks;
        self.taps == [[0, 0]]
            && self.step == [1, 1]
            && self.out_step == [1, 1]
            && self.panels.iter().all(|p| p.first_block == 0 && p.blocks == all)
    }

    pub(super) fn run_pointwise(&self, x: View, y: View, residual: Option<View>, activation: Activation) {
        let lines = Lines::of(x, y);
        let tall = lines.tall();
        let blocks = self.panels[0].blocks;
        let parts = blocks.div_ceil(MOST_BLOCKS);
        let at_once = blocks.div_ceil(parts);
        let most = (ROOM / (at_once * LANES)).max(28);
        // Whole rows where they are short, else parts of rows.
        let unit = pixels() / tall;
        let (rows, cuts) = if lines.len <= most {
            let rows = (most / lines.len).next_multiple_of(tall).min(lines.rows);
            (even(lines.rows, rows, tall), 1)
        } else {
            (tall, (lines.len * tall).div_ceil(most))
        };
        let bands = lines.rows.div_ceil(rows);
        let cuts = if lines.groups == 1 && bands * cuts > 1 && lines.len > most {
            // As many tasks for each thread.
            (bands * cuts).next_multiple_of(threads()).div_ceil(bands)
        } else {
            cuts
        };
        let units = lines.len.div_ceil(unit);
        let cuts = cuts.min(units);
        let chunks = lines.groups * bands * cuts;
        let shares = if chunks >= 2 * threads() || threads() == 1 {
            1
        } else {
            (4 * threads()).div_ceil(chunks).min(self.panels.len())
        };
        let job = Job { conv: self, x, y, residual, activation, lines, tall, at_once };
        parallel(chunks * shares, |i| {
            let (chunk, share) = (i / shares, i % shares);
            let (cut, band) = (chunk % cuts, chunk / cuts % bands);
            let panels = self.panels.len();
            let task = Task {
                job: &job,
                group: chunk / cuts / bands,
                rows: band * rows..((band + 1) * rows).min(lines.rows),
                columns: units * cut / cuts * unit..(units * (cut + 1) / cuts * unit).min(lines.len),
                panels: share * panels / shares..(share + 1) * panels / shares,
            };
            // SAFETY: each task writes its own channels of its own pixels.
            unsafe { run(task) }
        });
    }
}

/// Rows a band so that bands are alike, none above `most`, and multiples of `step`.
fn even(rows: usize, most: usize, step: usize) -> usize {
    let bands = rows.div_ceil(most.max(1));
    rows.div_ceil(bands).next_multiple_of(step)
}

struct Job<'a> {
    conv: &'a Direct,
    x: View,
    y: View,
    residual: Option<View>,
    activation: Activation,
    lines: Lines,
    tall: usize,
    /// Blocks of inputs that are summed at a time.
    at_once: usize,
}

struct Task<'a> {
    job: &'a Job<'a>,
    group: usize,
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    panels: std::ops::Range<usize>,
}

impl Kernel for Task<'_> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { group, rows, columns, panels, job } = self;
        let Job { conv, x, y, residual, activation, lines, tall, at_once } = *job;
        let (low, high) = activation.bounds();
        let blocks = conv.panels[0].blocks;
        let runs: [isize; MOST_BLOCKS] = std::array::from_fn(|b| (b * x.plane) as isize);
        let place = |v: View, block: usize, row: usize, column: usize| {
            v.at(group, block, 0, 0).add(row * lines.pitch(v) + column * LANES)
        };
        for first in (0..blocks).step_by(at_once) {
            let run_count = at_once.min(blocks - first);
            let last = first + run_count == blocks;
            for panel in &conv.panels[panels.clone()] {
                let vectors = panel.width / LANES;
                for v in (0..vectors).step_by(S::VECTORS) {
                    let n = S::VECTORS.min(vectors - v);
                    let block = panel.out_block + v;
                    let bias = if conv.bias.is_empty() || first > 0 {
                        std::ptr::null()
                    } else {
                        conv.bias.as_ptr().add(block * LANES)
                    };
                    cover_rows::<S>(rows.len(), columns.len(), tall, |r, q, tile_rows, tile_pixels| {
                        let (row, column) = (rows.start + r, columns.start + q);
                        let c = place(y, block, row, column);
                        let tile = Tile {
                            a: place(x, first, row, column),
                            a_row: lines.pitch(x),
                            a_step: LANES,
                            runs: runs.as_ptr(),
                            run_count,
                            run_len: LANES,
                            b: conv.weights.as_ptr().add(panel.offset + first * LANES * panel.width + v * LANES),
                            b_step: panel.width,
                            c,
                            c_row: lines.pitch(y),
                            c_step: LANES,
                            c_vector: y.plane,
                            bias,
                            residual: match residual {
                                // What was summed so far.
                                _ if first > 0 => c,
                                Some(z) => place(z, block, row, column),
                                None => std::ptr::null(),
                            },
                            low: if last { low } else { f32::NEG_INFINITY },
                            high: if last { high } else { f32::INFINITY },
                        };
                        S::tile(tile_rows, tile_pixels, n, LANES)(&tile);
                    });
                    if last && !activation.clips() {
                        for v in 0..n {
                            for row in rows.clone() {
                                activate::<S>(activation, place(y, block + v, row, columns.start), columns.len());
                            }
                        }
                    }
                }
            }
        }
    }
}
