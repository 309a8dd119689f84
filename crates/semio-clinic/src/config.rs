//! What the server is told, and what of it is refused.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    account::{Register, Strength},
    backup::{AgeKeyError, Recipient, Schedule},
    syslog::{Syslog, SyslogError},
};

/// Everything that can be set; keys of the TOML file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Config {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Address of the database; `None` takes `semio.db` in the data folder.
    pub database: Option<String>,
    /// Folder of bundles, `JOB/NAME/bundle.json`.
    pub models: PathBuf,
    /// Folder of pictures, keys, and the embedded database.
    pub data: PathBuf,
    /// The address in the browser, where it is another than `listen`: `https://semio.clinic.example`.
    pub public_address: Option<String>,
    /// Certificate and key.
    pub tls: Option<Tls>,
    /// Whether a proxy before the server speaks TLS with browsers.
    pub behind_proxy: bool,
    /// Whether people can register themselves; an administrator confirms them.
    pub registration: bool,
    /// The register of physicians' official numbers.
    pub register: Register,
    /// Megabytes of one upload.
    pub upload_megabytes: usize,
    /// Megabytes of a model that an administrator sends, packed and unpacked.
    pub model_megabytes: usize,
    /// Threads that read pictures.
    pub readers: usize,
    /// Minutes between two notes of the audit trail's end.
    pub audit_head_minutes: u64,
    /// The system's log, which the audit trail's end goes to beside its file: the path of its socket, `/dev/log`, or a
    /// machine that listens on UDP, `udp://192.0.2.1:514`.
    pub audit_syslog: Option<String>,
    /// Days after which a deleted record is erased for good; where not set it stays until who made it erases it.
    pub erase_deleted_after_days: Option<u32>,
    /// Statements of the database that take so many milliseconds are logged with their plan.
    pub slow_milliseconds: u64,
    /// Backups at intervals; none where it is not set.
    pub backup: Option<Schedule>,
    /// What trying one password costs. Not a key of the file.
    #[serde(skip)]
    pub strength: Strength,
    /// How long the server waits for visitors. Not a key of the file.
    #[serde(skip)]
    pub patience: Patience,
}

/// How long the server waits for what a visitor sends. A connection that sends a byte now and then would otherwise be held
/// for ever, and an upload's turn with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For the head of a request.
    pub head: Duration,
    /// For the whole of one uploaded file.
    pub file: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(30), file: Duration::from_mins(10) }
    }
}

/// Files of a certificate and its key, as PEM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate, with those that stand between it and the root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8080).into(),
            database: None,
            models: "models".into(),
            data: "semio-data".into(),
            public_address: None,
            tls: None,
            behind_proxy: false,
            registration: true,
            register: Register::default(),
            upload_megabytes: 128,
            model_megabytes: 1024,
            readers: 1,
            audit_head_minutes: 10,
            audit_syslog: None,
            erase_deleted_after_days: None,
            slow_milliseconds: 250,
            backup: None,
            strength: Strength::Full,
            patience: Patience::default(),
        }
    }
}

/// Why the server does not start with these settings.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file is not as it should be.
    #[error("{0}")]
    Form(String),
    /// Passwords and pictures would cross a network in the clear.
    #[error(
        "{0} can be reached from other machines, and without TLS passwords and pictures would cross the network in the \
         clear; set `tls`, or listen on 127.0.0.1 with `behind-proxy = true` and a proxy on this machine that speaks TLS"
    )]
    Clear(SocketAddr),
    /// Others than the proxy reach the server.
    #[error(
        "{0} can be reached by others than the proxy: what the proxy sends would cross the network in the clear, and \
         anybody could write an X-Forwarded-For of their own; listen on 127.0.0.1, or set `tls` too"
    )]
    OpenBehindProxy(SocketAddr),
    /// The address in the browser is not encrypted.
    #[error(
        "public-address must begin with https:// ({0}): passwords and pictures cross the network between browsers and \
         this server"
    )]
    PublicAddress(String),
    /// A proxy is announced, but not how browsers reach it.
    #[error(
        "behind-proxy needs public-address: the address that browsers see, for example https://semio.clinic.example"
    )]
    Proxy,
    /// The system's log cannot be told by this.
    #[error("audit-syslog: {0}")]
    Syslog(SyslogError),
    /// Whom backups are encrypted for cannot be read.
    #[error("backup.recipient: {0}")]
    Recipient(AgeKeyError),
    /// A number is out of bounds.
    #[error("{key} is {value}, but must be between {low} and {high}")]
    Bounds {
        /// The key.
        key: &'static str,
        /// What was set.
        value: usize,
        /// Least.
        low: usize,
        /// Most.
        high: usize,
    },
}

impl Config {
    /// Reads the text of a TOML file.
    ///
    /// # Errors
    /// [`ConfigError::Form`] names line and key.
    pub fn from_toml(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|e| ConfigError::Form(e.to_string()))
    }

    /// Refuses settings that would put records at risk.
    ///
    /// # Errors
    /// [`ConfigError`] says what is wrong and how to mend it.
    pub fn check(&self) -> Result<(), ConfigError> {
        let is_alone = self.listen.ip().is_loopback();
        match (is_alone || self.tls.is_some(), self.behind_proxy) {
            (true, _) => {}
            (false, false) => return Err(ConfigError::Clear(self.listen)),
            (false, true) => return Err(ConfigError::OpenBehindProxy(self.listen)),
        }
        match &self.public_address {
            // Without a proxy nobody but this machine reaches the address that the server listens on.
            Some(address) if !address.starts_with("https://") && (self.is_encrypted() || !is_alone) => {
                return Err(ConfigError::PublicAddress(address.clone()));
            }
            None if self.behind_proxy => return Err(ConfigError::Proxy),
            _ => {}
        }
        if let Some(recipient) = self.backup.as_ref().and_then(|backup| backup.recipient.as_ref()) {
            recipient.parse::<Recipient>().map_err(ConfigError::Recipient)?;
        }
        if let Some(place) = &self.audit_syslog {
            place.parse::<Syslog>().map_err(ConfigError::Syslog)?;
        }
        let bounds = [
            ("upload-megabytes", self.upload_megabytes, 1, 512),
            ("model-megabytes", self.model_megabytes, 1, 16_384),
            ("readers", self.readers, 1, 64),
            ("register.digits", self.register.digits, 1, 32),
            ("erase-deleted-after-days", self.erase_deleted_after_days.map_or(1, |days| days as usize), 1, 36_500),
            ("backup.every-hours", self.backup.as_ref().map_or(1, |b| b.every_hours as usize), 1, 24 * 31),
            ("backup.keep", self.backup.as_ref().map_or(1, |b| b.keep), 1, 10_000),
        ];
        for (key, value, low, high) in bounds {
            if !(low..=high).contains(&value) {
                return Err(ConfigError::Bounds { key, value, low, high });
            }
        }
        Ok(())
    }

    /// Whom backups are encrypted for by the settings; nobody where they are not.
    pub fn recipients(&self) -> Vec<Recipient> {
        let set = self.backup.as_ref().and_then(|backup| backup.recipient.as_ref());
        set.and_then(|text| text.parse().ok()).into_iter().collect()
    }

    /// The system's log, where the audit trail's end goes there too.
    pub(crate) fn syslog(&self) -> Option<Syslog> {
        self.audit_syslog.as_ref().and_then(|place| place.parse().ok())
    }

    /// The database's address.
    pub fn database_url(&self) -> String {
        self.database.clone().unwrap_or_else(|| format!("sqlite://{}?mode=rwc", self.data.join("semio.db").display()))
    }

    /// The file that ends of the audit trail are added to.
    pub fn audit_heads(&self) -> PathBuf {
        self.data.join("audit-heads.jsonl")
    }

    /// The address in the browser.
    pub fn address(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.public_address.clone().unwrap_or_else(|| format!("{scheme}://{}", self.listen))
    }

    /// Whether browsers reach the server by TLS.
    pub fn is_encrypted(&self) -> bool {
        self.tls.is_some() || self.behind_proxy
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_server_for_others_needs_tls() {
        let open = Config { listen: "0.0.0.0:80".parse().unwrap(), ..Config::default() };
        assert_eq!(open.check(), Err(ConfigError::Clear(open.listen)));
        let tls = Some(Tls { certificate: "a.pem".into(), key: "b.pem".into() });
        assert_eq!(Config { tls: tls.clone(), ..open.clone() }.check(), Ok(()));
        let plain = Config { tls, public_address: Some("http://semio.example".into()), ..open };
        assert!(matches!(plain.check(), Err(ConfigError::PublicAddress(_))));
        assert_eq!(Config::default().check(), Ok(()));
        let here = Config { public_address: Some("http://localhost:8080".into()), ..Config::default() };
        assert_eq!(here.check(), Ok(()), "nobody else reaches it");
    }

    #[test]
    fn a_server_behind_a_proxy_is_reached_by_the_proxy_alone() {
        let mut config = Config { behind_proxy: true, ..Config::default() };
        assert_eq!(config.check(), Err(ConfigError::Proxy));
        config.public_address = Some("http://semio.example".into());
        assert!(matches!(config.check(), Err(ConfigError::PublicAddress(_))), "a loopback address does not excuse it");
        config.public_address = Some("https://semio.example".into());
        assert_eq!(config.check(), Ok(()));
        config.listen = "0.0.0.0:80".parse().unwrap();
        assert_eq!(config.check(), Err(ConfigError::OpenBehindProxy(config.listen)));
        config.tls = Some(Tls { certificate: "a.pem".into(), key: "b.pem".into() });
        assert_eq!(config.check(), Ok(()));
    }

    #[test]
    fn a_log_that_is_no_place_and_days_out_of_bounds_are_refused() {
        let config = Config { audit_syslog: Some("syslog".into()), ..Config::default() };
        let told = config.check().unwrap_err().to_string();
        assert!(told.starts_with("audit-syslog: syslog is neither"), "{told}");
        for (days, fine) in [(0, false), (1, true), (36_500, true), (36_501, false)] {
            let config = Config { erase_deleted_after_days: Some(days), ..Config::default() };
            assert_eq!(config.check().is_ok(), fine, "{days}");
        }
    }

    #[test]
    fn an_unknown_key_is_named() {
        let text = Config::from_toml("listen = \"127.0.0.1:1\"\nmodells = \"x\"").unwrap_err().to_string();
        assert!(text.contains("modells"), "{text}");
    }
}
