/// Pictures in falling order of one class's probability, with equal probabilities kept together.
///
/// Sorting is done once; every resample then needs a single pass (see [`Ranking::groups`]).
#[derive(Clone, Debug)]
pub struct Ranking {
    order: Vec<u32>,
    /// For every run of equal scores, the end of its stretch in `order`.
    ends: Vec<u32>,
    scores: Vec<f64>,
}

/// What was counted at one distinct score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TieGroup {
    /// The score that all of them share.
    pub score: f64,
    /// Pictures of the class.
    pub positives: u64,
    /// Pictures of another class.
    pub negatives: u64,
}

impl Ranking {
    /// Sorts pictures by their scores, which must be finite and at most `u32::MAX` many.
    pub fn new(scores: impl IntoIterator<Item = f64>) -> Self {
        let by_picture: Vec<f64> = scores.into_iter().collect();
        let mut order: Vec<u32> = (0..by_picture.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| by_picture[b as usize].total_cmp(&by_picture[a as usize]));
        let score = |place: usize| by_picture[order[place] as usize];
        // `==` and not `total_cmp`: 0.0 and -0.0 are the same score.
        #[expect(clippy::float_cmp, reason = "a tie is exact equality")]
        let ends: Vec<u32> = (1..=order.len())
            .filter(|&end| end == order.len() || score(end) != score(end - 1))
            .map(|end| end as u32)
            .collect();
        let scores = ends.iter().map(|&end| score(end as usize - 1)).collect();
        Self { order, ends, scores }
    }

    /// Counts positives and negatives at every distinct score, from the highest to the lowest.
    ///
    /// `weights` says how often each picture counts (0 leaves it out); a score at which nothing counts gives 0 and 0.
    pub fn groups<'a>(
        &'a self,
        positive: impl Fn(usize) -> bool + 'a,
        weights: &'a [u32],
    ) -> impl Iterator<Item = TieGroup> + 'a {
        let mut start = 0;
        self.ends.iter().zip(&self.scores).map(move |(&end, &score)| {
            let mut group = TieGroup { score, positives: 0, negatives: 0 };
            for &picture in &self.order[start..end as usize] {
                let weight = weights.get(picture as usize).copied().map_or(0, u64::from);
                if positive(picture as usize) {
                    group.positives += weight;
                } else {
                    group.negatives += weight;
                }
            }
            start = end as usize;
            group
        })
    }
}
