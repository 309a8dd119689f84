//! Class frequencies of a place, as a person states them.

use semio_model::Predictor;

use crate::fault::Fault;

/// Reads `ill=0.02,healthy=0.98` into one share a class of the model, in its order, and has the model take them.
pub(crate) fn adapt(predictor: &mut Predictor, text: &str) -> Result<(), Fault> {
    let classes = &predictor.manifest().classes;
    let even = 1.0 / classes.len() as f64;
    let example = classes.iter().map(|c| format!("{c}={even:.2}")).collect::<Vec<_>>().join(",");
    let wrong = |problem: String| Fault::usage(problem).help(format_args!("for example --prevalence {example}"));
    if predictor.manifest().calibration.is_none() {
        return Err(Fault::usage("the bundle is not calibrated")
            .help("train it again with a validation part: --prevalence rests on pictures kept for calibration"));
    }
    let mut shares = vec![None; classes.len()];
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=').ok_or_else(|| wrong(format!("{pair} is not CLASS=SHARE")))?;
        let class = classes.iter().position(|c| c == name.trim());
        let class = class.ok_or_else(|| wrong(format!("the model knows no class {name}")))?;
        let value: f64 = value.trim().parse().map_err(|_| wrong(format!("{value} is not a number")))?;
        shares[class] = Some(value);
    }
    let shares: Option<Vec<f64>> = shares.into_iter().collect();
    let shares = shares.ok_or_else(|| wrong("a class has no share".into()))?;
    predictor.set_prevalence(shares).map_err(|e| wrong(e.to_string()))
}

/// The shares that a model was adapted to, in words.
pub(crate) fn words(predictor: &Predictor) -> Option<String> {
    let of = |(class, share): (&String, &f64)| format!("{class} {share}");
    let shares: Vec<String> = predictor.manifest().classes.iter().zip(predictor.prevalence()?).map(of).collect();
    Some(shares.join(", "))
}
