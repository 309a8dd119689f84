use std::{fs, path::PathBuf, process::ExitCode};

use clap::{Args, ValueEnum};
use semio_data::{Manifest, Purpose};
use semio_model::Predictor;
use semio_train::{ClusterOptions, Grouping, Language, Plane, cluster, cluster_page};

use crate::{
    Outcome,
    commands::{evaluate::cores, train::today},
    fault::Fault,
    flags::DataFlags,
    progress::{bar, count},
};

#[derive(Args)]
#[command(
    after_help = "Examples:\n  semio cluster --data pictures/ -o groups\n  semio cluster --data labels.csv --bundle runs/first/bundle --groups 4 -o groups"
)]
pub(crate) struct Cluster {
    #[command(flatten)]
    data: DataFlags,
    /// Bundle whose network's features are compared [default: block means, brightness, detail and colour]
    #[arg(long, value_name = "BUNDLE")]
    bundle: Option<PathBuf>,
    /// How pictures are put into groups
    #[arg(long, value_enum, default_value_t = Method::KMeans)]
    method: Method,
    /// Number of groups [default: k-means tries 2 to 10 and takes the best silhouette; hierarchical: as many as classes]
    #[arg(long, value_name = "K")]
    groups: Option<usize>,
    /// Pictures that a group needs at least, for density
    #[arg(long, value_name = "N", default_value_t = 10)]
    least: usize,
    /// How the plane of the page is laid
    #[arg(long, value_enum, default_value_t = View::Tsne)]
    view: View,
    /// Decides the starts
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Folder for clusters.html, clusters.csv and clusters.json
    #[arg(short = 'o', long = "output", value_name = "DIR", default_value = "clusters")]
    output: PathBuf,
    /// Language of the page
    #[arg(long, value_name = "CODE", default_value = "en", value_parser = ["en", "fr"])]
    language: String,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
    /// Prints no progress
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Method {
    KMeans,
    Hierarchical,
    /// HDBSCAN
    Density,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum View {
    Tsne,
    Pca,
}

impl Cluster {
    pub(crate) fn run(self) -> Outcome {
        let Some(data) = &self.data.data else {
            return Err(Fault::usage("no data are named").help("add --data FOLDER or --data FILE.csv"));
        };
        let predictor =
            self.bundle.as_ref().map(|path| Predictor::open(path, &burn::tensor::Device::flex())).transpose()?;
        let manifest = Manifest::load(data, &self.data.options(Purpose::Predict)?)?;
        let labelled = Manifest::load(data, &self.data.options(Purpose::Train)?).ok();
        let manifest = labelled.unwrap_or(manifest);
        let grouping = match (self.method, self.groups) {
            (Method::KMeans, groups) => Grouping::KMeans(groups),
            (Method::Hierarchical, groups) => Grouping::Hierarchical(groups.unwrap_or(manifest.classes.len().max(2))),
            (Method::Density, None) => Grouping::Density(self.least),
            (Method::Density, Some(_)) => {
                return Err(
                    Fault::usage("density finds the number of groups itself").help("drop --groups, or set --least")
                );
            }
        };
        let plane = if self.view == View::Tsne { Plane::Tsne } else { Plane::Pca };
        let options = ClusterOptions { grouping, plane, seed: self.seed, threads: cores() };
        let bar = bar(manifest.samples.len(), "reading", self.quiet || self.json);
        let found = cluster(predictor.as_ref(), &manifest.samples, &options, |done| bar.set_position(done as u64));
        bar.finish_and_clear();
        let found = found.map_err(|e| Fault::trouble(e).at(data.display()))?;
        let language = Language::from_name(&self.language).unwrap_or_default();
        let page = cluster_page(&found, &manifest.samples, language, &today())?;
        let json = serde_json::to_string_pretty(&found)?;
        fs::create_dir_all(&self.output).map_err(|e| Fault::file("make the folder", &self.output, e))?;
        let table = table(&found)?;
        for (name, bytes) in
            [("clusters.html", page.as_bytes()), ("clusters.json", json.as_bytes()), ("clusters.csv", table.as_slice())]
        {
            let path = self.output.join(name);
            fs::write(&path, bytes).map_err(|e| Fault::file("write", &path, e))?;
        }
        if self.json {
            println!("{json}");
        } else {
            self.tell(&found);
        }
        Ok(if found.unreadable.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn tell(&self, found: &semio_train::Clusters) {
        let groups = found.clusters.iter().flatten().max().map_or(0, |c| c + 1);
        println!("pictures   {} in {groups} groups, by {}", count(found.files.len()), found.space);
        if let Some(silhouette) = found.silhouette {
            println!("silhouette {silhouette:.3}");
        }
        if let Some(a) = found.agreement {
            println!(
                "labels     purity {:.3}, adjusted Rand {:.3}, mutual information {:.3}",
                a.purity, a.adjusted_rand, a.normalised_mutual_information
            );
        }
        println!("to review  {} labels, {} pictures that stand alone", found.suspects.len(), found.outliers.len());
        if !found.unreadable.is_empty() {
            eprintln!("error: {} files could not be read", count(found.unreadable.len()));
        }
        println!("page       {}", self.output.join("clusters.html").display());
    }
}

/// One row a picture.
fn table(found: &semio_train::Clusters) -> Result<Vec<u8>, Fault> {
    let mut writer = csv::Writer::from_writer(vec![]);
    writer.write_record(["file", "label", "cluster", "x", "y"])?;
    for (i, file) in found.files.iter().enumerate() {
        let [x, y] = found.places[i];
        let cluster = found.clusters[i].map_or_else(String::new, |c| (c + 1).to_string());
        let label = found.labels[i].clone().unwrap_or_default();
        writer.write_record([file.clone(), label, cluster, x.to_string(), y.to_string()])?;
    }
    Ok(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)
}
