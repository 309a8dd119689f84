//! Pictures in groups of likeness, compared with their labels: what a network or simple statistics see without being told.

mod page;

use std::collections::BTreeMap;

use semio_data::{ReadLimits, Sample};
use semio_image::{Color, Pipeline};
use semio_model::{Predictor, Prepared};
use semio_stats::{
    InputError, LabelAgreement, LabelSuspect, Linkage, Logistic, LogisticSettings, Pca, Table, best_k_means,
    density_clusters, hierarchical, k_means, label_agreement, label_suspects, nearest_distances, silhouettes, tsne,
};
use serde::Serialize;

pub use page::cluster_page;

use crate::{loader::read_seen, parallel};

/// How pictures are put into groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// k-means; the number of groups by the silhouette where not given.
    KMeans(Option<usize>),
    /// Hierarchical, by Ward's criterion.
    Hierarchical(usize),
    /// By density (HDBSCAN), with so many pictures a group at least; some pictures belong to none.
    Density(usize),
}

/// How the plane is laid that shows the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// Neighbours stay neighbours (van der Maaten and Hinton 2008).
    Tsne,
    /// The two widest principal directions.
    Pca,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct ClusterOptions {
    /// How pictures are put into groups.
    pub grouping: Grouping,
    /// How the plane is laid.
    pub plane: Plane,
    /// Decides the starts.
    pub seed: u64,
    /// Threads that read pictures.
    pub threads: usize,
}

/// Pictures in groups.
#[derive(Clone, Debug, Serialize)]
pub struct Clusters {
    /// What was compared: `features of mobilenet_v2`, or `picture statistics`.
    pub space: String,
    /// The names of the pictures that could be read.
    pub files: Vec<String>,
    /// Their classes, where they have one.
    pub labels: Vec<Option<String>>,
    /// The group of each; none where it belongs to none.
    pub clusters: Vec<Option<usize>>,
    /// Where each stands on the plane.
    pub places: Vec<[f64; 2]>,
    /// The mean silhouette of the groups, -1 to 1; none for a single group.
    pub silhouette: Option<f64>,
    /// Numbers of groups that were tried, with their silhouettes.
    pub tried: Vec<(usize, f64)>,
    /// How far groups and labels agree; none where not all pictures have a label.
    pub agreement: Option<Agreement>,
    /// Pictures that stand alone, the loneliest first: places in `files`, with the mean distance to their neighbours over
    /// its median.
    pub outliers: Vec<(usize, f64)>,
    /// Pictures whose label another class fits better, judged by a logistic regression that has not seen them.
    pub suspects: Vec<Suspect>,
    /// Files that could not be read.
    pub unreadable: Vec<String>,
}

/// How far groups and labels agree.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Agreement {
    /// Share of pictures that are of their group's most frequent class.
    pub purity: f64,
    /// Adjusted Rand index: 0 by chance, 1 the same.
    pub adjusted_rand: f64,
    /// Normalised mutual information, 0 to 1.
    pub normalised_mutual_information: f64,
}

/// A label that should be looked at again.
#[derive(Clone, Debug, Serialize)]
pub struct Suspect {
    /// Place in `files`.
    pub picture: usize,
    /// The class that it is labelled as.
    pub given: String,
    /// The class that fits better.
    pub suggested: String,
    /// The probability of the class given.
    pub given_probability: f64,
    /// The probability of the class suggested.
    pub suggested_probability: f64,
}

/// Directions that groups are looked for in.
const RANK: usize = 50;
/// Neighbours that a picture's loneliness is measured by.
const NEIGHBOURS: usize = 10;
/// Outliers and suspects that are listed.
const LISTED: usize = 50;
/// Parts of the cross-validation that judges labels.
const FOLDS: usize = 5;

/// Puts pictures into groups, by a bundle's features or, without one, by block means and appearance.
///
/// `progress` is told how many pictures are read.
///
/// # Errors
/// [`InputError`] where there are too few pictures, or all look the same.
pub fn cluster(
    predictor: Option<&Predictor>,
    samples: &[Sample],
    options: &ClusterOptions,
    mut progress: impl FnMut(usize),
) -> Result<Clusters, InputError> {
    let (mut rows, mut kept, mut unreadable, mut done) = (vec![], vec![], vec![], 0);
    let limits = ReadLimits::default();
    // 8 × 8 block means are what antialiased resizing gives.
    let blocks = Pipeline::standard(8, 8, Color::Rgb);
    let pipeline = predictor.map_or(&blocks, |p| &p.manifest().pipeline);
    let chunks = samples.chunks(32).map(<[Sample]>::to_vec);
    let work = |chunk: Vec<Sample>| {
        let prepared = |s: &Sample| {
            let (image, mask) = read_seen(pipeline, &s.file, s.frame, s.mask.as_deref(), &limits).ok()?;
            Prepared::new(pipeline, &image, mask.as_ref()).ok()
        };
        chunk.into_iter().map(|s| (prepared(&s), s)).collect::<Vec<_>>()
    };
    parallel::ordered(options.threads, 2 * options.threads + 1, chunks, work, |chunk| {
        done += chunk.len();
        let (mut inputs, mut names) = (vec![], vec![]);
        for (prepared, sample) in chunk {
            match prepared {
                Some(prepared) => {
                    inputs.push(prepared);
                    names.push(sample);
                }
                None => unreadable.push(sample.name),
            }
        }
        match predictor {
            Some(predictor) => rows.extend(predictor.see(&inputs).iter().map(semio_model::Sight::row)),
            None => rows.extend(
                inputs
                    .iter()
                    .map(|p| p.values.iter().chain(&p.appearance).map(|v| f64::from(*v)).collect::<Vec<f64>>()),
            ),
        }
        kept.extend(names);
        progress(done);
        std::ops::ControlFlow::<()>::Continue(())
    });
    let table = reduced(&rows)?;
    let (clusters, tried) = grouped(&table, options)?;
    let places = match options.plane {
        Plane::Tsne => tsne(&table, 1000, options.seed)?,
        Plane::Pca => table.rows().map(|row| [row[0], row.get(1).copied().unwrap_or(0.0)]).collect(),
    };
    let labels: Vec<Option<String>> = kept.iter().map(|s| s.label.clone()).collect();
    Ok(Clusters {
        space: predictor
            .map_or_else(|| "picture statistics".into(), |p| format!("features of {}", p.manifest().architecture)),
        silhouette: mean_silhouette(&table, &clusters),
        agreement: agreement(&clusters, &labels)?,
        outliers: outliers(&table)?,
        suspects: suspects(&table, &kept)?,
        files: kept.iter().map(|s| s.name.clone()).collect(),
        labels,
        clusters,
        places,
        tried,
        unreadable,
    })
}

/// The rows with columns of equal weight, along their principal directions.
fn reduced(rows: &[Vec<f64>]) -> Result<Table, InputError> {
    let columns = rows.first().map_or(0, Vec::len);
    let n = rows.len() as f64;
    let mean: Vec<f64> = (0..columns).map(|c| rows.iter().map(|r| r[c]).sum::<f64>() / n).collect();
    let deviation: Vec<f64> =
        (0..columns).map(|c| (rows.iter().map(|r| (r[c] - mean[c]).powi(2)).sum::<f64>() / n).sqrt()).collect();
    let scaled = rows.iter().flat_map(|row| {
        (0..columns)
            .map(|c| if deviation[c] > 1e-9 { (row[c] - mean[c]) / deviation[c] } else { 0.0 })
            .collect::<Vec<_>>()
    });
    let table = Table::new(scaled.collect(), columns)?;
    Pca::fit(&table, RANK.min(columns))?.project_all(&table)
}

/// The group of each picture, and the numbers of groups that were tried.
type Grouped = (Vec<Option<usize>>, Vec<(usize, f64)>);

fn grouped(table: &Table, options: &ClusterOptions) -> Result<Grouped, InputError> {
    let some = |clusters: Vec<usize>| clusters.into_iter().map(Some).collect();
    Ok(match options.grouping {
        Grouping::KMeans(Some(k)) => (some(k_means(table, k, 10, options.seed)?.clusters), vec![]),
        Grouping::KMeans(None) => {
            let (best, tried) = best_k_means(table, 10, 5, options.seed)?;
            (some(best.clusters), tried)
        }
        Grouping::Hierarchical(k) => (some(hierarchical(table, k, Linkage::Ward)?), vec![]),
        Grouping::Density(least) => (density_clusters(table, least)?, vec![]),
    })
}

fn mean_silhouette(table: &Table, clusters: &[Option<usize>]) -> Option<f64> {
    let rows = table.rows().zip(clusters).filter(|(_, c)| c.is_some()).flat_map(|(row, _)| row.iter().copied());
    let inside = Table::new(rows.collect(), table.columns()).ok()?;
    let clusters: Vec<usize> = clusters.iter().flatten().copied().collect();
    let values = silhouettes(&inside, &clusters).ok()?;
    Some(values.iter().sum::<f64>() / values.len() as f64)
}

fn agreement(clusters: &[Option<usize>], labels: &[Option<String>]) -> Result<Option<Agreement>, InputError> {
    let Some((_, numbers)) = numbered(labels) else { return Ok(None) };
    let LabelAgreement { purity, adjusted_rand, normalised_mutual_information, .. } =
        label_agreement(clusters, &numbers)?;
    Ok(Some(Agreement { purity, adjusted_rand, normalised_mutual_information }))
}

/// The classes and the place of each label among them; none where a picture has no label.
fn numbered(labels: &[Option<String>]) -> Option<(Vec<String>, Vec<usize>)> {
    let all: Vec<&String> = labels.iter().map(Option::as_ref).collect::<Option<_>>()?;
    let classes: BTreeMap<&String, usize> = all.iter().map(|l| (*l, 0)).collect();
    let names: Vec<String> = classes.keys().map(|name| (*name).clone()).collect();
    let numbers = all.iter().map(|l| names.binary_search(l).unwrap_or_default()).collect();
    Some((names, numbers))
}

fn outliers(table: &Table) -> Result<Vec<(usize, f64)>, InputError> {
    let neighbours = NEIGHBOURS.min(table.len() - 1);
    let distances = nearest_distances(table, neighbours)?;
    let mut sorted = distances.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[sorted.len() / 2].max(f64::MIN_POSITIVE);
    let mut lonely: Vec<(usize, f64)> = distances.iter().map(|d| d / median).enumerate().collect();
    lonely.sort_by(|a, b| b.1.total_cmp(&a.1));
    // Twice as far from its neighbours as usual: below that it is only the edge of a group.
    Ok(lonely.into_iter().take(LISTED).take_while(|(_, far)| *far >= 2.0).collect())
}

/// Judges each label by a logistic regression that was fitted without the picture and its group.
fn suspects(table: &Table, samples: &[Sample]) -> Result<Vec<Suspect>, InputError> {
    let labels: Vec<Option<String>> = samples.iter().map(|s| s.label.clone()).collect();
    let Some((classes, numbers)) = numbered(&labels) else { return Ok(vec![]) };
    if classes.len() < 2 {
        return Ok(vec![]);
    }
    // A group goes into one part; the part follows from the name, so that it does not hang on the order.
    let part = |s: &Sample| {
        let name = s.group.as_deref().filter(|g| !g.is_empty()).unwrap_or(&s.name);
        crc32fast::hash(name.as_bytes()) as usize % FOLDS
    };
    let parts: Vec<usize> = samples.iter().map(part).collect();
    let mut probabilities = vec![vec![1.0 / classes.len() as f64; classes.len()]; samples.len()];
    for fold in 0..FOLDS {
        let rest: Vec<usize> = (0..samples.len()).filter(|&i| parts[i] != fold).collect();
        let rows = rest.iter().flat_map(|&i| table.row(i).to_vec()).collect();
        let own: Vec<usize> = rest.iter().map(|&i| numbers[i]).collect();
        // A part without which a class is gone judges nobody.
        let settings = LogisticSettings { balanced: true, ..LogisticSettings::default() };
        let fitted = Table::new(rows, table.columns()).and_then(|t| Logistic::fit(&t, &own, classes.len(), &settings));
        let Ok(logistic) = fitted else { continue };
        for i in (0..samples.len()).filter(|&i| parts[i] == fold) {
            probabilities[i] = logistic.probabilities(table.row(i))?;
        }
    }
    let found = label_suspects(&Table::new(probabilities.concat(), classes.len())?, &numbers)?;
    let told = |s: LabelSuspect| Suspect {
        picture: s.picture,
        given: classes[s.given].clone(),
        suggested: classes[s.suggested].clone(),
        given_probability: s.given_probability,
        suggested_probability: s.suggested_probability,
    };
    Ok(found.into_iter().take(LISTED).map(told).collect())
}
