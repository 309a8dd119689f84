//! What the report says of subgroups.

use semio_model::GroupKind;

use super::{
    tables::{Notes, Row},
    words,
};
use crate::{
    FEW, Subgroup, Subgroups, Trait, Value,
    language::{Language, say},
};

/// The table of one column.
pub(super) struct SubgroupTable {
    pub(super) title: String,
    pub(super) rows: Vec<Row>,
}

/// One table a column, with the reasons of what is undefined.
pub(super) fn tables(found: &[Subgroups], language: Language, notes: &mut Notes) -> Vec<SubgroupTable> {
    let table = |of: &Subgroups| SubgroupTable {
        title: title(of, language),
        rows: of.rows.iter().map(|subgroup| row(subgroup, language, notes)).collect(),
    };
    found.iter().map(table).collect()
}

/// What the tables show and what not.
pub(super) fn words(found: &[Subgroups], two_classes: bool, kind: GroupKind, language: Language) -> Vec<String> {
    let by = words::by_group(kind, language);
    let sensitivity = if two_classes {
        say!(language, "of the second class", "de la seconde classe")
    } else {
        say!(language, "the mean over the classes", "moyenne des classes")
    };
    let mut said = vec![say!(
        language,
        "Sensitivity: {sensitivity}. Intervals: 95 %, {by}. Nothing here is corrected for the \
         number of subgroups: a difference between two rows is a reason to look, not a finding.",
        "Sensibilité : {sensitivity}. Intervalles : 95 %, {by}. Rien n’est corrigé \
         ici pour le nombre de sous-groupes : une différence entre deux lignes est une raison de regarder de plus près, \
         pas un constat."
    )];
    if found.iter().flat_map(|of| &of.rows).any(|row| row.few) {
        said.push(say!(
            language,
            "* Fewer than {FEW} pictures: the figures of the row say next to nothing.",
            "* Moins de {FEW} images : les résultats de cette ligne ne disent presque rien."
        ));
    }
    said
}

fn title(of: &Subgroups, language: Language) -> String {
    let column = &of.column;
    match of.told {
        Trait::Sex => say!(language, "Sex", "Sexe"),
        Trait::Age => say!(language, "Age", "Âge"),
        Trait::Source => say!(language, "Source", "Provenance"),
        Trait::View => say!(language, "View", "Incidence"),
        Trait::Other => say!(language, "{column}", "{column}"),
    }
}

fn row(subgroup: &Subgroup, language: Language, notes: &mut Notes) -> Row {
    let mark = if subgroup.few { "\u{a0}*" } else { "" };
    Row::of_part(value(&subgroup.value, language) + mark, &subgroup.figures, notes)
}

fn value(value: &Value, language: Language) -> String {
    match value {
        Value::Female => say!(language, "female", "femmes"),
        Value::Male => say!(language, "male", "hommes"),
        Value::Years(low, Some(high)) => say!(language, "{low} to {high} years", "{low} à {high} ans"),
        Value::Years(low, None) => say!(language, "{low} years and more", "{low} ans et plus"),
        Value::Text(text) => text.clone(),
        Value::Others => say!(language, "others", "autres"),
        Value::Unknown => say!(language, "not told", "non renseigné"),
    }
}
