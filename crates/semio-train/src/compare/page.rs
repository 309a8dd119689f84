mod paired_table;

use super::{Comparison, Finding, Standing};
use crate::{
    dataset::Dataset,
    language::{Language, say},
    plot::{IntervalRow, Point, inline, interval_plot, scatter_plot},
    report::{ReportError, by_group},
    survey::{Survey, Table},
};
use semio_model::GroupKind;
use semio_stats::Interval;

/// The comparison as one page.
pub(super) fn page(
    comparison: &Comparison,
    dataset: &Dataset,
    today: &str,
    language: Language,
) -> Result<String, ReportError> {
    let judged: Vec<&Standing> = comparison.standings.iter().filter(|s| s.failed.is_none()).collect();
    let interval = |i: Option<Interval>| i.map(|i| (i.low, i.high));
    let rows: Vec<IntervalRow<'_>> = judged
        .iter()
        .filter_map(|s| Some(IntervalRow { name: &s.name, value: s.roc_auc?, interval: interval(s.roc_auc_interval) }))
        .collect();
    let title = say!(language, "Area under the ROC curve", "Aire sous la courbe ROC");
    let subtitle = if comparison.cross_validated {
        say!(language, "all folds pooled, 95 % intervals", "tous les plis réunis, intervalles à 95 %")
    } else {
        say!(language, "validation part, 95 % intervals", "partie de validation, intervalles à 95 %")
    };
    let ranking = (!rows.is_empty()).then(|| inline(&interval_plot(&title, &subtitle, &rows, language)));
    let page = Page { comparison, dataset, judged, language };
    let mut tables = vec![page.quality()];
    tables.extend(page.tests());
    tables.extend([page.cost(), page.by_class()]);
    tables.retain(|t| !t.rows.is_empty());
    tables.extend(page.failures());
    let (n, classes) = (comparison.standings.len(), dataset.classes.join(" / "));
    Survey {
        language,
        title: say!(language, "{n} networks for {classes}", "{n} réseaux pour {classes}"),
        running_head: [say!(language, "Comparison", "Comparaison"), today.into(), String::new()],
        plot_style: String::new(),
        facts: page.facts(today),
        brief: page.brief(),
        ranked_by: say!(language, "Ranking", "Classement"),
        ranking,
        tables,
        figures: page.figures(),
        limits: page.limits(),
    }
    .page()
}

struct Page<'a> {
    comparison: &'a Comparison,
    dataset: &'a Dataset,
    judged: Vec<&'a Standing>,
    language: Language,
}

impl Page<'_> {
    /// What pictures are held together by.
    fn unit(&self) -> String {
        let language = self.language;
        match self.dataset.group_kind {
            GroupKind::Patients => say!(language, "Patients", "Patients"),
            GroupKind::LookAlikes => say!(language, "Groups of look-alikes", "Groupes d’images ressemblantes"),
            GroupKind::Unsaid => say!(language, "Groups (patients)", "Groupes (patients)"),
        }
    }

    fn facts(&self, today: &str) -> Vec<(String, String)> {
        let language = self.language;
        let pictures = language.count(self.judged.first().map_or(0, |s| s.pictures));
        let groups = match self.dataset.groups {
            None => say!(
                language,
                "unknown: pictures of one patient may stand in two parts",
                "inconnus : des images d’un patient peuvent se trouver dans deux parties"
            ),
            Some((groups, 0)) => {
                let groups = language.count(groups as u64);
                say!(language, "{groups}, none of them divided", "{groups}, aucun divisé")
            }
            Some((groups, divided)) => say!(
                language,
                "{divided} of {groups} have pictures in several parts",
                "{divided} sur {groups} ont des images dans plusieurs parties"
            ),
        };
        let mut facts = vec![
            (say!(language, "Made", "Établi"), format!("{today}, semio {}", env!("CARGO_PKG_VERSION"))),
            (say!(language, "Data", "Données"), self.dataset.report.source.display().to_string()),
            (say!(language, "Data's SHA-256", "SHA-256 des données"), self.dataset.sha256.clone()),
            (
                say!(language, "Judged on", "Jugés sur"),
                if self.comparison.cross_validated {
                    say!(
                        language,
                        "all folds, {pictures} pictures, each by a network that had not seen it",
                        "tous les plis, {pictures} images, chacune par un réseau qui ne l’avait pas vue"
                    )
                } else {
                    say!(
                        language,
                        "the validation part, {pictures} pictures",
                        "la partie de validation, {pictures} images"
                    )
                },
            ),
            (self.unit(), groups),
        ];
        if !self.dataset.leak.is_clean() {
            let touched: usize = self.dataset.leak.parts.values().map(|part| part.touched).sum();
            facts.push((
                say!(language, "Leak accepted", "Fuite acceptée"),
                say!(
                    language,
                    "{touched} pictures are known to an earlier part: the figures are too good",
                    "{touched} images sont connues d’une partie précédente : les résultats sont trop bons"
                ),
            ));
        }
        facts
    }

    fn brief(&self) -> Vec<String> {
        let language = self.language;
        let Some(best) = self.judged.first() else {
            return vec![say!(
                language,
                "No network could be trained; the table below says why.",
                "Aucun réseau n’a pu être entraîné ; le tableau ci-dessous dit pourquoi."
            )];
        };
        let (n, name) = (self.judged.len(), &best.name);
        let auc = best.roc_auc.map_or_else(|| "–".into(), |v| language.decimal(v, 3));
        let accuracy = best.accuracy.map_or_else(|| "–".into(), |v| language.percent(v));
        let mut said = vec![say!(
            language,
            "Of {n} networks {name} has the largest area under the ROC curve, {auc}, with an accuracy of {accuracy}.",
            "Parmi {n} réseaux, {name} a la plus grande aire sous la courbe ROC, {auc}, avec une exactitude de {accuracy}."
        )];
        said.extend(self.findings(best));
        let fast = self
            .judged
            .iter()
            .filter(|s| s.accuracy.zip(best.accuracy).is_some_and(|(a, b)| a >= b - 0.01))
            .max_by(|a, b| a.pictures_per_second.total_cmp(&b.pictures_per_second));
        if let Some(fast) = fast.filter(|s| s.name != best.name) {
            let rate = |s: &Standing| language.count(s.pictures_per_second.round() as u64);
            let (quick, fast_rate, rate) = (&fast.name, rate(fast), rate(best));
            said.push(say!(
                language,
                "Within one percentage point of its accuracy, {quick} is the fastest: {fast_rate} pictures a second, where \
                 {name} reads {rate}.",
                "À un point de pourcentage près de son exactitude, {quick} est le plus rapide : {fast_rate} images par \
                 seconde, là où {name} en lit {rate}."
            ));
        }
        said
    }

    /// From which networks the paired tests tell the best one, and from which they do not.
    fn findings(&self, best: &Standing) -> Vec<String> {
        let (language, name) = (self.language, &best.name);
        let with = |finding: Finding| -> Vec<&str> {
            let found = |t: &&super::PairedTest| t.roc_auc.as_ref().is_some_and(|p| p.finding == finding);
            self.comparison.tests.iter().filter(found).map(|t| t.name.as_str()).collect()
        };
        let (worse, level) = (with(Finding::Worse), with(Finding::NoDifferenceShown));
        let mut said = vec![];
        if !worse.is_empty() {
            let worse = worse.join(", ");
            said.push(say!(
                language,
                "By the paired test on the same pictures its area is better than that of {worse}.",
                "D’après le test apparié sur les mêmes images, son aire est meilleure que celle de {worse}."
            ));
        }
        if !level.is_empty() {
            let level = level.join(", ");
            said.push(say!(
                language,
                "No difference is shown between the areas of {name} and of {level}; that is no proof that there is none.",
                "Aucune différence n’est montrée entre l’aire de {name} et celle de {level} ; cela ne prouve pas qu’il n’y \
                 en ait pas."
            ));
        }
        let open: Vec<&str> =
            self.comparison.tests.iter().filter(|t| t.roc_auc.is_none()).map(|t| t.name.as_str()).collect();
        if !open.is_empty() {
            let (open, by) = (open.join(", "), by_group(self.dataset.group_kind, language));
            said.push(say!(
                language,
                "The areas of {open} cannot be compared with it: a class has too few groups of pictures ({by}).",
                "Les aires de {open} ne peuvent pas lui être comparées : une classe a trop peu de groupes d’images ({by})."
            ));
        }
        said
    }

    fn limits(&self) -> Vec<String> {
        let language = self.language;
        let by = by_group(self.dataset.group_kind, language);
        let choice = if self.comparison.cross_validated {
            say!(
                language,
                "Each picture was judged by a network that had not seen it, but the best of many networks is chosen by these \
                 pictures here: the winner's figure is too good. Judge the one you take on pictures that took no part.",
                "Chaque image a été jugée par un réseau qui ne l’avait pas vue, mais ce sont ces images qui choisissent ici le \
                 meilleur de plusieurs réseaux : le résultat du gagnant est trop bon. Jugez celui que vous retenez sur des \
                 images qui n’ont pas servi."
            )
        } else {
            say!(
                language,
                "The validation part chose each network's best epoch, and the best of many networks is chosen by it here: \
                 the winner's figure is too good. Judge the one you take on pictures that nobody tuned on (semio evaluate \
                 … --split test).",
                "La partie de validation a choisi la meilleure époque de chaque réseau, et c’est elle qui choisit ici le \
                 meilleur de plusieurs : le résultat du gagnant est trop bon. Jugez celui que vous retenez sur un test mis à \
                 part (semio evaluate … --split test)."
            )
        };
        let mut said = vec![
            choice,
            say!(
                language,
                "Intervals are 95 % percentile bootstrap intervals, drawn {by}, over pictures where no groups are known; each \
                 class keeps its number of groups. Neither they nor the tests tell anything about another seed or another \
                 training.",
                "Les intervalles à 95 % sont des percentiles d’un bootstrap, par tirage {by}, sinon sur les images ; chaque \
                 classe garde son nombre de groupes. Ni eux ni les tests ne disent quoi que ce soit d’une autre graine ou d’un \
                 autre entraînement."
            ),
        ];
        if self.judged.iter().any(|s| s.epochs[0] != self.judged[0].epochs[0]) {
            said.push(say!(
                language,
                "The networks were not trained for the same number of epochs.",
                "Les réseaux n’ont pas été entraînés pendant le même nombre d’époques."
            ));
        }
        said
    }

    fn share(&self, value: Option<f64>, interval: Option<Interval>) -> String {
        let language = self.language;
        let value = value.map_or_else(|| "–".into(), |v| language.percent(v));
        match interval {
            Some(i) => {
                let between =
                    language.between(&language.decimal(100.0 * i.low, 1), &language.decimal(100.0 * i.high, 1));
                format!("{value} ({between})")
            }
            None => value,
        }
    }

    fn quality(&self) -> Table {
        let language = self.language;
        let number = |v: f64| language.decimal(v, 3);
        let area = |s: &Standing| match (s.roc_auc, s.roc_auc_interval) {
            (Some(v), Some(i)) => format!("{} ({})", number(v), language.between(&number(i.low), &number(i.high))),
            (Some(v), None) => number(v),
            _ => "–".into(),
        };
        let row = |s: &&Standing| {
            let [kept, run] = [s.epochs[1], s.epochs[0]];
            vec![
                s.name.clone(),
                area(s),
                self.share(s.accuracy, s.accuracy_interval),
                self.share(s.balanced_accuracy, None),
                s.macro_f1.map_or_else(|| "–".into(), number),
                say!(language, "{kept} of {run}", "{kept} sur {run}"),
            ]
        };
        Table {
            title: say!(language, "Figures", "Résultats"),
            header: vec![
                say!(language, "Network", "Réseau"),
                "ROC-AUC (95\u{a0}%)".into(),
                say!(language, "Accuracy (95\u{a0}%)", "Exactitude (95 %)"),
                say!(language, "Balanced accuracy", "Exactitude équilibrée"),
                say!(language, "Macro F1", "F1 macro"),
                say!(language, "Epoch kept", "Époque gardée"),
            ],
            rows: self.judged.iter().map(row).collect(),
            note: None,
        }
    }

    fn cost(&self) -> Table {
        let language = self.language;
        let small = |v: f64| language.decimal(v, if v < 0.1 { 4 } else { 2 });
        let row = |s: &&Standing| {
            vec![
                s.name.clone(),
                format!("{0} × {0}", s.image_size),
                small(s.parameters as f64 / 1e6),
                small(s.multiply_adds as f64 / 1e9),
                language.decimal(s.training_seconds / 60.0, 1),
                language.count(s.training_mebibytes),
                language.count(s.pictures_per_second.round() as u64),
            ]
        };
        Table {
            title: say!(language, "Cost", "Coût"),
            header: vec![
                say!(language, "Network", "Réseau"),
                say!(language, "Pixels", "Pixels"),
                say!(language, "Parameters, millions", "Paramètres, millions"),
                say!(language, "Multiply-adds a picture, 10⁹", "Multiplications-additions par image, 10⁹"),
                say!(language, "Training, minutes", "Entraînement, minutes"),
                say!(language, "Training memory, MiB", "Mémoire d’entraînement, Mio"),
                say!(language, "Pictures a second", "Images par seconde"),
            ],
            rows: self.judged.iter().map(row).collect(),
            note: Some(say!(
                language,
                "Training memory is an estimate for a step in which every layer learns. Pictures a second: prediction of 8 \
                 at once on this machine, without reading files.",
                "La mémoire d’entraînement est estimée pour un pas où toutes les couches apprennent. Images par seconde : \
                 prédiction de 8 à la fois sur cette machine, sans la lecture des fichiers."
            )),
        }
    }

    fn by_class(&self) -> Table {
        let (language, classes) = (self.language, &self.dataset.classes);
        let figure = |s: &Standing, class: &String| {
            s.f1.get(class).copied().flatten().map_or_else(|| "–".to_owned(), |v| language.decimal(v, 3))
        };
        let row = |s: &&Standing| {
            std::iter::once(s.name.clone()).chain(classes.iter().map(|class| figure(s, class))).collect()
        };
        Table {
            title: say!(language, "F1 by class", "F1 par classe"),
            header: std::iter::once(say!(language, "Network", "Réseau")).chain(classes.iter().cloned()).collect(),
            rows: self.judged.iter().map(row).collect(),
            note: Some(say!(
                language,
                "– means undefined: the class was neither present nor given.",
                "– veut dire non défini : la classe n’était ni présente ni donnée."
            )),
        }
    }

    fn failures(&self) -> Option<Table> {
        let language = self.language;
        let rows: Vec<Vec<String>> =
            self.comparison.standings.iter().filter_map(|s| Some(vec![s.name.clone(), s.failed.clone()?])).collect();
        let header = vec![say!(language, "Network", "Réseau"), say!(language, "Why", "Pourquoi")];
        let title = say!(language, "Not trained", "Non entraînés");
        (!rows.is_empty()).then_some(Table { title, header, rows, note: None })
    }

    fn figures(&self) -> Vec<(String, String)> {
        let language = self.language;
        let against = |x: fn(&Standing) -> f64| -> Vec<Point<'_>> {
            self.judged.iter().filter_map(|s| Some(Point { name: &s.name, x: x(s), y: s.accuracy? })).collect()
        };
        let speed = against(|s| s.pictures_per_second);
        if speed.len() < 2 {
            return vec![];
        }
        let accuracy = say!(language, "accuracy", "exactitude");
        let per_second = say!(
            language,
            "pictures a second, predicted on this machine",
            "images par seconde, prédites sur cette machine"
        );
        let millions = say!(language, "million parameters", "millions de paramètres");
        let size = against(|s| s.parameters as f64 / 1e6);
        [
            (say!(language, "Accuracy and speed", "Exactitude et vitesse"), per_second, speed),
            (say!(language, "Accuracy and size", "Exactitude et taille"), millions, size),
        ]
        .into_iter()
        .map(|(title, axis, points)| {
            let plot = scatter_plot(&title, [&axis, &accuracy], &points, language);
            (title, inline(&plot))
        })
        .collect()
    }
}
