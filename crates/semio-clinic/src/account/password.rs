//! Passwords: what is accepted, and what is kept of them.

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version, password_hash::phc::PasswordHash};

use super::Fault;

/// Fewest characters (NIST SP 800-63B asks for 15 where a password is all there is, and for 8 beside a second factor).
const SHORTEST: usize = 12;
/// Most bytes: more would only keep the machine busy.
const LONGEST: usize = 1024;

/// What trying one password costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strength {
    /// Argon2id with 19 MiB and two passes (OWASP Password Storage Cheat Sheet).
    #[default]
    Full,
    /// As little as there is, for tests.
    Least,
}

impl Strength {
    fn hasher(self) -> Argon2<'static> {
        let params = match self {
            Self::Full => Params::new(19 * 1024, 2, 1, None),
            Self::Least => Params::new(8, 1, 1, None),
        };
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params.expect("they are within Argon2's bounds"))
    }
}

/// Accepts a password by its length, unless it is among those that are tried first.
pub(super) fn check(password: &str, about_the_person: &[&str]) -> Result<(), Fault> {
    if password.chars().count() < SHORTEST {
        return Err(Fault::TooShort);
    }
    if password.len() > LONGEST {
        return Err(Fault::TooLong);
    }
    // The estimate's time grows with the length; what is long beyond this is not common.
    let start: String = password.chars().take(72).collect();
    match zxcvbn::zxcvbn(&start, about_the_person).score() {
        zxcvbn::Score::Zero | zxcvbn::Score::One => Err(Fault::TooEasy),
        _ => Ok(()),
    }
}

/// Hashes a password, beside the threads that serve pages.
pub(super) async fn hash(password: String, strength: Strength) -> String {
    let work = move || {
        strength.hasher().hash_password(password.as_bytes()).expect("salt and parameters are within bounds").to_string()
    };
    tokio::task::spawn_blocking(work).await.expect("hashing does not panic")
}

/// Whether the password is the one that was hashed.
pub(super) async fn verify(password: String, hashed: String) -> bool {
    let work = move || {
        PasswordHash::new(&hashed)
            .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
    };
    tokio::task::spawn_blocking(work).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn short_and_common_passwords_are_refused() {
        assert_eq!(check("kF7#p2", &[]), Err(Fault::TooShort));
        for easy in ["password1234", "123456789012", "azertyuiop12", "aaaaaaaaaaaa"] {
            assert_eq!(check(easy, &[]), Err(Fault::TooEasy), "{easy}");
        }
        assert_eq!(check("correct horse battery", &[]), Ok(()));
        assert_eq!(check(&"x1!".repeat(400), &[]), Err(Fault::TooLong));
    }

    #[test]
    fn a_hash_is_salted_and_knows_its_password() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let one = hash("correct horse battery".into(), Strength::Least).await;
            let two = hash("correct horse battery".into(), Strength::Least).await;
            assert!(one != two && one.starts_with("$argon2id$v=19$"));
            assert!(verify("correct horse battery".into(), one.clone()).await);
            assert!(!verify("correct horse batterz".into(), one).await);
            assert!(!verify("anything".into(), "no hash".into()).await);
        });
    }
}
