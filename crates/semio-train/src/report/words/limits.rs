//! What to keep in mind, made from the numbers.

use semio_model::{GroupKind, Seen};
use semio_stats::wilson_interval;

use super::{correct, pictures, share};
use crate::{
    language::{Language, say},
    report::{Groups, PartUse, Report, leak},
};

/// Below this many pictures a class's figures are called rough.
const FEW_OF_CLASS: u64 = 30;
/// Below this many pictures the whole set is called small.
const FEW: u64 = 200;
/// From this ratio of the largest to the smallest class on, the classes are called uneven.
const UNEVEN: f64 = 3.0;

/// What to keep in mind.
pub(in crate::report) fn limits(report: &Report) -> Vec<String> {
    let language = report.language;
    let mut out = vec![part_use(report.data.part_use, language)];
    out.extend(report.split.as_ref().map(|s| groups(s.groups, s.group_kind, language)));
    out.extend(report.remarks.iter().cloned());
    out.extend(leak::sentences(&report.data, language));
    out.extend(by_chance(report));
    out.extend(classes(report));
    let left_out: u64 = report.data.left_out.iter().map(|l| l.count).sum();
    if left_out > 0 {
        let were = pictures(left_out, language);
        let were = match left_out {
            1 => say!(language, "{were} was left out", "{were} a été écartée"),
            _ => say!(language, "{were} were left out", "{were} ont été écartées"),
        };
        out.push(say!(
            language,
            "{were} (see Data); the figures say nothing about them.",
            "{were} (voir Données) ; les résultats n’en disent rien."
        ));
    }
    // On the calibration pictures the scaling and the sets do what they were fitted to do.
    if report.model.calibrated && matches!(report.data.part_use, PartUse::Selection | PartUse::Training) {
        out.push(say!(
            language,
            "Scaling, sets and threshold were fitted on about half of these pictures: their calibration and coverage are \
             somewhat too good here, too.",
            "L’échelle, les ensembles et le seuil ont été ajustés sur la moitié environ de ces images : calibration et \
             couverture y sont aussi un peu trop bonnes."
        ));
    }
    if !report.model.calibrated {
        out.push(say!(
            language,
            "The probabilities are the network's own and not calibrated: of 100 pictures with a score of 90\u{a0}%, more \
             or fewer than 90 may be of that class.",
            "Les probabilités sont celles du réseau et ne sont pas calibrées : sur 100 images au score de 90 %, plus ou \
             moins de 90 peuvent être de cette classe."
        ));
    }
    out.push(say!(
        language,
        "Precision and negative predictive value hold for the share of each class among these pictures; where a class is \
         rarer or more frequent, they differ.",
        "La précision et la valeur prédictive négative valent pour la part de chaque classe parmi ces images ; là où une \
         classe est plus rare ou plus fréquente, elles diffèrent."
    ));
    out
}

/// How far the accuracy may be off by chance.
fn by_chance(report: &Report) -> Option<String> {
    let (e, language) = (&report.evaluation, report.language);
    let n = e.overall.n;
    let few = if n < FEW { say!(language, "This is a small set. ", "L’ensemble est petit. ") } else { String::new() };
    if let Some(interval) = report.verdict.as_ref().and_then(|v| v.intervals.figures.accuracy) {
        let [low, high] = [interval.low, interval.high].map(|share| language.percent(share));
        return Some(say!(
            language,
            "{few}By chance alone, the accuracy on such a set may come out anywhere between about {low} and {high}.",
            "{few}Par le seul hasard, l’exactitude sur un tel ensemble peut se situer entre environ {low} et {high}."
        ));
    }
    let (low, high) = wilson_interval(correct(&e.overall.confusion_matrix), n)?;
    let ([low, high], pictures) = ([low, high].map(|share| language.percent(share)), pictures(n, language));
    Some(say!(
        language,
        "{few}By chance alone, the accuracy on {pictures} may come out anywhere between about {low} and {high} (Wilson's \
         95\u{a0}% interval, each picture taken as independent; where a patient has several pictures, the range is wider).",
        "{few}Par le seul hasard, l’exactitude sur {pictures} peut se situer entre environ {low} et {high} (intervalle de \
         Wilson à 95 %, chaque image tenue pour indépendante ; lorsqu’un patient a plusieurs images, l’intervalle est plus \
         large)."
    ))
}

/// Rare and uneven classes.
fn classes(report: &Report) -> Vec<String> {
    let (e, language) = (&report.evaluation, report.language);
    let supports: Vec<(&String, u64)> = e.overall.per_class.iter().map(|(c, f)| (c, f.support)).collect();
    let mut out = vec![];
    let rare: Vec<String> =
        supports.iter().filter(|(_, s)| *s < FEW_OF_CLASS).map(|(c, s)| format!("{c} ({s})")).collect();
    if !rare.is_empty() {
        let rare = rare.join(", ");
        out.push(say!(
            language,
            "Few pictures of: {rare}. The figures of a class with so few are rough.",
            "Peu d’images de : {rare}. Les résultats d’une classe qui en a si peu sont grossiers."
        ));
    }
    let least = supports.iter().filter(|(_, s)| *s > 0).min_by_key(|(_, s)| *s);
    let most = supports.iter().max_by_key(|(_, s)| *s);
    if let (Some((small, least)), Some((large, most))) = (least, most)
        && *most as f64 / *least as f64 >= UNEVEN
    {
        let times = language.decimal(*most as f64 / *least as f64, 1);
        out.push(say!(
            language,
            "The classes are uneven: {times} times as many pictures of {large} as of {small}. The accuracy says little \
             about the smaller classes; look at the balanced accuracy and at each class.",
            "Les classes sont inégales : {times} fois plus d’images de {large} que de {small}. L’exactitude dit peu des \
             petites classes ; regardez l’exactitude équilibrée et chaque classe."
        ));
    }
    out
}

fn part_use(part_use: PartUse, language: Language) -> String {
    match part_use {
        PartUse::Training => say!(
            language,
            "The network was trained on these pictures, or on some of them: the figures show what it remembers, not what it \
             would do on new ones.",
            "Le réseau a été entraîné sur ces images, ou sur une partie d’entre elles : les résultats montrent ce qu’il a \
             retenu, non ce qu’il ferait sur de nouvelles."
        ),
        PartUse::Selection => say!(
            language,
            "These pictures were also used to choose the epoch or the settings: the figures are somewhat too good. A test \
             on pictures set apart is still to be done.",
            "Ces images ont aussi servi à choisir l’époque ou les réglages : les résultats sont un peu trop bons. Un test \
             mis à part reste à faire."
        ),
        PartUse::HeldOut => say!(
            language,
            "These pictures were not used in training, but come from the same collection: at another place, with other \
             devices and patients, the figures may be lower.",
            "Ces images n’ont pas servi à l’entraînement, mais viennent de la même collection : ailleurs, avec d’autres \
             appareils et d’autres patients, les résultats peuvent être moins bons."
        ),
        PartUse::CrossValidation => say!(
            language,
            "Each picture was judged by a network that had not seen it, but all come from one collection: at another \
             place, with other devices and patients, the figures may be lower.",
            "Chaque image a été jugée par un réseau qui ne l’avait pas vue, mais toutes viennent d’une même collection : \
             ailleurs, avec d’autres appareils et d’autres patients, les résultats peuvent être moins bons."
        ),
        PartUse::Mixed(seen) => mixed(seen, language),
        PartUse::New => say!(
            language,
            "None of these pictures is among those that the model was made from (compared by the content of their files). \
             Whether they show the same patients was not compared. The figures describe this collection only.",
            "Aucune de ces images n’est parmi celles dont le modèle est issu (comparées par le contenu de leurs fichiers). On \
             n’a pas comparé si elles montrent les mêmes patients. Les résultats ne décrivent que cette collection."
        ),
        PartUse::Unknown => say!(
            language,
            "It is not known whether the network was trained or tuned on these pictures: if so, the figures are too good.",
            "On ne sait pas si le réseau a été entraîné ou réglé sur ces images : si oui, les résultats sont trop bons."
        ),
    }
}

/// What it means that only some of the pictures are new.
fn mixed(seen: Seen, language: Language) -> String {
    let Seen { learned_from, chose, set_aside, new } = seen;
    let all = language.count((learned_from + chose + set_aside + new) as u64);
    let [learned, chosen] = [learned_from, chose].map(|n| language.count(n as u64));
    if learned_from + chose == 0 {
        return say!(
            language,
            "None of these pictures was used in training (compared by the content of their files). Whether they show the same \
             patients was not compared.",
            "Aucune de ces images n’a servi à l’entraînement (comparées par le contenu de leurs fichiers). On n’a pas comparé \
             si elles montrent les mêmes patients."
        );
    }
    say!(
        language,
        "Of the {all} pictures, the network learned from {learned}, and {chosen} more chose its epoch or say how sure it is \
         (compared by the content of their files): the figures are too good.",
        "Sur les {all} images, le réseau a appris de {learned}, et {chosen} autres ont choisi son époque ou disent sa certitude \
         (comparées par le contenu de leurs fichiers) : les résultats sont trop bons."
    )
}

/// Whether groups were respected.
pub(in crate::report) fn groups(groups: Groups, kind: GroupKind, language: Language) -> String {
    match groups {
        Groups::Kept { groups } if kind == GroupKind::Patients => {
            let groups = language.count(groups);
            say!(
                language,
                "Pictures of one patient stayed in one part: none of the {groups} patients is in two.",
                "Les images d’un même patient sont restées dans une même partie : aucun des {groups} patients n’est dans deux."
            )
        }
        Groups::Kept { groups } if kind == GroupKind::LookAlikes => {
            let groups = language.count(groups);
            say!(
                language,
                "Pictures that look alike stayed in one part: none of the {groups} groups of look-alikes is in two. Which \
                 pictures belong to the same patient is not known: pictures of one patient that do not look alike may stand on \
                 both sides of the split, and the figures may be too good.",
                "Les images qui se ressemblent sont restées dans une même partie : aucun des {groups} groupes d’images \
                 ressemblantes n’est dans deux. On ne sait pas quelles images viennent d’un même patient : des images d’un \
                 patient qui ne se ressemblent pas peuvent se trouver des deux côtés du découpage, et les résultats être trop \
                 bons."
            )
        }
        Groups::Unknown => say!(
            language,
            "Which pictures belong to the same patient is not known: pictures of one patient may stand on both sides of \
             the split, and the figures may be too good.",
            "On ne sait pas quelles images viennent d’un même patient : des images d’un patient peuvent se trouver des deux \
             côtés du découpage, et les résultats être trop bons."
        ),
        Groups::Kept { groups } => {
            let groups = language.count(groups);
            say!(
                language,
                "Pictures that belong together (for example to one patient) stayed in one part: none of the {groups} \
                 groups lies in two.",
                "Les images qui vont ensemble (par exemple d’un même patient) sont restées dans une même partie : aucun des \
                 {groups} groupes n’est dans deux."
            )
        }
        Groups::Divided => say!(
            language,
            "Pictures that belong together lie in more than one part: the figures may be too good.",
            "Des images qui vont ensemble se trouvent dans plusieurs parties : les résultats peuvent être trop bons."
        ),
        Groups::Shared { groups, shared } => {
            let share = share(shared, groups, language);
            say!(
                language,
                "Pictures that belong together lie in more than one part for {share} groups: the figures may be too good.",
                "Des images qui vont ensemble se trouvent dans plusieurs parties pour {share} groupes : les résultats \
                 peuvent être trop bons."
            )
        }
    }
}
