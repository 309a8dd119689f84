//! Folders in which something lies in the clear for a while: rows on their way into a backup, and what comes of restoring
//! one. A program that is killed leaves them; the next start takes them away.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::BackupError;

const BEGIN: &str = ".semio-scratch-";
/// Locked as long as the program lives that works in the folder.
const IN_USE: &str = ".in-use";
/// A folder without a lock's file is just being made, unless it is older.
const MAKING: Duration = Duration::from_mins(1);

/// A folder for its owner alone, which is taken away at the end.
pub(super) struct Scratch {
    // Closed before the folder is taken away.
    #[expect(dead_code, reason = "held")]
    lock: File,
    folder: TempDir,
}

impl Scratch {
    /// Makes one in another folder.
    pub(super) fn within(folder: &Path) -> Result<Self, BackupError> {
        let failed = |e| BackupError::file("write", folder, e);
        let mut builder = tempfile::Builder::new();
        builder.prefix(BEGIN);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let made = builder.tempdir_in(folder).map_err(failed)?;
        let lock = File::create(made.path().join(IN_USE)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Self { lock, folder: made })
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Takes away what programs left that were killed; gives how many folders.
pub(crate) fn sweep(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_ours = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(BEGIN));
    let mut gone = 0;
    for path in entries.filter(is_ours).filter(|path| is_left(path)) {
        match fs::remove_dir_all(&path) {
            Ok(()) => gone += 1,
            Err(error) => tracing::error!(path = %path.display(), %error, "what a backup left cannot be taken away"),
        }
    }
    gone
}

fn is_left(path: &Path) -> bool {
    if let Ok(file) = File::open(path.join(IN_USE)) {
        return file.try_lock().is_ok();
    }
    let made = fs::metadata(path).and_then(|is| is.modified());
    made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > MAKING))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_a_killed_program_left_is_taken_away_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let working = Scratch::within(place.path()).unwrap();
        fs::write(working.path().join("rows"), "in the clear").unwrap();
        let left = place.path().join(format!("{BEGIN}left"));
        fs::create_dir(&left).unwrap();
        fs::write(left.join(IN_USE), "").unwrap();
        fs::write(left.join("rows"), "in the clear").unwrap();
        let (making, other) = (place.path().join(format!("{BEGIN}making")), place.path().join("other"));
        fs::create_dir(&making).unwrap();
        fs::create_dir(&other).unwrap();
        assert_eq!(sweep(place.path()), 1);
        assert!(!left.exists() && making.exists() && other.exists() && working.path().join("rows").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(working.path()).unwrap().permissions().mode() & 0o777, 0o700);
        }
        let path = working.path().to_owned();
        drop(working);
        assert!(!path.exists());
    }
}
