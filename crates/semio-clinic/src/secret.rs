//! Keys, and what is made of them. They lie in files outside of the database.

use std::{fs, io, io::Write, path::Path};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use semio_model::hex;
use sha2::{Digest, Sha256};

/// The program's own keys.
pub struct Secrets {
    audit: [u8; 32],
    forms: [u8; 32],
    codes: [u8; 32],
}

/// The keys' files.
pub(crate) const FILES: [&str; 3] = [AUDIT, "forms.key", CODES];
/// The one that chains the audit trail.
pub(crate) const AUDIT: &str = "audit.key";
/// The one of codes beside passwords.
pub(crate) const CODES: &str = "codes.key";

/// Why the keys cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file cannot be read or written.
    #[error("cannot {action} the key file {path}: {source}")]
    File {
        /// `read` or `write`.
        action: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Others can read the file.
    #[error("other users of this machine can read the key file {0}; `chmod 600` it")]
    Open(String),
    /// The file is gone, and with it what only its key can read or prove.
    #[error(
        "the key file {0} is not there, but the database holds what was made with it; restore the file from where the \
         keys are kept apart"
    )]
    Lost(String),
    /// The file does not hold a key.
    #[error("the key file {0} does not hold 32 bytes in base64; restore it from a backup")]
    Form(String),
}

impl Secrets {
    /// Reads the keys from a folder, and makes those that are not there. `in_use` names files with whose keys something was
    /// made that is kept: a new key in their place would be a trail that no longer verifies, and people who cannot sign in.
    ///
    /// # Errors
    /// [`SecretError`] names the file. Keys that other users can read are refused.
    pub(crate) fn open(folder: &Path, in_use: &[&str]) -> Result<Self, SecretError> {
        let [audit, forms, codes] = FILES.map(|name| key(&folder.join(name), in_use.contains(&name)));
        Ok(Self { audit: audit?, forms: forms?, codes: codes? })
    }

    /// Reads the trail's key alone, to verify with. Nothing is made.
    ///
    /// # Errors
    /// [`SecretError`] names the file.
    pub(crate) fn to_verify(folder: &Path) -> Result<Self, SecretError> {
        Ok(Self { audit: key(&folder.join(AUDIT), true)?, forms: [0; 32], codes: [0; 32] })
    }

    /// HMAC-SHA-256 of a row of the audit trail, in hexadecimal digits.
    pub(crate) fn sign_audit(&self, bytes: &[u8]) -> String {
        sign(&self.audit, bytes)
    }

    /// What a form of this visit has to bring back.
    pub(crate) fn form_token(&self, visit: &str) -> String {
        sign(&self.forms, visit.as_bytes())
    }

    /// A secret for codes beside a password, made from what is kept of it in the records.
    pub(crate) fn code_secret(&self, kept: &str) -> [u8; 32] {
        mac(&self.codes, kept.as_bytes())
    }

    /// Whether a form brought back what it was given. Takes the same time whatever is wrong.
    pub(crate) fn is_form_token(&self, visit: &str, token: &str) -> bool {
        let expected = self.form_token(visit);
        let differ = expected.bytes().zip(token.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
        differ == 0 && expected.len() == token.len()
    }
}

fn mac(key: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

fn sign(key: &[u8; 32], bytes: &[u8]) -> String {
    hex(&mac(key, bytes))
}

fn key(path: &Path, in_use: bool) -> Result<[u8; 32], SecretError> {
    let name = || path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => {
            if is_open(path) {
                return Err(SecretError::Open(name()));
            }
            text
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && in_use => return Err(SecretError::Lost(name())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(path).map_err(|source| SecretError::File { action: "write", path: name(), source })?
        }
        Err(source) => return Err(SecretError::File { action: "read", path: name(), source }),
    };
    let bytes = URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| SecretError::Form(name()))?;
    bytes.try_into().map_err(|_| SecretError::Form(name()))
}

fn make(path: &Path) -> io::Result<String> {
    if let Some(folder) = path.parent() {
        crate::private::folder(folder)?;
    }
    let text = random_text();
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(text)
}

#[cfg(unix)]
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> bool {
    false
}

/// 256 bits from the system, as text for cookies, links and keys of programs.
pub(crate) fn random_text() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256 in hexadecimal digits: what is stored of a cookie, a link or a program's key.
pub(crate) fn digest(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
