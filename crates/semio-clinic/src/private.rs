//! Files and folders for their owner alone. What lies in the data folder is about patients: other users of the machine
//! have no business there, whatever the umask says.

use std::{fs, io, path::Path};

/// Makes a folder that is not there, and closes it to others.
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    close(path, 0o700);
    Ok(())
}

/// Makes an empty file that is not there, and closes it to others.
pub(crate) fn file(path: &Path) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    close_file(path);
    Ok(())
}

/// Closes a file that is there to others.
pub(crate) fn close_file(path: &Path) {
    close(path, 0o600);
}

#[cfg(unix)]
fn close(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    let is_open = fs::metadata(path).is_ok_and(|is| is.permissions().mode() & 0o077 != 0);
    if is_open && let Err(error) = fs::set_permissions(path, fs::Permissions::from_mode(mode)) {
        tracing::warn!(path = %path.display(), %error, "other users of this machine can look into it");
    }
}

#[cfg(not(unix))]
fn close(_: &Path, _: u32) {}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_made_or_found_is_closed_to_others() {
        let place = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let (below, old) = (place.path().join("a/b"), place.path().join("old"));
        folder(&below).unwrap();
        assert_eq!((mode(&below), mode(&place.path().join("a"))), (0o700, 0o700));
        fs::create_dir(&old).unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
        folder(&old).unwrap();
        assert_eq!(mode(&old), 0o700);
        let (new, found) = (below.join("new"), below.join("found"));
        file(&new).unwrap();
        fs::write(&found, "kept").unwrap();
        fs::set_permissions(&found, fs::Permissions::from_mode(0o644)).unwrap();
        file(&found).unwrap();
        assert_eq!((mode(&new), mode(&found), fs::read_to_string(&found).unwrap().as_str()), (0o600, 0o600, "kept"));
    }
}
