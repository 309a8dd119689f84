//! What was left out of the data and why, in the report's words.

use semio_data::manifest::{LeftOut as ManifestLeftOut, LoadReport};

use crate::{Language, language::say, report::LeftOut};

/// One entry a reason.
pub(crate) fn left_out(report: &LoadReport, language: Language) -> Vec<LeftOut> {
    let item = |(reason, count): (&ManifestLeftOut, &usize)| LeftOut {
        reason: reason_words(reason, language),
        count: *count as u64,
        files: vec![],
    };
    report.left_out.iter().map(item).collect()
}

/// Why a row was left out; in English as the data crate says it.
fn reason_words(reason: &ManifestLeftOut, language: Language) -> String {
    let english = reason.to_string();
    match reason {
        ManifestLeftOut::Split(value) => say!(language, "{english}", "la partie est « {value} »"),
        ManifestLeftOut::Filter => say!(language, "{english}", "non retenu par --where"),
        ManifestLeftOut::Class(class) => say!(language, "{english}", "classe « {class} » absente de --classes"),
        ManifestLeftOut::NoLabel => say!(language, "{english}", "sans classe"),
        ManifestLeftOut::Repeated => say!(language, "{english}", "répète une ligne précédente"),
        ManifestLeftOut::Contradictory => say!(language, "{english}", "contredit une autre ligne du même fichier"),
        ManifestLeftOut::Missing => say!(language, "{english}", "fichier manquant"),
        ManifestLeftOut::Hidden => say!(language, "{english}", "fichier caché"),
        ManifestLeftOut::NotAPicture(ending) => say!(language, "{english}", "n’est pas une image ({ending})"),
        ManifestLeftOut::Folder(name) => {
            say!(language, "{english}", "dans le dossier « {name} », qui n’est ni train, ni val, ni test")
        }
        ManifestLeftOut::Known(list) => {
            say!(language, "{english}", "la même image, ou presque, se trouve dans {list}")
        }
    }
}
