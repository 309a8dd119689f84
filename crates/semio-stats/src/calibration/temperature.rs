use super::scaling::log_sum_exp;

/// Temperatures lie between 1/100 and 100.
const LOG_BOUND: f64 = 4.605_170_185_988_092;
/// Steps of the first look over the whole range.
const GRID: usize = 40;

/// The temperature that makes the labels likeliest.
///
/// Minimised over u = ln T is Σ −ln p(label; T) + u² / 2. The second term is that of one vague observation of T ≈ 1: it
/// is lost among a hundred pictures, but without it a small set without mistakes would give T → 0, that is certainty.
pub(super) fn fit(scores: &[Vec<f64>], labels: &[usize]) -> f64 {
    let loss = |u: f64| {
        let beta = (-u).exp();
        let fit: f64 = scores
            .iter()
            .zip(labels)
            .map(|(row, &label)| log_sum_exp(row.iter().map(|s| s * beta)) - row[label] * beta)
            .sum();
        fit + u * u / 2.0
    };
    let place = |step: usize| LOG_BOUND * (2.0 * step as f64 / GRID as f64 - 1.0);
    let best = (0..=GRID).min_by(|&a, &b| loss(place(a)).total_cmp(&loss(place(b)))).unwrap_or(GRID / 2);
    golden_section(loss, place(best.saturating_sub(1)), place((best + 1).min(GRID))).exp()
}

/// The place of the minimum of a function with a single one between the ends (Kiefer 1953).
fn golden_section(f: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let share = (5f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - share * (high - low), low + share * (high - low));
    let (mut at_left, mut at_right) = (f(left), f(right));
    // Below 1e-9 the function's own rounding decides.
    while high - low > 1e-9 {
        if at_left <= at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - share * (high - low);
            at_left = f(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + share * (high - low);
            at_right = f(right);
        }
    }
    f64::midpoint(low, high)
}
