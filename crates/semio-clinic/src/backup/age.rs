//! Files that only the holder of a key can read, in the form of age (<https://age-encryption.org/v1>, C2SP's
//! specification): X25519 recipients and the payload. `age -d -i KEY FILE` opens what is written here, and the other way
//! round. Passphrases, plugins and other kinds of recipients are not part of it.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
    str::FromStr,
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};

const FIRST_LINE: &[u8] = b"age-encryption.org/v1\n";
const LABEL: &[u8] = b"age-encryption.org/v1/X25519";
/// Bytes that are sealed together.
const CHUNK: usize = 64 * 1024;
/// What sealing adds to them.
const TAG: usize = 16;
/// Characters of a header's line, and lines of a header: more is no header.
const LINE: u64 = 1024;
const LINES: usize = 256;

/// Whom a file is sealed for: `age1…`, as `age-keygen` prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient(PublicKey);

/// The key that opens: `AGE-SECRET-KEY-1…`.
#[derive(Clone)]
pub struct Identity(StaticSecret);

/// A text that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AgeKeyError {
    /// No recipient.
    #[error("this is no recipient of age; `age-keygen` prints one that begins with age1")]
    Recipient,
    /// No identity.
    #[error("this holds no identity of age: a line that begins with AGE-SECRET-KEY-1")]
    Identity,
}

fn bytes_of(text: &str, name: &str) -> Option<[u8; 32]> {
    let checked = CheckedHrpstring::new::<Bech32>(text).ok()?;
    let same = checked.hrp().as_str().eq_ignore_ascii_case(name);
    let bytes: Vec<u8> = checked.byte_iter().collect();
    bytes.try_into().ok().filter(|_| same)
}

impl FromStr for Recipient {
    type Err = AgeKeyError;

    fn from_str(text: &str) -> Result<Self, AgeKeyError> {
        let text = text.trim();
        // The specification knows recipients in small letters alone.
        let small = !text.bytes().any(|b| b.is_ascii_uppercase());
        let bytes = bytes_of(text, "age").filter(|_| small).ok_or(AgeKeyError::Recipient)?;
        Ok(Self(PublicKey::from(bytes)))
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = bech32::encode::<Bech32>(Hrp::parse_unchecked("age"), self.0.as_bytes()).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

impl FromStr for Identity {
    type Err = AgeKeyError;

    /// Reads the file that `age-keygen` writes: the first line that is no comment.
    fn from_str(text: &str) -> Result<Self, AgeKeyError> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let large = line.filter(|line| !line.bytes().any(|b| b.is_ascii_lowercase()));
        let bytes = large.and_then(|line| bytes_of(line, "age-secret-key-")).ok_or(AgeKeyError::Identity)?;
        Ok(Self(StaticSecret::from(bytes)))
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(…)")
    }
}

impl Identity {
    /// A new key.
    pub fn generate() -> Self {
        Self(StaticSecret::from(random()))
    }

    /// The text that `age-keygen` would write.
    pub fn secret_text(&self) -> String {
        bech32::encode_upper::<Bech32>(Hrp::parse_unchecked("age-secret-key-"), self.0.as_bytes()).unwrap_or_default()
    }

    /// Whom to seal for, so that this key opens it.
    pub fn recipient(&self) -> Recipient {
        Recipient(PublicKey::from(&self.0))
    }

    /// The file's key, where this one opens a header's entry.
    fn unwrap(&self, share: [u8; 32], body: &[u8]) -> Option<[u8; 16]> {
        let theirs = PublicKey::from(share);
        let shared = self.0.diffie_hellman(&theirs);
        if !shared.was_contributory() {
            return None;
        }
        let key = wrapping_key(shared.as_bytes(), &theirs, &self.recipient().0);
        opened(&cipher(&key), [0; 12], body.to_vec())?.try_into().ok()
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    bytes
}

fn derived(secret: &[u8], salt: &[u8], label: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    Hkdf::<Sha256>::new(Some(salt), secret).expand(label, &mut key).expect("32 bytes are within HKDF's bounds");
    key
}

fn wrapping_key(shared: &[u8], share: &PublicKey, recipient: &PublicKey) -> [u8; 32] {
    derived(shared, &[*share.as_bytes(), *recipient.as_bytes()].concat(), LABEL)
}

fn header_mac(file_key: &[u8; 16], header: &[u8]) -> Hmac<Sha256> {
    let key = derived(file_key, &[], b"header");
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(header);
    mac
}

fn cipher(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("its keys have 32 bytes"))
}

/// Bytes with their tag. A nonce is used once with a key.
fn sealed(cipher: &LessSafeKey, nonce: [u8; 12], mut bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let done = cipher.seal_in_place_append_tag(nonce, Aad::empty(), &mut bytes);
    done.map_err(|_| invalid("it is too long to be sealed"))?;
    Ok(bytes)
}

/// What was sealed; `None` where it was not sealed so.
fn opened(cipher: &LessSafeKey, nonce: [u8; 12], mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = cipher.open_in_place(nonce, Aad::empty(), &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

fn invalid(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words.to_owned())
}

/// The payload: chunks, each sealed under its number, the last one marked.
struct Stream {
    cipher: LessSafeKey,
    chunk: u64,
}

impl Stream {
    fn new(file_key: &[u8; 16], nonce: &[u8]) -> Self {
        Self { cipher: cipher(&derived(file_key, nonce, b"payload")), chunk: 0 }
    }

    fn nonce(&mut self, last: bool) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.chunk.to_be_bytes());
        nonce[11] = u8::from(last);
        self.chunk += 1;
        nonce
    }
}

/// Seals what is written to it; [`Sealer::finish`] ends the file.
pub(super) struct Sealer<W: Write> {
    to: W,
    stream: Stream,
    waiting: Vec<u8>,
}

impl<W: Write> Sealer<W> {
    /// Writes the header. Each of the recipients can open the file.
    pub(super) fn new(mut to: W, recipients: &[Recipient]) -> io::Result<Self> {
        let file_key: [u8; 16] = random();
        let mut header = FIRST_LINE.to_vec();
        for Recipient(recipient) in recipients {
            let own = StaticSecret::from(random());
            let share = PublicKey::from(&own);
            let key = wrapping_key(own.diffie_hellman(recipient).as_bytes(), &share, recipient);
            let body = sealed(&cipher(&key), [0; 12], file_key.to_vec())?;
            let lines = [STANDARD_NO_PAD.encode(share.as_bytes()), STANDARD_NO_PAD.encode(body)];
            header.extend(format!("-> X25519 {}\n{}\n", lines[0], lines[1]).into_bytes());
        }
        header.extend(b"---");
        let mac = header_mac(&file_key, &header).finalize().into_bytes();
        header.extend(format!(" {}\n", STANDARD_NO_PAD.encode(mac)).into_bytes());
        let nonce: [u8; 16] = random();
        to.write_all(&header)?;
        to.write_all(&nonce)?;
        Ok(Self { to, stream: Stream::new(&file_key, &nonce), waiting: Vec::with_capacity(CHUNK + TAG) })
    }

    fn seal(&mut self, last: bool) -> io::Result<()> {
        let nonce = self.stream.nonce(last);
        let plain = std::mem::replace(&mut self.waiting, Vec::with_capacity(CHUNK + TAG));
        self.to.write_all(&sealed(&self.stream.cipher, nonce, plain)?)
    }

    /// Seals what is left and gives what was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal(true)?;
        Ok(self.to)
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Only what comes after a full chunk shows that it is not the last.
        if self.waiting.len() == CHUNK && !bytes.is_empty() {
            self.seal(false)?;
        }
        let taken = bytes.len().min(CHUNK - self.waiting.len());
        self.waiting.extend(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Opens a sealed file; gives an error where it was changed or cut off.
pub(super) struct Opener<R: BufRead> {
    from: R,
    stream: Stream,
    opened: Vec<u8>,
    at: usize,
    ended: bool,
}

/// Whether a file begins as sealed ones do.
pub(super) fn is_sealed(from: &mut impl BufRead) -> io::Result<bool> {
    Ok(from.fill_buf()?.starts_with(&FIRST_LINE[..FIRST_LINE.len().min(20)]))
}

fn line(from: &mut impl BufRead, header: &mut Vec<u8>) -> io::Result<String> {
    let mut line = vec![];
    from.take(LINE).read_until(b'\n', &mut line)?;
    header.extend(&line);
    let text = line.strip_suffix(b"\n").ok_or_else(|| invalid("its header is cut off"))?;
    String::from_utf8(text.to_vec()).map_err(|_| invalid("its header is no text"))
}

impl<R: BufRead> Opener<R> {
    /// Reads the header, and finds the entry that the identity opens.
    pub(super) fn new(mut from: R, identity: &Identity) -> io::Result<Self> {
        let mut header = vec![];
        if line(&mut from, &mut header)?.as_bytes() != &FIRST_LINE[..FIRST_LINE.len() - 1] {
            return Err(invalid("it is sealed in a form that is not known"));
        }
        let decoded = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| invalid("its header is damaged"));
        let mut file_key = None;
        for _ in 0..LINES {
            let before = header.len();
            let text = line(&mut from, &mut header)?;
            if let Some(mac) = text.strip_prefix("--- ") {
                let file_key: [u8; 16] = file_key.ok_or_else(|| invalid("it was sealed for another identity"))?;
                header.truncate(before + 3);
                let right = header_mac(&file_key, &header).verify_slice(&decoded(mac)?);
                right.map_err(|_| invalid("its header was changed"))?;
                let mut nonce = [0; 16];
                from.read_exact(&mut nonce)?;
                let stream = Stream::new(&file_key, &nonce);
                return Ok(Self { from, stream, opened: vec![], at: 0, ended: false });
            }
            let entry = text.strip_prefix("-> ").ok_or_else(|| invalid("its header is damaged"))?.to_owned();
            let mut body = String::new();
            loop {
                let part = line(&mut from, &mut header)?;
                body.push_str(&part);
                if part.len() < 64 {
                    break;
                }
            }
            if let Some(share) = entry.strip_prefix("X25519 ")
                && let Ok(share) = <[u8; 32]>::try_from(decoded(share)?)
            {
                file_key = file_key.or(identity.unwrap(share, &decoded(&body)?));
            }
        }
        Err(invalid("its header has no end"))
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let mut part = vec![];
        self.from.by_ref().take((CHUNK + TAG) as u64).read_to_end(&mut part)?;
        let last = self.from.fill_buf()?.is_empty();
        let first = self.stream.chunk == 0;
        let nonce = self.stream.nonce(last);
        self.opened = opened(&self.stream.cipher, nonce, part).ok_or_else(|| invalid("it was changed or cut off"))?;
        if self.opened.is_empty() && !first {
            return Err(invalid("it was changed or cut off"));
        }
        (self.at, self.ended) = (0, last);
        Ok(())
    }
}

impl<R: BufRead> Read for Opener<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.at == self.opened.len() && !self.ended {
            self.next_chunk()?;
        }
        let taken = bytes.len().min(self.opened.len() - self.at);
        bytes[..taken].copy_from_slice(&self.opened[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn seal(bytes: &[u8], recipients: &[Recipient]) -> Vec<u8> {
        let mut sealer = Sealer::new(vec![], recipients).unwrap();
        sealer.write_all(bytes).unwrap();
        sealer.finish().unwrap()
    }

    fn open(bytes: &[u8], identity: &Identity) -> io::Result<Vec<u8>> {
        let mut all = vec![];
        Opener::new(bytes, identity)?.read_to_end(&mut all)?;
        Ok(all)
    }

    #[test]
    fn what_is_sealed_opens_with_the_key_alone() {
        let (one, two, other) = (Identity::generate(), Identity::generate(), Identity::generate());
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK] {
            let plain: Vec<u8> = (0..length).map(|i| (i * 31 % 251) as u8).collect();
            let bytes = seal(&plain, &[one.recipient(), two.recipient()]);
            assert!(is_sealed(&mut bytes.as_slice()).unwrap());
            assert_eq!(open(&bytes, &one).unwrap(), plain);
            assert_eq!(open(&bytes, &two).unwrap(), plain);
            assert!(open(&bytes, &other).is_err());
            // Not a bit may differ, no byte be missing or added, wherever it is.
            for at in [0, 30, 80, 150, 400, bytes.len() - 1] {
                let mut changed = bytes.clone();
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1;
                    assert!(open(&changed, &one).is_err(), "byte {at} of {length}");
                }
            }
            assert!(open(&bytes[..bytes.len() - 1], &one).is_err());
            assert!(open(&[&bytes[..], b"x"].concat(), &one).is_err());
            if length > CHUNK {
                let whole_chunks = bytes.len() - (length - CHUNK) - TAG * (length - CHUNK).div_ceil(CHUNK);
                assert!(open(&bytes[..whole_chunks], &one).is_err(), "chunks at the end can be missed");
            }
        }
    }

    #[test]
    fn keys_are_texts_and_back() {
        let identity = Identity::generate();
        let file =
            format!("# created: 2026-11-22\n# public key: {}\n{}\n", identity.recipient(), identity.secret_text());
        assert_eq!(file.parse::<Identity>().unwrap().recipient(), identity.recipient());
        assert_eq!(identity.recipient().to_string().parse::<Recipient>().unwrap(), identity.recipient());
        let wrong = identity.recipient().to_string().replace("age1", "age2");
        for text in ["", "age1", "ssh-ed25519 AAAA", &wrong, &identity.secret_text()] {
            assert_eq!(text.parse::<Recipient>(), Err(AgeKeyError::Recipient), "{text}");
        }
        assert!(identity.recipient().to_string().parse::<Identity>().is_err());
    }
}
