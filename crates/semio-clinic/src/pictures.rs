//! Files of pictures, each kept once under the SHA-256 of its bytes. What the sender called it is not kept.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, local::LocalFileSystem, path::Path as Key};
use semio_model::hex_sha256;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::clock;

/// How long a file waits for somebody to decide whose it is: a day.
pub(crate) const HELD: i64 = 24 * clock::HOUR;

const HELD_FOLDER: &str = "held";

fn held_key(sha256: &str) -> Key {
    Key::from(format!("{HELD_FOLDER}/{sha256}"))
}

/// Where files lie.
#[derive(Clone)]
pub struct Pictures {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
    turns: Arc<RwLock<()>>,
}

/// A turn of filing: from putting a file to its row, no file is taken away.
pub(crate) struct Filing<'a>(#[expect(dead_code, reason = "held")] RwLockReadGuard<'a, ()>);

/// A turn of erasing: from looking who names a file to taking it away, none is put. Erasing is rare, so that one turn for
/// all files is enough.
pub(crate) struct Erasing<'a>(#[expect(dead_code, reason = "held")] RwLockWriteGuard<'a, ()>);

/// Why a file cannot be kept or found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The folder cannot be made.
    #[error("cannot make the folder of pictures: {0}")]
    Folder(std::io::Error),
    /// The store failed.
    #[error("the store of pictures failed: {0}")]
    Store(#[from] object_store::Error),
    /// What lies under a hash is not what it was.
    #[error("the file {0} is damaged: its bytes have another SHA-256; restore it from a backup")]
    Damaged(String),
}

impl PictureError {
    /// Whether there is no such file.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Store(object_store::Error::NotFound { .. }))
    }
}

impl Pictures {
    /// Files in a folder, which is made where it is not there.
    ///
    /// # Errors
    /// [`PictureError::Folder`] where it cannot be made.
    pub fn in_folder(folder: &Path) -> Result<Self, PictureError> {
        crate::private::folder(folder).map_err(PictureError::Folder)?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(true).with_fsync(true);
        Ok(Self { store: Arc::new(store), folder: folder.into(), turns: Arc::default() })
    }

    /// The folder of the files.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Waits for a turn to put a file and file it. A file that is there already is only looked at: without the turn it
    /// could be taken away, with the last record that named it, before the new row is written.
    pub(crate) async fn filing(&self) -> Filing<'_> {
        Filing(self.turns.read().await)
    }

    /// Waits for a turn to erase records with their files.
    pub(crate) async fn erasing(&self) -> Erasing<'_> {
        Erasing(self.turns.write().await)
    }

    /// Keeps a file and gives its name. A file that is there already is not written again.
    pub(crate) async fn put(&self, bytes: Bytes, _: &Filing<'_>) -> Result<String, PictureError> {
        let sha256 = {
            let bytes = bytes.clone();
            tokio::task::spawn_blocking(move || hex_sha256(&bytes)).await.expect("hashing does not panic")
        };
        // Written beside and moved to its place: a picture is there whole or not at all.
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.store.put_opts(&key(&sha256), bytes.clone().into(), options).await {
            Ok(_) => Ok(sha256),
            Err(object_store::Error::AlreadyExists { .. }) => {
                // A file that was damaged since is mended by whoever brings it again.
                if matches!(self.get(&sha256).await, Err(PictureError::Damaged(_))) {
                    self.store.put(&key(&sha256), bytes.into()).await?;
                }
                Ok(sha256)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// A file's bytes, checked against its name.
    pub(crate) async fn get(&self, sha256: &str) -> Result<Bytes, PictureError> {
        let bytes = self.store.get(&key(sha256)).await?.bytes().await?;
        let found = {
            let bytes = bytes.clone();
            tokio::task::spawn_blocking(move || hex_sha256(&bytes)).await.expect("hashing does not panic")
        };
        if found == sha256 { Ok(bytes) } else { Err(PictureError::Damaged(sha256.to_owned())) }
    }

    /// Keeps a file apart until it is decided whose it is, and gives its name.
    pub(crate) async fn hold(&self, bytes: Bytes) -> Result<String, PictureError> {
        let sha256 = {
            let bytes = bytes.clone();
            tokio::task::spawn_blocking(move || hex_sha256(&bytes)).await.expect("hashing does not panic")
        };
        // Written anew where it is there, so that its day begins anew too.
        self.store.put(&held_key(&sha256), bytes.into()).await?;
        Ok(sha256)
    }

    /// The bytes of a file that is kept apart.
    pub(crate) async fn held(&self, sha256: &str) -> Result<Bytes, PictureError> {
        Ok(self.store.get(&held_key(sha256)).await?.bytes().await?)
    }

    /// Forgets a file that was kept apart.
    pub(crate) async fn forget_held(&self, sha256: &str) -> Result<(), PictureError> {
        match self.store.delete(&held_key(sha256)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Forgets those about which nobody decided in time; gives how many.
    pub(crate) async fn forget_undecided(&self) -> Result<usize, PictureError> {
        let all = self.store.list_with_delimiter(Some(&Key::from(HELD_FOLDER))).await?;
        let old = clock::now() - HELD;
        let mut gone = 0;
        for object in all.objects.into_iter().filter(|object| object.last_modified.timestamp_millis() < old) {
            self.store.delete(&object.location).await?;
            gone += 1;
        }
        Ok(gone)
    }

    /// Takes a file away for good.
    pub(crate) async fn remove(&self, sha256: &str, _: &Erasing<'_>) -> Result<(), PictureError> {
        match self.store.delete(&key(sha256)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Two letters make folders of some thousand files out of a million.
fn key(sha256: &str) -> Key {
    Key::from(format!("{}/{sha256}", &sha256[..2]))
}

/// Where the file of that hash lies in a folder of pictures.
pub(crate) fn path_in(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(&sha256[..2]).join(sha256)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn nothing_is_taken_away_between_a_file_and_its_row() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::in_folder(&folder.path().join("pictures")).unwrap();
        let filing = pictures.filing().await;
        let sha256 = pictures.put(Bytes::from_static(b"a picture"), &filing).await.unwrap();
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, pictures.filing()).await.is_ok(), "others file at the same time");
        assert!(tokio::time::timeout(soon, pictures.erasing()).await.is_err());
        drop(filing);
        let erasing = pictures.erasing().await;
        assert!(tokio::time::timeout(soon, pictures.filing()).await.is_err());
        pictures.remove(&sha256, &erasing).await.unwrap();
        assert!(pictures.get(&sha256).await.unwrap_err().is_missing());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(pictures.folder()).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }
}
