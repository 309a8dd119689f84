//! How sure results are, in sentences.

use semio_model::GroupKind;

use crate::{
    Verdict,
    language::{Language, say},
    verdict::CalibrationFigures,
};

use super::share;

/// What is drawn for the intervals.
pub(in crate::report) fn intervals(verdict: &Verdict, n: u64, language: Language) -> String {
    let groups = verdict.intervals.groups as u64;
    let counted = language.count(groups);
    let kind = verdict.intervals.group_kind;
    if groups < n && kind == GroupKind::Patients {
        say!(
            language,
            "Intervals: 95 %, BCa bootstrap, stratified by class, whole patients drawn ({counted} of them).",
            "Intervalles : 95 %, bootstrap BCa, stratifié par classe, par tirage de patients entiers ({counted})."
        )
    } else if groups < n && kind == GroupKind::LookAlikes {
        say!(
            language,
            "Intervals: 95 %, BCa bootstrap, stratified by class, whole groups of look-alikes drawn ({counted} of them). A \
             group is not a patient: which pictures are of one patient is not known, and by patient the intervals may be wider.",
            "Intervalles : 95 %, bootstrap BCa, stratifié par classe, par tirage de groupes entiers d’images ressemblantes \
             ({counted}). Un groupe n’est pas un patient : on ne sait pas quelles images viennent d’un même patient, et par \
             patient les intervalles peuvent être plus larges."
        )
    } else if groups < n {
        say!(
            language,
            "Intervals: 95 %, BCa bootstrap, stratified by class, whole patients or groups drawn ({counted} of them).",
            "Intervalles : 95 %, bootstrap BCa, stratifié par classe, par tirage de patients ou de groupes entiers \
             ({counted})."
        )
    } else {
        say!(
            language,
            "Intervals: 95 %, BCa bootstrap, stratified by class; no two pictures are known to be of one patient or group, so \
             each is taken as independent.",
            "Intervalles : 95 %, bootstrap BCa, stratifié par classe ; aucun patient ni groupe connu n’a deux images, chacune \
             est donc tenue pour indépendante."
        )
    }
}

/// How sure the results are.
pub(in crate::report) fn certainty(verdict: &Verdict, coverage: Option<f64>, language: Language) -> Vec<String> {
    let mut out = vec![];
    if let Some(c) = &verdict.calibration {
        let (error, chance) = (c.equal_width.ece, c.by_chance.percentile_95);
        let state = if c.calibrated {
            say!(language, "The probabilities are calibrated", "Les probabilités sont calibrées")
        } else {
            say!(language, "The probabilities are not calibrated", "Les probabilités ne sont pas calibrées")
        };
        let against = if error <= chance {
            say!(
                language,
                "no more than a perfectly calibrated model of this size shows in 95 of 100 samples",
                "pas davantage que ce que montre un modèle parfaitement calibré de cette taille dans 95 échantillons sur 100"
            )
        } else {
            say!(
                language,
                "more than chance explains: a perfectly calibrated model of this size stays below it in 95 of 100 samples",
                "plus que le hasard n’explique : un modèle parfaitement calibré de cette taille reste en dessous dans 95 \
                 échantillons sur 100"
            )
        };
        let (error, chance) = (language.decimal(error, 3), language.decimal(chance, 3));
        out.push(say!(
            language,
            "{state}: they are off by {error} in the mean (expected calibration error in ten bins of equal width), which \
             is {against} ({chance}).",
            "{state} : elles s’écartent en moyenne de {error} (erreur de calibration attendue, dix classes de même \
             largeur), soit {against} ({chance})."
        ));
        out.push(further(c, language));
    }
    if let (Some(sets), Some(coverage)) = (&verdict.sets, coverage) {
        let [wanted, reached] = [coverage, sets.coverage].map(|share| language.percent(share));
        let size = language.decimal(sets.mean_size, 2);
        out.push(say!(
            language,
            "The set of classes given with each picture was made to hold the true one for {wanted} of such pictures; here \
             it did for {reached}, with {size} classes in the mean.",
            "L’ensemble de classes donné avec chaque image a été construit pour contenir la vraie dans {wanted} de telles \
             images ; ici il l’a contenue dans {reached}, avec {size} classes en moyenne."
        ));
        out.extend(by_class(verdict, language));
    }
    out.extend(outcomes(verdict, language));
    out
}

/// The figures of calibration that a statistician looks for.
fn further(c: &CalibrationFigures, language: Language) -> String {
    let decimal = |value: f64| language.decimal(value, 3);
    let [mass, width, brier] = [c.equal_mass.ece, c.equal_width.mce, c.brier.score].map(decimal);
    let [reliability, resolution, uncertainty] =
        [c.brier.reliability, c.brier.resolution, c.brier.uncertainty].map(decimal);
    say!(
        language,
        "In ten bins of equal numbers of pictures the error is {mass}; the largest gap of a bin of equal width is {width}. \
         Brier score {brier}: reliability {reliability} (less is better), resolution {resolution} (more is better), \
         uncertainty {uncertainty} (of the classes themselves).",
        "En dix classes de même effectif, l’erreur est de {mass} ; le plus grand écart d’une classe de même largeur est de \
         {width}. Score de Brier {brier} : fiabilité {reliability} (moins vaut mieux), résolution {resolution} (plus vaut \
         mieux), incertitude {uncertainty} (celle des classes elles-mêmes)."
    )
}

/// How often the sets hold the true class, class by class: the rate is promised over all of them only.
fn by_class(verdict: &Verdict, language: Language) -> Option<String> {
    let sets = verdict.sets.as_ref()?;
    let classes = verdict.evaluation.classes.iter().zip(&sets.class_coverage);
    let said: Vec<String> =
        classes.filter_map(|(class, own)| Some(format!("{class} {}", language.percent(own.coverage.ok()?)))).collect();
    let said = said.join(", ");
    (!said.is_empty()).then(|| say!(language, "By true class it did for: {said}.", "Par vraie classe : {said}."))
}

fn outcomes(verdict: &Verdict, language: Language) -> Option<String> {
    let o = verdict.outcomes;
    let all = (o.answered + o.unsure + o.refused) as u64;
    if o.unsure + o.refused == 0 {
        return None;
    }
    let [answered, unsure, refused] = [o.answered, o.unsure, o.refused].map(|n| share(n as u64, all, language));
    let right = verdict.evaluation.selective.accuracy.map_or_else(
        |_| String::new(),
        |accuracy| {
            let right = language.percent(accuracy);
            say!(language, " Of the answers, {right} were right.", " Parmi les réponses, {right} étaient justes.")
        },
    );
    Some(say!(
        language,
        "Answered: {answered}. Not sure, a person should look: {unsure}. Refused as unlike the pictures that the model \
         knows: {refused}.{right}",
        "Répondu : {answered}. Incertain, une personne doit regarder : {unsure}. Refusé, car différent des images que le \
         modèle connaît : {refused}.{right}"
    ))
}
