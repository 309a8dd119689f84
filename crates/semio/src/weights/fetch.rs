use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    thread,
    time::Duration,
};

use semio_nn::weights::Published;
use sha2::{Digest, Sha256};

use crate::{fault::Fault, progress::bytes_bar};

/// Why a file could not be fetched.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("{url} could not be fetched: {source}{kept}")]
    Http { url: String, source: Box<ureq::Error>, kept: String },
    #[error("the connection broke{kept}: {source}")]
    Broken { source: io::Error, kept: String },
    #[error("{url} gave {got} bytes where about {expected} were expected; nothing was kept")]
    Size { url: String, got: u64, expected: u64 },
    #[error(
        "what {url} gave is not the published file: its SHA-256 begins with {got} instead of {expected}; nothing was kept"
    )]
    Hash { url: String, got: String, expected: &'static str },
    #[error("cannot write {path}: {source}")]
    Write { path: String, source: io::Error },
}

/// Attempts before giving up, each of which goes on where the last one ended.
const ATTEMPTS: u32 = 4;

/// Fetches a published file. What came before a broken connection is kept beside the place, and a later attempt goes on
/// from there; the file appears only when it is whole and its hash is right.
pub(crate) fn fetch(entry: &Published, mirror: Option<&str>, path: &Path, quiet: bool) -> Result<(), FetchError> {
    let url = match mirror {
        Some(mirror) => format!("{}/{}", mirror.trim_end_matches('/'), entry.file()),
        None => entry.url.to_owned(),
    };
    let partial = path.with_extension("partial");
    let unwritable = |source| FetchError::Write { path: partial.display().to_string(), source };
    fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(unwritable)?;
    let bar = bytes_bar((entry.mebibytes * 1_048_576.0) as u64, entry.model, quiet);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(20)))
        .timeout_recv_response(Some(Duration::from_mins(1)))
        .timeout_per_read(Some(Duration::from_mins(1)))
        .build()
        .into();
    let mut attempt = 1;
    loop {
        match piece(&agent, &url, entry, &partial, &bar) {
            Ok(()) => break,
            Err(error @ (FetchError::Broken { .. } | FetchError::Http { .. }))
                if attempt < ATTEMPTS && !refused(&error) =>
            {
                thread::sleep(Duration::from_millis(250) * attempt);
                attempt += 1;
            }
            Err(error) => return Err(error),
        }
    }
    bar.finish_and_clear();
    let got = sha256(&partial).map_err(unwritable)?;
    if !got.starts_with(entry.sha256) {
        let _ = fs::remove_file(&partial);
        let got = got[..entry.sha256.len()].to_owned();
        return Err(FetchError::Hash { url, got, expected: entry.sha256 });
    }
    fs::rename(&partial, path).map_err(unwritable)
}

/// Whether the server answered, and said no: asking again changes nothing.
fn refused(error: &FetchError) -> bool {
    matches!(error, FetchError::Http { source, .. } if matches!(**source, ureq::Error::StatusCode(400..=499)))
}

/// Fetches what is missing.
fn piece(
    agent: &ureq::Agent,
    url: &str,
    entry: &Published,
    partial: &Path,
    bar: &indicatif::ProgressBar,
) -> Result<(), FetchError> {
    let unwritable = |source| FetchError::Write { path: partial.display().to_string(), source };
    let have = fs::metadata(partial).map_or(0, |m| m.len());
    let kept = |bytes: u64| match bytes {
        0 => String::new(),
        n => format!(" after {:.1} MiB, which are kept; the same command goes on from there", n as f64 / 1_048_576.0),
    };
    let mut request = agent.get(url);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = match request.call() {
        // The part that is there is the whole file, or longer: the hash will tell.
        Err(ureq::Error::StatusCode(416)) if have > 0 => return Ok(()),
        other => other.map_err(|e| FetchError::Http { url: url.into(), source: Box::new(e), kept: kept(have) })?,
    };
    // A server that does not know parts sends the whole.
    let goes_on = response.status().as_u16() == 206;
    let mut file = OpenOptions::new().create(true).write(true).truncate(!goes_on).append(goes_on).open(partial);
    if !goes_on {
        file = File::create(partial);
    }
    let mut file = file.map_err(unwritable)?;
    let mut at = if goes_on { have } else { 0 };
    let expected = (entry.mebibytes * 1_048_576.0) as u64;
    let limit = expected + (1 << 16);
    let declared = response.body().content_length().map(|n| n + at);
    let mut body = response.into_body().into_reader();
    let mut block = vec![0; 1 << 16];
    loop {
        bar.set_position(at);
        let broken = |source| FetchError::Broken { source, kept: kept(at) };
        let n = body.read(&mut block).map_err(broken)?;
        if n == 0 {
            break;
        }
        file.write_all(&block[..n]).map_err(unwritable)?;
        at += n as u64;
        if at > limit {
            let _ = fs::remove_file(partial);
            return Err(FetchError::Size { url: url.into(), got: at, expected });
        }
    }
    file.sync_all().map_err(unwritable)?;
    match declared {
        Some(whole) if at < whole => {
            Err(FetchError::Broken { source: io::ErrorKind::UnexpectedEof.into(), kept: kept(at) })
        }
        _ => Ok(()),
    }
}

/// Whether a file is the published one.
pub(crate) fn is_whole(path: &Path, entry: &Published) -> Result<bool, Fault> {
    let hash = sha256(path).map_err(|e| Fault::file("read the weights", path, e))?;
    Ok(hash.starts_with(entry.sha256))
}

fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            return Ok(semio_model::hex(&hash.finalize()));
        }
        hash.update(&block[..n]);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
        sync::{Arc, Mutex},
    };

    use semio_nn::weights::Normalized;

    use super::*;

    /// What the server does with one connection.
    #[derive(Clone, Copy)]
    enum Reply {
        /// Sends what is asked for.
        Good,
        /// Promises what is asked for, and hangs up after so many bytes of it.
        HangsUp(usize),
        /// Knows no parts: always sends the whole.
        Whole,
        Status(u16),
    }

    struct Server {
        address: String,
        /// The `Range` of each request, or nothing.
        asked: Arc<Mutex<Vec<String>>>,
    }

    /// A server on this machine that treats its connections one after the other as told, and then is gone.
    fn server(content: &[u8], replies: &[Reply]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("is bound"));
        let asked = Arc::new(Mutex::new(vec![]));
        let (content, replies, log) = (content.to_vec(), replies.to_vec(), asked.clone());
        thread::spawn(move || {
            for reply in replies {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut range = String::new();
                for line in BufReader::new(&stream).lines() {
                    let line = line.expect("a header line");
                    if line.is_empty() {
                        break;
                    }
                    if let Some(asked) = line.to_lowercase().strip_prefix("range: bytes=") {
                        range = asked.to_owned();
                    }
                }
                let from: usize = range.trim_end_matches('-').parse().unwrap_or(0);
                log.lock().expect("no panic").push(range);
                let (status, body) = match reply {
                    Reply::Status(code) => (code, &[][..]),
                    Reply::Good | Reply::HangsUp(_) if from > 0 => (206, &content[from..]),
                    Reply::Whole | Reply::Good | Reply::HangsUp(_) => (200, &content[..]),
                };
                let head =
                    format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                let sent = if let Reply::HangsUp(after) = reply { &body[..after] } else { body };
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
            }
        });
        Server { address, asked }
    }

    fn content() -> Vec<u8> {
        (0..300_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
    }

    fn entry(content: &[u8]) -> Published {
        let digest = semio_model::hex_sha256(content);
        let sha256: &'static str = digest[..8].to_owned().leak();
        let url: &'static str = format!("https://example.invalid/models/net-{sha256}.pth").leak();
        let mebibytes = content.len() as f64 / 1_048_576.0;
        Published { model: "mobilenet_v2", url, sha256, mebibytes, size: 224, normalized: Normalized::Imagenet }
    }

    struct Try {
        outcome: Result<(), FetchError>,
        file: Option<Vec<u8>>,
        partial: Option<u64>,
        asked: Vec<String>,
    }

    fn attempt(sent: &[u8], wanted: &[u8], replies: &[Reply]) -> Try {
        let folder = tempfile::tempdir().expect("a folder");
        let entry = entry(wanted);
        let path = folder.path().join("deep/er").join(entry.file());
        let server = server(sent, replies);
        let outcome = fetch(&entry, Some(&format!("{}/", server.address)), &path, true);
        let asked = server.asked.lock().expect("no panic").clone();
        let partial = fs::metadata(path.with_extension("partial")).ok().map(|m| m.len());
        Try { outcome, file: fs::read(&path).ok(), partial, asked }
    }

    #[test]
    fn a_file_is_fetched_and_checked() {
        let tried = attempt(&content(), &content(), &[Reply::Good]);
        assert!(tried.outcome.is_ok() && tried.partial.is_none());
        assert_eq!(tried.file, Some(content()));
    }

    #[test]
    fn a_broken_connection_goes_on_where_it_broke() {
        let tried = attempt(&content(), &content(), &[Reply::HangsUp(100_000), Reply::HangsUp(50_000), Reply::Good]);
        assert!(tried.outcome.is_ok(), "{:?}", tried.outcome);
        assert_eq!(tried.file, Some(content()));
        assert_eq!(tried.asked, ["", "100000-", "150000-"]);
    }

    #[test]
    fn a_server_without_parts_begins_anew() {
        let tried = attempt(&content(), &content(), &[Reply::HangsUp(100_000), Reply::Whole]);
        assert!(tried.outcome.is_ok(), "{:?}", tried.outcome);
        assert_eq!(tried.file, Some(content()));
    }

    #[test]
    fn what_came_is_kept_when_the_connection_stays_broken() {
        let tried = attempt(
            &content(),
            &content(),
            &[Reply::HangsUp(100_000), Reply::HangsUp(9), Reply::HangsUp(0), Reply::HangsUp(1)],
        );
        let said = tried.outcome.expect_err("stays broken").to_string();
        assert!(said.contains("are kept; the same command goes on from there"), "{said}");
        assert_eq!((tried.partial, tried.file), (Some(100_010), None));
    }

    #[test]
    fn another_file_is_not_kept() {
        let mut other = content();
        other[17] ^= 1;
        let tried = attempt(&other, &content(), &[Reply::Good]);
        let said = tried.outcome.expect_err("has another hash").to_string();
        assert!(said.contains("its SHA-256 begins with") && said.contains("nothing was kept"), "{said}");
        assert_eq!((tried.partial, tried.file), (None, None));
    }

    #[test]
    fn a_far_too_long_file_is_cut_off() {
        let tried = attempt(&content().repeat(20), &content(), &[Reply::Good]);
        assert!(matches!(tried.outcome, Err(FetchError::Size { .. })), "{:?}", tried.outcome);
        assert_eq!((tried.partial, tried.file), (None, None));
    }

    #[test]
    fn a_refusal_is_not_asked_again() {
        let tried = attempt(&content(), &content(), &[Reply::Status(404), Reply::Good]);
        let said = tried.outcome.expect_err("is refused").to_string();
        assert!(said.contains("404"), "{said}");
        assert_eq!(tried.asked.len(), 1);
    }
}
