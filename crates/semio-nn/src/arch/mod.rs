//! The architectures, one file a family, and the one list of their names.

mod alexnet;
mod common;
mod convnext;
mod densenet;
mod efficientnet;
mod googlenet;
mod inception_resnet_v2;
mod inception_v3;
mod maxvit;
mod mnasnet;
mod mobilenet_v2;
mod mobilenet_v3;
mod r2_cnn;
mod reference;
mod regnet;
mod resnet;
mod shufflenet_v2;
mod squeezenet;
mod swin;
mod vgg;
mod vit;
mod xception;

use std::sync::LazyLock;

use crate::{BuildError, Builder, Graph};

/// What a model file needs to know to lay its layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blueprint {
    /// Channels of the picture: 1 grey, 3 colour.
    pub channels: usize,
    /// Rows of the picture.
    pub height: usize,
    /// Columns of the picture.
    pub width: usize,
    /// Length of the result: one logit a class, or a single one that decides between two classes.
    pub outputs: usize,
}

/// Lays a network's layers: a configuration of a family, or a function.
trait Layers: Sync {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint);
}

impl<F: Fn(&mut Builder, &Blueprint) + Sync> Layers for F {
    fn lay(&self, b: &mut Builder, blueprint: &Blueprint) {
        self(b, blueprint);
    }
}

/// One network that can be asked for by name.
#[derive(Clone, Copy)]
pub struct Architecture {
    /// Name, as torchvision has it where torchvision has the network.
    pub name: &'static str,
    /// Where it was described.
    pub source: &'static str,
    /// Side of the pictures that it was made for, in pixels.
    pub size: usize,
    /// Channels of the pictures that it was made for.
    pub channels: usize,
    layers: &'static dyn Layers,
}

impl Architecture {
    /// A network for colour pictures.
    const fn new(name: &'static str, source: &'static str, size: usize, layers: &'static dyn Layers) -> Self {
        Self { name, source, size, channels: 3, layers }
    }

    /// Finds an architecture by name.
    ///
    /// # Errors
    /// [`BuildError::Unknown`] names those that are called nearly so.
    pub fn find(name: &str) -> Result<&'static Self, BuildError> {
        registry().iter().find(|a| a.name == name).ok_or_else(|| {
            let near = nearest(name, registry().iter().map(|a| a.name), 4);
            BuildError::Unknown { name: name.into(), near, count: registry().len() }
        })
    }

    /// Lays the layers.
    ///
    /// # Errors
    /// [`BuildError::Size`] where the pictures are too small for the network, or cannot be parted as it needs.
    pub fn build(&self, blueprint: &Blueprint) -> Result<Graph, BuildError> {
        let Blueprint { channels, height, width, .. } = *blueprint;
        let mut builder = Builder::new(channels, height, width);
        self.layers.lay(&mut builder, blueprint);
        builder.finish().map_err(|error| match error {
            BuildError::Layer { layer, problem } => BuildError::Size {
                name: self.name,
                height,
                width,
                problem: format!("{layer}: {problem}"),
                usual: self.size,
            },
            other => other,
        })
    }
}

/// The words that are written most nearly like this one, the nearest first.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>, count: usize) -> Vec<&'a str> {
    let mut near: Vec<&str> = known.into_iter().collect();
    near.sort_by_key(|known| edits(&word.to_lowercase(), known));
    near.truncate(count);
    near
}

/// How many letters must be put in, left out or replaced to get from one word to the other (Levenshtein 1966).
fn edits(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.chars().enumerate() {
            let best = (row[j] + 1).min(row[j + 1] + 1).min(diagonal + usize::from(x != y));
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row[row.len() - 1]
}

/// All architectures: Semio's own, then torchvision's family by family.
pub fn registry() -> &'static [Architecture] {
    static ALL: LazyLock<Vec<Architecture>> = LazyLock::new(|| FAMILIES.concat());
    &ALL
}

const FAMILIES: &[&[Architecture]] = &[
    reference::NETWORKS,
    r2_cnn::NETWORKS,
    alexnet::NETWORKS,
    convnext::NETWORKS,
    densenet::NETWORKS,
    efficientnet::NETWORKS,
    googlenet::NETWORKS,
    inception_resnet_v2::NETWORKS,
    inception_v3::NETWORKS,
    maxvit::NETWORKS,
    mnasnet::NETWORKS,
    mobilenet_v2::NETWORKS,
    mobilenet_v3::NETWORKS,
    regnet::NETWORKS,
    resnet::NETWORKS,
    shufflenet_v2::NETWORKS,
    squeezenet::NETWORKS,
    swin::NETWORKS,
    vgg::NETWORKS,
    vit::NETWORKS,
    xception::NETWORKS,
];
