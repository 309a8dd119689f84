use serde::{Deserialize, Serialize};

/// A rising function, straight between its points and level beyond the outer ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IsotonicSteps {
    /// Probabilities of the network, rising.
    pub from: Vec<f64>,
    /// Shares of hits, never falling.
    pub to: Vec<f64>,
}

impl IsotonicSteps {
    /// Fits by pooling adjacent violators (Ayer et al. 1955; scikit-learn's treatment of ties and of the points between).
    pub(super) fn fit(pairs: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut pairs: Vec<(f64, bool)> = pairs.collect();
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut blocks: Vec<Block> = Vec::new();
        for (x, hit) in pairs {
            match blocks.last_mut() {
                Some(last) if x <= last.last => {
                    last.hits += f64::from(u8::from(hit));
                    last.count += 1.0;
                }
                _ => blocks.push(Block { first: x, last: x, hits: f64::from(u8::from(hit)), count: 1.0 }),
            }
        }
        let mut pooled: Vec<Block> = Vec::new();
        for mut block in blocks {
            // Counts are whole numbers, so products compare shares without rounding.
            while let Some(before) = pooled.pop_if(|b| b.hits * block.count >= block.hits * b.count) {
                block = Block {
                    first: before.first,
                    last: block.last,
                    hits: before.hits + block.hits,
                    count: before.count + block.count,
                };
            }
            pooled.push(block);
        }
        let (mut from, mut to) = (vec![], vec![]);
        for block in pooled {
            for x in if block.first < block.last { vec![block.first, block.last] } else { vec![block.first] } {
                from.push(x);
                to.push(block.hits / block.count);
            }
        }
        Self { from, to }
    }

    /// The share of hits that belongs to a probability.
    pub fn apply(&self, p: f64) -> f64 {
        let above = self.from.partition_point(|&x| x <= p);
        match (above.checked_sub(1), self.from.get(above)) {
            (None, _) => self.to.first().copied().unwrap_or(p),
            (Some(below), None) => self.to[below],
            (Some(below), Some(&end)) => {
                let share = (p - self.from[below]) / (end - self.from[below]);
                self.to[below] + share * (self.to[above] - self.to[below])
            }
        }
    }
}

struct Block {
    first: f64,
    last: f64,
    hits: f64,
    count: f64,
}

/// One function a class; of two classes the second's only.
pub(super) fn fit(probabilities: &[Vec<f64>], labels: &[usize]) -> Vec<IsotonicSteps> {
    let classes = probabilities[0].len();
    let first = usize::from(classes == 2);
    (first..classes)
        .map(|c| IsotonicSteps::fit(probabilities.iter().zip(labels).map(|(p, &label)| (p[c], label == c))))
        .collect()
}

pub(super) fn apply(functions: &[IsotonicSteps], probabilities: &[f64]) -> Vec<f64> {
    if let ([second], [_, p]) = (functions, probabilities) {
        let p = second.apply(*p);
        return vec![1.0 - p, p];
    }
    let shares: Vec<f64> = functions.iter().zip(probabilities).map(|(f, &p)| f.apply(p)).collect();
    let sum: f64 = shares.iter().sum();
    if sum > 0.0 {
        shares.iter().map(|s| s / sum).collect()
    } else {
        // Every class is ruled out: nothing is known.
        vec![1.0 / shares.len().max(1) as f64; shares.len()]
    }
}
