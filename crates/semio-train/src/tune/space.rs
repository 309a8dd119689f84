use semio_image::sample_seed;

use crate::recipe::{DATA_KEYS, Recipe};

/// What is tried: keys of the recipe, each with the values that it may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    pub(super) dimensions: Vec<Dimension>,
}

/// One key of the recipe and its values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dimension {
    pub(super) key: String,
    pub(super) values: Values,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values {
    /// One of these.
    Choice(Vec<toml::Value>),
    /// A number between two, drawn evenly, or evenly by its logarithm.
    Range { from: f64, to: f64, log: bool, whole: bool },
}

/// Why a search space cannot be used.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// It has no key.
    #[error(
        "the search has no [space]; write for example\n  [space]\n  model = [\"resnet18\", \"mobilenet_v2\"]\n  learning-rate = {{ from = 1e-4, to = 1e-2, scale = \"log\" }}"
    )]
    Empty,
    /// A key's values are not understood.
    #[error("[space] {key}: {problem}")]
    Values {
        /// The key.
        key: String,
        /// What it should be.
        problem: &'static str,
    },
    /// The recipe takes none of a key's values, or has no such key.
    #[error("[space] {key}: {problem}")]
    Recipe {
        /// The key.
        key: String,
        /// What the recipe says.
        problem: String,
    },
}

/// Further keys that a search must leave alone: what judges, and what changes no figure.
const FIXED: [&str; 3] = ["monitor", "threads", "cache"];

impl Space {
    /// Reads the `[space]` table of a search.
    ///
    /// # Errors
    /// [`SpaceError`] names the key and what its values should be.
    pub fn new(table: &toml::Table) -> Result<Self, SpaceError> {
        let dimension = |(key, value): (&String, &toml::Value)| {
            let wrong = |problem| SpaceError::Values { key: key.clone(), problem };
            if DATA_KEYS.contains(&key.as_str()) || FIXED.contains(&key.as_str()) {
                return Err(wrong(
                    "decides which pictures are learned from and judged, or by what; it cannot be tried out",
                ));
            }
            Ok(Dimension { key: key.clone(), values: values(value).map_err(wrong)? })
        };
        let dimensions: Vec<Dimension> = table.iter().map(dimension).collect::<Result<_, _>>()?;
        if dimensions.is_empty() { Err(SpaceError::Empty) } else { Ok(Self { dimensions }) }
    }

    /// Checks that the recipe has every key, and takes at least one of its values; others may fail in their trials.
    ///
    /// # Errors
    /// [`SpaceError::Recipe`] names the first key that no trial could use.
    pub fn check(&self, base: &toml::Table) -> Result<(), SpaceError> {
        for Dimension { key, values } in &self.dimensions {
            let taken = |value: toml::Value| {
                let mut keys = base.clone();
                keys.insert(key.clone(), value);
                keys.try_into::<Recipe>()
            };
            let problem = match values {
                Values::Choice(values) => {
                    let mut refused = values.iter().map(|value| taken(value.clone()).err());
                    let first = refused.next().flatten();
                    first.filter(|_| refused.all(|problem| problem.is_some()))
                }
                Values::Range { from, .. } => taken(values.value(*from)).err(),
            };
            if let Some(problem) = problem {
                let problem = problem.to_string().trim_end().to_owned();
                return Err(SpaceError::Recipe { key: key.clone(), problem });
            }
        }
        Ok(())
    }

    /// Whether a key is tried.
    pub fn has(&self, key: &str) -> bool {
        self.dimensions.iter().any(|d| d.key == key)
    }

    /// A point drawn at random: one number a key, see [`Values::value`].
    pub(super) fn draw(&self, seed: u64, trial: u64) -> Vec<f64> {
        let draw = |(i, d): (usize, &Dimension)| {
            let share = (sample_seed(seed, i as u64, trial) >> 11) as f64 / (1u64 << 53) as f64;
            let (from, to) = d.values.range();
            from + share * (to - from)
        };
        self.dimensions.iter().enumerate().map(draw).collect()
    }

    /// The keys and values of a point.
    pub(super) fn keys(&self, point: &[f64]) -> toml::Table {
        self.dimensions.iter().zip(point).map(|(d, &x)| (d.key.clone(), d.values.value(x))).collect()
    }
}

impl Values {
    /// What the number of a point lies in: a choice's place, or the number itself, or its logarithm.
    pub(super) fn range(&self) -> (f64, f64) {
        match self {
            Self::Choice(values) => (0.0, values.len() as f64),
            // Half a step more on both sides, so that the ends are drawn as often as the rest.
            Self::Range { from, to, log: false, whole: true } => (from - 0.5, to + 0.5),
            Self::Range { from, to, log: false, .. } => (*from, *to),
            Self::Range { from, to, .. } => (from.ln(), to.ln()),
        }
    }

    /// The value that a point's number stands for.
    pub(super) fn value(&self, x: f64) -> toml::Value {
        match self {
            Self::Choice(values) => values[(x.max(0.0) as usize).min(values.len() - 1)].clone(),
            Self::Range { from, to, log, whole } => {
                let value = if *log { x.exp() } else { x }.clamp(*from, *to);
                // Digits beyond the fourth change nothing but the reading.
                let digits = 10f64.powi(3 - value.abs().max(1e-300).log10().floor() as i32);
                if *whole {
                    toml::Value::Integer(value.round().clamp(*from, *to) as i64)
                } else {
                    toml::Value::Float(((value * digits).round() / digits).clamp(*from, *to))
                }
            }
        }
    }
}

fn values(value: &toml::Value) -> Result<Values, &'static str> {
    match value {
        toml::Value::Array(values) if !values.is_empty() => Ok(Values::Choice(values.clone())),
        toml::Value::Table(table) => {
            let number = |key: &str| match table.get(key) {
                Some(toml::Value::Integer(n)) => Some((*n as f64, true)),
                Some(toml::Value::Float(x)) => Some((*x, false)),
                _ => None,
            };
            let (Some((from, a)), Some((to, b))) = (number("from"), number("to")) else {
                return Err("must have numbers `from` and `to`");
            };
            if table.keys().any(|key| !["from", "to", "scale"].contains(&key.as_str())) {
                return Err("may have `from`, `to` and `scale` only");
            }
            let log = match table.get("scale").map(|s| s.as_str()) {
                None | Some(Some("linear")) => false,
                Some(Some("log")) => true,
                _ => return Err("`scale` must be \"linear\" or \"log\""),
            };
            match (from < to, log && from <= 0.0) {
                (false, _) => Err("`from` must be below `to`"),
                (_, true) => Err("a logarithmic scale needs `from` above 0"),
                _ => Ok(Values::Range { from, to, log, whole: a && b }),
            }
        }
        _ => Err("must be a list of values, or { from = …, to = …, scale = \"log\" }"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(text: &str) -> Result<Space, SpaceError> {
        Space::new(&text.parse().expect("is TOML"))
    }

    #[test]
    fn points_stand_for_values_of_the_space() {
        let text = "model = [\"a\", \"b\"]\nlearning-rate = { from = 1e-4, to = 1e-2, scale = \"log\" }\nbatch-size = { from = 4, to = 6 }";
        let space = space(text).expect("is understood");
        let mut seen = std::collections::HashSet::new();
        let mut small = 0;
        for trial in 0..300 {
            let keys = space.keys(&space.draw(7, trial));
            let rate = keys["learning-rate"].as_float().expect("a number");
            assert!((1e-4..=1e-2).contains(&rate));
            small += usize::from(rate < 1e-3);
            seen.insert((keys["model"].to_string(), keys["batch-size"].as_integer().expect("whole")));
        }
        assert_eq!(seen.len(), 6, "two networks, three sizes");
        assert!((120..180).contains(&small), "as many below as above the geometric middle: {small}");
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, said) in [
            ("", "the search has no [space]"),
            ("model = []", "[space] model: must be a list of values"),
            ("l2 = { from = 0, to = 1.0, scale = \"log\" }", "[space] l2: a logarithmic scale needs `from` above 0"),
            ("l2 = { from = 2, to = 1 }", "[space] l2: `from` must be below `to`"),
            ("l2 = { from = 1 }", "[space] l2: must have numbers `from` and `to`"),
            ("folds = [2, 3]", "[space] folds: decides which pictures"),
        ] {
            let error = space(text).expect_err("is refused").to_string();
            assert!(error.starts_with(said), "{error}");
        }
    }
}
