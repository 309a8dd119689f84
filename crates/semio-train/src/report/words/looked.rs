//! Where the model looked, in sentences.

use super::share;
use crate::{
    Faith,
    language::{Language, say},
    report::{Maps, Report},
};

/// What the maps show, what they do not, and how they lie beside masks; none where there are neither pictures nor masks.
pub(in crate::report) fn looked(report: &Report) -> Vec<String> {
    let language = report.language;
    let mut said = vec![];
    match &report.examples.maps {
        None => {}
        Some(Maps::Shown { method }) => said.push(say!(
            language,
            "Beside each picture stands the same with its {method} map for the class given, each map on its own scale. A map \
             shows what the network read. It is no proof of the result, and it can look sensible where the result is wrong.",
            "À côté de chaque image figure la même avec sa carte {method} pour la classe donnée, chaque carte à sa propre \
             échelle. Une carte montre ce que le réseau a lu. Elle n’est pas une preuve du résultat, et peut paraître sensée \
             alors que le résultat est faux."
        )),
        Some(Maps::Lacking(why)) => said.push(say!(
            language,
            "There are no maps of where the model looked: {why}.",
            "Il n’y a pas de cartes montrant où le modèle a regardé : {why}."
        )),
    }
    let verdict = report.verdict.as_ref();
    said.extend(verdict.and_then(|v| v.faith.as_ref()).map(|faith| faithful(faith, language)));
    let Some(gaze) = verdict.and_then(|v| v.gaze.as_ref()) else { return said };
    if gaze.pictures > 0 {
        let (method, n) = (&gaze.method, language.count(gaze.pictures as u64));
        let hits = share(gaze.hits as u64, gaze.pictures as u64, language);
        let [outside, area] = [1.0 - gaze.share_inside, gaze.mask_area].map(|share| language.percent(share));
        said.push(say!(
            language,
            "Beside masks, over {n} pictures that were given their true class: the largest value of the {method} map lies \
             inside the mask for {hits} (pointing game), and {outside} of the map lies outside of it in the mean. The masks \
             cover {area} of the picture, which is what chance would hit.",
            "Face aux masques, sur {n} images ayant reçu leur vraie classe : la plus grande valeur de la carte {method} est \
             dans le masque pour {hits} (jeu du pointage), et {outside} de la carte est en dehors en moyenne. Les masques \
             couvrent {area} de l’image, ce que le hasard atteindrait."
        ));
    }
    if gaze.empty_maps > 0 {
        let n = language.count(gaze.empty_maps as u64);
        said.push(say!(
            language,
            "On {n} further pictures with a mask no place speaks for the class.",
            "Sur {n} autres images avec masque, aucun endroit ne parle pour la classe."
        ));
    }
    said
}

/// From this correlation with maps of random weights on, a good part of a map is the picture's.
const MUCH_THE_SAME: f64 = 0.5;

/// What measuring the maps found.
fn faithful(faith: &Faith, language: Language) -> String {
    let (n, method) = (language.count(faith.pictures as u64), &faith.method);
    let decimal = |value: f64| language.decimal(value, 2);
    let [deletion, no_deletion] = [faith.deletion, faith.deletion_by_chance].map(decimal);
    let [insertion, no_insertion] = [faith.insertion, faith.insertion_by_chance].map(decimal);
    let mut said = say!(
        language,
        "Measured on {n} pictures taken evenly: while the places that the {method} map names first are taken away, the class \
         given keeps a mean probability of {deletion} ({no_deletion} with drawn places; less is better); while they come into \
         a blurred picture, it reaches {insertion} ({no_insertion}; more is better).",
        "Mesuré sur {n} images prises régulièrement : pendant qu’on retire les endroits que la carte {method} nomme d’abord, la \
         classe donnée garde une probabilité moyenne de {deletion} ({no_deletion} pour des endroits tirés au sort ; moins vaut \
         mieux) ; pendant qu’on les apporte à une image floue, elle atteint {insertion} ({no_insertion} ; plus vaut mieux)."
    );
    if faith.deletion >= faith.deletion_by_chance && faith.insertion <= faith.insertion_by_chance {
        said += &say!(
            language,
            " By both, the maps tell no more than drawn places would.",
            " Selon les deux, les cartes ne disent pas plus que des endroits tirés au sort."
        );
    }
    if let Some(correlation) = faith.random_weights {
        let rho = decimal(correlation);
        said += &if correlation < MUCH_THE_SAME {
            say!(
                language,
                " With maps of random weights they correlate by {rho} (0 is best): they depend on what was learned.",
                " Leur corrélation avec les cartes de poids tirés au sort est de {rho} (0 est le mieux) : elles dépendent de ce \
                 qui a été appris."
            )
        } else {
            say!(
                language,
                " With maps of random weights they correlate by {rho} (0 is best): a good part of them would look so whatever \
                 was learned.",
                " Leur corrélation avec les cartes de poids tirés au sort est de {rho} (0 est le mieux) : une bonne partie en \
                 serait ainsi quoi qu’on ait appris."
            )
        };
    }
    said
}
