//! Values of recipes that are written as words and numbers.

use std::collections::BTreeMap;

use semio_stats::Aim;
use serde::Deserialize;

use super::{Folds, Recipe, RecipeError, Threshold, value_error};

impl Recipe {
    /// Which folds a cross-validation has.
    ///
    /// # Errors
    /// Where `folds` is neither a number from 2 on nor `leave-one-group-out`.
    pub fn folds(&self) -> Result<Option<Folds>, RecipeError> {
        match self.folds.as_deref() {
            None => Ok(None),
            Some("leave-one-group-out") => Ok(Some(Folds::LeaveOneGroupOut)),
            Some(text) => match text.parse::<usize>() {
                Ok(k) if k >= 2 => Ok(Some(Folds::Number(k))),
                _ => Err(value_error("folds", text, "must be a number from 2 on, or leave-one-group-out")),
            },
        }
    }

    /// How the threshold between two classes is found.
    ///
    /// # Errors
    /// Where `threshold` is not understood.
    pub fn threshold(&self) -> Result<Threshold, RecipeError> {
        let unknown = || {
            let problem = "must be a number from 0 to 1, youden, sensitivity=0.95, specificity=0.9 or costs=10:1";
            value_error("threshold", &self.threshold, problem)
        };
        let share = |text: &str| text.parse::<f64>().ok().filter(|v| (0.0..=1.0).contains(v)).ok_or_else(unknown);
        let cost = |text: &str| text.parse::<f64>().ok().filter(|v| *v > 0.0 && v.is_finite()).ok_or_else(unknown);
        Ok(match self.threshold.split_once('=') {
            None if self.threshold == "youden" => Threshold::Chosen(Aim::Youden),
            None => Threshold::Fixed(share(&self.threshold)?),
            Some(("sensitivity", value)) => Threshold::Chosen(Aim::Sensitivity(share(value)?)),
            Some(("specificity", value)) => Threshold::Chosen(Aim::Specificity(share(value)?)),
            Some(("costs", value)) => {
                let (miss, false_alarm) = value.split_once(':').ok_or_else(unknown)?;
                let (miss, false_alarm) = (cost(miss)?, cost(false_alarm)?);
                Threshold::Chosen(Aim::Costs { miss, false_alarm, prevalence: None })
            }
            Some(_) => return Err(unknown()),
        })
    }

    /// The weight of each class in the loss.
    ///
    /// # Errors
    /// Where `class-weights` is not understood or names a class that is not there.
    pub fn weights(&self, classes: &[String], counts: &[usize]) -> Result<Vec<f64>, RecipeError> {
        match self.class_weights.as_str() {
            "none" => Ok(vec![1.0; classes.len()]),
            "balanced" => {
                // As scikit-learn and Keras users know it: n / (classes · count).
                let n: usize = counts.iter().sum();
                Ok(counts.iter().map(|&c| n as f64 / (classes.len() * c.max(1)) as f64).collect())
            }
            text => {
                let mut given: BTreeMap<&str, f64> = BTreeMap::new();
                for part in text.split(',') {
                    let pair = part.split_once('=').and_then(|(c, w)| Some((c.trim(), w.trim().parse().ok()?)));
                    match pair {
                        Some((class, weight)) if weight > 0.0 && classes.iter().any(|c| c == class) => {
                            given.insert(class, weight);
                        }
                        _ => {
                            let problem =
                                format!("must be none, balanced, or class=weight pairs of {}", classes.join(", "));
                            return Err(value_error("class-weights", part, problem));
                        }
                    }
                }
                Ok(classes.iter().map(|c| given.get(c.as_str()).copied().unwrap_or(1.0)).collect())
            }
        }
    }
}

/// Parts `old=new` or `column=value` at their first `=`.
///
/// # Errors
/// [`RecipeError::Value`] names the text without `=`.
pub fn pairs(key: &'static str, texts: &[String]) -> Result<Vec<(String, String)>, RecipeError> {
    let pair = |text: &String| match text.split_once('=') {
        Some((left, right)) if !left.is_empty() => Ok((left.trim().to_owned(), right.trim().to_owned())),
        _ => Err(value_error(key, text, "must have the form name=value")),
    };
    texts.iter().map(pair).collect()
}

/// A value that may be written as a word or as a number.
#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Whole(i64),
    Real(f64),
}

impl From<TextOrNumber> for String {
    fn from(value: TextOrNumber) -> Self {
        match value {
            TextOrNumber::Text(text) => text,
            TextOrNumber::Whole(n) => n.to_string(),
            TextOrNumber::Real(x) => x.to_string(),
        }
    }
}

pub(super) fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    TextOrNumber::deserialize(deserializer).map(String::from)
}

pub(super) fn optional_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer).map(Some)
}
