use std::collections::VecDeque;

/// Steps that are remembered.
const MEMORY: usize = 10;
const MOST_STEPS: usize = 5000;

/// The minimum of a smooth convex function (L-BFGS; Nocedal and Wright, *Numerical optimization*, algorithm 7.5), each
/// step halved until the function falls enough (Armijo).
///
/// `f` gives value and gradient. Ends when no part of the gradient is larger than `bound`, or nothing falls any more.
pub(super) fn minimise(start: Vec<f64>, bound: f64, f: impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Vec<f64> {
    let mut x = start;
    let (mut value, mut gradient) = f(&x);
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>)> = VecDeque::new();
    for _ in 0..MOST_STEPS {
        if gradient.iter().all(|g| g.abs() <= bound) {
            break;
        }
        let direction = direction(&gradient, &memory);
        let slope = dot(&direction, &gradient);
        // The first step knows no scale.
        let mut length = if memory.is_empty() { 1.0 / dot(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
        let found = loop {
            let next: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + length * d).collect();
            let (next_value, next_gradient) = f(&next);
            if next_value <= value + 1e-4 * length * slope {
                break Some((next, next_value, next_gradient));
            }
            length /= 2.0;
            if length < 1e-12 {
                break None;
            }
        };
        let Some((next, next_value, next_gradient)) = found else { break };
        let step: Vec<f64> = next.iter().zip(&x).map(|(a, b)| a - b).collect();
        let change: Vec<f64> = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        if dot(&step, &change) > 1e-12 * dot(&change, &change) {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((step, change));
        }
        (x, value, gradient) = (next, next_value, next_gradient);
    }
    x
}

/// The two-loop recursion: minus the gradient, scaled by what the last steps show of the curvature.
fn direction(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>)>) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = vec![];
    for (step, change) in memory.iter().rev() {
        let share = dot(step, &q) / dot(step, change);
        add(&mut q, change, -share);
        shares.push(share);
    }
    if let Some((step, change)) = memory.back() {
        let scale = dot(step, change) / dot(change, change);
        for v in &mut q {
            *v *= scale;
        }
    }
    for ((step, change), share) in memory.iter().zip(shares.into_iter().rev()) {
        let back = dot(change, &q) / dot(step, change);
        add(&mut q, step, share - back);
    }
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], what: &[f64], times: f64) {
    for (to, what) in to.iter_mut().zip(what) {
        *to += times * what;
    }
}
