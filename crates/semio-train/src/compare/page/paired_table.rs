//! The table of paired tests.

use super::Page;
use crate::{
    compare::{Finding, Paired, PairedTest, Test},
    language::{Language, say},
    survey::Table,
};

impl Page<'_> {
    pub(super) fn tests(&self) -> Option<Table> {
        let (language, tests) = (self.language, &self.comparison.tests);
        let best = &tests.first()?.against;
        let p = |p: Option<f64>| match p {
            None => "–".into(),
            Some(p) if p < 0.001 => format!("<\u{a0}{}", language.decimal(0.001, 3)),
            Some(p) => language.decimal(p, 3),
        };
        let cells = |paired: Option<&Paired>, percents: bool| -> Vec<String> {
            let Some(paired) = paired else { return vec!["–".into(), "–".into(), "–".into()] };
            let write = |v: f64| if percents { language.decimal(100.0 * v, 1) } else { language.decimal(v, 3) };
            let interval = paired
                .interval
                .map_or_else(String::new, |i| format!(" ({})", language.between(&write(i.low), &write(i.high))));
            let corrected = paired.p_corrected.map_or_else(|| "–".to_owned(), |v| p(Some(v)));
            vec![format!("{}{interval}", write(paired.difference)), corrected, finding(paired.finding, language)]
        };
        let row = |t: &PairedTest| {
            let mut row = vec![t.name.clone()];
            row.extend(cells(t.roc_auc.as_ref(), false));
            row.extend(cells(t.accuracy.as_ref(), true));
            row
        };
        let corrected = say!(language, "p, corrected", "p corrigé");
        let named = |figure: Option<&Paired>| figure.map_or_else(|| "–".into(), |f| test(f.test, language));
        let areas = named(tests.iter().find_map(|t| t.roc_auc.as_ref()));
        let shares = named(tests.iter().find_map(|t| t.accuracy.as_ref()));
        let (pictures, groups) = (tests[0].pictures, tests[0].groups);
        Some(Table {
            title: say!(language, "Paired tests against {best}", "Tests appariés contre {best}"),
            header: vec![
                say!(language, "Network", "Réseau"),
                say!(language, "ROC-AUC, difference (95\u{a0}%)", "ROC-AUC, différence (95 %)"),
                corrected.clone(),
                say!(language, "area", "aire"),
                say!(language, "Accuracy, difference in points", "Exactitude, différence en points"),
                corrected,
                say!(language, "accuracy", "exactitude"),
            ],
            rows: tests.iter().map(row).collect(),
            note: Some(say!(
                language,
                "On the same {pictures} pictures of {groups} groups (each picture without one counted as its own). Areas: \
                 {areas}. Accuracy: {shares}. P values are corrected for the number of networks (Holm); “better” and \
                 “worse” stand only where the corrected value is below 0.05.",
                "Sur les mêmes {pictures} images de {groups} groupes (chaque image sans groupe compte pour un). Aires : \
                 {areas}. Exactitude : {shares}. Les valeurs p sont corrigées pour le nombre de réseaux (Holm) ; \
                 « meilleure » et « moins bonne » ne figurent que si la valeur corrigée est inférieure à 0,05."
            )),
        })
    }
}

fn finding(finding: Finding, language: Language) -> String {
    match finding {
        Finding::Worse => say!(language, "worse", "moins bonne"),
        Finding::Better => say!(language, "better", "meilleure"),
        Finding::NoDifferenceShown => say!(language, "no difference shown", "aucune différence montrée"),
    }
}

fn test(test: Test, language: Language) -> String {
    match test {
        Test::DeLong => say!(language, "DeLong's test", "test de DeLong"),
        Test::Obuchowski => say!(language, "Obuchowski's test, by groups", "test d’Obuchowski, par groupes"),
        Test::Jackknife => say!(
            language,
            "infinitesimal jackknife of the mean over the classes",
            "jackknife infinitésimal de la moyenne des classes"
        ),
        Test::GroupJackknife => say!(
            language,
            "infinitesimal jackknife of the mean over the classes, by groups",
            "jackknife infinitésimal de la moyenne des classes, par groupes"
        ),
        Test::McNemar => say!(language, "McNemar's test, mid-p", "test de McNemar, mid-p"),
        Test::ClusteredMcNemar => say!(
            language,
            "McNemar's test for groups (Obuchowski 1998)",
            "test de McNemar par groupes (Obuchowski 1998)"
        ),
    }
}
