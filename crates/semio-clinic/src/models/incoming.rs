//! Bundles that an administrator sends: an archive is unpacked beside the others, looked at, and moved to its place. What
//! is in it is nobody's to trust: names that lead elsewhere, links, and more bytes than were announced are refused.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;

use super::walk;

/// Files of an archive at most: a run's folder has some dozens.
const FILES: usize = 2000;
/// How deep a bundle may lie in it.
const DEPTH: usize = 3;

/// Why an archive is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Neither zip nor tar.gz, or damaged.
    #[error("the archive cannot be read: {0}")]
    Form(String),
    /// A name that leads out of the folder, or something that is no file.
    #[error("the archive holds a name that is not taken")]
    Name,
    /// More bytes or files than are taken.
    #[error("the archive unpacks to more than is taken")]
    TooLarge,
    /// None, or several.
    #[error("the archive holds {0} bundles")]
    Count(usize),
    /// The disk.
    #[error("the folder of models cannot be written: {0}")]
    Disk(#[from] io::Error),
}

impl Refusal {
    /// The key of the words for the page.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Form(_) => "model-archive-form",
            Self::Name => "model-archive-name",
            Self::TooLarge => "model-archive-large",
            Self::Count(_) => "model-archive-count",
            Self::Disk(_) => "problem-broken",
        }
    }
}

/// What may still be unpacked.
struct Room {
    bytes: u64,
    files: usize,
    names: HashSet<String>,
}

/// Unpacks an archive into an empty folder, and gives the folder in it that everything lies in, and the bundle's.
pub(crate) fn unpack(archive: &Path, folder: &Path, most_bytes: u64) -> Result<(PathBuf, PathBuf), Refusal> {
    let mut magic = [0; 4];
    let mut file = File::open(archive)?;
    let read = file.read(&mut magic)?;
    let mut room = Room { bytes: most_bytes, files: FILES, names: HashSet::new() };
    match &magic[..read] {
        [b'P', b'K', 3, 4] => unpack_zip(archive, folder, &mut room)?,
        [0x1f, 0x8b, ..] => unpack_tar(archive, folder, &mut room)?,
        _ => return Err(Refusal::Form("it is neither zip nor tar.gz".into())),
    }
    let root = within(folder.to_owned())?;
    let mut bundles = vec![];
    walk(&root, DEPTH, &mut bundles);
    match <[PathBuf; 1]>::try_from(bundles) {
        Ok([bundle]) => Ok((root, bundle)),
        Err(bundles) => Err(Refusal::Count(bundles.len())),
    }
}

/// Folders that hold nothing but one folder are wrapping, down to the bundle's own.
fn within(mut folder: PathBuf) -> Result<PathBuf, Refusal> {
    loop {
        let entries = fs::read_dir(&folder)?.collect::<Result<Vec<_>, _>>()?;
        match entries.as_slice() {
            [only] if only.file_type()?.is_dir() => folder = only.path(),
            _ => return Ok(folder),
        }
    }
}

fn unpack_zip(archive: &Path, folder: &Path, room: &mut Room) -> Result<(), Refusal> {
    let form = |e: zip::result::ZipError| Refusal::Form(e.to_string());
    let mut zip = zip::ZipArchive::new(File::open(archive)?).map_err(form)?;
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).map_err(form)?;
        if entry.is_dir() {
            continue;
        }
        if entry.is_symlink() || !entry.is_file() {
            return Err(Refusal::Name);
        }
        let name = entry.name().map_err(form)?.into_owned();
        room.take(&name, &mut entry, folder)?;
    }
    Ok(())
}

fn unpack_tar(archive: &Path, folder: &Path, room: &mut Room) -> Result<(), Refusal> {
    let form = |e: io::Error| Refusal::Form(e.to_string());
    let mut tar = tar::Archive::new(GzDecoder::new(File::open(archive)?));
    for entry in tar.entries().map_err(form)? {
        let mut entry = entry.map_err(form)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() {
            continue;
        }
        if !kind.is_file() {
            return Err(Refusal::Name);
        }
        let name = String::from_utf8(entry.path_bytes().into_owned()).map_err(|_| Refusal::Name)?;
        room.take(&name, &mut entry, folder)?;
    }
    Ok(())
}

impl Room {
    /// Writes one file below the folder.
    fn take(&mut self, name: &str, from: &mut impl Read, folder: &Path) -> Result<(), Refusal> {
        let path = plain(name).ok_or(Refusal::Name)?;
        // Where letters' sizes do not count, two names would be one file.
        if !self.names.insert(name.to_lowercase()) {
            return Err(Refusal::Name);
        }
        self.files = self.files.checked_sub(1).ok_or(Refusal::TooLarge)?;
        let target = folder.join(path);
        fs::create_dir_all(target.parent().unwrap_or(folder))?;
        let mut file = File::options().write(true).create_new(true).open(&target)?;
        // What an entry says of its size is not believed: bytes are counted as they come.
        let mut limited = from.take(self.bytes + 1);
        let written = copy(&mut limited, &mut file)?;
        self.bytes = self.bytes.checked_sub(written).ok_or(Refusal::TooLarge)?;
        Ok(())
    }
}

/// A reader's fault is the archive's, a writer's the disk's.
fn copy(from: &mut impl Read, to: &mut File) -> Result<u64, Refusal> {
    let (mut buffer, mut written) = (vec![0; 1 << 16], 0);
    loop {
        let read = from.read(&mut buffer).map_err(|e| Refusal::Form(e.to_string()))?;
        if read == 0 {
            return Ok(written);
        }
        io::Write::write_all(to, &buffer[..read])?;
        written += read as u64;
    }
}

/// A name as a path below a folder; `None` for one that leads elsewhere on any system, or is hidden.
fn plain(name: &str) -> Option<PathBuf> {
    let odd = |c: char| c.is_control() || "\\:*?\"<>|".contains(c);
    let path = Path::new(name);
    let is_normal = |part: Component<'_>| match part {
        Component::CurDir => true,
        Component::Normal(part) => part.to_str().is_some_and(|part| !part.starts_with('.') && part.len() <= 120),
        _ => false,
    };
    let fits = !name.is_empty() && name.len() <= 500 && !name.contains(odd) && path.components().all(is_normal);
    fits.then(|| path.components().filter(|part| matches!(part, Component::Normal(_))).collect())
}

/// A job's or model's name as a folder: letters, digits, dots and dashes.
pub(crate) fn folder_name(typed: &str) -> Option<&str> {
    let typed = typed.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let is_name = (1..=60).contains(&typed.len()) && typed.chars().all(fits) && !typed.starts_with('.');
    is_name.then_some(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_are_none() {
        for bad in [
            "../a",
            "/a",
            "a/../../b",
            "a\\..\\b",
            "C:a",
            "a\0b",
            ".hidden",
            "a/.b/c",
            "",
            "..",
            "a/\u{7}",
            "//server/x",
        ] {
            assert_eq!(plain(bad), None, "{bad:?}");
        }
        assert_eq!(plain("./run/bundle/bundle.json"), Some("run/bundle/bundle.json".into()));
        assert_eq!(
            (folder_name(" 2026-11_b "), folder_name("a/b"), folder_name("..")),
            (Some("2026-11_b"), None, None)
        );
    }
}
