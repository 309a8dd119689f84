use super::{
    Search, Searched, State, Trial, shown,
    space::{Dimension, Values},
};
use crate::{
    dataset::Dataset,
    language::{Language, say},
    plot::{Axis, inline, parallel_coordinates},
    recipe::Recipe,
    report::ReportError,
    survey::{Survey, Table},
};

/// Trials whose lines stand out.
const BEST: usize = 5;

/// The search as one page.
pub(super) fn page(
    search: &Search,
    searched: &Searched,
    base: &Recipe,
    dataset: &Dataset,
    today: &str,
) -> Result<String, ReportError> {
    let mut ranked: Vec<&Trial> = searched.trials.iter().filter(|t| t.score.is_some()).collect();
    ranked.sort_by(|a, b| {
        let done = |t: &Trial| t.state == State::Done;
        done(b).cmp(&done(a)).then(b.score.partial_cmp(&a.score).unwrap_or(std::cmp::Ordering::Equal))
    });
    let lines: Vec<&Trial> = searched.trials.iter().filter(|t| t.score.is_some()).collect();
    let best: Vec<usize> =
        ranked.iter().take(BEST).filter_map(|t| lines.iter().position(|line| line.number == t.number)).collect();
    let language = base.report_language;
    let figure = figure_name(&base.monitor, language);
    let mut axes: Vec<Axis> = search.space.dimensions.iter().enumerate().map(|(i, d)| axis(d, i, &lines)).collect();
    axes.push(score_axis(&figure, &lines, language));
    let picture = (lines.len() > 1).then(|| {
        let (all, few) = (lines.len(), best.len());
        let title = say!(language, "What was tried, and what it reached", "Ce qui a été essayé, et ce qui fut atteint");
        let subtitle = say!(
            language,
            "{all} trials; the best {few} stand out, the best of them thickest",
            "{all} essais ; les {few} meilleurs ressortent, le meilleur en plus épais"
        );
        inline(&parallel_coordinates(&title, &subtitle, &axes, &best))
    });
    let keys = search.space.dimensions.len();
    let classes = dataset.classes.join(" / ");
    Survey {
        language,
        title: say!(language, "A search over {keys} keys for {classes}", "Une recherche sur {keys} clés pour {classes}"),
        running_head: [say!(language, "Search", "Recherche"), today.into(), String::new()],
        plot_style: String::new(),
        facts: facts(search, searched, base, dataset, &figure, today),
        brief: brief(searched, &figure, language),
        ranked_by: say!(language, "What was tried", "Ce qui a été essayé"),
        ranking: picture,
        tables: vec![table(search, &ranked, &figure, language), failures(searched, language)]
            .into_iter()
            .filter(|t| !t.rows.is_empty())
            .collect(),
        figures: vec![],
        limits: vec![
            say!(
                language,
                "The best of many trials is chosen by the same pictures that judge it here: its figure is too good. Judge it on \
                 pictures that nobody tuned on.",
                "Le meilleur de nombreux essais est choisi par les images mêmes qui le jugent ici : son résultat est trop bon. \
                 Il faut le juger sur des images dont personne ne s’est servi pour régler."
            ),
            say!(
                language,
                "One training a point: two points whose figures lie closer together than two seeds of one recipe do cannot be \
                 told apart.",
                "Un entraînement par point : deux points plus proches que deux graines d’une même recette ne peuvent être \
                 distingués."
            ),
        ],
    }
    .page()
}

/// What the monitored figure is called.
fn figure_name(monitor: &str, language: Language) -> String {
    let Some(name) = monitor.strip_prefix("val_") else {
        return say!(language, "training loss", "perte d’entraînement");
    };
    let name = match name {
        "loss" => say!(language, "loss", "perte"),
        "accuracy" => say!(language, "accuracy", "exactitude"),
        "balanced_accuracy" => say!(language, "balanced accuracy", "exactitude équilibrée"),
        "roc_auc" => "ROC-AUC".into(),
        "pr_auc" => "PR-AUC".into(),
        "f1" => say!(language, "macro F1", "F1 macro"),
        "mcc" => "MCC".into(),
        other => other.into(),
    };
    say!(language, "validation {name}", "{name} de validation")
}

fn facts(
    search: &Search,
    searched: &Searched,
    base: &Recipe,
    dataset: &Dataset,
    figure: &str,
    today: &str,
) -> Vec<(String, String)> {
    let language = base.report_language;
    let [done, pruned, failed] = [State::Done, State::Pruned, State::Failed]
        .map(|state| searched.trials.iter().filter(|t| t.state == state).count());
    let judged = match &base.folds {
        Some(folds) => say!(
            language,
            "all pictures, each by a network that had not seen it ({folds} folds)",
            "toutes les images, chacune par un réseau qui ne l’avait pas vue ({folds} plis)"
        ),
        None => say!(language, "the validation part", "la partie de validation"),
    };
    let seed = search.seed;
    let points = match search.method {
        super::Method::Random => say!(language, "chance, seed {seed}", "hasard, graine {seed}"),
        super::Method::Tpe => say!(
            language,
            "a tree-structured Parzen estimator after 8 random ones, seed {seed}",
            "un estimateur de Parzen en arbre après 8 points au hasard, graine {seed}"
        ),
    };
    vec![
        (say!(language, "Made", "Établi"), format!("{today}, semio {}", env!("CARGO_PKG_VERSION"))),
        (say!(language, "Data", "Données"), dataset.report.source.display().to_string()),
        (say!(language, "Data's SHA-256", "SHA-256 des données"), dataset.sha256.clone()),
        (say!(language, "Judged on", "Jugé sur"), judged),
        (say!(language, "Figure", "Mesure"), figure.to_owned()),
        (say!(language, "Points by", "Points par"), points),
        (
            say!(language, "Trials", "Essais"),
            say!(
                language,
                "{done} to the end, {pruned} ended early, {failed} failed",
                "{done} jusqu’au bout, {pruned} arrêtés tôt, {failed} échoués"
            ),
        ),
    ]
}

fn value_of(score: f64, language: Language) -> String {
    // Losses are kept with their sign turned.
    language.decimal(score.abs(), 4)
}

fn brief(searched: &Searched, figure: &str, language: Language) -> Vec<String> {
    let Some(best) = searched.best.and_then(|n| searched.trials.get(n)) else {
        return vec![say!(language, "No trial was trained to its end.", "Aucun essai n’a été mené à son terme.")];
    };
    let keys: Vec<String> = best.keys.iter().map(|(key, value)| format!("{key} {}", shown(Some(value)))).collect();
    let seconds: f64 = searched.trials.iter().map(|t| t.seconds).sum();
    let (all, number, keys) = (searched.trials.len(), best.number + 1, keys.join(", "));
    let score = best.score.map_or_else(|| "–".into(), |score| value_of(score, language));
    let minutes = language.decimal(seconds / 60.0, 1);
    vec![
        say!(
            language,
            "The best of {all} trials is number {number}, with {figure} {score}: {keys}.",
            "Le meilleur de {all} essais est le numéro {number}, avec {figure} {score} : {keys}."
        ),
        say!(
            language,
            "The search took {minutes} minutes. best.toml holds the whole recipe, ready for semio train.",
            "La recherche a duré {minutes} minutes. best.toml contient la recette entière, prête pour semio train."
        ),
    ]
}

/// The axis of the space's dimension at `place`.
fn axis(dimension: &Dimension, place: usize, lines: &[&Trial]) -> Axis {
    let (from, to) = dimension.values.range();
    let at = |x: f64| match &dimension.values {
        Values::Choice(values) if values.len() == 1 => 0.5,
        Values::Choice(values) => (x as usize).min(values.len() - 1) as f64 / (values.len() - 1) as f64,
        Values::Range { .. } => (x - from) / (to - from),
    };
    let marks: Vec<f64> = match &dimension.values {
        Values::Choice(values) => (0..values.len()).map(|i| i as f64 + 0.5).collect(),
        // The ends, and the powers of ten between them that do not crowd them.
        Values::Range { from: low, to: high, log: true, .. } => {
            let powers = (low.log10().ceil() as i32..=high.log10().floor() as i32).map(|power| 10f64.powi(power));
            let between = powers.filter(|p| (p / low).min(high / p) > (high / low).powf(0.1));
            std::iter::once(*low).chain(between).chain([*high]).map(f64::ln).collect()
        }
        Values::Range { .. } => [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| from + share * (to - from)).to_vec(),
    };
    let ticks = marks.iter().map(|&x| (at(x), shown(Some(&dimension.values.value(x))))).collect();
    let places = lines.iter().map(|t| t.point.get(place).map(|x| at(*x))).collect();
    Axis { name: dimension.key.clone(), ticks, places }
}

fn score_axis(figure: &str, lines: &[&Trial], language: Language) -> Axis {
    let scores: Vec<f64> = lines.iter().filter_map(|t| t.score).collect();
    let (low, high) = scores.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), s| (l.min(*s), h.max(*s)));
    let span = if high > low { high - low } else { 1.0 };
    let ticks = [0.0, 0.25, 0.5, 0.75, 1.0].map(|p| (p, value_of(low + p * span, language))).to_vec();
    Axis { name: figure.to_owned(), ticks, places: lines.iter().map(|t| Some((t.score? - low) / span)).collect() }
}

fn table(search: &Search, ranked: &[&Trial], figure: &str, language: Language) -> Table {
    let keys: Vec<&String> = search.space.dimensions.iter().map(|d| &d.key).collect();
    let header = [
        say!(language, "Trial", "Essai"),
        figure.to_owned(),
        say!(language, "State", "État"),
        say!(language, "Epochs", "Époques"),
        say!(language, "Minutes", "Minutes"),
    ];
    let row = |t: &&Trial| {
        let fixed = [
            (t.number + 1).to_string(),
            t.score.map_or_else(|| "–".into(), |score| value_of(score, language)),
            state(t.state, language),
            language.count(t.epochs as u64),
            language.decimal(t.seconds / 60.0, 1),
        ];
        fixed.into_iter().chain(keys.iter().map(|k| shown(t.keys.get(*k)))).collect()
    };
    Table {
        title: say!(language, "Trials, the best first", "Essais, le meilleur d’abord"),
        header: header.into_iter().chain(keys.iter().map(|k| (*k).clone())).collect(),
        rows: ranked.iter().map(row).collect(),
        note: Some(say!(
            language,
            "A trial that was ended early shows what it had reached by then.",
            "Un essai arrêté tôt montre ce qu’il avait atteint jusque-là."
        )),
    }
}

fn state(state: State, language: Language) -> String {
    match (state, language) {
        (State::Pruned, _) => say!(language, "ended early", "arrêté tôt"),
        (State::Done, Language::French) => "mené à terme".into(),
        (State::Failed, Language::French) => "échoué".into(),
        (other, _) => other.name().to_owned(),
    }
}

fn failures(searched: &Searched, language: Language) -> Table {
    let row = |t: &Trial| Some(vec![(t.number + 1).to_string(), t.problem.clone()?]);
    Table {
        title: say!(language, "Not trained", "Non entraînés"),
        header: vec![say!(language, "Trial", "Essai"), say!(language, "Why", "Pourquoi")],
        rows: searched.trials.iter().filter_map(row).collect(),
        note: None,
    }
}
