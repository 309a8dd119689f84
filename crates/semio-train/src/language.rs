use serde::{Deserialize, Serialize};

/// The language that reports are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// French.
    #[serde(rename = "fr")]
    French,
}

/// One sentence in every language, with the same values: a language that lacks a sentence does not compile.
macro_rules! say {
    ($language:expr, $english:literal, $french:literal $(,)?) => {
        match $language {
            $crate::language::Language::English => ::std::format!($english),
            $crate::language::Language::French => $crate::language::typeset(&::std::format!($french)),
        }
    };
}
pub(crate) use say;

impl Language {
    /// Understands `en` and `fr`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "en" => Some(Self::English),
            "fr" => Some(Self::French),
            _ => None,
        }
    }

    /// The language's code, as HTML wants it.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// A count with its thousands apart.
    pub(crate) fn count(self, n: u64) -> String {
        let text = crate::plot::count(n);
        match self {
            Self::English => text,
            Self::French => text.replace(',', "\u{202f}"),
        }
    }

    /// A share as a percentage with one decimal; one that is nearly all or nearly none is not rounded to it.
    pub(crate) fn percent(self, share: f64) -> String {
        self.number(crate::plot::percent(share))
    }

    /// A number with so many decimals; a dash where it is none.
    pub(crate) fn decimal(self, value: f64, places: usize) -> String {
        self.number(crate::plot::decimal(value, places))
    }

    /// An area under a curve; one that is nearly 1 is not rounded to it.
    pub(crate) fn area(self, value: f64) -> String {
        if (0.9995..1.0).contains(&value) { self.number(">\u{a0}0.999".to_owned()) } else { self.decimal(value, 3) }
    }

    /// The two ends of an interval.
    pub(crate) fn between(self, low: &str, high: &str) -> String {
        say!(self, "{low} to {high}", "{low} à {high}")
    }

    fn number(self, text: String) -> String {
        match self {
            Self::English => text,
            Self::French => text.replace('.', ","),
        }
    }
}

/// What every page says.
pub(crate) fn banner(language: Language) -> String {
    say!(
        language,
        "Research software. Not a medical device.",
        "Logiciel de recherche. N’est pas un dispositif médical."
    )
}

/// Puts the spaces of French print: narrow ones before `;`, `?` and `!`, hard ones before `:` and `%` and inside guillemets.
pub(crate) fn typeset(text: &str) -> String {
    let mut out = text.to_owned();
    for sign in [';', '?', '!'] {
        out = out.replace(&format!(" {sign}"), &format!("\u{202f}{sign}"));
    }
    for (plain, hard) in [(" :", "\u{a0}:"), (" %", "\u{a0}%"), ("« ", "«\u{a0}"), (" »", "\u{a0}»")] {
        out = out.replace(plain, hard);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_has_its_own_signs() {
        let (french, part) = (Language::French, "val");
        let said = say!(french, "the part “{part}”: no?", "la partie « {part} » : non ? oui ; 95 % !");
        assert_eq!(said, "la partie «\u{a0}val\u{a0}»\u{a0}: non\u{202f}? oui\u{202f}; 95\u{a0}%\u{202f}!");
        assert_eq!(french.count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(french.percent(0.913), "91,3\u{a0}%");
        assert_eq!(french.decimal(-0.25, 2), "\u{2212}0,25");
        assert_eq!(
            (french.area(0.9999), Language::English.area(0.9999)),
            (">\u{a0}0,999".into(), ">\u{a0}0.999".into())
        );
        let said = say!(Language::English, "the part “{part}”: no?", "{part}");
        assert_eq!(said, "the part “val”: no?");
    }
}
