//! The scenario files in `examples/` are read and run.

#![expect(clippy::unwrap_used, reason = "tests")]

use semio_twin::{
    axon::AxonScenario, course::CourseScenario, network::NetworkScenario, neuron::NeuronScenario, picture,
};
use serde::de::DeserializeOwned;

fn example<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/../../examples/twin-{name}.toml", env!("CARGO_MANIFEST_DIR"));
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_example_runs_and_is_drawn_in_both_languages() {
    let neurons = example::<NeuronScenario>("r0-neuron").run().unwrap();
    assert_eq!(neurons.iter().map(|n| n.spikes).collect::<Vec<_>>(), [22, 9, 4]);
    let adex = example::<NeuronScenario>("adex").run().unwrap();
    let intervals: Vec<f64> = adex[0].spike_times_ms.windows(2).map(|s| s[1] - s[0]).collect();
    assert!(intervals.len() > 3 && intervals[0] < intervals[3], "it adapts: {intervals:?}");
    let lesion = example::<AxonScenario>("lesion").run().unwrap();
    assert!(!lesion.blocked && lesion.velocity_m_per_s.unwrap() < 35.0);
    let chain = example::<NetworkScenario>("chain").run().unwrap();
    assert!(chain.transmission.unwrap() < 0.6);
    let course = CourseScenario { draws: 20, ..example::<CourseScenario>("course") }.run().unwrap();
    assert_eq!(course.compared.len(), 3);
    for language in [picture::Language::En, picture::Language::Fr] {
        for (svg, word) in [
            (picture::membrane(&neurons, language), "τ = 20 ms"),
            (picture::membrane(&adex, language), "AdEx"),
            (picture::impulse(&lesion, language), "18–21"),
            (picture::raster(&chain, language), "+3 ± 1 ms"),
            (picture::course(&course, language), "optic neuritis"),
        ] {
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && svg.contains(word), "{word}");
            assert!(["NaN", "inf,", ",inf", "\"inf\""].iter().all(|bad| !svg.contains(bad)), "{word}");
        }
    }
}
