//! probe
use semio_twin::{axon::*, neuron::*, picture::*};
fn main() {
    let out =
        |name: &str, text: String| std::fs::write(format!("/work/scratch/twin-pictures/{name}.svg"), text).unwrap();
    let s = NeuronScenario {
        preset: ["healthy", "partial", "severe"].map(str::to_owned).to_vec(),
        ..NeuronScenario::default()
    };
    out("neuron", membrane(&s.run().unwrap(), Language::En));
    out("neuron_fr", membrane(&s.run().unwrap(), Language::Fr));
    let s = NeuronScenario { waveform: Waveform::Noisy, current: 1.0, refractory: 2.0, ..NeuronScenario::default() };
    out("noisy", membrane(&s.run().unwrap(), Language::En));
    let s = AxonScenario { sweep: Some(Varied::Myelin), ..AxonScenario::default() };
    let r = s.run().unwrap();
    out("axon", impulse(&r, Language::En));
    out("sweep", velocity(&r, r.sweep.as_ref().unwrap(), Language::Fr));
    let s = AxonScenario { lesion: Some("18-21".into()), myelin: 0.02, ..AxonScenario::default() };
    out("block", impulse(&s.run().unwrap(), Language::Fr));
    let s = AxonScenario { lesion: Some("18-21".into()), myelin: 0.05, ..AxonScenario::default() };
    out("slow", impulse(&s.run().unwrap(), Language::En));
}
