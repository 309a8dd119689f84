use std::cmp::{Ordering, Reverse};

use super::groups::{Group, Grouped};

/// What is in one part so far.
struct Part {
    share: f64,
    samples: usize,
    counts: Vec<usize>,
}

/// Gives each group to one of the parts, whose shares add up to one; returns the part of each group.
///
/// The rule is described at the head of the module `split`.
pub(super) fn distribute(grouped: &Grouped, shares: &[f64]) -> Vec<usize> {
    let classes = grouped.classes.len();
    let (mut totals, mut groups_left) = (vec![0; classes], vec![0; classes]);
    for &(class, count) in grouped.groups.iter().flat_map(|group| &group.counts) {
        totals[class] += count;
        groups_left[class] += 1;
    }
    let mut parts: Vec<Part> =
        shares.iter().map(|&share| Part { share, samples: 0, counts: vec![0; classes] }).collect();
    let number = grouped.groups.len();
    let mut chosen = Vec::with_capacity(number);
    for (i, group) in grouped.groups.iter().enumerate() {
        let best = best_part(&parts, group, &totals, &groups_left, number - i);
        parts[best].samples += group.members.len();
        for &(class, count) in &group.counts {
            parts[best].counts[class] += count;
            groups_left[class] -= 1;
        }
        chosen.push(best);
    }
    chosen
}

fn best_part(parts: &[Part], group: &Group, totals: &[usize], groups_left: &[usize], left: usize) -> usize {
    let open = |part: &&Part| part.share > 0.0;
    let empty = parts.iter().filter(open).filter(|part| part.samples == 0).count();
    let pressed: Vec<usize> = group
        .counts
        .iter()
        .map(|&(class, _)| class)
        .filter(|&class| groups_left[class] <= parts.iter().filter(open).filter(|p| p.counts[class] == 0).count())
        .collect();
    let rank = |part: &Part| {
        let fills = left <= empty && part.samples == 0;
        let completes = pressed.iter().filter(|&&class| part.counts[class] == 0).count();
        let cost: f64 = group
            .counts
            .iter()
            .map(|&(class, count)| {
                let (count, total) = (count as f64, totals[class] as f64);
                let over = part.counts[class] as f64 - part.share * total;
                count * (2.0 * over + count) / total
            })
            .sum();
        // Between equal parts the emptier one, so that the odd pictures of all classes do not meet in one fold.
        (Reverse(fills), Reverse(completes), Cost(cost), Cost(part.samples as f64 / part.share))
    };
    let ranked = parts.iter().enumerate().filter(|(_, part)| part.share > 0.0).min_by_key(|(_, part)| rank(part));
    ranked.map_or(0, |(index, _)| index)
}

/// A real number in its total order.
struct Cost(f64);

impl PartialEq for Cost {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Cost {}

impl PartialOrd for Cost {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cost {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}
