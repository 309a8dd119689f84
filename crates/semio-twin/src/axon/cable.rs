use super::{
    channels::{Gates, Speed},
    fibre::{Compartment, Fibre},
};

/// A fibre in motion: two potentials a compartment, inside the axon and in the gap under the myelin.
///
/// Crank–Nicolson in time with gates half a step apart (Hines 1984), second order; after a jump of the stimulus two
/// half steps of backward Euler take a step's place (Rannacher 1984), which damps what Crank–Nicolson would let ring.
/// The equations are one block-tridiagonal system of 2 × 2 blocks, solved by elimination in a time proportional to the
/// number of compartments.
pub(crate) struct Cable {
    parts: Vec<Compartment>,
    rows: Vec<Row>,
    state: Vec<State>,
    active: Vec<Active>,
    step_ms: f64,
    speed: Speed,
    /// Steps left that are damped.
    damped: usize,
    stimulus: f64,
    work: Vec<Eliminated>,
}

/// What of a compartment's two equations does not change.
#[derive(Clone, Copy)]
struct Row {
    /// Membrane's and sheath's capacitance times 2/step.
    membrane: f64,
    sheath: f64,
    /// Diagonal block without the membrane's terms, which stand in both equations.
    inside: f64,
    gap: f64,
    /// Conductance to the compartment before, inside and in the gap.
    before: [f64; 2],
    /// The membrane's passive conductance.
    leak: f64,
    grounded: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    pub(crate) inside: f64,
    pub(crate) gap: f64,
}

impl State {
    /// Potential across the axon's membrane.
    pub(crate) fn membrane(self) -> f64 {
        self.inside - self.gap
    }
}

struct Active {
    part: usize,
    gates: Gates,
}

/// A compartment's inverted diagonal block and its right-hand side after elimination.
#[derive(Clone, Copy, Default)]
struct Eliminated {
    inverse: [f64; 3],
    value: [f64; 2],
}

/// Steps that are damped after a jump.
const DAMPED: usize = 2;

impl Cable {
    pub(crate) fn new(fibre: &Fibre, step_ms: f64) -> Self {
        let parts = fibre.compartments();
        let rows = rows(&parts, step_ms);
        let active = parts.iter().enumerate().filter(|(_, p)| p.channels > 0.0);
        Self {
            state: vec![State { inside: Compartment::REST, gap: 0.0 }; parts.len()],
            active: active.map(|(part, _)| Active { part, gates: Gates::settled(Compartment::REST) }).collect(),
            work: vec![Eliminated::default(); parts.len()],
            rows,
            parts,
            step_ms,
            speed: Speed::at(fibre.temperature_c),
            damped: DAMPED,
            stimulus: 0.0,
        }
    }

    pub(crate) fn parts(&self) -> &[Compartment] {
        &self.parts
    }

    pub(crate) fn state(&self) -> &[State] {
        &self.state
    }

    /// Sets the current in nA that flows into the first node.
    pub(crate) fn stimulate(&mut self, current: f64) {
        if current.to_bits() != self.stimulus.to_bits() {
            self.stimulus = current;
            self.damped = DAMPED;
        }
    }

    /// Moves on by one step.
    pub(crate) fn step(&mut self) {
        for active in &mut self.active {
            active.gates.advance(self.state[active.part].membrane(), self.step_ms, &self.speed);
        }
        if self.damped > 0 {
            self.damped -= 1;
            self.half_step(|_, new| new);
            self.half_step(|_, new| new);
        } else {
            self.half_step(|old, new| 2.0 * new - old);
        }
    }

    /// Solves for the potentials half a step on, and takes what `accept` makes of old and new.
    fn half_step(&mut self, accept: impl Fn(f64, f64) -> f64) {
        self.eliminate();
        let mut next = State { inside: 0.0, gap: 0.0 };
        let mut link = [0.0; 2];
        for ((done, row), state) in self.work.iter().zip(&self.rows).zip(&mut self.state).rev() {
            let [p, q, r] = done.inverse;
            let (a, b) = (link[0] * next.inside, link[1] * next.gap);
            next = State { inside: done.value[0] + p * a + q * b, gap: done.value[1] + q * a + r * b };
            link = row.before;
            *state = State { inside: accept(state.inside, next.inside), gap: accept(state.gap, next.gap) };
        }
    }

    fn eliminate(&mut self) {
        let mut active = self.active.iter().peekable();
        let mut last = Eliminated::default();
        for (i, ((row, state), done)) in self.rows.iter().zip(&self.state).zip(&mut self.work).enumerate() {
            let mut membrane = row.membrane + row.leak;
            let mut source = row.membrane * state.membrane() + row.leak * Compartment::REST;
            if let Some(found) = active.next_if(|a| a.part == i) {
                let part = &self.parts[i];
                let (g, e) = found.gates.conductance(part.sodium);
                membrane += g * part.channels;
                source += e * part.channels;
            }
            let [before, before_gap] = row.before;
            let [p, q, r] = last.inverse;
            let a = row.inside + membrane - before * before * p;
            let mut right = source + before * last.value[0];
            if i == 0 {
                right += self.stimulus;
            }
            *done = if row.grounded {
                Eliminated { inverse: [1.0 / a, 0.0, 0.0], value: [right / a, 0.0] }
            } else {
                let b = -membrane - before * before_gap * q;
                let d = row.gap + membrane - before_gap * before_gap * r;
                let right_gap = row.sheath * state.gap - source + before_gap * last.value[1];
                let scale = 1.0 / (a * d - b * b);
                let inverse = [d * scale, -b * scale, a * scale];
                let [p, q, r] = inverse;
                Eliminated { inverse, value: [p * right + q * right_gap, q * right + r * right_gap] }
            };
            last = *done;
        }
    }
}

fn rows(parts: &[Compartment], step_ms: f64) -> Vec<Row> {
    let link = |i: usize, j: usize| {
        let along = 1.0 / (parts[i].along + parts[j].along);
        [along, 1.0 / (parts[i].gap + parts[j].gap)]
    };
    let count = parts.len();
    (0..count)
        .map(|i| {
            let before = if i == 0 { [0.0; 2] } else { link(i - 1, i) };
            let after = if i + 1 == count { [0.0; 2] } else { link(i, i + 1) };
            let sheath = parts[i].myelin;
            let kept = sheath.map_or(0.0, |s| s.capacitance * 2.0 / step_ms);
            Row {
                membrane: parts[i].capacitance * 2.0 / step_ms,
                sheath: kept,
                inside: before[0] + after[0],
                gap: before[1] + after[1] + kept + sheath.map_or(0.0, |s| s.conductance),
                before,
                leak: parts[i].leak,
                grounded: sheath.is_none(),
            }
        })
        .collect()
}
