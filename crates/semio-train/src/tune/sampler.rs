use rand::{SeedableRng, rngs::StdRng};
use semio_image::sample_seed;
use tpe::{TpeOptimizer, categorical_range, histogram_estimator, parzen_estimator, range};

use super::{
    Method,
    space::{Dimension, Space, Values},
};

/// Trials that are drawn at random before anything is learned from them.
const RANDOM: usize = 8;

/// One number in so many stays drawn: without chance, a choice that began badly would never be tried again.
const CHANCE: u64 = 4;

/// The next point to try. It depends on nothing but the seed, the trial's number and the points tried before.
pub(super) fn suggest(space: &Space, method: Method, seed: u64, trial: usize, tried: &[(Vec<f64>, f64)]) -> Vec<f64> {
    let drawn = space.draw(seed, trial as u64);
    if method == Method::Random || tried.len() < RANDOM {
        return drawn;
    }
    let mut random = StdRng::seed_from_u64(sample_seed(seed ^ 0x7470_6500, trial as u64, 0));
    let mut next = |(i, d): (usize, &Dimension)| -> Option<f64> {
        let (from, to) = d.values.range();
        let (mut optimizer, choice) = match &d.values {
            Values::Choice(values) => {
                (TpeOptimizer::new(histogram_estimator(), categorical_range(values.len()).ok()?), true)
            }
            Values::Range { .. } => (TpeOptimizer::new(parzen_estimator(), range(from, to).ok()?), false),
        };
        for (point, score) in tried {
            // It makes numbers small; scores are to be large.
            let at = if choice { point[i].floor() } else { point[i] };
            optimizer.tell(at, -score).ok()?;
        }
        let x = optimizer.ask(&mut random).ok()?;
        Some(if choice { x + 0.5 } else { x })
    };
    // Where nothing can be learned, for example from one value only, the drawn number stands.
    let learned = |(d, &x): ((usize, &Dimension), &f64)| {
        let chance = sample_seed(seed ^ 0x6368_616e, d.0 as u64, trial as u64).is_multiple_of(CHANCE);
        if chance { x } else { next(d).unwrap_or(x) }
    };
    space.dimensions.iter().enumerate().zip(&drawn).map(learned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hill with its top at a rate of 1e-3 for the second of three choices.
    fn score(space: &Space, point: &[f64]) -> f64 {
        let keys = space.keys(point);
        let rate = keys["rate"].as_float().expect("a number").log10();
        let right = keys["model"].as_str() == Some("b");
        -(rate + 3.0).powi(2) - if right { 0.0 } else { 0.5 }
    }

    fn best(method: Method, seed: u64) -> f64 {
        let text = "rate = { from = 1e-6, to = 1.0, scale = \"log\" }\nmodel = [\"a\", \"b\", \"c\"]";
        let space = Space::new(&text.parse().expect("is TOML")).expect("is understood");
        let mut tried: Vec<(Vec<f64>, f64)> = vec![];
        for trial in 0..40 {
            let point = suggest(&space, method, seed, trial, &tried);
            let value = score(&space, &point);
            tried.push((point, value));
        }
        tried.iter().map(|(_, s)| *s).fold(f64::NEG_INFINITY, f64::max)
    }

    #[test]
    fn what_was_learned_finds_the_top_sooner_than_chance() {
        let mean = |method| (0..20).map(|seed| best(method, seed)).sum::<f64>() / 20.0;
        let (learned, chance) = (mean(Method::Tpe), mean(Method::Random));
        assert!(learned > 0.7 * chance, "{learned} is no nearer to the top than {chance}");
    }

    #[test]
    fn the_same_trials_suggest_the_same_point() {
        assert!((best(Method::Tpe, 3) - best(Method::Tpe, 3)).abs() < 1e-15);
    }
}
