/// A stretch of the nerve between two edges of lesions.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) length_mm: f64,
    /// The lesions over it, by number.
    pub(super) lesions: Vec<usize>,
}

/// The stretches between the edges of intervals that lie in at least one of them.
pub(super) fn stretches(intervals: &[(f64, f64)]) -> Vec<Stretch> {
    let mut edges: Vec<f64> = intervals.iter().flat_map(|(from, to)| [*from, *to]).collect();
    edges.sort_unstable_by(f64::total_cmp);
    edges.dedup();
    let between = edges.windows(2).map(|edge| {
        let covers = |(_, (from, to)): &(usize, &(f64, f64))| *from <= edge[0] && edge[1] <= *to;
        let lesions = intervals.iter().enumerate().filter(covers).map(|(i, _)| i).collect();
        Stretch { length_mm: edge[1] - edge[0], lesions }
    });
    between.filter(|stretch| !stretch.lesions.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stretch_names_the_lesions_over_it() {
        let ends = stretches(&[(10.0, 20.0), (15.0, 50.0), (60.0, 61.0)]);
        let told: Vec<(f64, usize)> = ends.iter().map(|s| (s.length_mm, s.lesions.len())).collect();
        assert_eq!(told, [(5.0, 1), (5.0, 2), (30.0, 1), (1.0, 1)]);
        assert_eq!(stretches(&[]), []);
    }
}
