use serde::{Deserialize, Serialize};

use super::ForestSettings;
use crate::Table;
use crate::random::Draws;

/// One tree in parallel lists, one entry a node; the root is the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "TreeFile")]
pub(super) struct Tree {
    /// The column asked; −1 for a leaf.
    column: Vec<i32>,
    /// Rows up to it go left.
    threshold: Vec<f64>,
    /// The left node, beside which the right one lies; for a leaf its number among the leaves.
    next: Vec<u32>,
    /// The classes' shares, leaf after leaf.
    shares: Vec<f32>,
    classes: usize,
}

#[derive(Deserialize)]
struct TreeFile {
    column: Vec<i32>,
    threshold: Vec<f64>,
    next: Vec<u32>,
    shares: Vec<f32>,
    classes: usize,
}

impl TryFrom<TreeFile> for Tree {
    type Error = &'static str;

    /// Refuses a file whose nodes lead outside, or back.
    fn try_from(file: TreeFile) -> Result<Self, Self::Error> {
        let TreeFile { column, threshold, next, shares, classes } = file;
        let nodes = column.len();
        let leads_on = |node: usize| match column[node] {
            -1 => (next[node] as usize + 1).checked_mul(classes).is_some_and(|end| end <= shares.len()),
            0.. => next[node] as usize > node && (next[node] as usize) < nodes - 1,
            _ => false,
        };
        if nodes == 0 || threshold.len() != nodes || next.len() != nodes || !(0..nodes).all(leads_on) {
            return Err("a tree's nodes do not fit together");
        }
        Ok(Self { column, threshold, next, shares, classes })
    }
}

impl Tree {
    /// The classes' shares in the leaf of a row.
    pub(super) fn shares(&self, row: &[f64]) -> &[f32] {
        let mut node = 0;
        while let Ok(column) = usize::try_from(self.column[node]) {
            let right = row.get(column).is_none_or(|&v| v > self.threshold[node]);
            node = self.next[node] as usize + usize::from(right);
        }
        let leaf = self.next[node] as usize * self.classes;
        &self.shares[leaf..leaf + self.classes]
    }

    fn push(&mut self) -> usize {
        self.column.push(-1);
        self.threshold.push(0.0);
        self.next.push(0);
        self.column.len() - 1
    }
}

/// Columns cut into at most 256 bins of about equal numbers of rows; of fewer distinct values each has its own.
pub(super) struct Bins {
    rows: usize,
    /// Column after column.
    numbers: Vec<u8>,
    /// For every column the least and the largest value of each bin.
    ranges: Vec<Vec<(f64, f64)>>,
}

const MOST_BINS: usize = 256;

impl Bins {
    pub(super) fn new(table: &Table) -> Self {
        let rows = table.len();
        let (mut numbers, mut ranges) = (vec![], vec![]);
        for column in 0..table.columns() {
            let values: Vec<f64> = table.rows().map(|row| row[column]).collect();
            let of_column = ranges_of(values.clone());
            numbers.extend(values.iter().map(|v| of_column.partition_point(|(_, high)| high < v) as u8));
            ranges.push(of_column);
        }
        Self { rows, numbers, ranges }
    }

    fn column(&self, column: usize) -> &[u8] {
        &self.numbers[column * self.rows..(column + 1) * self.rows]
    }
}

fn ranges_of(mut values: Vec<f64>) -> Vec<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let steps: Vec<usize> = (1..values.len()).filter(|&i| values[i] > values[i - 1]).collect();
    let mut cuts = if steps.len() < MOST_BINS {
        steps
    } else {
        (1..MOST_BINS)
            .map(|bin| steps[steps.partition_point(|&i| i < bin * values.len() / MOST_BINS).min(steps.len() - 1)])
            .collect()
    };
    cuts.dedup();
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([values.len()]);
    starts.zip(ends).map(|(from, to)| (values[from], values[to - 1])).collect()
}

/// What all trees of a forest grow from.
pub(super) struct Growth<'a> {
    pub(super) bins: &'a Bins,
    pub(super) labels: &'a [usize],
    /// By class.
    pub(super) weights: &'a [f64],
    pub(super) features: usize,
    pub(super) settings: &'a ForestSettings,
}

struct Node {
    number: usize,
    from: usize,
    to: usize,
    depth: usize,
}

struct Split {
    column: usize,
    /// The last bin that goes left.
    bin: u8,
    /// Midway between the node's values on both sides.
    threshold: f64,
    /// The weighted impurity that it takes away.
    gain: f64,
}

impl Growth<'_> {
    /// Grows a tree on pictures that count so often; also how much impurity each column took away.
    pub(super) fn grow(&self, counts: &[u32], draws: &mut Draws) -> (Tree, Vec<f64>) {
        let classes = self.weights.len();
        let mut rows: Vec<u32> = (0..counts.len() as u32).filter(|&r| counts[r as usize] > 0).collect();
        let mut columns: Vec<usize> = (0..self.bins.ranges.len()).collect();
        let mut importances = vec![0.0; columns.len()];
        let mut tree = Tree { classes, ..Tree::default() };
        let mut open = vec![Node { number: tree.push(), from: 0, to: rows.len(), depth: 0 }];
        while let Some(node) = open.pop() {
            let inside = &mut rows[node.from..node.to];
            let (shares, pictures) = self.content(inside, counts);
            let deep = self.settings.max_depth.is_some_and(|most| node.depth >= most);
            let pure = shares.iter().filter(|&&s| s > 0.0).count() < 2;
            let split = if deep || pure || pictures < 2 * self.settings.min_leaf as u32 {
                None
            } else {
                self.split(inside, counts, &shares, &mut columns, draws)
            };
            let Some(split) = split else {
                let total: f64 = shares.iter().sum();
                tree.next[node.number] = (tree.shares.len() / classes) as u32;
                tree.shares.extend(shares.iter().map(|s| (s / total) as f32));
                continue;
            };
            importances[split.column] += split.gain;
            let bins = self.bins.column(split.column);
            // Stable, so that the order of rows hangs on nothing but the splits.
            inside.sort_by_key(|&row| bins[row as usize] > split.bin);
            let left = inside.partition_point(|&row| bins[row as usize] <= split.bin);
            tree.column[node.number] = split.column as i32;
            tree.threshold[node.number] = split.threshold;
            let (first, second) = (tree.push(), tree.push());
            tree.next[node.number] = first as u32;
            let depth = node.depth + 1;
            open.push(Node { number: second, from: node.from + left, to: node.to, depth });
            open.push(Node { number: first, from: node.from, to: node.from + left, depth });
        }
        (tree, importances)
    }

    /// The weight of each class and the number of pictures.
    fn content(&self, rows: &[u32], counts: &[u32]) -> (Vec<f64>, u32) {
        let (mut shares, mut pictures) = (vec![0.0; self.weights.len()], 0);
        for &row in rows {
            let (label, count) = (self.labels[row as usize], counts[row as usize]);
            shares[label] += self.weights[label] * f64::from(count);
            pictures += count;
        }
        (shares, pictures)
    }

    /// The best split by so many drawn columns; columns in which the rows are alike do not count as drawn.
    fn split(
        &self,
        rows: &[u32],
        counts: &[u32],
        shares: &[f64],
        columns: &mut [usize],
        draws: &mut Draws,
    ) -> Option<Split> {
        let mut best: Option<Split> = None;
        let mut looked_at = 0;
        for drawn in 0..columns.len() {
            if looked_at == self.features {
                break;
            }
            let other = drawn + draws.below(columns.len() - drawn);
            columns.swap(drawn, other);
            let column = columns[drawn];
            let bins = self.bins.column(column);
            if rows.iter().all(|&row| bins[row as usize] == bins[rows[0] as usize]) {
                continue;
            }
            looked_at += 1;
            if let Some(split) = self.best_of(column, rows, counts, shares)
                && best.as_ref().is_none_or(|b| split.gain > b.gain)
            {
                best = Some(split);
            }
        }
        best
    }

    fn best_of(&self, column: usize, rows: &[u32], counts: &[u32], shares: &[f64]) -> Option<Split> {
        let classes = shares.len();
        let size = self.bins.ranges[column].len();
        let (mut weight, mut pictures) = (vec![0.0; size * classes], vec![0u32; size]);
        let bins = self.bins.column(column);
        for &row in rows {
            let (bin, label, count) = (bins[row as usize] as usize, self.labels[row as usize], counts[row as usize]);
            weight[bin * classes + label] += self.weights[label] * f64::from(count);
            pictures[bin] += count;
        }
        let all: u32 = pictures.iter().sum();
        let least = self.settings.min_leaf as u32;
        let purity = |side: &[f64]| {
            let total: f64 = side.iter().sum();
            if total > 0.0 { side.iter().map(|s| s * s).sum::<f64>() / total } else { 0.0 }
        };
        let whole = purity(shares);
        let (mut left, mut right, mut on_left) = (vec![0.0; classes], shares.to_vec(), 0);
        let mut best: Option<(usize, f64)> = None;
        for bin in 0..size {
            for (class, &w) in weight[bin * classes..(bin + 1) * classes].iter().enumerate() {
                left[class] += w;
                right[class] -= w;
            }
            on_left += pictures[bin];
            if pictures[bin] == 0 || on_left < least || all - on_left < least {
                continue;
            }
            let gain = purity(&left) + purity(&right) - whole;
            if best.is_none_or(|(_, most)| gain > most) {
                best = Some((bin, gain));
            }
        }
        let (bin, gain) = best?;
        let next = (bin + 1..size).find(|&b| pictures[b] > 0)?;
        let (low, high) = (self.bins.ranges[column][bin].1, self.bins.ranges[column][next].0);
        let middle = f64::midpoint(low, high);
        // Between neighbouring numbers there is none.
        let threshold = if middle < high { middle } else { low };
        Some(Split { column, bin: bin as u8, threshold, gain })
    }
}
