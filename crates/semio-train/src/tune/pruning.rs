/// Successive halving without waiting (Li et al. 2018, ASHA, <https://arxiv.org/abs/1810.05934>): at certain epochs a
/// trial goes on only if it is among the best third of all that came so far.
pub(super) struct Halving {
    rungs: Vec<usize>,
}

/// One in so many goes on.
const KEEP: usize = 3;

impl Halving {
    /// Rungs at a third, a ninth and so on of all epochs; none below the first epoch.
    pub(super) fn new(epochs: usize) -> Self {
        let mut rungs = vec![];
        let mut rung = epochs / KEEP;
        while rung >= 1 {
            rungs.push(rung);
            rung /= KEEP;
        }
        Self { rungs }
    }

    pub(super) fn is_rung(&self, epoch: usize) -> bool {
        self.rungs.contains(&epoch)
    }

    /// Whether a trial goes on with this score, given what others had reached at the same rung.
    pub(super) fn goes_on(score: f64, others: &[f64]) -> bool {
        let all = others.len() + 1;
        if all < KEEP {
            return true;
        }
        let better = others.iter().filter(|other| **other > score).count();
        better < (all / KEEP).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rungs_lie_at_thirds() {
        assert_eq!(Halving::new(27).rungs, [9, 3, 1]);
        assert_eq!(Halving::new(10).rungs, [3, 1]);
        assert_eq!(Halving::new(2).rungs, [0usize; 0]);
    }

    #[test]
    fn the_best_third_goes_on() {
        assert!(Halving::goes_on(0.1, &[0.9]), "two are too few to judge");
        assert!(Halving::goes_on(0.9, &[0.5, 0.6]));
        assert!(!Halving::goes_on(0.55, &[0.5, 0.6]));
        assert!(Halving::goes_on(0.7, &[0.9, 0.6, 0.5, 0.4, 0.3]));
        assert!(!Halving::goes_on(0.5, &[0.9, 0.6, 0.5, 0.4, 0.3]));
    }
}
