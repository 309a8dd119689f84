//! The report as a reader gets it. Each test's page lies in `target/tmp` afterwards, to be looked at.
#![expect(clippy::unwrap_used, reason = "tests")]

use base64::{Engine, engine::general_purpose::STANDARD};
use semio_model::{Doubt, GroupKind, Outcome};
use semio_stats::{Predictions, evaluate};
use semio_train::{
    Language,
    plot::{EpochFigures, PartCounts},
    report::{
        ChosenExamples, ClassCurves, Data, Example, Examples, Fold, Groups, LeftOut, Maps, Model, PartUse, Report,
        ReportError, Split, Stopping, Training, choose_examples,
    },
};

/// A grey square, 2 × 2 pixels.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAAAAABX3VL4AAAADklEQVR42mNoaGBoaAAABQYBgVlZTxMAAAAASUVORK5CYII=";

/// Predictions as a fair four-class network makes them, from a small generator of our own so that no other crate's
/// version changes the snapshot.
fn predictions(classes: &[&str], shares: &[usize], signal: f64, seed: u64) -> Predictions {
    let mut state = seed;
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1u64 << 24) as f64
    };
    let truth: Vec<usize> = shares.iter().enumerate().flat_map(|(c, &n)| std::iter::repeat_n(c, n)).collect();
    let (mut rows, mut decided) = (Vec::new(), Vec::new());
    for &class in &truth {
        let scores: Vec<f64> = (0..classes.len())
            .map(|c| {
                let hit = if c == class { signal } else { 0.0 };
                (hit + 4.0 * (noise() + noise() + noise() - 1.5)).exp()
            })
            .collect();
        let sum: f64 = scores.iter().sum();
        let best = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
        rows.extend(scores.iter().map(|s| (s / sum * 1e6).round() / 1e6));
        decided.push(best);
    }
    let n = truth.len();
    let classes = classes.iter().map(|&c| c.to_owned()).collect();
    Predictions::new(classes, truth, rows, decided, vec![true; n]).unwrap()
}

fn examples(p: &Predictions, count: usize) -> Examples {
    let ChosenExamples { hits, misses, doubtful } = choose_examples(p, count);
    let example = |row: usize| Example {
        file: format!("images/Te-{row:04}.jpg"),
        png: Some(STANDARD.decode(PNG).unwrap()),
        map: Some(STANDARD.decode(PNG).unwrap()),
        truth: p.classes()[p.truth()[row]].clone(),
        given: p.classes()[p.decided()[row]].clone(),
        probability: p.probabilities(row)[p.decided()[row]],
        outcome: if row % 7 == 3 { Outcome::Unsure(Doubt::Several) } else { Outcome::Answered },
    };
    let maps = Some(Maps::Shown { method: "grad-cam".into() });
    let all = |rows: Vec<usize>| rows.into_iter().map(example).collect();
    Examples { hits: all(hits), misses: all(misses), doubtful: all(doubtful), maps }
}

fn history() -> Vec<EpochFigures> {
    (1..=15u32)
        .map(|epoch| {
            let t = f64::from(epoch);
            EpochFigures {
                epoch,
                train_loss: 1.3 * (-t / 5.0).exp() + 0.05,
                val_loss: Some(1.2 * (-t / 4.0).exp() + 0.38 + 0.012 * (t - 8.0).max(0.0)),
                train_accuracy: Some(0.985 - 0.55 * (-t / 4.0).exp()),
                val_accuracy: Some(0.86 - 0.45 * (-t / 3.5).exp() + 0.006 * (t * 2.1).sin()),
            }
        })
        .collect()
}

fn part(name: &str, counts: &[u64]) -> PartCounts {
    PartCounts { name: name.to_owned(), counts: counts.to_vec() }
}

/// A report with everything in it.
fn full() -> Report {
    let p = predictions(&["glioma", "meningioma", "no tumour", "pituitary"], &[300, 306, 405, 300], 3.4, 7);
    Report {
        language: Language::English,
        title: "Brain tumours on MRI: r2-cnn on the validation part".into(),
        created: "12 March 2026".into(),
        program: "semio 0.1.0".into(),
        model: Model {
            name: "brain-r2-cnn".into(),
            architecture: "r2-cnn".into(),
            parameters: Some(1_234_567),
            input: Some("128 × 128 pixels, RGB".into()),
            rule: Some("the most probable class".into()),
            hash: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into()),
            intended_use: None,
            calibrated: false,
        },
        data: Data {
            name: "brain_tumor_mri/labels.csv".into(),
            hash: Some("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752".into()),
            part: "val".into(),
            part_use: PartUse::Selection,
            parts: vec![part("train", &[1321, 1339, 1595, 1457]), part("val", &[300, 306, 405, 300])],
            left_out: vec![
                LeftOut { reason: "the split is none of train, val, test".into(), count: 1234, files: vec![] },
                LeftOut {
                    reason: "the file cannot be read".into(),
                    count: 25,
                    files: (0..25).map(|i| format!("images/broken-{i:02}.png")).collect(),
                },
            ],
            leak: None,
            alike_kept: None,
        },
        split: Some(Split {
            how: "as the table's column `split` says".into(),
            groups: Groups::Kept { groups: 2210 },
            group_kind: GroupKind::LookAlikes,
        }),
        training: Some(Training {
            recipe: [
                ("model", "r2-cnn"),
                ("image size", "128"),
                ("epochs", "15"),
                ("batch size", "32"),
                ("optimiser", "AdamW, learning rate 0.001, weight decay 0.0001"),
                ("schedule", "cosine, warm-up 1 epoch"),
                ("loss", "categorical cross-entropy, label smoothing 0.05"),
                ("augmentation", "flip, rotate ±10°, shift 5 %, zoom 10 %, brightness, contrast"),
                ("seed", "1"),
            ]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .to_vec(),
            history: history(),
            best_epoch: Some(8),
            stopping: Stopping::NoImprovement { metric: "validation loss".into(), patience: 7 },
            training_pictures: Some(5712),
            validation_pictures: Some(1311),
        }),
        evaluation: evaluate(&p),
        verdict: None,
        coverage: None,
        curves: ClassCurves::of(&p),
        folds: vec![],
        examples: examples(&p, 8),
        remarks: vec![],
    }
}

/// A report of two uneven classes, part of them unanswered, with folds and little else known.
fn folds() -> Report {
    let parts: Vec<Predictions> =
        (0..4).map(|fold| predictions(&["normal", "pneumonia"], &[30, 6 * fold], 2.0, fold as u64 + 1)).collect();
    let pooled = Predictions::pool(&parts).unwrap();
    let answered = (0..pooled.len()).map(|row| pooled.probabilities(row).iter().any(|&p| p > 0.6)).collect();
    let rows = (0..pooled.len()).flat_map(|row| pooled.probabilities(row).to_vec()).collect();
    let (truth, decided) = (pooled.truth().to_vec(), pooled.decided().to_vec());
    let pooled = Predictions::new(pooled.classes().to_vec(), truth, rows, decided, answered).unwrap();
    let folds = parts.iter().enumerate();
    Report {
        language: Language::English,
        title: "Pneumonia, four folds".into(),
        created: "12 March 2026".into(),
        program: "semio 0.1.0".into(),
        model: Model { name: "pneumonia".into(), architecture: "r0-cnn".into(), ..Model::default() },
        data: Data {
            name: "chest".into(),
            hash: None,
            part: String::new(),
            part_use: PartUse::CrossValidation,
            parts: vec![part("all", &[120, 36])],
            left_out: vec![],
            leak: None,
            alike_kept: None,
        },
        split: Some(Split {
            how: "4 folds, stratified, seed 3".into(),
            groups: Groups::Unknown,
            group_kind: GroupKind::Unsaid,
        }),
        training: None,
        evaluation: evaluate(&pooled),
        verdict: None,
        coverage: None,
        curves: ClassCurves::of(&pooled),
        folds: folds.map(|(i, p)| Fold { name: (i + 1).to_string(), evaluation: evaluate(p) }).collect(),
        examples: Examples::default(),
        remarks: vec!["A remark of the run.".into()],
    }
}

/// Renders, keeps the page for the eye, and checks what holds for every page.
fn page(name: &str, report: &Report) -> String {
    let html = report.render().unwrap();
    std::fs::write(format!("{}/{name}.html", env!("CARGO_TARGET_TMPDIR")), &html).unwrap();
    assert!(!html.contains("http") && !html.contains("<script") && !html.contains("@import") && !html.contains("url("));
    assert!(!html.contains("NaN") && !html.contains(">inf"), "a number that is none");
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    html
}

/// The words that a reader sees: no tags, style sheet or figures.
fn text(html: &str) -> String {
    let mut html = html.to_owned();
    for (start, end) in [("<style>", "</style>"), ("<svg", "</svg>")] {
        while let Some(from) = html.find(start) {
            let to = html[from..].find(end).unwrap() + from + end.len();
            html.replace_range(from..to, if start == "<svg" { "[figure]" } else { "" });
        }
    }
    let (mut out, mut inside) = (String::new(), false);
    for c in html.replace("</td>", " | ").replace("</th>", " | ").replace("</dt>", ": ").chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let lines = out.lines().map(|l| l.trim().trim_end_matches(" |")).filter(|l| !l.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_full_report() {
    insta::assert_snapshot!(text(&page("full", &full())));
}

#[test]
fn a_report_of_folds_with_little_known() {
    insta::assert_snapshot!(text(&page("folds", &folds())));
}

#[test]
fn names_cannot_break_out() {
    let evil = "</style><script>alert(1)</script>\"'&\u{1b}";
    let p = predictions(&[evil, "b</title>"], &[5, 5], 1.0, 3);
    let mut report = full();
    report.title = evil.into();
    report.created = evil.into();
    report.model = Model {
        name: evil.into(),
        architecture: evil.into(),
        input: Some(evil.into()),
        rule: Some(evil.into()),
        hash: Some(evil.into()),
        intended_use: Some(evil.into()),
        ..Model::default()
    };
    report.data.name = evil.into();
    report.data.part = evil.into();
    report.data.parts = vec![part(evil, &[5, 5])];
    report.data.left_out = vec![LeftOut { reason: evil.into(), count: 2, files: vec![evil.into()] }];
    report.split = Some(Split {
        how: evil.into(),
        groups: Groups::Shared { groups: 9, shared: 2 },
        group_kind: GroupKind::Patients,
    });
    if let Some(training) = &mut report.training {
        training.recipe = vec![(evil.into(), evil.into())];
        training.stopping = Stopping::NoImprovement { metric: evil.into(), patience: 1 };
    }
    report.evaluation = evaluate(&p);
    report.curves = ClassCurves::of(&p);
    report.folds = vec![Fold { name: evil.into(), evaluation: evaluate(&p) }];
    report.examples = examples(&p, 3);
    report.examples.hits[0].file = evil.into();
    let html = page("evil", &report);
    assert_eq!(html.matches("</style>").count(), 1);
    assert_eq!(html.matches("</title>").count(), 1 + html.matches("<title>").count() - 1);
    assert!(!html.contains("alert(1)</") && html.contains("\\00003c \\00002f style"));
}

#[test]
fn a_report_with_nothing_optional() {
    let p = predictions(&["a", "b"], &[1, 0], 1.0, 3);
    let report = Report {
        language: Language::English,
        title: "Bare".into(),
        created: String::new(),
        program: String::new(),
        model: Model::default(),
        data: Data {
            name: "some".into(),
            hash: None,
            part: "all".into(),
            part_use: PartUse::Unknown,
            parts: vec![],
            left_out: vec![],
            leak: None,
            alike_kept: None,
        },
        split: None,
        training: None,
        evaluation: evaluate(&p),
        verdict: None,
        coverage: None,
        curves: vec![],
        folds: vec![],
        examples: Examples::default(),
        remarks: vec!["A remark of the run.".into()],
    };
    let text = text(&page("bare", &report));
    assert!(text.contains("only one class is present") && text.contains("On 1 picture of the part “all”"), "{text}");
    for section in ["Examples", "Cross-validation", "Training", "Left out", "ROC curves"] {
        assert!(!text.lines().any(|l| l == section), "{section}");
    }
}

#[test]
fn many_classes_and_pictures_stay_small() {
    let names: Vec<String> =
        (0..200).map(|c| format!("class number {c} with a name of about sixty letters, all told")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let p = predictions(&names, &[10; 200], 4.0, 5);
    let mut report = full();
    report.evaluation = evaluate(&p);
    report.curves = ClassCurves::of(&p);
    report.data.parts = vec![part("val", &[10; 200])];
    let mut big = STANDARD.decode(PNG).unwrap();
    big.resize(400_000, 0);
    report.examples = examples(&p, 8);
    let Examples { hits, misses, doubtful, .. } = &mut report.examples;
    for example in hits.iter_mut().chain(misses).chain(doubtful) {
        example.png = Some(big.clone());
    }
    let text = text(&page("many", &report));
    assert!(text.contains("17 thumbnails were left out to keep this file small"), "{text}");
    assert!(text.contains("With 200 classes the matrix and the curves are too large to draw"));
}

#[test]
fn a_thumbnail_must_be_a_png() {
    let mut report = full();
    report.examples.hits[0].png = Some(b"GIF89a".to_vec());
    let error = report.render().unwrap_err();
    assert!(matches!(&error, ReportError::NotPng { .. }));
    assert!(error.to_string().starts_with("the thumbnail of images/Te-"), "{error}");
}

#[test]
fn examples_are_chosen_by_score() {
    let names = ["a", "b"].map(str::to_owned).to_vec();
    let scores = [0.9, 0.99, 0.2, 0.6, 0.55, 0.05, 0.1];
    let rows = scores.iter().flat_map(|s| [1.0 - s, *s]).collect();
    let decided: Vec<usize> = scores.iter().map(|s| usize::from(*s >= 0.5)).collect();
    let p = Predictions::new(names, vec![1, 1, 1, 0, 1, 0, 0], rows, decided, vec![true; 7]).unwrap();
    let chosen = choose_examples(&p, 2);
    // The hit nearest to its class's median before the second of any class.
    assert_eq!(chosen, ChosenExamples { hits: vec![6, 0], misses: vec![2, 3], doubtful: vec![4, 5] });
    assert_eq!(choose_examples(&p, 0), ChosenExamples::default());
}
