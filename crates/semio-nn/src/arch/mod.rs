//! The architectures, one file a family, and the one list of their names.

mod mobilenet_v2;
mod r2_cnn;
mod reference;
mod resnet;

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

/// One network that can be asked for by name.
pub struct Architecture {
    /// Name, as torchvision has it where torchvision has the network.
    pub name: &'static str,
    /// Where it was described.
    pub source: &'static str,
    /// Side of the pictures that it was made for, in pixels.
    pub size: usize,
    /// Channels of the pictures that it was made for.
    pub channels: usize,
    layers: fn(&mut Builder, &Blueprint),
}

impl Architecture {
    /// Finds an architecture by name.
    ///
    /// # Errors
    /// [`BuildError::Unknown`] lists the names that exist.
    pub fn find(name: &str) -> Result<&'static Self, BuildError> {
        registry().iter().find(|a| a.name == name).ok_or_else(|| BuildError::Unknown {
            name: name.into(),
            known: registry().iter().map(|a| a.name).collect(),
        })
    }

    /// Lays the layers.
    ///
    /// # Errors
    /// [`BuildError::Size`] where the pictures are too small for the network.
    pub fn build(&self, blueprint: &Blueprint) -> Result<Graph, BuildError> {
        let Blueprint { channels, height, width, .. } = *blueprint;
        let mut builder = Builder::new(channels, height, width);
        (self.layers)(&mut builder, blueprint);
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

/// All architectures.
pub fn registry() -> &'static [Architecture] {
    &[
        Architecture {
            name: "r0-cnn",
            source: "reference system R0: one convolution and two dense layers, in Keras",
            size: 128,
            channels: 3,
            layers: reference::r0_cnn,
        },
        Architecture {
            name: "r1-cnn",
            source: "reference system R1 (PneumoniApp): three convolutions with dropout, in Keras",
            size: 256,
            channels: 3,
            layers: reference::r1_cnn,
        },
        Architecture {
            name: "r2-cnn",
            source: "reference system R2: convolution blocks and dense layers, shaped anew for Semio",
            size: 128,
            channels: 1,
            layers: r2_cnn::r2_cnn,
        },
        Architecture {
            name: "lenet5",
            source: "LeCun et al. 1998, https://doi.org/10.1109/5.726791",
            size: 32,
            channels: 1,
            layers: reference::lenet5,
        },
        Architecture {
            name: "resnet18",
            source: "He et al. 2015, https://arxiv.org/abs/1512.03385",
            size: 224,
            channels: 3,
            layers: resnet::resnet18,
        },
        Architecture {
            name: "mobilenet_v2",
            source: "Sandler et al. 2018, https://arxiv.org/abs/1801.04381",
            size: 224,
            channels: 3,
            layers: mobilenet_v2::mobilenet_v2,
        },
    ]
}
