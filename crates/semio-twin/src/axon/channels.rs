//! Ion channels of a node of Ranvier after McIntyre, Richardson and Grill, J Neurophysiol 87:995–1006 (2002).

/// Reversal potentials in mV.
const SODIUM: f64 = 50.0;
const POTASSIUM: f64 = -90.0;
const LEAK: f64 = -90.0;

/// Conductances in S/cm² when all gates are open: fast and persistent sodium, slow potassium, leak.
const FAST_SODIUM: f64 = 3.0;
const PERSISTENT_SODIUM: f64 = 0.01;
const SLOW_POTASSIUM: f64 = 0.08;
const LEAKAGE: f64 = 0.007;

/// Resting potential in mV, of nodes and of the passive internode.
pub(crate) const REST: f64 = -80.0;

/// Gates of the channels of one compartment: m, h, p (persistent sodium) and s (slow potassium).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gates {
    m: f64,
    h: f64,
    p: f64,
    s: f64,
}

/// How much faster the channels are than at the temperature at which they were measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speed {
    activation: f64,
    inactivation: f64,
    potassium: f64,
}

impl Speed {
    /// Q10 of 2.2 for m and p, 2.9 for h (both from 20 °C) and 3.0 for s (from 36 °C).
    pub(crate) fn at(temperature_c: f64) -> Self {
        let factor = |q10: f64, from: f64| q10.powf((temperature_c - from) / 10.0);
        Self { activation: factor(2.2, 20.0), inactivation: factor(2.9, 20.0), potassium: factor(3.0, 36.0) }
    }
}

/// Opening and closing rate in 1/ms.
type Rates = (f64, f64);

/// x/(1 − exp(−x/c)), with its limit at 0.
fn ramp(x: f64, c: f64) -> f64 {
    let y = x / c;
    if y.abs() < 1e-6 { c * (1.0 + y / 2.0) } else { x / (1.0 - (-y).exp()) }
}

fn m(v: f64) -> Rates {
    (1.86 * ramp(v + 21.4, 10.3), 0.086 * ramp(-(v + 25.7), 9.16))
}

fn h(v: f64) -> Rates {
    (0.062 * ramp(-(v + 114.0), 11.0), 2.3 / (1.0 + (-(v + 31.8) / 13.4).exp()))
}

fn p(v: f64) -> Rates {
    (0.01 * ramp(v + 27.0, 10.2), 0.000_25 * ramp(-(v + 34.0), 10.0))
}

fn s(v: f64) -> Rates {
    (0.3 / (1.0 + (-(v + 53.0) / 5.0).exp()), 0.03 / (1.0 + (-(v + 90.0)).exp()))
}

impl Gates {
    /// Where the gates settle when the potential is held.
    pub(crate) fn settled(v: f64) -> Self {
        let settle = |(open, close): Rates| open / (open + close);
        Self { m: settle(m(v)), h: settle(h(v)), p: settle(p(v)), s: settle(s(v)) }
    }

    /// Moves the gates on by `step_ms` at a held potential, exactly.
    pub(crate) fn advance(&mut self, v: f64, step_ms: f64, speed: &Speed) {
        let move_on = |gate: &mut f64, (open, close): Rates, factor: f64| {
            let total = open + close;
            let settled = open / total;
            *gate = settled + (*gate - settled) * (-step_ms * factor * total).exp();
        };
        move_on(&mut self.m, m(v), speed.activation);
        move_on(&mut self.p, p(v), speed.activation);
        move_on(&mut self.h, h(v), speed.inactivation);
        move_on(&mut self.s, s(v), speed.potassium);
    }

    /// Conductance in S/cm² and conductance times reversal potential, which together give the current g·V − e.
    ///
    /// `sodium` is the share of the node's sodium conductance that is there.
    pub(crate) fn conductance(&self, sodium: f64) -> (f64, f64) {
        let inward = sodium * (FAST_SODIUM * self.m.powi(3) * self.h + PERSISTENT_SODIUM * self.p.powi(3));
        let outward = SLOW_POTASSIUM * self.s;
        (inward + outward + LEAKAGE, inward * SODIUM + outward * POTASSIUM + LEAKAGE * LEAK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_rests_near_80_mv() {
        let (g, e) = Gates::settled(REST).conductance(1.0);
        let current = g * REST - e;
        assert!((current / g).abs() < 0.5, "the node drifts by {} mV", -current / g);
    }

    #[test]
    fn rates_are_smooth_where_their_fractions_are_not() {
        for (rate, at) in [(m as fn(f64) -> Rates, -21.4), (m, -25.7), (h, -114.0), (p, -27.0), (p, -34.0)] {
            let (here, beside) = (rate(at), rate(at + 1e-4));
            assert!((here.0 - beside.0).abs() < 1e-3 * here.0 && (here.1 - beside.1).abs() < 1e-3 * here.1, "at {at}");
        }
    }

    #[test]
    fn gates_stay_between_shut_and_open() {
        let mut gates = Gates::settled(REST);
        for v in [-1000.0, 1000.0, -300.0, 60.0, -80.0] {
            gates.advance(v, 0.05, &Speed::at(45.0));
            for gate in [gates.m, gates.h, gates.p, gates.s] {
                assert!((0.0..=1.0).contains(&gate), "{gates:?} at {v} mV");
            }
        }
    }
}
