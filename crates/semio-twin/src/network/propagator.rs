use super::{Network, Synapse};

/// What one step does to potential V (over rest), synaptic drive s and its rise x: the exact solution of
/// τ dV/dt = −V + s + RI, τ_s ds/dt = −s + τ_s·x, τ_s dx/dt = −x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Propagator {
    pub(super) v: f64,
    pub(super) v_from_s: f64,
    pub(super) v_from_x: f64,
    pub(super) s: f64,
    pub(super) s_from_x: f64,
    /// Share of a constant drive that V takes on.
    pub(super) drive: f64,
    /// Standard deviation of the noise that a step adds.
    pub(super) noise: f64,
    /// What a spike of weight 1 adds to V, s and x.
    pub(super) kick: [f64; 3],
}

impl Propagator {
    pub(super) fn of(network: &Network) -> Self {
        let (tau, tau_s, step) = (network.neuron.tau_ms, network.synapse_tau_ms, network.step_ms);
        let p = exponential([[-step / tau, step / tau, 0.0], [0.0, -step / tau_s, step], [0.0, 0.0, -step / tau_s]]);
        let kick = match network.synapse {
            Synapse::Delta => [1.0, 0.0, 0.0],
            Synapse::Exponential => [0.0, 1.0, 0.0],
            Synapse::Alpha => [0.0, 0.0, std::f64::consts::E / tau_s],
        };
        Self {
            v: (-step / tau).exp(),
            v_from_s: p[0][1],
            v_from_x: p[0][2],
            s: p[1][1],
            s_from_x: p[1][2],
            drive: -(-step / tau).exp_m1(),
            noise: network.noise * (-(-2.0 * step / tau).exp_m1()).sqrt(),
            kick,
        }
    }
}

/// The exponential of a matrix with small entries, by Taylor's series after halving and by squaring.
fn exponential(matrix: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    const HALVINGS: i32 = 12;
    let small = matrix.map(|row| row.map(|x| x * 2f64.powi(-HALVINGS)));
    let mut sum: [[f64; 3]; 3] = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
    let mut term = sum;
    for k in 1..12 {
        term = product(term, small).map(|row| row.map(|x| x / f64::from(k)));
        sum = std::array::from_fn(|i| std::array::from_fn(|j| sum[i][j] + term[i][j]));
    }
    (0..HALVINGS).fold(sum, |m, _| product(m, m))
}

fn product(a: [[f64; 3]; 3], b: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    std::array::from_fn(|i| std::array::from_fn(|j| (0..3).map(|k| a[i][k] * b[k][j]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_the_closed_form() {
        let (tau, tau_s, step): (f64, f64, f64) = (20.0, 5.0, 0.1);
        let p = exponential([[-step / tau, step / tau, 0.0], [0.0, -step / tau_s, step], [0.0, 0.0, -step / tau_s]]);
        let v_from_s = tau_s / (tau - tau_s) * ((-step / tau).exp() - (-step / tau_s).exp());
        for (got, expected) in
            [(p[0][0], (-step / tau).exp()), (p[0][1], v_from_s), (p[1][2], step * (-step / tau_s).exp())]
        {
            assert!((got - expected).abs() < 1e-14 + 1e-11 * expected, "{got} instead of {expected}");
        }
    }
}
