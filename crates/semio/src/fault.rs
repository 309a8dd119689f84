use std::{fmt::Display, path::Path, process::ExitCode};

/// Why a command stopped, in the three lines that a person reads.
#[derive(Debug)]
pub(crate) struct Fault {
    what: String,
    place: Option<String>,
    help: Option<String>,
    code: u8,
}

impl Fault {
    /// The command ran into trouble: exit code 1.
    pub(crate) fn trouble(what: impl Display) -> Self {
        Self { what: what.to_string(), place: None, help: None, code: 1 }
    }

    /// The command was used wrongly: exit code 2.
    pub(crate) fn usage(what: impl Display) -> Self {
        Self { code: 2, ..Self::trouble(what) }
    }

    /// A file could not be read or written.
    pub(crate) fn file(action: &str, path: &Path, error: impl Display) -> Self {
        Self::trouble(format_args!("cannot {action}: {error}")).at(path.display())
    }

    /// Names the file where it happened.
    pub(crate) fn at(self, place: impl Display) -> Self {
        Self { place: Some(place.to_string()), ..self }
    }

    /// Says what to do next.
    pub(crate) fn help(self, help: impl Display) -> Self {
        Self { help: Some(help.to_string()), ..self }
    }

    /// The same in one line, without the place: for lists that name it already.
    pub(crate) fn line(&self) -> String {
        let parts = [Some(&self.what), self.help.as_ref()];
        parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("; ")
    }

    /// The same in one line, with the place.
    pub(crate) fn line_with_place(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", self.line()),
            None => self.line(),
        }
    }

    pub(crate) fn report(self) -> ExitCode {
        eprintln!("error: {}", self.what);
        if let Some(place) = self.place {
            eprintln!("  in {place}");
        }
        if let Some(help) = self.help {
            eprintln!("help: {help}");
        }
        ExitCode::from(self.code)
    }
}

/// Errors of the libraries say themselves what to do next.
impl<E: std::error::Error> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::trouble(error)
    }
}
