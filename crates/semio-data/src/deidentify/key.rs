use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A secret from which new identities are derived: the same key gives the same patient the same pseudonym in every run,
/// and without it nobody can tell which pseudonym is whose.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(secret)")
    }
}

impl Key {
    /// Takes a secret of 16 bytes at least; spaces at its ends do not count. `None` where it is shorter.
    pub fn new(secret: &[u8]) -> Option<Self> {
        let secret = secret.trim_ascii();
        (secret.len() >= 16).then(|| Self(secret.to_vec()))
    }

    /// HMAC-SHA-256 (RFC 2104) over purpose and value.
    fn digest(&self, purpose: &str, value: &str) -> [u8; 32] {
        // A key of any length is taken.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            unreachable!("HMAC takes keys of any length")
        };
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().into()
    }

    fn number(&self, purpose: &str, value: &str) -> u128 {
        let digest = self.digest(purpose, value);
        u128::from_be_bytes(std::array::from_fn(|i| digest[i]))
    }

    /// A new UID in the arc for random numbers, `2.25.` (PS3.5, B.2).
    pub(super) fn uid(&self, uid: &str) -> String {
        format!("2.25.{}", self.number("uid", uid))
    }

    /// A patient's new id: `P` and 16 letters and digits.
    pub(super) fn pseudonym(&self, patient: &str) -> String {
        format!("P{:016X}", self.number("patient", patient) >> 64)
    }

    /// An identifier's replacement, `len` letters and digits.
    pub(super) fn code(&self, value: &str, len: usize) -> String {
        format!("{:032X}", self.number("code", value)).chars().take(len).collect()
    }

    /// By how many days a patient's dates go back: 1 to 3,650.
    pub(super) fn days(&self, patient: &str) -> i64 {
        (self.number("dates", patient) % 3650) as i64 + 1
    }
}
