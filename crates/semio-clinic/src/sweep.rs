//! What is tidied once at the start, before anything is served: files of pictures that no record names.
//!
//! Such a file is left where the program was killed between the end of a change and the file that goes with it: after a
//! file was put and before its row was written, or after a record was erased and before its files were. Nothing is taken
//! away unless the database is surely the one that the folder belongs to.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use crate::{
    audit::Head,
    pictures::{PictureError, Pictures},
    server::ServeError,
    store::{Store, StoreError, entity::picture},
};

/// Files that are looked up at once.
const PORTION: usize = 500;

/// Takes away files that no record names; gives how many. `last` is the end of the audit trail that the data folder
/// remembers: a database whose trail does not hold it is another one, or an older copy, and names other files.
pub(crate) async fn forget_nameless(
    store: &Store,
    pictures: &Pictures,
    last: Option<&Head>,
) -> Result<usize, ServeError> {
    let Some(last) = last else { return Ok(0) };
    if !store.holds_head(last).await? {
        tracing::warn!("the database is not the one that the data folder was last used with; no file is taken away");
        return Ok(0);
    }
    let turn = pictures.erasing().await;
    let folder = pictures.folder().to_owned();
    let (found, unfinished) =
        tokio::task::spawn_blocking(move || files(&folder)).await.expect("listing does not panic");
    let mut gone = unfinished.len();
    for path in unfinished {
        fs::remove_file(path).map_err(PictureError::Folder)?;
    }
    for portion in found.chunks(PORTION) {
        let named = store.named_pictures(portion).await?;
        for sha256 in portion.iter().filter(|sha256| !named.contains(*sha256)) {
            pictures.remove(sha256, &turn).await?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// The hashes of the files that are kept, and files that were never written to their end.
fn files(folder: &Path) -> (Vec<String>, Vec<PathBuf>) {
    let (mut kept, mut unfinished) = (vec![], vec![]);
    let entries = |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    for below in entries(folder).filter(|path| path.is_dir()) {
        let name_of =
            |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let letters = name_of(&below);
        for path in entries(&below) {
            let name = name_of(&path);
            match name.split_once('#') {
                Some((sha256, _)) if is_hash(sha256) => unfinished.push(path),
                None if is_hash(&name) && name.starts_with(&letters) => kept.push(name),
                _ => {}
            }
        }
    }
    (kept, unfinished)
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
}

impl Store {
    /// Which of these files records name.
    async fn named_pictures(&self, of: &[String]) -> Result<HashSet<String>, StoreError> {
        let named: Vec<String> = picture::Entity::find()
            .select_only()
            .column(picture::Column::Sha256)
            .filter(picture::Column::Sha256.is_in(of))
            .into_tuple()
            .all(self.db())
            .await?;
        Ok(named.into_iter().collect())
    }
}
