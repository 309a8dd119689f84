//! The same figures by sex, age, source, view and what else the data tell of each picture.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use semio_data::Sample;
use semio_stats::{PartFigures, Predictions};
use serde::Serialize;

use crate::loader::Picture;

/// Below this many pictures a subgroup's figures say next to nothing.
pub const FEW: usize = 10;
/// Values of one column that are shown; the rarest beyond are put together.
const MOST: usize = 12;

/// What a column tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Trait {
    /// The patient's sex.
    Sex,
    /// The patient's age, in bands.
    Age,
    /// Where the picture comes from.
    Source,
    /// How it was projected.
    View,
    /// Something else, by the column's name.
    Other,
}

/// The figures of one column's values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subgroups {
    /// What the column tells.
    #[serde(rename = "trait")]
    pub told: Trait,
    /// The column's name.
    pub column: String,
    /// One row a value.
    pub rows: Vec<Subgroup>,
}

/// The figures of the pictures with one value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subgroup {
    /// The value; of an age its band, of an address its host.
    pub value: Value,
    /// Whether there are too few pictures for the figures to say anything.
    pub few: bool,
    /// The figures.
    #[serde(flatten)]
    pub figures: PartFigures,
}

/// A column's value as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(into = "String")]
pub enum Value {
    /// Of a sex.
    Female,
    /// Of a sex.
    Male,
    /// From the first age to the second, in years; no upper end for the oldest.
    Years(u32, Option<u32>),
    /// As the data spell it.
    Text(String),
    /// Several values, each of few pictures.
    Others,
    /// The data do not tell it.
    Unknown,
}

impl From<Value> for String {
    fn from(value: Value) -> Self {
        match value {
            Value::Female => "female".into(),
            Value::Male => "male".into(),
            Value::Years(low, Some(high)) => format!("{low}-{high}"),
            Value::Years(low, None) => format!("{low}+"),
            Value::Text(text) => text,
            Value::Others => "others".into(),
            Value::Unknown => "unknown".into(),
        }
    }
}

/// Columns that are looked for, in any case; the first of each kind counts.
const COLUMNS: [(Trait, &[&str]); 4] = [
    (Trait::Sex, &["sex", "gender", "patient_sex", "patient_gender"]),
    (Trait::Age, &["age", "patient_age", "age_years"]),
    (Trait::Source, &["source", "site", "hospital", "dataset", "origin", "institution", "center", "centre", "url"]),
    (Trait::View, &["view", "view_position", "projection"]),
];
/// Further columns that are shown wherever they stand.
const FURTHER: [&str; 8] =
    ["modality", "manufacturer", "scanner", "device", "field_strength", "ethnicity", "race", "subset"];

/// Whether a column names places or devices, so that its values may be shown; others may name patients.
pub(crate) fn names_a_source(column: &str) -> bool {
    let column = column.to_lowercase();
    COLUMNS.iter().any(|(told, names)| *told == Trait::Source && names.contains(&column.as_str()))
        || FURTHER.contains(&column.as_str())
}

/// The figures of each value of each known column, and of the columns that `wanted` names.
///
/// # Shapes
/// `pictures` are those of the predictions, in their order; their samples are found by name.
pub(crate) fn subgroups(
    predictions: &Predictions,
    pictures: &[Picture],
    samples: &[Sample],
    columns: &[String],
    wanted: &[String],
    groups: Option<&[String]>,
) -> Vec<Subgroups> {
    let by_name: HashMap<&str, &Sample> = samples.iter().map(|s| (s.name.as_str(), s)).collect();
    let mut found = vec![];
    for (told, place) in chosen(columns, wanted) {
        let mut members: BTreeMap<Value, Vec<usize>> = BTreeMap::new();
        for (i, picture) in pictures.iter().enumerate() {
            let cell = by_name.get(picture.name.as_str()).and_then(|s| s.extra.get(place)).map_or("", String::as_str);
            members.entry(value(told, cell.trim())).or_default().push(i);
        }
        if members.keys().all(|value| *value == Value::Unknown) {
            continue;
        }
        let row = |(value, members): (Value, Vec<usize>)| Subgroup {
            value,
            few: members.len() < FEW,
            figures: PartFigures::new(predictions, groups, &members),
        };
        let rows = folded(members).into_iter().map(row).collect();
        found.push(Subgroups { told, column: columns[place].clone(), rows });
    }
    found
}

/// The columns to be shown, by their places.
fn chosen(columns: &[String], wanted: &[String]) -> Vec<(Trait, usize)> {
    let mut found: Vec<(Trait, usize)> = vec![];
    for (told, names) in COLUMNS {
        found.extend(names.iter().find_map(|n| columns.iter().position(|c| c.to_lowercase() == *n)).map(|p| (told, p)));
    }
    for (place, column) in columns.iter().enumerate() {
        let known = FURTHER.contains(&column.to_lowercase().as_str()) || wanted.contains(column);
        if known && found.iter().all(|(_, p)| *p != place) {
            found.push((Trait::Other, place));
        }
    }
    found
}

fn value(told: Trait, cell: &str) -> Value {
    if cell.is_empty() {
        return Value::Unknown;
    }
    match told {
        Trait::Sex => match cell.to_lowercase().as_str() {
            "f" | "female" | "woman" | "femme" => Value::Female,
            "m" | "male" | "man" | "h" | "homme" => Value::Male,
            "u" | "unknown" | "n/a" => Value::Unknown,
            _ => Value::Text(cell.to_owned()),
        },
        Trait::Age => match years(cell) {
            Some(age) if age < 18.0 => Value::Years(0, Some(17)),
            Some(age) if age < 40.0 => Value::Years(18, Some(39)),
            Some(age) if age < 65.0 => Value::Years(40, Some(64)),
            Some(_) => Value::Years(65, None),
            None => Value::Unknown,
        },
        Trait::Source => Value::Text(host(cell).to_owned()),
        Trait::View | Trait::Other => Value::Text(cell.to_owned()),
    }
}

/// An age in years, also as DICOM writes it (`045Y`, `008M`, `002W`, `010D`).
fn years(cell: &str) -> Option<f64> {
    let (number, unit) = match cell.char_indices().next_back() {
        Some((at, unit)) if unit.is_ascii_alphabetic() => (&cell[..at], unit.to_ascii_uppercase()),
        _ => (cell, 'Y'),
    };
    let in_a_year = match unit {
        'Y' => 1.0,
        'M' => 12.0,
        'W' => 52.2,
        'D' => 365.25,
        _ => return None,
    };
    number.trim().parse::<f64>().ok().map(|n| n / in_a_year).filter(|age| (0.0..=130.0).contains(age))
}

/// Of an address its host.
fn host(cell: &str) -> &str {
    let rest = cell.split_once("://").map_or(cell, |(_, rest)| rest);
    if rest.len() < cell.len() { rest.split('/').next().unwrap_or(rest) } else { cell }
}

/// The most frequent values, in their order; what is left becomes one.
fn folded(members: BTreeMap<Value, Vec<usize>>) -> Vec<(Value, Vec<usize>)> {
    if members.len() <= MOST {
        return members.into_iter().collect();
    }
    let mut by_size: Vec<(&Value, usize)> = members.iter().map(|(v, m)| (v, m.len())).collect();
    by_size.retain(|(value, _)| **value != Value::Unknown);
    by_size.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let frequent: BTreeSet<Value> = by_size.into_iter().take(MOST - 2).map(|(value, _)| value.clone()).collect();
    let mut kept: BTreeMap<Value, Vec<usize>> = BTreeMap::new();
    for (value, members) in members {
        let shown = frequent.contains(&value) || value == Value::Unknown;
        kept.entry(if shown { value } else { Value::Others }).or_default().extend(members);
    }
    kept.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_people_write_them() {
        assert_eq!(
            [value(Trait::Sex, "Female"), value(Trait::Sex, "M"), value(Trait::Sex, "")],
            [Value::Female, Value::Male, Value::Unknown]
        );
        let ages = ["17.9", "18", "045Y", "065Y", "008M", "x", "-3", "400"].map(|age| value(Trait::Age, age));
        let band = |low, high| Value::Years(low, high);
        assert_eq!(
            ages[..5],
            [band(0, Some(17)), band(18, Some(39)), band(40, Some(64)), band(65, None), band(0, Some(17))]
        );
        assert!(ages[5..].iter().all(|age| *age == Value::Unknown));
        assert_eq!(value(Trait::Source, "https://one.example/a/b"), Value::Text("one.example".into()));
        assert_eq!(value(Trait::Source, "a/b"), Value::Text("a/b".into()));
    }

    #[test]
    fn rare_values_are_put_together() {
        let many =
            (0..20).map(|i| (Value::Text(format!("{i:02}")), vec![i; 20 - i])).chain([(Value::Unknown, vec![99])]);
        let rows = folded(many.collect());
        assert_eq!(rows.len(), MOST);
        assert_eq!(rows[0], (Value::Text("00".into()), vec![0; 20]));
        assert_eq!(rows[MOST - 2..].iter().map(|(v, _)| v).collect::<Vec<_>>(), [&Value::Others, &Value::Unknown]);
        assert_eq!(rows.iter().map(|(_, m)| m.len()).sum::<usize>(), (1..=20).sum::<usize>() + 1);
    }

    #[test]
    fn known_and_wanted_columns_are_shown_once() {
        let columns = ["orig_w", "View", "gender", "site", "url", "scanner", "finding"].map(str::to_owned);
        let found = chosen(&columns, &["finding".to_owned(), "View".to_owned()]);
        assert_eq!(
            found,
            [(Trait::Sex, 2), (Trait::Source, 3), (Trait::View, 1), (Trait::Other, 5), (Trait::Other, 6)]
        );
    }
}
