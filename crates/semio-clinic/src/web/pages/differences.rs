//! Whether a file is of the patient under whom it is to be filed: the wrong patient is the worst error.

use super::filing::Arrived;
use crate::{
    opened::Claims,
    record::{Numbers, fold},
    store::entity::{patient::Model as Patient, person::Model as Person},
    web::{App, Problem},
    words::Language,
};

/// What file and record say differently.
pub(in crate::web) struct Difference {
    pub(in crate::web) key: &'static str,
    pub(in crate::web) file: String,
    pub(in crate::web) record: String,
}

/// What speaks against filing under this patient: file and record contradict each other, or what the file names is another
/// record's.
pub(in crate::web) async fn differences(
    app: &App,
    language: Language,
    person: &Person,
    patient: &Patient,
    arrived: &Arrived,
) -> Result<Vec<Difference>, Problem> {
    let numbers = app.store.numbers(patient.id).await?;
    let mut found = contradictions(language, &arrived.claims, patient, &numbers);
    let none = || "–".to_owned();
    if let Some(id) = arrived.claims.id.as_deref().map(str::trim)
        && !found.iter().any(|difference| difference.key == IDENTIFIER)
        && !numbers.all().any(|number| number == id)
        && app.store.is_number_of_another(person, patient.id, id).await?
    {
        found.push(Difference { key: IDENTIFIER, file: id.to_owned(), record: none() });
    }
    if let Some(uid) = arrived.study_uid()
        && app.store.is_study_of_another(person, patient.id, &uid).await?
    {
        found.push(Difference { key: "field-study", file: language.t("upload-study-elsewhere"), record: none() });
    }
    Ok(found)
}

const IDENTIFIER: &str = "field-identifier";

/// Where file and record contradict each other. What one of them does not say is no contradiction.
fn contradictions(language: Language, claims: &Claims, patient: &Patient, numbers: &Numbers) -> Vec<Difference> {
    let mut found = vec![];
    let mut compare = |key, file: Option<String>, record: String, same: bool| {
        if let Some(file) = file.filter(|_| !same) {
            found.push(Difference { key, file, record });
        }
    };
    let same_name = |file: &Option<String>, record: &str| file.as_ref().is_none_or(|f| fold(f) == fold(record));
    let (family, given) = (&claims.family_name, &claims.given_name);
    compare("field-family-name", family.clone(), patient.family_name.clone(), same_name(family, &patient.family_name));
    compare("field-given-name", given.clone(), patient.given_name.clone(), same_name(given, &patient.given_name));
    compare(
        "field-birth-date",
        claims.birth_date.map(|d| language.day(d)),
        language.day(patient.birth_date),
        claims.birth_date.is_none_or(|d| d == patient.birth_date),
    );
    let sex = |sex| language.t(super::patients::sex_key(&sex));
    compare("field-sex", claims.sex.map(sex), sex(patient.sex), claims.sex.is_none_or(|s| s == patient.sex));
    // A file names the clinic's number; a national one alone says nothing about that.
    if let Some(shown) = numbers.local() {
        let same = claims.id.as_ref().is_none_or(|id| numbers.all().any(|number| number == id.trim()));
        compare(IDENTIFIER, claims.id.clone(), shown.to_owned(), same);
    }
    found
}
