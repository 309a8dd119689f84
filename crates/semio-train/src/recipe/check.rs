//! Which recipes can be carried out.

use semio_nn::{Architecture, Blueprint, Graph};

use super::{Recipe, RecipeError, value_error};

impl Recipe {
    /// Checks every value that can be checked without data.
    ///
    /// # Errors
    /// [`RecipeError::Value`] names the key, its value, and what it should be.
    pub fn check(&self) -> Result<(), RecipeError> {
        let share = |key, value: f64| {
            if (0.0..1.0).contains(&value) { Ok(()) } else { Err(value_error(key, value, "must be from 0 to below 1")) }
        };
        let positive = |key, value: f64| {
            if value > 0.0 && value.is_finite() {
                Ok(())
            } else {
                Err(value_error(key, value, "must be greater than 0"))
            }
        };
        let not_negative = |key, value: f64| {
            if value >= 0.0 && value.is_finite() {
                Ok(())
            } else {
                Err(value_error(key, value, "must be 0 or greater"))
            }
        };
        let inner_share = |key, value: f64| {
            if value > 0.0 && value < 1.0 { Ok(()) } else { Err(value_error(key, value, "must lie between 0 and 1")) }
        };
        let at_least_one = |key, value: usize| {
            if value >= 1 { Ok(()) } else { Err(value_error(key, value, "must be at least 1")) }
        };
        share("val-ratio", self.val_ratio)?;
        share("test-ratio", self.test_ratio)?;
        share("calibration-ratio", self.calibration_ratio)?;
        share("val-ratio + test-ratio", self.val_ratio + self.test_ratio)?;
        share("momentum", self.momentum)?;
        share("label-smoothing", self.label_smoothing)?;
        share("dropout", self.dropout.unwrap_or(0.0))?;
        share("ema-decay", self.ema_decay.unwrap_or(0.0))?;
        positive("learning-rate", self.learning_rate)?;
        positive("plateau-factor", self.plateau_factor)?;
        not_negative("warmup-epochs", self.warmup_epochs)?;
        not_negative("weight-decay", self.weight_decay)?;
        not_negative("l2", self.l2.unwrap_or(0.0))?;
        not_negative("focal-gamma", self.focal_gamma)?;
        positive("fine-tune-rate", self.fine_tune_rate.unwrap_or(self.learning_rate))?;
        positive("stage-decay", self.stage_decay)?;
        at_least_one("epochs", self.epochs)?;
        at_least_one("unfreeze-every", self.unfreeze_every.unwrap_or(1))?;
        for &width in &self.head_layers {
            at_least_one("head-layers", width)?;
        }
        at_least_one("batch-size", self.batch_size)?;
        if !crate::history::MONITORS.contains(&self.monitor.as_str()) {
            let problem = format!("must be one of {}", crate::history::MONITORS.join(", "));
            return Err(value_error("monitor", &self.monitor, problem));
        }
        self.folds()?;
        self.threshold()?;
        inner_share("coverage", self.coverage)?;
        inner_share("false-refusals", self.false_refusals)?;
        self.augmentation().check().map_err(|e| value_error("augmentation", "", e.to_string()))?;
        let architecture = Architecture::find(&self.model)?;
        self.pipeline()?;
        self.check_stages(architecture)
    }

    /// Checks what is said about stages against the network's.
    fn check_stages(&self, architecture: &Architecture) -> Result<(), RecipeError> {
        if self.weights.is_none() && (self.frozen_epochs > 0 || self.unfreeze != "all") {
            let (key, value) = match self.frozen_epochs {
                0 => ("unfreeze", self.unfreeze.clone()),
                n => ("frozen-epochs", n.to_string()),
            };
            let problem =
                "keeps fresh weights as they are, which teaches nothing; add weights = \"imagenet\" or a file";
            return Err(value_error(key, value, problem));
        }
        self.free_stages(&self.graph(architecture, 2)?).map(|_| ())
    }

    /// The network's layers, with the recipe's head and dropout.
    ///
    /// # Errors
    /// Where the network cannot read pictures of the recipe's size.
    pub fn graph(&self, architecture: &Architecture, outputs: usize) -> Result<Graph, RecipeError> {
        let (channels, height, width) = self.pipeline()?.output();
        let mut graph = architecture.build(&Blueprint { channels, height, width, outputs })?;
        if !self.head_layers.is_empty() {
            graph = graph.with_head(&self.head_layers);
        }
        Ok(match self.dropout {
            Some(rate) => graph.with_dropout(rate),
            None => graph,
        })
    }

    /// How many of the network's last stages learn once the frozen epochs are over, the head included.
    ///
    /// # Errors
    /// Where `unfreeze` names no stage.
    pub fn free_stages(&self, graph: &Graph) -> Result<usize, RecipeError> {
        let stages = graph.stages();
        if let Ok(n) = self.unfreeze.parse::<usize>() {
            return Ok((n + 1).min(stages.len()));
        }
        match self.unfreeze.as_str() {
            "all" => Ok(stages.len()),
            "none" => Ok(1),
            name => stages.iter().position(|s| s.name == name).map(|i| stages.len() - i).ok_or_else(|| {
                let names: Vec<&str> = stages.iter().map(|s| s.name.as_str()).collect();
                let problem = format!(
                    "must be all, none, a number of stages, or one of {}'s stages: {}",
                    self.model,
                    names.join(", ")
                );
                value_error("unfreeze", name, problem)
            }),
        }
    }
}
