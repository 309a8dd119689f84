//! What the report says of leaks between the parts.

use semio_model::{Leak, PartLeak};

use super::{Data, tables::Row, words};
use crate::{
    LeakScores,
    language::{Language, say},
    report::tables::Notes,
};

/// What the leak meter found, in sentences; none where it was not asked.
pub(super) fn sentences(data: &Data, language: Language) -> Vec<String> {
    let Some(leak) = &data.leak else { return vec![] };
    let mut said = vec![];
    if leak.is_clean() {
        said.push(match leak.near {
            Some(_) => say!(
                language,
                "Leak meter: no picture stands unchanged or nearly unchanged in two parts.",
                "Mesure des fuites : aucune image ne figure à l’identique, ni presque, dans deux parties."
            ),
            None => say!(
                language,
                "Leak meter: no picture stands unchanged in two parts. There are too many to have been searched for nearly \
                 the same ones.",
                "Mesure des fuites : aucune image ne figure à l’identique dans deux parties. Elles sont trop nombreuses \
                 pour qu’on ait cherché les images presque identiques."
            ),
        });
    } else {
        said.push(accepted(leak, language));
    }
    if let Some(alike) = data.alike_kept.filter(|n| *n > 0) {
        let n = language.count(alike);
        let groups = match alike {
            1 => say!(language, "one group", "un groupe"),
            _ => say!(language, "{n} groups", "{n} groupes"),
        };
        said.push(say!(
            language,
            "Pictures that are the same or nearly the same were kept in one part ({groups} of them).",
            "Les images identiques ou presque ont été gardées dans une même partie ({groups})."
        ));
    }
    said
}

fn accepted(leak: &Leak, language: Language) -> String {
    let share = |(name, part): (&str, &PartLeak)| {
        let share = words::share(part.touched as u64, part.pictures as u64, language);
        let [group, exact, near] = [part.by_group, part.exact, part.near].map(|n| language.count(n as u64));
        say!(
            language,
            "{share} of the part “{name}” (by patient or group {group}, the same picture {exact}, nearly the same {near})",
            "{share} de la partie « {name} » (par patient ou groupe {group}, image identique {exact}, presque {near})"
        )
    };
    let parts: Vec<String> = leak.touched().map(share).collect();
    let parts = parts.join("; ");
    say!(
        language,
        "A leak was accepted: pictures are known to an earlier part, {parts}. The figures are too good.",
        "Une fuite a été acceptée : des images sont connues d’une partie précédente, {parts}. Les résultats sont trop \
         bons."
    )
}

/// The figures with and without the pictures that an earlier part knows.
pub(super) fn rows(scores: &LeakScores, language: Language, notes: &mut Notes) -> Vec<Row> {
    let known = say!(language, "Known to an earlier part", "Connues d’une partie précédente");
    let unknown = say!(language, "Not known", "Non connues");
    vec![Row::of_part(known, &scores.touched, notes), Row::of_part(unknown, &scores.untouched, notes)]
}
