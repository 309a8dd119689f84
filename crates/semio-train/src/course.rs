use semio_nn::Graph;

use crate::recipe::{Recipe, RecipeError};

/// Which stages learn in which epoch, and how large the steps are.
///
/// With weights to begin with, a run has up to two phases: first the head alone learns, then more. Each has a schedule
/// of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Course {
    /// All epochs.
    epochs: usize,
    /// Epochs in which the head alone learns.
    frozen: usize,
    /// The last stages that learn in the end.
    free: usize,
    /// Epochs between one more stage and the next.
    every: Option<usize>,
    /// Largest step size while the head alone learns, and afterwards.
    rates: [f64; 2],
}

/// Epochs under one schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Phase {
    /// Its first epoch, counted from zero.
    pub(crate) begins: usize,
    pub(crate) epochs: usize,
    /// Its largest step size.
    pub(crate) rate: f64,
    /// Whether the run ends with it.
    pub(crate) last: bool,
}

impl Course {
    pub(crate) fn new(recipe: &Recipe, graph: &Graph) -> Result<Self, RecipeError> {
        let free = recipe.free_stages(graph)?;
        let fresh = recipe.weights.is_none();
        let later = recipe.fine_tune_rate.unwrap_or(recipe.learning_rate / if fresh { 1.0 } else { 10.0 });
        let frozen = if free == 1 { recipe.epochs } else { recipe.frozen_epochs.min(recipe.epochs) };
        let every = recipe.unfreeze_every;
        Ok(Self { epochs: recipe.epochs, frozen, free, every, rates: [recipe.learning_rate, later] })
    }

    /// The last stages that learn in an epoch, counted from zero; the head is the last one.
    pub(crate) fn free(&self, epoch: usize) -> usize {
        if epoch < self.frozen {
            return 1;
        }
        let reached = self.every.map_or(self.free, |every| 2 + (epoch - self.frozen) / every);
        reached.min(self.free)
    }

    /// The phase to which an epoch belongs.
    pub(crate) fn phase(&self, epoch: usize) -> Phase {
        let frozen = epoch < self.frozen;
        let (begins, ends) = if frozen { (0, self.frozen) } else { (self.frozen, self.epochs) };
        let rate = self.rates[usize::from(!frozen)];
        Phase { begins, epochs: ends - begins, rate, last: ends == self.epochs }
    }
}

#[cfg(test)]
mod tests {
    use semio_nn::{Architecture, Blueprint};

    use super::*;

    fn course(change: impl Fn(&mut Recipe)) -> Result<Course, RecipeError> {
        let mut recipe =
            Recipe { model: "resnet18".into(), epochs: 10, weights: Some("w".into()), ..Recipe::default() };
        change(&mut recipe);
        let blueprint = Blueprint { channels: 3, height: 64, width: 64, outputs: 3 };
        let graph = Architecture::find("resnet18").and_then(|a| a.build(&blueprint)).expect("fits");
        Course::new(&recipe, &graph)
    }

    fn free(course: &Course) -> Vec<usize> {
        (0..10).map(|e| course.free(e)).collect()
    }

    #[test]
    fn everything_learns_from_the_beginning_unless_asked_otherwise() {
        let course = course(|_| {}).expect("fits");
        assert_eq!(free(&course), [6; 10]);
        assert_eq!(course.phase(0), Phase { begins: 0, epochs: 10, rate: 2e-4, last: true });
    }

    #[test]
    fn the_head_learns_first_then_all_at_once_or_one_by_one() {
        let all = course(|r| r.frozen_epochs = 4).expect("fits");
        assert_eq!(free(&all), [1, 1, 1, 1, 6, 6, 6, 6, 6, 6]);
        assert_eq!(all.phase(3), Phase { begins: 0, epochs: 4, rate: 2e-3, last: false });
        assert_eq!(all.phase(4), Phase { begins: 4, epochs: 6, rate: 2e-4, last: true });
        let gradual = course(|r| (r.frozen_epochs, r.unfreeze_every, r.unfreeze) = (2, Some(2), "layer2".into()));
        assert_eq!(free(&gradual.expect("fits")), [1, 1, 2, 2, 3, 3, 4, 4, 4, 4]);
    }

    #[test]
    fn a_base_can_stay_frozen() {
        let course = course(|r| r.unfreeze = "none".into()).expect("fits");
        assert_eq!(free(&course), [1; 10]);
        assert!(course.phase(9).last);
    }

    #[test]
    fn an_unknown_stage_is_named_with_those_that_there_are() {
        let error = course(|r| r.unfreeze = "layer5".into()).expect_err("there is none").to_string();
        assert!(error.contains("layer5") && error.contains("conv1, layer1, layer2, layer3, layer4, fc"), "{error}");
    }
}
