//! The system's log, which the end of the audit trail goes to beside its file: whoever can change this machine's files cannot
//! change what another machine has kept.

use std::{
    io,
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    str::FromStr,
};

use crate::{audit::Head, clock};

/// Facility 13 (log audit) and severity 6 (informational) of RFC 5424, as one number.
const PRIORITY: u32 = 13 * 8 + 6;

/// Where the system's log is told something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Syslog {
    /// This machine's, by its socket.
    Local(PathBuf),
    /// Another machine's.
    Udp(SocketAddr),
}

/// What a setting says is no such place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is neither the path of a socket, such as /dev/log, nor an address such as udp://192.0.2.1:514")]
pub struct SyslogError(String);

impl FromStr for Syslog {
    type Err = SyslogError;

    fn from_str(text: &str) -> Result<Self, SyslogError> {
        match text.strip_prefix("udp://") {
            Some(address) => address.parse().map(Self::Udp).map_err(|_| SyslogError(text.to_owned())),
            None if text.starts_with('/') => Ok(Self::Local(text.into())),
            None => Err(SyslogError(text.to_owned())),
        }
    }
}

impl Syslog {
    /// Tells the log an end of the audit trail.
    ///
    /// # Errors
    /// What the system says of the socket. A log on another machine that does not listen is no error: UDP does not tell.
    pub(crate) fn tell(&self, head: &Head) -> io::Result<()> {
        match self {
            Self::Local(path) => send_local(path, &local_line(head)),
            Self::Udp(address) => {
                let any: SocketAddr = if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
                UdpSocket::bind(any)?.send_to(line(head).as_bytes(), address).map(drop)
            }
        }
    }
}

fn words(head: &Head) -> String {
    format!("end of the audit trail: row {} hash {}", head.seq, head.hash)
}

/// As RFC 5424 has it: time, no name of a machine (the log knows who sent it), program, process, kind.
fn line(head: &Head) -> String {
    let time = clock::time(head.at).to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    format!("<{PRIORITY}>1 {time} - semio {} audit-head - {}", std::process::id(), words(head))
}

/// As programs write to this machine's socket: the daemon adds time and machine.
fn local_line(head: &Head) -> String {
    format!("<{PRIORITY}>semio[{}]: {}", std::process::id(), words(head))
}

#[cfg(unix)]
fn send_local(path: &std::path::Path, line: &str) -> io::Result<()> {
    let socket = std::os::unix::net::UnixDatagram::unbound()?;
    // A log that does not read must not hold the server up.
    socket.set_nonblocking(true)?;
    socket.send_to(line.as_bytes(), path).map(drop)
}

#[cfg(not(unix))]
fn send_local(_: &std::path::Path, _: &str) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no such socket; give an address udp://…"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const HEAD: Head = Head { at: 1_700_000_000_123, seq: 42, hash: String::new() };

    #[test]
    fn places_are_told_apart() {
        assert_eq!("/dev/log".parse(), Ok(Syslog::Local("/dev/log".into())));
        assert_eq!("udp://[::1]:514".parse(), Ok(Syslog::Udp("[::1]:514".parse().unwrap())));
        for bad in ["", "dev/log", "udp://", "udp://localhost", "tcp://192.0.2.1:514"] {
            assert!(bad.parse::<Syslog>().is_err(), "{bad}");
        }
    }

    #[test]
    fn another_machines_log_hears_the_end() {
        let log = UdpSocket::bind("127.0.0.1:0").unwrap();
        log.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        Syslog::Udp(log.local_addr().unwrap()).tell(&HEAD).unwrap();
        let mut bytes = [0; 1024];
        let count = log.recv(&mut bytes).unwrap();
        let told = String::from_utf8_lossy(&bytes[..count]).into_owned();
        assert!(told.starts_with("<110>1 2023-11-14T22:13:20.123Z - semio "), "{told}");
        assert!(told.ends_with(" audit-head - end of the audit trail: row 42 hash "), "{told}");
    }

    #[cfg(unix)]
    #[test]
    fn this_machines_log_hears_the_end_and_one_that_is_away_is_told_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert!(Syslog::Local(path.clone()).tell(&HEAD).is_err());
        let log = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        log.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        Syslog::Local(path).tell(&HEAD).unwrap();
        let mut bytes = [0; 1024];
        let count = log.recv(&mut bytes).unwrap();
        let told = String::from_utf8_lossy(&bytes[..count]).into_owned();
        assert_eq!(told, format!("<110>semio[{}]: end of the audit trail: row 42 hash ", std::process::id()));
    }
}
