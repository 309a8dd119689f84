//! A patient's record, whole, in one file: what is kept as JSON, every picture's file, and a report of each study.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Write},
};

use axum::{
    body::Body,
    extract::{Path, State},
    http::header,
    response::IntoResponse,
};
use object_store::{ObjectStoreExt, local::LocalFileSystem, path::Path as Key};
use tempfile::NamedTempFile;
use uuid::Uuid;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::{
    images::{blocking, preview},
    studies::report,
};
use crate::{
    audit::Entry,
    web::{Answer, App, Problem, Visit},
};

/// What a file under way is called in the data folder; one that a killed program leaves is taken away at the next start.
pub(crate) const UNFINISHED: &str = "export-";

fn broken(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a record cannot be packed");
    Problem::Broken
}

/// An archive under way. Pictures are packed already, and are only laid beside each other.
struct Packing(ZipWriter<File>);

impl Packing {
    fn add(&mut self, name: &str, bytes: &[u8], packed: bool) -> Result<(), Problem> {
        let method = if packed { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        let options = SimpleFileOptions::default().compression_method(method).large_file(bytes.len() > 1 << 31);
        self.0.start_file(name, options).map_err(broken)?;
        self.0.write_all(bytes).map_err(broken)
    }
}

/// What follows a picture's hash in the archive.
fn ending(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', ..] => "png",
        [0xff, 0xd8, ..] => "jpg",
        [b'B', b'M', ..] => "bmp",
        [b'I', b'I', ..] | [b'M', b'M', ..] => "tif",
        _ => "dcm",
    }
}

pub(crate) async fn show(State(app): State<App>, visit: Visit, Path(id): Path<Uuid>) -> Answer {
    let person = visit.person()?;
    let patient = app.store.patient(person, id).await?;
    let studies = app.store.every_study(&patient).await?;
    let courses = app.store.courses(&patient).await?;
    let record = crate::record::export(&patient, &app.store.numbers(id).await?, &studies, &courses);
    app.store.note(Entry::by(person.id, "patient.export").of(id).patient(id).detail("zip")).await?;
    // On disk and not in memory: a record may hold thousands of pictures.
    let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&app.config.data).map_err(broken)?;
    let mut zip = Packing(ZipWriter::new(file.reopen().map_err(broken)?));
    zip.add("record.json", record.as_bytes(), false)?;
    let mut kept = BTreeSet::new();
    for shown in &studies {
        zip.add(&format!("reports/{}.html", shown.study.id), report(&app, &visit, shown).await?.as_bytes(), false)?;
        for image in &shown.images {
            let bytes = app.pictures.get(&image.picture_sha256).await?;
            let (sha256, id) = (image.picture_sha256.clone(), image.id);
            let is_new = kept.insert(sha256.clone());
            zip = blocking(move || {
                if is_new {
                    zip.add(&format!("pictures/{sha256}.{}", ending(&bytes)), &bytes, true)?;
                }
                zip.add(&format!("previews/{id}.png"), &preview(&bytes)?, true)?;
                Ok::<_, Problem>(zip)
            })
            .await??;
        }
    }
    blocking(move || zip.0.finish().map_err(io::Error::from).and_then(|file| file.sync_all()))
        .await?
        .map_err(broken)?;
    let size = file.as_file().metadata().map_err(broken)?.len().to_string();
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"patient-{id}.zip\"")),
        (header::CONTENT_LENGTH, size),
    ];
    Ok((headers, stream(file).await?).into_response())
}

/// A file's bytes, piece by piece. It loses its name as soon as it is open, and is gone once it is sent.
async fn stream(file: NamedTempFile) -> Result<Body, Problem> {
    let path = Key::from_filesystem_path(file.path()).map_err(broken)?;
    let opened = LocalFileSystem::new().get(&path).await.map_err(broken)?;
    drop(file);
    Ok(Body::from_stream(opened.into_stream()))
}
