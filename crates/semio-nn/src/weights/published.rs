use std::sync::LazyLock;

/// ImageNet weights that torchvision publishes for a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    /// The network.
    pub model: &'static str,
    /// Where the file lies.
    pub url: &'static str,
    /// The first hexadecimal digits of its SHA-256, as far as they are published: 8 or 10.
    pub sha256: &'static str,
    /// Its size in MiB, to three digits.
    pub mebibytes: f64,
    /// Side of the pictures that its published accuracy is for.
    pub size: usize,
    /// How pictures are centred and scaled for it.
    pub normalized: Normalized,
}

/// How values from 0 to 1 are centred and scaled for a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Normalized {
    /// By ImageNet's means and deviations.
    Imagenet,
    /// To values from -1 to 1.
    Signed,
}

impl Published {
    /// The file's name.
    pub fn file(&self) -> &'static str {
        self.url.rsplit('/').next().unwrap_or(self.url)
    }
}

/// All published weights, network by network; `published.py` beside this file made the list.
pub fn published() -> &'static [Published] {
    static ALL: LazyLock<Vec<Published>> = LazyLock::new(|| TABLE.lines().skip(1).filter_map(entry).collect());
    &ALL
}

/// ImageNet's 1000 classes in the order of the published weights' outputs; `imagenet_classes.py` beside this file made
/// the list.
pub fn imagenet_classes() -> Vec<&'static str> {
    include_str!("imagenet_classes.txt").lines().collect()
}

const TABLE: &str = include_str!("published.csv");

fn entry(line: &'static str) -> Option<Published> {
    let fields: Vec<&str> = line.split(',').collect();
    let [model, url, sha256, mebibytes, size, normalized] = fields[..] else { return None };
    let normalized = if normalized == "signed" { Normalized::Signed } else { Normalized::Imagenet };
    Some(Published { model, url, sha256, mebibytes: mebibytes.parse().ok()?, size: size.parse().ok()?, normalized })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Architecture;

    #[test]
    fn every_line_is_understood_and_names_a_network() {
        assert_eq!(published().len(), TABLE.lines().count() - 1);
        for weights in published() {
            assert!(Architecture::find(weights.model).is_ok(), "{}", weights.model);
            assert!(weights.sha256.bytes().all(|b| b.is_ascii_hexdigit()) && weights.file().contains(weights.sha256));
        }
    }
}
