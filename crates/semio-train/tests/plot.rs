//! Each figure in small, as a snapshot; and what must hold for all.
#![expect(clippy::unwrap_used, reason = "tests")]

use semio_stats::{Judge, Predictions};
use semio_train::Language;
use semio_train::plot::{
    Axis, EpochFigures, LearningCurves, PartCounts, Point, class_distribution, confusion_matrix, learning_curves,
    parallel_coordinates, precision_recall_plot, roc_plot, scatter_plot,
};

/// Leaves out the style sheet, which is the same in all.
fn without_style(svg: &str) -> String {
    let (start, end) = (svg.find("<style>").unwrap(), svg.find("</style>").unwrap());
    format!("{}{}", &svg[..start], &svg[end + "</style>".len()..])
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&n| n.to_owned()).collect()
}

fn epochs(count: u32) -> Vec<EpochFigures> {
    (1..=count)
        .map(|epoch| {
            let t = f64::from(epoch);
            EpochFigures {
                epoch,
                train_loss: 1.2 / t,
                val_loss: Some(1.2 / t + 0.02 * t),
                train_accuracy: Some(1.0 - 0.5 / t),
                val_accuracy: Some(0.9 - 0.4 / t),
            }
        })
        .collect()
}

fn curves(epochs: &[EpochFigures]) -> String {
    learning_curves(&LearningCurves {
        epochs,
        best_epoch: Some(3),
        training_pictures: Some(1234),
        language: Language::English,
        validation_pictures: Some(300),
    })
}

fn small() -> Predictions {
    let scores = [0.9, 0.8, 0.8, 0.4, 0.3, 0.1];
    let rows = scores.iter().flat_map(|s| [1.0 - s, *s]).collect();
    Predictions::new(names(&["none", "tumour"]), vec![1, 1, 0, 1, 0, 0], rows, vec![1, 1, 1, 0, 0, 0], vec![true; 6])
        .unwrap()
}

#[test]
fn learning_curves_figure() {
    insta::assert_snapshot!(without_style(&curves(&epochs(4))));
}

#[test]
fn roc_figure() {
    let curve = Judge::new(&small()).roc_curve(1).unwrap();
    insta::assert_snapshot!(without_style(&roc_plot("tumour", &curve, 0.8333, 3, 6, Language::English)));
}

#[test]
fn precision_recall_figure() {
    let curve = Judge::new(&small()).precision_recall_curve(1).unwrap();
    insta::assert_snapshot!(without_style(&precision_recall_plot("tumour", &curve, 0.8, 3, 6, Language::English)));
}

#[test]
fn confusion_matrix_figure() {
    let counts = [vec![1200, 0], vec![7, 93]];
    insta::assert_snapshot!(without_style(&confusion_matrix(&names(&["none", "tumour"]), &counts, Language::English)));
}

#[test]
fn class_distribution_figure() {
    let parts = [
        PartCounts { name: "train".into(), counts: vec![1200, 93] },
        PartCounts { name: "val".into(), counts: vec![300, 0] },
    ];
    insta::assert_snapshot!(without_style(&class_distribution(&names(&["none", "tumour"]), &parts, Language::English)));
}

#[test]
fn names_are_escaped_everywhere() {
    let classes = names(&["<script>alert(1)</script>", "a & \"b\""]);
    let parts = [PartCounts { name: "</svg>".into(), counts: vec![1, 2] }];
    let judge_of = small();
    let judge = Judge::new(&judge_of);
    for svg in [
        confusion_matrix(&classes, &[vec![1, 2], vec![3, 4]], Language::English),
        class_distribution(&classes, &parts, Language::English),
        roc_plot(&classes[0], &judge.roc_curve(1).unwrap(), 0.8, 3, 6, Language::English),
        precision_recall_plot(&classes[1], &judge.precision_recall_curve(1).unwrap(), 0.8, 3, 6, Language::English),
    ] {
        assert!(!svg.contains("<script") && !svg.contains("& "), "{svg}");
        assert_eq!(svg.matches("</svg>").count(), 1, "{svg}");
    }
}

#[test]
fn nothing_to_draw_is_no_trouble() {
    for svg in [
        curves(&[]),
        curves(&epochs(1)),
        curves(&[EpochFigures {
            epoch: 1,
            train_loss: f64::NAN,
            val_loss: None,
            train_accuracy: None,
            val_accuracy: Some(f64::INFINITY),
        }]),
        confusion_matrix(&[], &[], Language::English),
        confusion_matrix(&names(&["a", "b"]), &[vec![1]], Language::English),
        class_distribution(&[], &[], Language::English),
        roc_plot("a", &[], 0.5, 0, 0, Language::English),
        precision_recall_plot("a", &[], 0.5, 0, 0, Language::English),
    ] {
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

#[test]
fn a_hundred_thousand_pictures_draw_small() {
    let n = 100_000;
    let truth: Vec<usize> = (0..n).map(|i| usize::from(i % 3 == 0 || i > n / 2)).collect();
    let rows = (0..n).flat_map(|i| [1.0 - f64::from(i as u32) / 1e5, f64::from(i as u32) / 1e5]).collect();
    let p = Predictions::new(names(&["a", "b"]), truth.clone(), rows, truth, vec![true; n]).unwrap();
    let judge = Judge::new(&p);
    assert!(roc_plot("b", &judge.roc_curve(1).unwrap(), 0.8, 1, 2, Language::English).len() < 30_000);
    assert!(
        precision_recall_plot("b", &judge.precision_recall_curve(1).unwrap(), 0.8, 1, 2, Language::English).len()
            < 30_000
    );
}

/// The texts of a figure that are written from their beginning on, with their places.
fn texts(svg: &str, names: &[&str]) -> Vec<(f64, f64)> {
    let number = |line: &str, key: &str| -> f64 {
        line.split_once(&format!(" {key}=\"")).and_then(|(_, rest)| rest.split_once('"')).unwrap().0.parse().unwrap()
    };
    let place = |name: &&str| {
        let end = format!(">{name}</text>");
        let line = svg.lines().find(|line| line.ends_with(&end)).unwrap_or_else(|| panic!("{name} is not written"));
        (number(line, "x"), number(line, "y"))
    };
    names.iter().map(place).collect()
}

#[test]
fn every_network_of_a_crowd_is_named_beside_the_points() {
    // Places as a comparison of real networks has them: most within two points of accuracy.
    let names = ["mobilenet-frozen", "squeezenet-frozen", "mobilenet-forest", "resnet18", "densenet121", "lenet5"];
    let places = [(2.2, 0.76), (0.74, 0.756), (2.2, 0.732), (11.2, 0.761), (7.0, 0.758), (0.06, 0.61)];
    let points: Vec<Point<'_>> = names.iter().zip(places).map(|(name, (x, y))| Point { name, x, y }).collect();
    let svg = scatter_plot("Accuracy and size", ["million parameters", "accuracy"], &points, Language::English);
    let written = texts(&svg, &names);
    for (i, a) in written.iter().enumerate() {
        for b in &written[i + 1..] {
            assert!((a.1 - b.1).abs() > 12.0 || (a.0 - b.0).abs() > 60.0, "two names on each other: {a:?} {b:?}");
        }
    }
}

#[test]
fn a_trial_is_a_line_over_all_axes_and_numbers_stand_above_lines() {
    let axis = |name: &str, places: [f64; 3]| Axis {
        name: name.into(),
        ticks: vec![(0.0, "8".into()), (1.0, "32".into())],
        places: places.map(Some).to_vec(),
    };
    let axes = [axis("batch-size", [0.0, 0.5, 1.0]), axis("a <key>", [0.2, 0.4, 0.6]), axis("score", [1.0, 0.0, 0.5])];
    let svg = parallel_coordinates("What was tried", "3 trials", &axes, &[0]);
    let thick = svg.lines().filter(|l| l.contains("stroke-width=\"3.5\"")).count();
    let thin = svg.lines().filter(|l| l.contains("l-grid") && l.contains("<polyline")).count();
    assert_eq!((thick, thin), (1, 2), "{svg}");
    assert!(svg.contains("a &#60;key&#62;") && !svg.contains("<key>"), "{svg}");
    assert_eq!(svg.matches("paint-order").count(), 6, "{svg}");
}
