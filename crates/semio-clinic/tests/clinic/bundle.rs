//! A model that nobody trained, with everything that a trained one has: what counts here is how its results are kept.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use semio_data::synth::{Job, SynthOptions, synthesize};
use semio_image::{Color, Pipeline};
use semio_model::{
    Aims, Bundle, Calibration, DataUsed, Decision, Device, Evidence, GroupKind, Manifest, Novelty, OutputKind,
    Predictor, SCHEMA, Sight,
};
use semio_nn::{Architecture, Network};

/// The folder of models of one test, made when it is first asked for: tests run at the same time, and a bundle that is
/// written anew is for a moment not there.
pub(crate) fn models(folder: &Path) -> PathBuf {
    models_of(folder, "lenet5", 32)
}

/// The same with another network, whose pictures have this side: a larger one reads slowly enough to be interrupted.
pub(crate) fn models_of(folder: &Path, architecture: &str, side: usize) -> PathBuf {
    let models = folder.join("models");
    if !models.exists() {
        make(architecture, side).write(&models.join("pneumonia/v1/bundle"), &[]).unwrap();
    }
    models
}

/// A synthetic radiograph of 64 × 64 pixels.
pub(crate) fn radiograph(index: usize) -> semio_image::Image {
    let options = SynthOptions { size: 64, ..SynthOptions::new(Job::Pneumonia, 400, 7) };
    synthesize(&options, index).unwrap().image
}

/// An untrained bundle.
pub(crate) fn make(architecture: &str, side: usize) -> Bundle {
    let device = Device::flex();
    let mut manifest = Manifest {
        schema: SCHEMA,
        architecture: architecture.into(),
        head_layers: vec![],
        began_with: None,
        classes: vec!["normal".into(), "pneumonia".into()],
        output: OutputKind::Softmax,
        decision: Decision::MostProbable,
        classifier: None,
        classifier_sha256: None,
        calibration: None,
        calibration_sha256: None,
        pipeline: Pipeline::standard(side, side, Color::Grey),
        intended_use: "tests of the server".into(),
        data: DataUsed {
            source: "synthetic".into(),
            sha256: "0".repeat(64),
            counts: BTreeMap::new(),
            group_kind: GroupKind::Unsaid,
            groups_kept_together: None,
            leak: None,
        },
        pictures: None,
        pictures_sha256: None,
        code_version: "0".into(),
        weights_sha256: String::new(),
        metrics: serde_json::Value::Null,
    };
    manifest.calibration = None;
    let graph = Architecture::find(architecture).unwrap().build(&manifest.blueprint()).unwrap();
    let mut predictor = Predictor::new(Bundle { manifest, network: Network::new(Arc::new(graph), 3, &device) });
    let see = |range: std::ops::Range<usize>| -> Vec<Sight> {
        let prepared: Vec<_> = range.map(|i| predictor.prepare(&radiograph(i)).unwrap()).collect();
        predictor.see(&prepared)
    };
    let (known, own) = (see(0..60), see(60..120));
    // The class that the network gives is taken for the true one, so that some results are sure.
    let label = |sight: &Sight| usize::from(sight.logits[1] > sight.logits[0]);
    let labels = |sights: &[Sight]| sights.iter().map(label).collect::<Vec<_>>();
    let novelty = Novelty::fit(&known, &labels(&known), 2, &own, 0.05).unwrap();
    let evidence = Evidence::new(&own, &labels(&own), None);
    predictor.set_calibration(Some(Calibration::fit(evidence, Aims::default(), Some(novelty)).unwrap()));
    predictor.into_bundle()
}
