//! What the report says of a model that is shown parts of its pictures.

use super::tables::{Notes, Row};
use crate::{
    PartsSeen,
    language::{Language, say},
};

/// The figures of whole pictures and of their parts.
pub(super) fn rows(seen: &PartsSeen, language: Language, notes: &mut Notes) -> Vec<Row> {
    let names = [
        say!(language, "The whole picture", "L’image entière"),
        say!(language, "Inside of the mask alone", "L’intérieur du masque seul"),
        say!(language, "Outside of the mask alone", "L’extérieur du masque seul"),
    ];
    let figures = [&seen.whole, &seen.inside, &seen.outside];
    names.into_iter().zip(figures).map(|(name, figures)| Row::of_part(name, figures, notes)).collect()
}

/// What the figures of the outside say, and what they cannot.
pub(super) fn words(seen: &PartsSeen, language: Language) -> Vec<String> {
    let mut said = vec![say!(
        language,
        "The model was trained on whole pictures. Here it sees the same pictures with all black that lies outside, or inside, \
         of the mask; the outline of what was made black stays to be seen.",
        "Le modèle a été entraîné sur des images entières. Il voit ici les mêmes images dont l’extérieur, ou l’intérieur, du \
         masque a été noirci ; le contour de la partie noircie reste visible."
    )];
    let (Ok(auc), Some(interval)) = (seen.outside.roc_auc.value, seen.outside.roc_auc.interval) else { return said };
    let auc = language.area(auc);
    said.push(if interval.low > 0.5 || interval.high < 0.5 {
        say!(
            language,
            "Without what the masks mark it still tells the classes apart, other than chance would (ROC-AUC {auc}): part of what \
             it uses lies elsewhere, or shows in the outline. Find out what that is before the result is trusted.",
            "Sans ce que marquent les masques, il distingue encore les classes, autrement que le hasard (ROC-AUC {auc}) : une \
             part de ce qu’il utilise est ailleurs, ou se voit dans le contour. Il faut savoir quoi avant de s’y fier."
        )
    } else {
        say!(
            language,
            "Without what the masks mark it does not tell the classes apart better than chance (ROC-AUC {auc}; the interval \
             holds 0.5). With few pictures that is weak evidence.",
            "Sans ce que marquent les masques, il ne distingue pas les classes mieux que le hasard (ROC-AUC {auc} ; \
             l’intervalle contient 0,5). Avec peu d’images, la preuve est faible."
        )
    });
    said
}
