use serde::{Deserialize, Serialize};

use crate::{
    course::Phase,
    recipe::{Recipe, ScheduleKind},
};

/// How the step size changes; the part that depends on what happened is kept in checkpoints.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Schedule {
    kind: ScheduleKind,
    /// Largest step size.
    rate: f64,
    steps_per_epoch: usize,
    epochs: usize,
    warmup_epochs: f64,
    plateau_factor: f64,
    plateau_patience: usize,
    /// What the plateaus so far have left of the step size.
    plateau_scale: f64,
    /// Epochs since the last gain or cut.
    waited: usize,
}

impl Schedule {
    pub(crate) fn new(recipe: &Recipe, phase: &Phase, steps_per_epoch: usize) -> Self {
        Self {
            kind: recipe.schedule,
            rate: phase.rate,
            steps_per_epoch,
            epochs: phase.epochs,
            warmup_epochs: recipe.warmup_epochs,
            plateau_factor: recipe.plateau_factor,
            plateau_patience: recipe.plateau_patience,
            plateau_scale: 1.0,
            waited: 0,
        }
    }

    /// Step size of a step, counted from zero over the phase's epochs.
    pub(crate) fn rate(&self, step: usize) -> f64 {
        let total = (self.steps_per_epoch * self.epochs).max(1) as f64;
        let warmup = (self.warmup_epochs * self.steps_per_epoch as f64).min(total - 1.0).max(0.0);
        let step = step as f64;
        if self.kind == ScheduleKind::OneCycle {
            return self.rate * one_cycle((step + 1.0) / total);
        }
        // Counted from one, so that the very first step moves already.
        let warm = if step < warmup { (step + 1.0) / (warmup + 1.0) } else { 1.0 };
        let shape = match self.kind {
            ScheduleKind::Constant | ScheduleKind::OneCycle => 1.0,
            ScheduleKind::Plateau => self.plateau_scale,
            ScheduleKind::Cosine => half_cosine(((step - warmup) / (total - warmup)).clamp(0.0, 1.0)),
        };
        self.rate * warm * shape
    }

    /// Takes note of an epoch's end. Returns whether the step size was cut.
    pub(crate) fn epoch_ended(&mut self, gained: bool) -> bool {
        self.waited = if gained { 0 } else { self.waited + 1 };
        let cut = self.kind == ScheduleKind::Plateau && self.waited >= self.plateau_patience.max(1);
        if cut {
            self.plateau_scale *= self.plateau_factor;
            self.waited = 0;
        }
        cut
    }
}

/// From 1 to 0 as x goes from 0 to 1.
fn half_cosine(x: f64) -> f64 {
    f64::midpoint(1.0, (std::f64::consts::PI * x).cos())
}

/// Up from 1/25 over 30 % of the way, then down to 1/10,000 (PyTorch's `OneCycleLR` with its defaults).
fn one_cycle(x: f64) -> f64 {
    let (start, rise, end) = (1.0 / 25.0, 0.3, 1.0 / 250_000.0);
    if x < rise {
        1.0 + (start - 1.0) * half_cosine(x / rise)
    } else {
        end + (1.0 - end) * half_cosine(((x - rise) / (1.0 - rise)).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind, warmup_epochs: f64) -> Schedule {
        let recipe = Recipe { schedule: kind, warmup_epochs, ..Recipe::default() };
        Schedule::new(&recipe, &Phase { begins: 0, epochs: 10, rate: 0.1, last: true }, 20)
    }

    #[test]
    fn cosine_falls_to_nearly_zero_after_the_warm_up() {
        let s = schedule(ScheduleKind::Cosine, 1.0);
        assert!(s.rate(0) > 0.0 && s.rate(0) < 0.01);
        assert!((s.rate(20) - 0.1).abs() < 1e-9);
        assert!((s.rate(110) - 0.05).abs() < 1e-9, "half way between step 20 and 200");
        assert!(s.rate(199) < 1e-4 && s.rate(199) > 0.0);
        assert!((20..199).all(|i| s.rate(i + 1) < s.rate(i)));
    }

    #[test]
    fn one_cycle_rises_and_falls() {
        let s = schedule(ScheduleKind::OneCycle, 0.0);
        assert!((s.rate(59) - 0.1).abs() < 1e-9);
        assert!(s.rate(0) < 0.006 && s.rate(199) < 1e-5);
    }

    #[test]
    fn plateau_cuts_after_its_patience_only() {
        let mut s = schedule(ScheduleKind::Plateau, 0.0);
        assert!(!s.epoch_ended(true) && !s.epoch_ended(false) && !s.epoch_ended(false));
        assert!(s.epoch_ended(false));
        assert!((s.rate(80) - 0.05).abs() < 1e-12);
        assert!(!s.epoch_ended(false));
    }
}
