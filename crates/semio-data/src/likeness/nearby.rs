//! Pairs of pictures that may correlate by [`super::SAME`], found without comparing each with all others.
//!
//! A picture of 32 × 32 greys with mean 0 and length 1 is a point, and two of them that correlate by r lie √(2 − 2 r)
//! apart. Sixteen of its lowest frequencies are the point seen from one side: two points look no farther apart than they
//! are, so that none of the pairs is lost. The points seen so are held in a tree of boxes; boxes that lie too far from
//! each other are passed over with all that is in them.

use std::{f64::consts::PI, sync::LazyLock};

use rayon::prelude::*;

/// Frequencies that are kept.
pub(super) const KEPT: usize = 16;

const SIDE: usize = 32;

/// Points in a box that is not divided any more.
const LEAF: usize = 32;

/// What a coordinate of 1 is kept as.
const UNIT: f64 = 32_767.0;

/// The frequencies, across and down: those whose sum is 4 at most, and two more.
const FREQUENCIES: [(usize, usize); KEPT] = [
    (1, 0),
    (0, 1),
    (2, 0),
    (1, 1),
    (0, 2),
    (3, 0),
    (2, 1),
    (1, 2),
    (0, 3),
    (4, 0),
    (3, 1),
    (2, 2),
    (1, 3),
    (0, 4),
    (5, 0),
    (0, 5),
];

/// The cosines of an orthonormal transform, one row a frequency.
static COSINES: LazyLock<[[f64; SIDE]; 6]> = LazyLock::new(|| {
    let cosine = |u: usize, x: usize| {
        let size = if u == 0 { 1.0 } else { 2.0 };
        (size / SIDE as f64).sqrt() * (PI * (2 * x + 1) as f64 * u as f64 / (2 * SIDE) as f64).cos()
    };
    std::array::from_fn(|u| std::array::from_fn(|x| cosine(u, x)))
});

/// A point as it is kept.
pub(super) type Look = [i16; KEPT];

/// The lowest frequencies of 32 × 32 values with mean 0 and length 1.
pub(super) fn look(small: &[f64]) -> Look {
    let rows: Vec<[f64; 6]> = small
        .as_chunks::<SIDE>()
        .0
        .iter()
        .map(|row| COSINES.map(|wave| row.iter().zip(wave).map(|(v, c)| v * c).sum()))
        .collect();
    FREQUENCIES.map(|(across, down)| {
        let sum: f64 = rows.iter().zip(COSINES[down]).map(|(row, c)| row[across] * c).sum();
        (sum * UNIT).round() as i16
    })
}

/// A box with the points in it, and the two that it is divided into.
struct Node {
    start: usize,
    end: usize,
    low: [f32; KEPT],
    high: [f32; KEPT],
    parts: Option<[usize; 2]>,
}

/// All points in boxes in boxes.
struct Tree {
    places: Vec<u32>,
    points: Vec<[f32; KEPT]>,
    nodes: Vec<Node>,
}

/// Tells of every two places whose points lie so near to each other, or one to the other's mirror image, that the two
/// pictures may correlate by `same`.
pub(super) fn pairs(looks: &[(u32, Look)], same: f64, tell: &(dyn Fn(u32, u32, bool) + Sync)) {
    if looks.len() < 2 {
        return;
    }
    let tree = Tree::new(looks);
    // Coordinates are rounded.
    let reach = ((2.0 - 2.0 * same).sqrt() + 2.0 * (KEPT as f64).sqrt() / UNIT) as f32;
    for mirrored in [false, true] {
        let work = Join { tree: &tree, mirrored, reach: reach * reach, tell };
        let mut tasks = vec![(0, 0)];
        for _ in 0..9 {
            tasks = tasks.into_iter().flat_map(|(a, b)| work.divided(a, b)).collect();
        }
        tasks.into_par_iter().for_each(|(a, b)| work.run(a, b));
    }
}

impl Tree {
    fn new(looks: &[(u32, Look)]) -> Self {
        let mut order: Vec<usize> = (0..looks.len()).collect();
        let mut nodes = vec![];
        let at = |i: usize, axis: usize| f32::from(looks[i].1[axis]) / UNIT as f32;
        let mut open = vec![(0, looks.len(), None)];
        while let Some((start, end, parent)) = open.pop() {
            let bound = |end_of: fn(f32, f32) -> f32, from: f32| {
                std::array::from_fn(|axis| order[start..end].iter().fold(from, |m, &i| end_of(m, at(i, axis))))
            };
            let (low, high): ([f32; KEPT], [f32; KEPT]) = (bound(f32::min, f32::MAX), bound(f32::max, f32::MIN));
            let here = nodes.len();
            if let Some((parent, part)) = parent {
                let parent: &mut Node = &mut nodes[parent];
                parent.parts.get_or_insert([0; 2])[part] = here;
            }
            nodes.push(Node { start, end, low, high, parts: None });
            if end - start <= LEAF {
                continue;
            }
            let width = |axis: &usize| high[*axis] - low[*axis];
            let widest = (0..KEPT).max_by(|a, b| width(a).total_cmp(&width(b))).unwrap_or(0);
            let middle = (end - start) / 2;
            order[start..end].select_nth_unstable_by_key(middle, |&i| (looks[i].1[widest], looks[i].0));
            open.push((start, start + middle, Some((here, 0))));
            open.push((start + middle, end, Some((here, 1))));
        }
        let points = order.iter().map(|&i| std::array::from_fn(|axis| at(i, axis))).collect();
        Self { places: order.into_iter().map(|i| looks[i].0).collect(), points, nodes }
    }
}

struct Join<'a> {
    tree: &'a Tree,
    mirrored: bool,
    /// The square of the distance.
    reach: f32,
    tell: &'a (dyn Fn(u32, u32, bool) + Sync),
}

impl Join<'_> {
    /// Whether an axis is turned around in the mirror image: that of an odd frequency across.
    fn turned(&self, axis: usize) -> bool {
        self.mirrored && FREQUENCIES[axis].0 % 2 == 1
    }

    /// The pairs of boxes that two boxes are made of and that are near enough; the two themselves, if undivided.
    fn divided(&self, a: usize, b: usize) -> Vec<(usize, usize)> {
        if self.gap(a, b) > self.reach {
            return vec![];
        }
        let (first, second) = (&self.tree.nodes[a], &self.tree.nodes[b]);
        let size = |node: &Node| node.end - node.start;
        match (first.parts, second.parts) {
            (None, None) => vec![(a, b)],
            (Some([l, r]), _) if a == b => vec![(l, l), (l, r), (r, r)],
            (Some([l, r]), other) if other.is_none() || size(first) >= size(second) => vec![(l, b), (r, b)],
            (_, Some([l, r])) => vec![(a, l), (a, r)],
            (Some([l, r]), None) => vec![(l, b), (r, b)],
        }
    }

    /// The square of the least distance between two points in two boxes.
    fn gap(&self, a: usize, b: usize) -> f32 {
        let (a, b) = (&self.tree.nodes[a], &self.tree.nodes[b]);
        let mut sum = 0.0;
        for axis in 0..KEPT {
            let (low, high) = match (b.low[axis], b.high[axis]) {
                (low, high) if self.turned(axis) => (-high, -low),
                ends => ends,
            };
            let gap = (low - a.high[axis]).max(a.low[axis] - high).max(0.0);
            sum += gap * gap;
        }
        sum
    }

    fn run(&self, a: usize, b: usize) {
        let mut open = vec![(a, b)];
        while let Some((a, b)) = open.pop() {
            match self.divided(a, b).as_slice() {
                [(x, y)] if (*x, *y) == (a, b) => self.compare(a, b),
                parts => open.extend(parts),
            }
        }
    }

    /// Compares every two points of two boxes.
    fn compare(&self, a: usize, b: usize) {
        let tree = self.tree;
        let (first, second) = (&tree.nodes[a], &tree.nodes[b]);
        for i in first.start..first.end {
            let mut point = tree.points[i];
            for (axis, value) in point.iter_mut().enumerate() {
                if self.turned(axis) {
                    *value = -*value;
                }
            }
            let from = if a == b { i + 1 } else { second.start };
            for (j, other) in tree.points[from..second.end].iter().enumerate() {
                let distance: f32 = point.iter().zip(other).map(|(p, q)| (p - q) * (p - q)).sum();
                if distance <= self.reach {
                    let (i, j) = (tree.places[i], tree.places[from + j]);
                    (self.tell)(i.min(j), i.max(j), self.mirrored);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    fn unit(values: &[f64]) -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let length = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>().sqrt();
        values.iter().map(|v| (v - mean) / length).collect()
    }

    /// Pictures about a few others: some pairs lie close, some at the edge, most far away.
    fn pictures(seed: u64, count: usize) -> Vec<Vec<f64>> {
        let mut state = seed | 1;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let bases: Vec<Vec<f64>> = (0..5)
            .map(|_| {
                let cells: Vec<f64> = (0..64).map(|_| random()).collect();
                (0..1024).map(|x| cells[x / 128 * 8 + x % 32 / 4]).collect()
            })
            .collect();
        (0..count)
            .map(|i| {
                let noise = 0.3 * (random() + 0.5);
                let base = &bases[i % 5];
                let turned = |x: usize| if i % 7 == 0 { x / 32 * 32 + 31 - x % 32 } else { x };
                unit(&(0..1024).map(|x| base[turned(x)] + noise * random()).collect::<Vec<_>>())
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_pair_that_correlates_is_lost(seed: u64) {
            let pictures = pictures(seed, 200);
            let looks: Vec<(u32, Look)> = (0..).zip(pictures.iter().map(|p| look(p))).collect();
            let told = Mutex::new(vec![]);
            pairs(&looks, 0.985, &|a, b, mirrored| told.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((a, b, mirrored)));
            let mut told = told.into_inner().unwrap_or_default();
            told.sort_unstable();
            let all = told.len();
            told.dedup();
            prop_assert_eq!(all, told.len(), "each pair once");
            for (i, first) in pictures.iter().enumerate() {
                for (j, second) in pictures.iter().enumerate().skip(i + 1) {
                    for mirrored in [false, true] {
                        let same = super::super::correlate(first, second, mirrored) >= 0.985;
                        prop_assert!(!same || told.binary_search(&(i as u32, j as u32, mirrored)).is_ok());
                    }
                }
            }
            // And most others are passed over.
            prop_assert!(told.len() < 200 * 199 / 2);
        }
    }
}
