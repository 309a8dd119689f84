/// Moves labels apart so that neighbours keep `gap`, as near to their own places as that allows.
///
/// The answer keeps the order of `places`. Labels stay between `low` and `high` where there is room for all.
pub(super) fn spread(places: &[f64], gap: f64, (low, high): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    // Runs of labels that touch move as one, to the mean of what its members want (pool adjacent violators).
    let mut runs: Vec<(f64, usize)> = Vec::new();
    for (rank, &label) in order.iter().enumerate() {
        runs.push((places[label] - rank as f64 * gap, 1));
        while let [.., (a, n), (b, m)] = runs[..]
            && b < a
        {
            runs.truncate(runs.len() - 2);
            runs.push(((a * n as f64 + b * m as f64) / (n + m) as f64, n + m));
        }
    }
    let wanted = runs.iter().flat_map(|&(start, n)| std::iter::repeat_n(start, n));
    let last = places.len().saturating_sub(1) as f64 * gap;
    let mut moved = vec![0.0; places.len()];
    for (rank, (start, label)) in wanted.zip(order).enumerate() {
        moved[label] = start.min(high - last).max(low) + rank as f64 * gap;
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_distance() {
        assert_eq!(spread(&[10.0, 50.0], 16.0, (0.0, 100.0)), [10.0, 50.0]);
        assert_eq!(spread(&[50.0, 50.0], 16.0, (0.0, 100.0)), [42.0, 58.0]);
        assert_eq!(spread(&[99.0, 98.0], 16.0, (0.0, 100.0)), [100.0, 84.0]);
        assert_eq!(spread(&[1.0, 0.0, 2.0], 10.0, (0.0, 100.0)), [10.0, 0.0, 20.0]);
        assert!(spread(&[], 10.0, (0.0, 1.0)).is_empty());
    }
}
