//! Sentences made from numbers, in every language.

mod certainty;
mod limits;
mod looked;

pub(super) use certainty::{certainty, intervals};
pub(super) use limits::{groups, limits};
pub(super) use looked::looked;

use super::{Data, PartUse, Report, Stopping};
use crate::language::{Language, say};
use semio_model::{GroupKind, Outcome};
use semio_stats::{Evaluation, Undefined};

/// By what pictures are drawn together: an adverb.
pub(crate) fn by_group(kind: GroupKind, language: Language) -> String {
    match kind {
        GroupKind::Patients => say!(language, "by patient", "par patient"),
        GroupKind::LookAlikes => {
            say!(language, "by groups of look-alikes", "par groupes d’images ressemblantes")
        }
        GroupKind::Unsaid => {
            say!(language, "by patient or group where known", "par patient ou groupe lorsqu’ils sont connus")
        }
    }
}

/// `84.1 % (1,102 of 1,311)`.
pub(super) fn share(part: u64, whole: u64, language: Language) -> String {
    let [counted, of] = [part, whole].map(|n| language.count(n));
    if whole == 0 {
        return say!(language, "{counted} of {of}", "{counted} sur {of}");
    }
    let percent = language.percent(part as f64 / whole as f64);
    say!(language, "{percent} ({counted} of {of})", "{percent} ({counted} sur {of})")
}

/// The result in a few sentences.
pub(super) fn brief(report: &Report) -> Vec<String> {
    let (e, language) = (&report.evaluation, report.language);
    let n = e.overall.n;
    let correct = share(correct(&e.overall.confusion_matrix), n, language);
    let (pictures, part) = (pictures(n, language), part(&report.data, language));
    let mut out = vec![say!(
        language,
        "On {pictures} {part} the class given by the model was the true one for {correct}.",
        "Sur {pictures} {part}, la classe donnée par le modèle était la vraie pour {correct}."
    )];
    if let Some((class, most)) = e.overall.per_class.iter().map(|(c, f)| (c, f.support)).max_by_key(|(_, s)| *s) {
        let share = share(most, n, language);
        out.push(say!(
            language,
            "Always giving the most frequent class, {class}, would be right for {share}.",
            "Donner toujours la classe la plus fréquente, {class}, serait juste pour {share}."
        ));
    }
    out.extend(ranking(e, language));
    out.extend(weakest(e, language));
    let answered = e.selective.n;
    if answered < n {
        let right = share(self::correct(&e.selective.confusion_matrix), answered, language);
        let right = if answered > 0 {
            say!(language, "; of these, {right} were right", " ; parmi elles, {right} étaient justes")
        } else {
            String::new()
        };
        let answered = share(answered, n, language);
        out.push(say!(
            language,
            "The model gave an answer for {answered}{right}.",
            "Le modèle a donné une réponse pour {answered}{right}."
        ));
    }
    out
}

fn ranking(e: &Evaluation, language: Language) -> Option<String> {
    let auc = e.overall.roc_auc.ok()?;
    let of_hundred = if auc < 1.0 { (auc * 100.0).round().min(99.0) } else { 100.0 };
    let area = language.area(auc);
    Some(match e.classes.as_slice() {
        [first, second] => say!(
            language,
            "Of 100 pairs of a picture of {second} and one of {first}, the former got the higher score in about \
             {of_hundred:.0} (ROC-AUC {area}).",
            "Sur 100 paires d’une image de {second} et d’une de {first}, la première a reçu le score le plus élevé dans \
             environ {of_hundred:.0} (ROC-AUC {area})."
        ),
        _ => say!(
            language,
            "Of 100 pairs of a picture of a class and one of another, averaged over the classes, the picture of the class \
             got the higher score in about {of_hundred:.0} (ROC-AUC {area}).",
            "Sur 100 paires d’une image d’une classe et d’une d’une autre, en moyenne des classes, l’image de la classe a \
             reçu le score le plus élevé dans environ {of_hundred:.0} (ROC-AUC {area})."
        ),
    })
}

fn weakest(e: &Evaluation, language: Language) -> Option<String> {
    let rows = e.overall.confusion_matrix.iter().zip(e.overall.per_class.iter()).enumerate();
    let (index, (row, (class, figures))) = rows
        .filter(|(_, (_, (_, f)))| f.recall.is_ok_and(|r| r < 1.0))
        .min_by(|a, b| a.1.1.1.recall.unwrap_or(1.0).total_cmp(&b.1.1.1.recall.unwrap_or(1.0)))?;
    let hits = row.get(index).copied().unwrap_or(0);
    let others = row.iter().enumerate().filter(|(given, _)| *given != index);
    let (given, most) = others.max_by_key(|&(given, n)| (*n, std::cmp::Reverse(given)))?;
    let mistaken = e.classes.get(given)?;
    let (hits, most) = (share(hits, figures.support, language), language.count(*most));
    Some(say!(
        language,
        "The class found least often is {class}: {hits} of its pictures were recognised; {most} were given {mistaken}.",
        "La classe la moins souvent trouvée est {class} : {hits} de ses images ont été reconnues ; {most} ont reçu \
         {mistaken}."
    ))
}

/// How training ended.
pub(super) fn training(epochs: usize, best: Option<u32>, stopping: &Stopping, language: Language) -> String {
    if matches!(stopping, Stopping::NotTrained) {
        return say!(
            language,
            "The network's weights stayed as they were; a classical method was fitted to its features at once.",
            "Les poids du réseau sont restés tels quels ; une méthode classique a été ajustée d’un coup à ses \
             caractéristiques."
        );
    }
    let run = if epochs == 1 {
        say!(language, "1 epoch was run", "1 époque a été parcourue")
    } else {
        say!(language, "{epochs} epochs were run", "{epochs} époques ont été parcourues")
    };
    let best = best.map_or_else(String::new, |best| {
        say!(language, "; the weights of epoch {best} were kept", " ; les poids de l’époque {best} ont été gardés")
    });
    let why = match stopping {
        Stopping::NotTrained => String::new(),
        Stopping::AllEpochs => say!(
            language,
            "Training ended because all epochs asked for were done.",
            "L’entraînement a pris fin parce que toutes les époques demandées étaient faites."
        ),
        Stopping::NoImprovement { metric, patience } => say!(
            language,
            "Training ended because the {metric} did not improve for {patience} epochs.",
            "L’entraînement a pris fin parce que la mesure suivie ({metric}) ne s’améliorait plus depuis {patience} époques."
        ),
        Stopping::Interrupted => {
            say!(language, "Training was ended by hand.", "L’entraînement a été arrêté à la main.")
        }
    };
    format!("{run}{best}. {why}")
}

/// How the folds differ.
pub(super) fn folds(report: &Report) -> String {
    let language = report.language;
    let accuracies: Vec<f64> = report.folds.iter().filter_map(|f| f.evaluation.overall.accuracy.ok()).collect();
    let (low, high) = accuracies.iter().fold((f64::INFINITY, 0.0f64), |(l, h), &a| (l.min(a), h.max(a)));
    let all = say!(
        language,
        "The other sections of this report pool the predictions of all folds.",
        "Les autres sections de ce rapport réunissent les prédictions de tous les plis."
    );
    if accuracies.is_empty() {
        return all;
    }
    let (n, low, high) = (report.folds.len(), language.percent(low), language.percent(high));
    say!(
        language,
        "The accuracy of the {n} folds lies between {low} and {high}. {all}",
        "L’exactitude des {n} plis se situe entre {low} et {high}. {all}"
    )
}

/// What an example shows.
pub(super) fn example(given: &str, probability: f64, outcome: Outcome, language: Language) -> String {
    let score = language.percent(probability);
    match outcome {
        Outcome::Answered => say!(
            language,
            "The model's result suggests {given} (score\u{a0}{score})",
            "Le résultat du modèle évoque {given} (score\u{a0}{score})"
        ),
        Outcome::Unsure(_) => say!(
            language,
            "Not sure; its likeliest class is {given} (score\u{a0}{score})",
            "Incertain ; sa classe la plus probable est {given} (score\u{a0}{score})"
        ),
        Outcome::Refused(_) => say!(
            language,
            "Refused as unlike the pictures that it knows; it would have said {given} (score\u{a0}{score})",
            "Refusée, car différente des images connues ; il aurait dit {given} (score\u{a0}{score})"
        ),
    }
}

/// What a screen reader says of an example's picture.
pub(super) fn thumbnail(file: &str, language: Language) -> String {
    say!(language, "Thumbnail of {file}", "Vignette de {file}")
}

/// What a screen reader says of an example's map.
pub(super) fn map(file: &str, language: Language) -> String {
    say!(language, "The same with the map of attention: {file}", "La même avec la carte d’attention : {file}")
}

/// Where the figures of the classes cannot be drawn.
pub(super) fn too_many_classes(classes: usize, language: Language) -> String {
    let classes = language.count(classes as u64);
    say!(
        language,
        "With {classes} classes the matrix and the curves are too large to draw; evaluation.json holds them.",
        "Avec {classes} classes, la matrice et les courbes sont trop grandes pour être dessinées ; evaluation.json les \
         contient."
    )
}

/// Where thumbnails were left out to keep the page small.
pub(super) fn thumbnails_left_out(n: u64, language: Language) -> String {
    let counted = language.count(n);
    if n == 1 {
        say!(
            language,
            "1 thumbnail was left out to keep this file small.",
            "1 vignette a été omise pour que ce fichier reste petit."
        )
    } else {
        say!(
            language,
            "{counted} thumbnails were left out to keep this file small.",
            "{counted} vignettes ont été omises pour que ce fichier reste petit."
        )
    }
}

/// Why a figure has no value.
pub(super) fn undefined(reason: Undefined, language: Language) -> String {
    let english = reason.words();
    match reason {
        Undefined::NoPredictions => say!(language, "{english}", "il n’y a aucune prédiction à juger"),
        Undefined::NoPositives => say!(language, "{english}", "aucune image n’est de cette classe"),
        Undefined::NoNegatives => say!(language, "{english}", "toutes les images sont de cette classe"),
        Undefined::NeverGiven => say!(language, "{english}", "cette classe n’est jamais donnée"),
        Undefined::AlwaysGiven => say!(language, "{english}", "cette classe est toujours donnée"),
        Undefined::NeitherPresentNorGiven => say!(language, "{english}", "cette classe n’est ni présente ni donnée"),
        Undefined::OneClassPresent => say!(language, "{english}", "une seule classe est présente"),
        Undefined::OneClassPresentOrGiven => {
            say!(language, "{english}", "une seule classe est présente, ou une seule est donnée")
        }
        Undefined::UndefinedMember => say!(language, "{english}", "non défini pour au moins une classe"),
        Undefined::NoVariation => say!(language, "{english}", "rien ne diffère qui permette de le mesurer"),
        Undefined::Unstated => say!(language, "{english}", "aucune raison n’est donnée"),
    }
}

fn part(data: &Data, language: Language) -> String {
    let part = &data.part;
    if data.part_use == PartUse::CrossValidation {
        return say!(language, "of all folds", "de tous les plis");
    }
    if part.is_empty() {
        say!(language, "of the data", "des données")
    } else {
        say!(language, "of the part “{part}”", "de la partie « {part} »")
    }
}

fn pictures(n: u64, language: Language) -> String {
    let counted = language.count(n);
    if n == 1 {
        say!(language, "1 picture", "1 image")
    } else {
        say!(language, "{counted} pictures", "{counted} images")
    }
}

/// The sum of the diagonal.
pub(super) fn correct(matrix: &[Vec<u64>]) -> u64 {
    matrix.iter().enumerate().filter_map(|(i, row)| row.get(i)).sum()
}
