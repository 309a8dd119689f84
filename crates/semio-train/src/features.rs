//! What a frozen base makes of pictures, computed once and kept in a file.

use std::{
    collections::HashMap,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Mutex,
};

use burn::tensor::Tensor;
use semio_data::file_sha256;
use semio_image::{Pipeline, sample_seed};
use semio_nn::{Network, to_vec};
use sha2::{Digest, Sha256};

use crate::{
    checkpoint::CheckpointError,
    fit::FitError,
    loader::{Batch, LoadError, Loader, Picture, Variation},
    parallel,
};

/// Which variant of which picture, by its file's content.
type Key = ([u8; 32], u32);

/// Feature rows by picture and variant, in one file that only grows.
///
/// The file's name is a hash of everything that the rows depend on besides the picture itself: weights, pipeline and
/// variation. A picture is known by its content. So a change of either is noticed, by being looked for in vain.
///
/// Rows are read by their place in the file, through the system's cache of pages, and not through a memory map: a file
/// that another program cuts short is then an error and not the end of the program.
pub(crate) struct FeatureStore {
    path: PathBuf,
    file: File,
    width: usize,
    rows: HashMap<Key, u64>,
    end: u64,
}

/// Content hash, variant, checksum.
const HEADER: usize = 32 + 4 + 4;

impl FeatureStore {
    /// Opens or begins the file for rows of `width` values.
    pub(crate) fn open(folder: &Path, identity: &str, width: usize) -> Result<Self, CheckpointError> {
        let path = folder.join(format!("{}.features", &identity[..identity.len().min(32)]));
        let failed = |source| CheckpointError::File { action: "open", path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut store = Self { path: path.clone(), file, width, rows: HashMap::new(), end: 0 };
        // A run that was killed may have left the beginning of a row at the end.
        let size = store.record() as u64;
        let mut header = [0; HEADER];
        while store.end + size <= length {
            read_at(&store.file, &mut header, store.end).map_err(failed)?;
            let (key, _) = parse(&header);
            store.rows.insert(key, store.end);
            store.end += size;
        }
        Ok(store)
    }

    fn record(&self) -> usize {
        HEADER + 4 * self.width
    }

    fn has(&self, key: &Key) -> bool {
        self.rows.contains_key(key)
    }

    /// Adds rows.
    fn append(&mut self, keys: &[Key], rows: &[f32]) -> Result<(), CheckpointError> {
        let mut bytes = Vec::with_capacity(keys.len() * self.record());
        for (key, row) in keys.iter().zip(rows.chunks_exact(self.width)) {
            let values: Vec<u8> = row.iter().flat_map(|v| v.to_le_bytes()).collect();
            bytes.extend_from_slice(&key.0);
            bytes.extend_from_slice(&key.1.to_le_bytes());
            bytes.extend_from_slice(&crc32fast::hash(&values).to_le_bytes());
            bytes.extend_from_slice(&values);
        }
        let mut file = &self.file;
        let written = file.seek(SeekFrom::Start(self.end)).and_then(|_| file.write_all(&bytes));
        written.map_err(|source| CheckpointError::File { action: "write", path: self.path.clone(), source })?;
        for key in keys {
            self.rows.insert(*key, self.end);
            self.end += self.record() as u64;
        }
        Ok(())
    }

    /// Reads a row into `into`.
    fn read(&self, key: &Key, into: &mut [f32]) -> Result<(), CheckpointError> {
        let damaged = |source| CheckpointError::File { action: "read", path: self.path.clone(), source };
        let place = self.rows.get(key).ok_or_else(|| damaged(io::ErrorKind::NotFound.into()))?;
        let mut bytes = vec![0; self.record()];
        read_at(&self.file, &mut bytes, *place).map_err(damaged)?;
        let (header, values) = bytes.split_at(HEADER);
        let (found, checksum) = parse(header.try_into().unwrap_or(&[0; HEADER]));
        if found != *key || checksum != crc32fast::hash(values) {
            let problem = "a row's checksum does not fit; delete the file, its rows will be computed anew";
            return Err(damaged(io::Error::new(io::ErrorKind::InvalidData, problem)));
        }
        for (value, bytes) in into.iter_mut().zip(values.as_chunks::<4>().0) {
            *value = f32::from_le_bytes(*bytes);
        }
        Ok(())
    }

    /// Makes sure that all rows are on the disk.
    fn sync(&self) -> Result<(), CheckpointError> {
        self.file.sync_data().map_err(|source| CheckpointError::File {
            action: "write",
            path: self.path.clone(),
            source,
        })
    }
}

/// Callers hold the store's lock, so nobody else moves the file's place.
fn read_at(mut file: &File, bytes: &mut [u8], place: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(place))?;
    file.read_exact(bytes)
}

fn parse(header: &[u8; HEADER]) -> (Key, u32) {
    let word = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let mut content = [0; 32];
    content.copy_from_slice(&header[..32]);
    ((content, word(32)), word(36))
}

/// A hash of everything that feature rows depend on besides the picture.
pub(crate) fn identity(base: &Network, pipeline: &Pipeline, variation: &Variation) -> String {
    let mut hash = Sha256::new();
    let varied = (&variation.augmentation, &variation.classes, variation.seed);
    let said = serde_json::to_vec(&(env!("CARGO_PKG_VERSION"), pipeline, varied)).unwrap_or_default();
    hash.update(said);
    for node in base.graph().nodes() {
        hash.update(format!("{:?}{:?}{:?}", node.op, node.inputs, node.shape));
    }
    for (i, param) in base.graph().params().iter().enumerate() {
        hash.update(&param.name);
        base.read(i).iter().for_each(|v| hash.update(v.to_le_bytes()));
    }
    semio_model::hex(&hash.finalize())
}

/// The pictures of one part by their features.
pub(crate) struct Features<'a> {
    store: &'a Mutex<FeatureStore>,
    pictures: &'a [Picture],
    contents: Vec<[u8; 32]>,
    variants: u32,
    seed: u64,
    width: usize,
}

/// What [`Features::compute`] computes from.
pub(crate) struct Source<'a> {
    pub(crate) pipeline: &'a Pipeline,
    pub(crate) variation: &'a Variation,
    pub(crate) threads: usize,
    pub(crate) batch_size: usize,
    /// The base: prepared pictures to rows.
    pub(crate) see: &'a dyn Fn(Batch) -> Tensor<2>,
}

impl<'a> Features<'a> {
    /// Computes what the store does not have yet. `variants` counts the picture as it is.
    ///
    /// `progress` is told how many rows were computed, of how many.
    pub(crate) fn compute(
        store: &'a Mutex<FeatureStore>,
        pictures: &'a [Picture],
        source: &Source<'_>,
        variants: u32,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, FitError> {
        let contents = contents(pictures, source.pipeline.keep().is_some(), source.threads)?;
        let width = lock(store).width;
        let mut missing: Vec<Vec<usize>> = vec![vec![]; variants as usize];
        {
            let store = lock(store);
            let mut seen = std::collections::HashSet::new();
            for (i, content) in contents.iter().enumerate() {
                for variant in 0..variants {
                    let key = (*content, variant);
                    if !store.has(&key) && seen.insert(key) {
                        missing[variant as usize].push(i);
                    }
                }
            }
        }
        let all = missing.iter().map(Vec::len).sum();
        let mut done = 0;
        // The seeds come from the content, so that a picture's variants are the same in every run and fold.
        let seeds: Vec<u64> =
            contents.iter().map(|c| u64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]])).collect();
        for (variant, order) in missing.iter().enumerate() {
            let variation = (variant > 0).then(|| source.variation.clone());
            let loader = Loader::new(pictures, source.pipeline, variation, source.threads, 0).with_seeds(seeds.clone());
            let mut next = order.iter();
            let failed = loader.batches(order, source.batch_size, variant as u64, |batch| {
                let batch = match batch {
                    Ok(batch) => batch,
                    Err(error) => return ControlFlow::Break(FitError::Load(error)),
                };
                let n = batch.labels.len();
                let rows = to_vec((source.see)(batch));
                let keys: Vec<Key> = next.by_ref().take(n).map(|&i| (contents[i], variant as u32)).collect();
                if let Err(error) = lock(store).append(&keys, &rows) {
                    return ControlFlow::Break(error.into());
                }
                done += n;
                progress(done, all);
                ControlFlow::Continue(())
            });
            if let Some(error) = failed {
                return Err(error);
            }
        }
        if all > 0 {
            lock(store).sync()?;
        }
        Ok(Self { store, pictures, contents, variants, seed: source.variation.seed, width })
    }

    /// Hands out rows in the given order, batch by batch. Which variant a picture shows is drawn anew in every epoch.
    pub(crate) fn batches<B>(
        &self,
        order: &[usize],
        batch_size: usize,
        epoch: u64,
        mut consume: impl FnMut(Result<Batch, FitError>) -> ControlFlow<B>,
    ) -> Option<B> {
        let store = lock(self.store);
        let batch = |indices: &[usize]| -> Result<Batch, CheckpointError> {
            let mut inputs = vec![0.0; indices.len() * self.width];
            for (&i, row) in indices.iter().zip(inputs.chunks_exact_mut(self.width)) {
                let drawn = sample_seed(self.seed ^ 0x7661_7269_616e_7400, i as u64, epoch);
                let variant = (drawn % u64::from(self.variants)) as u32;
                store.read(&(self.contents[i], variant), row)?;
            }
            Ok(Batch { inputs, labels: indices.iter().map(|&i| self.pictures[i].label).collect() })
        };
        order.chunks(batch_size).find_map(|indices| consume(batch(indices).map_err(FitError::from)).break_value())
    }
}

fn lock(store: &Mutex<FeatureStore>) -> std::sync::MutexGuard<'_, FeatureStore> {
    store.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// SHA-256 of each picture's file; where masks are used or frames named, of the files' hashes and the frame's number.
fn contents(pictures: &[Picture], masks: bool, threads: usize) -> Result<Vec<[u8; 32]>, LoadError> {
    let content = |picture: &Picture| {
        let own = file_sha256(&picture.file).map_err(LoadError::Read)?;
        let own = picture.frame.map_or(own, |n| Sha256::digest([&own[..], &n.get().to_le_bytes()].concat()).into());
        let Some(mask) = picture.mask.as_ref().filter(|_| masks) else { return Ok(own) };
        let mask = file_sha256(mask).map_err(LoadError::Read)?;
        Ok(Sha256::digest([own, mask].concat()).into())
    };
    let mut contents = Vec::with_capacity(pictures.len());
    let failed = parallel::ordered(threads, 8 * threads + 1, pictures.iter(), content, |hash| match hash {
        Ok(hash) => {
            contents.push(hash);
            ControlFlow::Continue(())
        }
        Err(error) => ControlFlow::Break(error),
    });
    failed.map_or(Ok(contents), Err)
}
