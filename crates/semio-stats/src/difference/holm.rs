/// P values corrected for their number (Holm, "A simple sequentially rejective multiple test procedure", 1979), in the
/// order given: the chance that any of the tests errs stays below the level that they are compared with.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut largest = 0.0f64;
    for (rank, &place) in order.iter().enumerate() {
        largest = largest.max(((p_values.len() - rank) as f64 * p_values[place]).min(1.0));
        corrected[place] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corrected_values_are_those_of_statsmodels() {
        // statsmodels.stats.multitest.multipletests([0.01, 0.04, 0.03, 0.005, 0.9], method="holm")
        let expected = [0.04, 0.09, 0.09, 0.025, 0.9];
        let found = holm(&[0.01, 0.04, 0.03, 0.005, 0.9]);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{found:?}");
        assert!(holm(&[]).is_empty());
    }
}
