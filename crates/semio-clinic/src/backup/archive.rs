//! The archive itself.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Component, Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use semio_model::hex;
use sha2::{Digest, Sha256};

use super::{
    BackupError, Contents, SCHEMA,
    age::{Identity, Opener, Recipient, Sealer, is_sealed},
};

const CONTENTS: &str = "backup.json";

type Archive = tar::Builder<GzEncoder<Sink>>;

/// The file as it is written: as it is, or sealed.
enum Sink {
    Plain(BufWriter<File>),
    Sealed(Box<Sealer<BufWriter<File>>>),
}

impl Sink {
    fn finish(self) -> io::Result<File> {
        let file = match self {
            Self::Plain(file) => file,
            Self::Sealed(sealer) => sealer.finish()?,
        };
        file.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Sealed(sealer) => sealer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Sealed(sealer) => sealer.flush(),
        }
    }
}

/// What is packed, and where it lies.
pub(super) struct Parts {
    pub(super) spool: PathBuf,
    pub(super) heads: Vec<u8>,
    /// The data folder with its pictures, and the folder of models; `None` packs rows alone.
    pub(super) files: Option<(PathBuf, PathBuf)>,
    /// Who can open the archive; everybody where there are none.
    pub(super) recipients: Vec<Recipient>,
}

/// Packs spooled tables, pictures, models and heads.
pub(super) fn pack(mut contents: Contents, parts: &Parts, output: &Path) -> Result<Contents, BackupError> {
    let Parts { spool, heads, files, recipients } = parts;
    let partial = output.with_extension("partial");
    let failed = |e| BackupError::file("write", &partial, e);
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // It holds what the data folder holds: for its owner alone.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(&partial).map_err(failed)?;
    let file = BufWriter::new(file);
    let sink = if recipients.is_empty() {
        Sink::Plain(file)
    } else {
        Sink::Sealed(Box::new(Sealer::new(file, recipients).map_err(failed)?))
    };
    let mut archive = tar::Builder::new(GzEncoder::new(sink, Compression::fast()));
    let mut add = |archive: &mut Archive, name: String, bytes: &[u8]| -> Result<(), BackupError> {
        append(archive, &name, bytes).map_err(|e| BackupError::file("write", &partial, e))?;
        contents.files.insert(name, hex(&Sha256::digest(bytes)));
        Ok(())
    };
    if let Some((data, models)) = files {
        for sha256 in pictures(spool)? {
            let name = format!("pictures/{}/{sha256}", &sha256[..2]);
            let bytes = fs::read(data.join(&name)).map_err(|_| BackupError::Picture(sha256.clone()))?;
            if hex(&Sha256::digest(&bytes)) != sha256 {
                return Err(BackupError::Picture(sha256));
            }
            add(&mut archive, name, &bytes)?;
        }
        let mut found = vec![];
        walk(models, &mut found)?;
        for path in found {
            let below = path.strip_prefix(models).unwrap_or(&path);
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            let bytes = fs::read(&path).map_err(|e| BackupError::file("read", &path, e))?;
            add(&mut archive, format!("models/{}", parts.join("/")), &bytes)?;
        }
    }
    add(&mut archive, "audit-heads.jsonl".into(), heads)?;
    for table in &contents.tables {
        let name = format!("{}.jsonl", table.name);
        let path = spool.join(&name);
        let mut rows = File::open(&path).map_err(|e| BackupError::file("read", &path, e))?;
        archive.append_file(format!("tables/{name}"), &mut rows).map_err(failed)?;
    }
    let json = serde_json::to_vec_pretty(&contents).map_err(|e| failed(e.into()))?;
    append(&mut archive, CONTENTS, &json).map_err(failed)?;
    let finish = || -> io::Result<()> {
        let file = archive.into_inner()?.finish()?.finish()?;
        file.sync_all()?;
        fs::rename(&partial, output)
    };
    finish().map_err(|e| BackupError::file("write", output, e))?;
    Ok(contents)
}

fn append<W: Write>(archive: &mut tar::Builder<W>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o600);
    archive.append_data(&mut header, name, bytes)
}

/// The hashes of the pictures that the spooled rows name.
fn pictures(spool: &Path) -> Result<Vec<String>, BackupError> {
    let path = spool.join("picture.jsonl");
    let text = fs::read_to_string(&path).map_err(|e| BackupError::file("read", &path, e))?;
    let hash = |line: &str| -> Option<String> {
        let row: crate::store::entity::picture::Model = serde_json::from_str(line).ok()?;
        is_hash(&row.sha256).then_some(row.sha256)
    };
    text.lines().map(|line| hash(line).ok_or(BackupError::Table("picture".into()))).collect()
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), BackupError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(()) };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        let kind = fs::symlink_metadata(&path).map_err(|e| BackupError::file("read", &path, e))?;
        if kind.is_dir() {
            walk(&path, found)?;
        } else if kind.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

/// Unpacks into an empty folder and compares every file with what `backup.json` says of it.
pub(super) fn unpack(file: &Path, folder: &Path, identity: Option<&Identity>) -> Result<Contents, BackupError> {
    let form = |problem: String| BackupError::Form(file.into(), problem);
    let source = File::open(file).map_err(|e| BackupError::file("read", file, e))?;
    let mut source = BufReader::new(source);
    let source: Box<dyn Read> = if is_sealed(&mut source).map_err(|e| BackupError::file("read", file, e))? {
        let identity = identity.ok_or_else(|| BackupError::Sealed(file.into()))?;
        Box::new(Opener::new(source, identity).map_err(|e| form(e.to_string()))?)
    } else {
        Box::new(source)
    };
    let mut archive = tar::Archive::new(GzDecoder::new(source));
    let mut hashes: BTreeMap<String, String> = BTreeMap::new();
    let mut contents = None;
    for entry in archive.entries().map_err(|e| form(e.to_string()))? {
        let mut entry = entry.map_err(|e| form(e.to_string()))?;
        let path = entry.path().map_err(|e| form(e.to_string()))?.into_owned();
        // Nothing outside of the folder, and nothing but files.
        if !entry.header().entry_type().is_file() || !path.components().all(|c| matches!(c, Component::Normal(_))) {
            return Err(form(format!("it holds {}", path.display())));
        }
        let name = path.to_string_lossy().into_owned();
        if name == CONTENTS {
            let mut json = vec![];
            entry.read_to_end(&mut json).map_err(|e| form(e.to_string()))?;
            contents = Some(serde_json::from_slice::<Contents>(&json).map_err(|e| form(e.to_string()))?);
            continue;
        }
        let target = folder.join(&path);
        let failed = |e| BackupError::file("write", &target, e);
        fs::create_dir_all(target.parent().unwrap_or(folder)).map_err(failed)?;
        let mut out = Hashing { file: BufWriter::new(File::create(&target).map_err(failed)?), hash: Sha256::new() };
        io::copy(&mut entry, &mut out).map_err(|e| form(e.to_string()))?;
        out.file.flush().map_err(failed)?;
        hashes.insert(name, hex(&out.hash.finalize()));
    }
    let contents = contents.ok_or_else(|| form("it holds no backup.json".into()))?;
    // Tables of earlier versions fit: what was added since is empty in them (`store::migration`).
    if contents.schema != SCHEMA || !crate::store::knows_tables(&contents.tables_version) {
        return Err(form(format!(
            "it is of semio {} ({}), whose tables are others",
            contents.code_version, contents.tables_version
        )));
    }
    let tables = contents.tables.iter().map(|table| (format!("tables/{}.jsonl", table.name), &table.sha256));
    let files = contents.files.iter().map(|(name, sha256)| (name.clone(), sha256));
    for (name, sha256) in tables.chain(files) {
        if hashes.remove(&name).as_ref() != Some(sha256) {
            return Err(form(format!("{name} is missing or not as it was taken")));
        }
    }
    match hashes.pop_first() {
        Some((name, _)) => Err(form(format!("{name} is not of it"))),
        None => Ok(contents),
    }
}

struct Hashing {
    file: BufWriter<File>,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Whether a file has this SHA-256.
pub(super) fn is_file_of(path: &Path, sha256: &str) -> bool {
    fs::read(path).is_ok_and(|bytes| hex(&Sha256::digest(&bytes)) == sha256)
}

/// Moves a folder, to another disk too.
pub(super) fn move_folder(from: &Path, to: &Path) -> Result<(), BackupError> {
    let failed = |e| BackupError::file("write", to, e);
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    // An empty folder may be there already.
    let _ = fs::remove_dir(to);
    if fs::rename(from, to).is_ok() {
        return Ok(());
    }
    let mut files = vec![];
    walk(from, &mut files)?;
    for path in files {
        let target = to.join(path.strip_prefix(from).unwrap_or(&path));
        fs::create_dir_all(target.parent().unwrap_or(to)).map_err(failed)?;
        fs::copy(&path, &target).map_err(failed)?;
    }
    Ok(())
}
