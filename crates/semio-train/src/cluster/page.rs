//! The groups as a page.

use std::collections::BTreeMap;

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD};
use semio_data::{ReadLimits, Sample, encode_png};
use semio_image::{Filter, Image};

use super::{Clusters, numbered};
use crate::{
    language::{Language, banner, say},
    plot::style_sheet,
    report::{ReportError, css_string},
};

/// Longest side of a thumbnail on the page, in pixels.
const THUMBNAIL: usize = 56;
/// Pictures with a thumbnail on the page, which keeps it small.
const SHOWN: usize = 1500;

#[derive(Template)]
#[template(path = "clusters.html")]
struct Page<'a> {
    language: Language,
    title: String,
    /// Escaped for a string in CSS.
    running_head: [String; 3],
    facts: Vec<(String, String)>,
    brief: Vec<String>,
    plot_style: String,
    /// Groups against classes.
    classes: Vec<String>,
    rows: Vec<(String, Vec<usize>)>,
    outliers: Vec<Listed<'a>>,
    suspects: Vec<Listed<'a>>,
    /// The points as JSON, safe inside a script element.
    points: String,
    left_out: Option<String>,
}

impl Page<'_> {
    /// The page's fixed words: of both, those in its language.
    fn say(&self, english: &str, french: &str) -> String {
        say!(self.language, "{english}", "{french}")
    }
}

struct Listed<'a> {
    file: &'a str,
    picture: Option<String>,
    words: String,
}

/// The groups as one page that needs no network: a plane of points with thumbnails, groups against classes, and the
/// pictures to look at again.
///
/// # Errors
/// [`ReportError`] where the page cannot be put together.
pub fn cluster_page(
    clusters: &Clusters,
    samples: &[Sample],
    language: Language,
    today: &str,
) -> Result<String, ReportError> {
    let by_name: BTreeMap<&str, &Sample> = samples.iter().map(|s| (s.name.as_str(), s)).collect();
    let picture = |i: usize| thumbnail(by_name.get(clusters.files[i].as_str())?);
    let n = clusters.files.len();
    let step = n.div_ceil(SHOWN).max(1);
    let points: Vec<serde_json::Value> = (0..n)
        .map(|i| {
            let [x, y] = clusters.places[i];
            let shown = if i % step == 0 { picture(i) } else { None };
            serde_json::json!([x, y, clusters.clusters[i], clusters.labels[i], clusters.files[i], shown])
        })
        .collect();
    let classes: Vec<String> = numbered(&clusters.labels).map(|(classes, _)| classes).unwrap_or_default();
    let list = |i: usize, words: String| Listed { file: &clusters.files[i], picture: picture(i), words };
    let all = language.count(n as u64);
    let title = say!(language, "Groups of {all} pictures", "Groupes de {all} images");
    let version = env!("CARGO_PKG_VERSION");
    let page = Page {
        language,
        running_head: [title.as_str(), today, &banner(language)].map(css_string),
        title,
        facts: vec![
            (say!(language, "Compared by", "Comparées par"), space(&clusters.space, language)),
            (say!(language, "Pictures", "Images"), all),
            (say!(language, "Made", "Établi"), format!("{today}, semio {version}")),
        ],
        brief: brief(clusters, language),
        plot_style: style_sheet(),
        rows: counts(clusters, &classes, language),
        classes,
        outliers: (clusters.outliers.iter())
            .map(|&(i, far)| {
                let far = language.decimal(far, 1);
                let words = say!(
                    language,
                    "{far} times as far from its neighbours as usual",
                    "{far} fois plus loin de ses voisines que d’ordinaire"
                );
                list(i, words)
            })
            .collect(),
        suspects: (clusters.suspects.iter())
            .map(|s| {
                let share = |p: f64| format!("{:.0}", 100.0 * p);
                let (given, other) = (&s.given, &s.suggested);
                let (p, q) = (share(s.given_probability), share(s.suggested_probability));
                let words = say!(
                    language,
                    "labelled {given} ({p} %), looks like {other} ({q} %)",
                    "étiquetée {given} ({p} %), ressemble à {other} ({q} %)"
                );
                list(s.picture, words)
            })
            .collect(),
        // A text that ends the script element would end it in the middle of the data.
        points: serde_json::Value::from(points).to_string().replace("</", "<\\/"),
        left_out: (!clusters.unreadable.is_empty()).then(|| {
            let bad = language.count(clusters.unreadable.len() as u64);
            say!(language, "{bad} files could not be read.", "{bad} fichiers n’ont pas pu être lus.")
        }),
    };
    Ok(page.render()?)
}

/// What was compared, in the page's language.
fn space(space: &str, language: Language) -> String {
    match space.strip_prefix("features of ") {
        Some(network) => say!(language, "features of {network}", "caractéristiques de {network}"),
        None => say!(language, "picture statistics", "statistiques des images"),
    }
}

fn brief(clusters: &Clusters, language: Language) -> Vec<String> {
    let groups = clusters.clusters.iter().flatten().max().map_or(0, |c| c + 1);
    let none = clusters.clusters.iter().filter(|c| c.is_none()).count();
    let mut out = vec![match none {
        0 => say!(language, "The pictures fall into {groups} groups.", "Les images forment {groups} groupes."),
        none => say!(
            language,
            "The pictures fall into {groups} groups; {none} belong to none.",
            "Les images forment {groups} groupes ; {none} n’appartiennent à aucun."
        ),
    }];
    if let Some(silhouette) = clusters.silhouette {
        let words = match silhouette {
            s if s >= 0.5 => say!(language, "stand clearly apart", "sont nettement séparés"),
            s if s >= 0.25 => say!(language, "overlap in part", "se recouvrent en partie"),
            _ => say!(language, "run into one another", "se confondent"),
        };
        let mean = language.decimal(silhouette, 2);
        out.push(say!(
            language,
            "The groups {words} (mean silhouette {mean}; 1 is apart, 0 is no difference).",
            "Les groupes {words} (silhouette moyenne {mean} ; 1 : séparés, 0 : aucune différence)."
        ));
    }
    if let Some(a) = clusters.agreement {
        let purity = format!("{:.0}", 100.0 * a.purity);
        let [rand, nmi] = [a.adjusted_rand, a.normalised_mutual_information].map(|v| language.decimal(v, 2));
        out.push(say!(
            language,
            "{purity} % of the pictures are of their group's most frequent class; the adjusted Rand index between groups and \
             classes is {rand} (0 is chance, 1 the same), the normalised mutual information {nmi}.",
            "{purity} % des images sont de la classe la plus fréquente de leur groupe ; l’indice de Rand ajusté entre groupes \
             et classes est de {rand} (0 : hasard, 1 : identiques), l’information mutuelle normalisée de {nmi}."
        ));
    }
    out.push(say!(
        language,
        "Groups are what looks alike to the method, not diagnoses; distances on the plane are not to scale.",
        "Les groupes réunissent ce que la méthode trouve semblable, pas des diagnostics ; les distances sur le plan ne sont \
         pas à l’échelle."
    ));
    out
}

/// For each group the number of pictures of each class.
fn counts(clusters: &Clusters, classes: &[String], language: Language) -> Vec<(String, Vec<usize>)> {
    let mut rows: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (cluster, label) in clusters.clusters.iter().zip(&clusters.labels) {
        let row = rows.entry(*cluster).or_insert_with(|| vec![0; classes.len() + 1]);
        let class = label.as_ref().and_then(|l| classes.iter().position(|c| c == l));
        if let Some(class) = class {
            row[class] += 1;
        }
        row[classes.len()] += 1;
    }
    let none = || say!(language, "none", "aucun");
    rows.into_iter().map(|(c, row)| (c.map_or_else(none, |c| (c + 1).to_string()), row)).collect()
}

fn thumbnail(sample: &Sample) -> Option<String> {
    let image = sample.read(&ReadLimits::default(), None).ok()?.to_u8();
    let longest = image.width().max(image.height());
    let side = |n: usize| (n * THUMBNAIL / longest).max(1);
    let small: Image = image.resize(side(image.width()), side(image.height()), Filter::Bilinear).ok()?;
    Some(format!("data:image/png;base64,{}", STANDARD.encode(encode_png(&small).ok()?)))
}
