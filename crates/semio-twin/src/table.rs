//! Results as CSV, and numbers from it.

use std::fmt::Write;

use crate::{axon::AxonReport, course::CourseReport, error::TwinError, network::NetworkReport, neuron::NeuronReport};

/// Membrane curves: neuron, time, potential, and 1 where a spike is fired.
pub fn membranes(reports: &[NeuronReport]) -> String {
    let mut text = "neuron,time_ms,potential,spike\n".to_owned();
    for (i, report) in reports.iter().enumerate() {
        let name = report.preset.clone().unwrap_or_else(|| i.to_string());
        let mut spikes = report.spike_times_ms.iter().peekable();
        for (time, potential) in report.curve.time_ms.iter().zip(&report.curve.potential) {
            let spike = u8::from(spikes.next_if(|s| *s <= time).is_some());
            let _ = writeln!(text, "{name},{time},{potential},{spike}");
        }
    }
    text
}

/// A sweep where there is one; else the nodes: place, first arrival, amplitude.
pub fn axon(report: &AxonReport) -> String {
    let said = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
    if let Some(sweep) = &report.sweep {
        let rows = sweep.points.iter().map(|p| format!("{},{}\n", p.value, said(p.velocity_m_per_s)));
        let name = format!("{:?}", sweep.varied).to_lowercase();
        return format!("{name},velocity_m_per_s\n{}", rows.collect::<String>());
    }
    let mut text = "node,place_mm,arrival_ms,amplitude_mv\n".to_owned();
    for (node, (arrival, amplitude)) in report.arrival_ms.iter().zip(&report.amplitude_mv).enumerate() {
        let place = node as f64 * report.spacing_um * 1e-3;
        let _ = writeln!(text, "{node},{place},{},{amplitude}", said(*arrival));
    }
    text
}

/// Spikes: neuron and time.
pub fn raster(report: &NetworkReport) -> String {
    let rows = report.raster.iter().map(|s| format!("{},{}\n", s.neuron, s.time_ms));
    format!("neuron,time_ms\n{}", rows.collect::<String>())
}

/// A course: for each day latency, amplitude and share of conducting fibres, each with its nine tenths.
pub fn course(report: &CourseReport) -> String {
    let mut text = "day".to_owned();
    for name in ["latency_ms", "amplitude", "conducting"] {
        let _ = write!(text, ",{name}_low,{name}_median,{name}_high");
    }
    text.push('\n');
    for (i, day) in report.day.iter().enumerate() {
        let _ = write!(text, "{day}");
        for band in [report.latency_ms[i], Some(report.amplitude[i]), Some(report.conducting[i])] {
            match band {
                Some(b) => _ = write!(text, ",{},{},{}", b.low, b.median, b.high),
                None => text.push_str(",,,"),
            }
        }
        text.push('\n');
    }
    text
}

/// Numbers of a text with one a line; a first line that is none is taken as a heading.
///
/// # Errors
/// Names the line that holds no number.
pub fn numbers(text: &str) -> Result<Vec<f64>, TwinError> {
    let lines = text.lines().enumerate().map(|(i, l)| (i, l.trim())).filter(|(_, l)| !l.is_empty());
    let heading = |i: usize, line: &str| i == 0 && line.parse::<f64>().is_err();
    lines
        .filter(|(i, line)| !heading(*i, line))
        .map(|(i, line)| line.parse().map_err(|_| TwinError::contradiction(format!("line {} holds no number", i + 1))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neuron::NeuronScenario;

    #[test]
    fn each_spike_stands_once_in_the_table() {
        let reports = NeuronScenario::default().run().expect("the defaults run");
        let text = membranes(&reports);
        assert_eq!(text.lines().filter(|l| l.ends_with(",1")).count(), 22);
        assert!(text.lines().all(|l| l.split(',').count() == 4));
    }

    #[test]
    fn numbers_are_read_and_what_is_none_is_named() {
        assert_eq!(numbers("current\n1.5\n\n-2e-1\n"), Ok(vec![1.5, -0.2]));
        assert_eq!(numbers("1\ntwo\n").expect_err("no number").to_string(), "line 2 holds no number");
    }
}
