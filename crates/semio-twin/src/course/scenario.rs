use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    lesion::{Lesion, Response},
    stretch::{Stretch, stretches},
};
use crate::{
    axon::Fibre,
    error::{TwinError, within},
    random::{Random, ziggurat},
};

/// A course to follow: the keys of a scenario's file for `semio twin course`. Times in days where nothing else is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
pub struct CourseScenario {
    /// How long it is followed.
    pub days: f64,
    /// Draws of the uncertain parameters.
    pub draws: usize,
    /// Decides the draws.
    pub seed: u64,
    /// Mean outer diameter of the nerve's fibres, µm.
    pub diameter: f64,
    /// Length of the nerve, mm.
    pub nerve_length: f64,
    /// Latency of the healthy pathway as a whole, ms; the P100's is about 100.
    pub latency: f64,
    /// Temperature, °C.
    pub temperature: f64,
    /// The lesions.
    pub lesions: Vec<Lesion>,
    /// Days from a lesion's beginning to its worst.
    pub onset: f64,
    /// Share of the lost myelin that comes back in the end.
    pub remyelination: f64,
    /// Time in which half of that comes back.
    pub half_life: f64,
    /// Sodium channels that spread into the bare axon in the end, as a share of the node's density.
    pub sodium: f64,
    /// Time in which half of them do.
    pub sodium_half_life: f64,
    /// Uncertainty: standard deviation of the logarithm of each rate, length and loss.
    pub spread: f64,
    /// How much lesions differ from fibre to fibre: the standard deviation of the myelin left's logarithm.
    pub fibre_spread: f64,
    /// A treatment.
    pub treatment: Option<Treatment>,
    /// Latencies that were measured.
    pub measured: Vec<Measured>,
}

/// A treatment that spares myelin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Treatment {
    /// Day on which it begins.
    pub day: f64,
    /// Share of the myelin that a later lesion would lose and that is spared.
    pub efficacy: f64,
}

/// A latency that was measured.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Measured {
    /// When.
    pub day: f64,
    /// What, ms.
    pub latency: f64,
}

impl Default for CourseScenario {
    fn default() -> Self {
        let neuritis = Lesion { name: "optic neuritis".into(), place: 15.0, length: 12.0, day: 30.0, myelin: 0.02 };
        Self {
            days: 365.0,
            draws: 400,
            seed: 0,
            diameter: 1.5,
            nerve_length: 50.0,
            latency: 100.0,
            temperature: 37.0,
            lesions: vec![neuritis],
            onset: 7.0,
            remyelination: 0.05,
            half_life: 300.0,
            sodium: 0.12,
            sodium_half_life: 15.0,
            spread: 0.25,
            fibre_spread: 0.5,
            treatment: None,
            measured: vec![],
        }
    }
}

/// Median and central nine tenths over the draws.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// A twentieth of the draws lie below.
    pub low: f64,
    /// Half of the draws lie below.
    pub median: f64,
    /// A twentieth of the draws lie above.
    pub high: f64,
}

/// A measured latency beside the model's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Compared {
    /// When it was measured.
    pub day: f64,
    /// What was measured.
    pub measured_ms: f64,
    /// What the model says; null where most draws conduct nothing.
    pub model_ms: Option<Band>,
    /// Whether the measured lies within the model's nine tenths.
    pub within: bool,
}

/// What came of a course.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CourseReport {
    /// That this is a model, and what it does not know.
    pub caveat: &'static str,
    /// The scenario.
    pub scenario: CourseScenario,
    /// Days at which the course is told.
    pub day: Vec<f64>,
    /// P100-like latency; null where most draws conduct nothing.
    pub latency_ms: Vec<Option<Band>>,
    /// Height of the response, as a share of the healthy.
    pub amplitude: Vec<Band>,
    /// Share of the fibres that conduct.
    pub conducting: Vec<Band>,
    /// Measured latencies beside the model's.
    pub compared: Vec<Compared>,
}

const CAVEAT: &str = "illustrative model, not a statement about a patient: equal fibres in one nerve, no inflammation, no \
                      loss of axons, no plasticity; rates of repair are assumptions of the scenario";
/// Times at which a course is told.
const TIMES: usize = 120;
/// Fibres of a nerve.
const FIBRES: usize = 48;
/// Standard deviation in ms of the cortical wave that each fibre adds, which smooths what arrives dispersed.
const WAVE_MS: f64 = 12.0;

/// One draw of the uncertain parameters: factors about 1.
struct Draw {
    half_life: f64,
    sodium_half_life: f64,
    remyelination: f64,
    /// For each lesion, factor on the myelin left.
    left: Vec<f64>,
    /// The nerve's affected stretches.
    stretches: Vec<Stretch>,
    /// For each fibre, factor on the myelin left, and the length of its internodes in mm.
    fibres: Vec<[f64; 2]>,
}

/// What a nerve shows at one time: latency (nothing without conduction), amplitude, share of conducting fibres.
type Readouts = (Option<f64>, f64, f64);

impl CourseScenario {
    /// Refuses what is not physical.
    ///
    /// # Errors
    /// Names the parameter and its range.
    pub fn check(&self) -> Result<(), TwinError> {
        within("days", self.days, (1.0, 36500.0), "")?;
        within("draws", self.draws as f64, (10.0, 10_000.0), "")?;
        within("diameter", self.diameter, (1.0, 20.0), " µm")?;
        within("nerve-length", self.nerve_length, (1.0, 2000.0), " mm")?;
        within("latency", self.latency, (0.1, 1000.0), " ms")?;
        within("temperature", self.temperature, (20.0, 45.0), " °C")?;
        within("onset", self.onset, (0.1, 365.0), " days")?;
        within("remyelination", self.remyelination, (0.0, 1.0), "")?;
        within("half-life", self.half_life, (0.1, 36500.0), " days")?;
        within("sodium", self.sodium, (0.0, 0.12), "")?;
        within("sodium-half-life", self.sodium_half_life, (0.1, 36500.0), " days")?;
        within("spread", self.spread, (0.0, 2.0), "")?;
        within("fibre-spread", self.fibre_spread, (0.0, 2.0), "")?;
        within("lesions", self.lesions.len() as f64, (0.0, 100.0), "")?;
        self.lesions.iter().try_for_each(|l| l.check(self.nerve_length))?;
        if let Some(treatment) = self.treatment {
            within("treatment.day", treatment.day, (-3650.0, 36500.0), "")?;
            within("treatment.efficacy", treatment.efficacy, (0.0, 1.0), "")?;
        }
        within("measured", self.measured.len() as f64, (0.0, 1000.0), "")?;
        self.measured.iter().try_for_each(|m| {
            within("measured.day", m.day, (0.0, self.days), "")?;
            within("measured.latency", m.latency, (0.0, 10_000.0), " ms")
        })
    }

    /// Follows the course.
    ///
    /// # Errors
    /// Parameters out of range.
    pub fn run(&self) -> Result<CourseReport, TwinError> {
        self.check()?;
        let response = Response::at(self.temperature)?;
        let draws: Vec<Draw> = (0..self.draws).map(|d| self.draw(d)).collect();
        let day: Vec<f64> = (0..=TIMES).map(|i| self.days * i as f64 / TIMES as f64).collect();
        let at = |day: f64| -> Vec<Readouts> { draws.iter().map(|d| self.readouts(d, &response, day)).collect() };
        let told: Vec<Vec<Readouts>> = day.par_iter().map(|d| at(*d)).collect();
        let compared = self.measured.iter().map(|m| {
            let model_ms = latency_band(&at(m.day));
            let within = model_ms.is_some_and(|b| (b.low..=b.high).contains(&m.latency));
            Compared { day: m.day, measured_ms: m.latency, model_ms, within }
        });
        Ok(CourseReport {
            caveat: CAVEAT,
            compared: compared.collect(),
            latency_ms: told.iter().map(|r| latency_band(r)).collect(),
            amplitude: told.iter().map(|r| band(r.iter().map(|r| r.1).collect())).collect(),
            conducting: told.iter().map(|r| band(r.iter().map(|r| r.2).collect())).collect(),
            day,
            scenario: self.clone(),
        })
    }

    fn draw(&self, index: usize) -> Draw {
        let mut random = Random::stream(self.seed, index as u64);
        let mut factor = |spread: f64| (spread * random.normal(ziggurat()).clamp(-4.0, 4.0)).exp();
        let (half_life, sodium_half_life) = (factor(self.spread), factor(self.spread));
        let remyelination = factor(self.spread);
        let lesions: Vec<[f64; 2]> = self.lesions.iter().map(|_| [factor(self.spread), factor(self.spread)]).collect();
        let ends = self.lesions.iter().zip(&lesions).map(|(lesion, [_, length])| {
            (lesion.place, (lesion.place + lesion.length * length).min(self.nerve_length))
        });
        Draw {
            half_life,
            sodium_half_life,
            remyelination,
            stretches: stretches(&ends.collect::<Vec<_>>()),
            left: lesions.iter().map(|[left, _]| *left).collect(),
            fibres: (0..FIBRES).map(|_| [factor(self.fibre_spread), self.spacing_mm(factor(0.2))]).collect(),
        }
    }

    /// Length of an internode of a fibre whose diameter is so many times the nerve's mean.
    fn spacing_mm(&self, size: f64) -> f64 {
        Fibre::healthy((self.diameter * size).clamp(1.0, 20.0), 2).spacing_um() * 1e-3
    }

    fn readouts(&self, draw: &Draw, response: &Response, day: f64) -> Readouts {
        let delays = draw.fibres.iter().map(|f| self.fibre_delay(draw, *f, response, day));
        let delays: Vec<f64> = delays.flatten().collect();
        let share = delays.len() as f64 / FIBRES as f64;
        if delays.is_empty() {
            return (None, 0.0, 0.0);
        }
        let (shift, height) = summed_peak(&delays);
        (Some(self.latency + shift), height * share, share)
    }

    /// Delay that the lesions add to one fibre's impulse; nothing where one of them stops it.
    ///
    /// Where lesions overlap, the worst of them says how slow the stretch is: myelin is lost once.
    fn fibre_delay(&self, draw: &Draw, [loss, spacing_mm]: [f64; 2], response: &Response, day: f64) -> Option<f64> {
        let delay = |(lesion, left): (&Lesion, &f64)| -> Option<f64> {
            let (myelin, sodium) = self.state(draw, lesion, left * loss, day);
            response.delay(myelin, sodium)
        };
        // A lesion that stops the impulse does so wherever it lies.
        let delays: Vec<f64> = self.lesions.iter().zip(&draw.left).map(delay).collect::<Option<_>>()?;
        let worst = |stretch: &Stretch| stretch.lesions.iter().map(|i| delays[*i]).reduce(f64::max);
        let over = |stretch: &Stretch| worst(stretch).unwrap_or_default() * stretch.length_mm / spacing_mm;
        Some(draw.stretches.iter().map(over).sum())
    }

    /// Myelin left and sodium channels spread in a lesion on a day.
    fn state(&self, draw: &Draw, lesion: &Lesion, factor: f64, day: f64) -> (f64, f64) {
        if day <= lesion.day {
            return (1.0, 0.0);
        }
        let spared = self.treatment.filter(|t| lesion.day >= t.day).map_or(0.0, |t| t.efficacy);
        let worst = (lesion.myelin * factor).min(1.0);
        let worst = worst + spared * (1.0 - worst);
        let since = day - lesion.day - self.onset;
        if since < 0.0 {
            return (1.0 - (1.0 - worst) * (1.0 + since / self.onset), 0.0);
        }
        let done = |half_life: f64| 1.0 - (-since / half_life).exp2();
        let back = (self.remyelination * draw.remyelination).min(1.0) * done(self.half_life * draw.half_life);
        let myelin = worst + back * (1.0 - worst);
        // Channels leave the internode again as myelin returns.
        let bare = ((0.5 - myelin) / 0.5).clamp(0.0, 1.0);
        (myelin, self.sodium * done(self.sodium_half_life * draw.sodium_half_life) * bare)
    }
}

/// Where the sum of equal waves at these delays peaks near their median, and its height as a share of their number.
///
/// Climbs by mean shift (Fukunaga and Hostetler 1975), which cannot overshoot.
fn summed_peak(delays: &[f64]) -> (f64, f64) {
    let mut sorted = delays.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut peak = sorted[sorted.len() / 2];
    let mut height = 0.0;
    for _ in 0..40 {
        let (mut weights, mut moment) = (0.0, 0.0);
        for delay in delays {
            let weight = (-0.5 * ((peak - delay) / WAVE_MS).powi(2)).exp();
            weights += weight;
            moment += weight * delay;
        }
        height = weights / delays.len() as f64;
        let next = moment / weights;
        if (next - peak).abs() < 0.01 {
            break;
        }
        peak = next;
    }
    (peak, height)
}

fn latency_band(readouts: &[Readouts]) -> Option<Band> {
    let known: Vec<f64> = readouts.iter().filter_map(|r| r.0).collect();
    (known.len() * 2 > readouts.len()).then(|| band(known))
}

fn band(mut values: Vec<f64>) -> Band {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    Band { low: at(0.05), median: at(0.5), high: at(0.95) }
}

impl CourseReport {
    /// The main figures in a sentence.
    pub fn words(&self) -> String {
        let latencies = self.latency_ms.iter().flatten();
        let longest = latencies.clone().map(|b| b.median).fold(self.scenario.latency, f64::max);
        let least = self.conducting.iter().map(|b| b.median).fold(1.0, f64::min);
        let end = self.latency_ms.last().copied().flatten();
        let end =
            end.map_or("no response".into(), |b| format!("latency {:.1} ms ({:.1} to {:.1})", b.median, b.low, b.high));
        let inside = self.compared.iter().filter(|c| c.within).count();
        let compared = match self.compared.len() {
            0 => String::new(),
            all => format!("\n{inside} of {all} measured latencies lie within the model's nine tenths"),
        };
        format!(
            "{:.0} days, {} lesions, {} draws: longest latency {longest:.1} ms, fewest fibres conducting {:.0}%; at the end \
             {end}{compared}\n{}",
            self.scenario.days,
            self.scenario.lesions.len(),
            self.scenario.draws,
            least * 100.0,
            self.caveat
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_lesions_count_once() {
        let response = Response::at(37.0).expect("the cable runs");
        let lesion =
            |place: f64, length: f64, myelin: f64| Lesion { name: String::new(), place, length, day: 0.0, myelin };
        // No spread: every draw is the scenario itself.
        let delay = |lesions: &[Lesion]| {
            let scenario = CourseScenario {
                lesions: lesions.to_vec(),
                spread: 0.0,
                fibre_spread: 0.0,
                ..CourseScenario::default()
            };
            scenario.check().expect("accepted");
            scenario.fibre_delay(&scenario.draw(0), [1.0, scenario.spacing_mm(1.0)], &response, 7.0)
        };
        let near = |a: Option<f64>, b: f64| a.is_some_and(|a| (a - b).abs() < 1e-9 * b);
        let one = delay(&[lesion(10.0, 12.0, 0.2)]).expect("conducts");
        assert!(one > 0.0);
        // Twice the same, one within the other, half of each in the other, side by side, and far from each other.
        assert!(near(delay(&[lesion(10.0, 12.0, 0.2), lesion(10.0, 12.0, 0.2)]), one));
        assert!(near(delay(&[lesion(10.0, 12.0, 0.2), lesion(14.0, 3.0, 0.2)]), one));
        assert!(near(delay(&[lesion(10.0, 12.0, 0.2), lesion(16.0, 12.0, 0.2)]), 1.5 * one));
        assert!(near(delay(&[lesion(10.0, 12.0, 0.2), lesion(22.0, 12.0, 0.2)]), 2.0 * one));
        assert!(near(delay(&[lesion(30.0, 12.0, 0.2), lesion(10.0, 12.0, 0.2)]), 2.0 * one));
        // The worse of two decides where they overlap, in whatever order they are named.
        let (worse, mild) = (delay(&[lesion(10.0, 12.0, 0.1)]).expect("conducts"), lesion(10.0, 24.0, 0.2));
        for lesions in [[mild.clone(), lesion(10.0, 12.0, 0.1)], [lesion(10.0, 12.0, 0.1), mild]] {
            assert!(near(delay(&lesions), worse + one));
        }
        // One that blocks does so under a milder one, too.
        assert_eq!(delay(&[lesion(10.0, 12.0, 0.01), lesion(10.0, 12.0, 0.2)]), None);
    }
}
