//! Every text of the pages, in English and French.
//!
//! Texts stand in `en.ftl` and `fr.ftl` (Project Fluent). Tests see to it that both have the same keys and that pages
//! use none that is not there.

use std::{borrow::Cow, sync::OnceLock};

use chrono::NaiveDate;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue, concurrent::FluentBundle};
use unic_langid::langid;

const EN: &str = include_str!("en.ftl");
const FR: &str = include_str!("fr.ftl");

/// A language of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Language {
    #[default]
    English,
    French,
}

type Texts = FluentBundle<FluentResource>;

impl Language {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::French];

    /// The code in HTML and in the records.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// What the language calls itself.
    pub(crate) fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
        }
    }

    /// The language of that code.
    pub(crate) fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The first of the browser's languages that the pages have (RFC 9110, Accept-Language).
    pub(crate) fn accepted(header: &str) -> Self {
        let mut wishes: Vec<(f32, Self)> = header
            .split(',')
            .filter_map(|wish| {
                let (tag, weight) = wish.split_once(';').unwrap_or((wish, "q=1"));
                let weight = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).unwrap_or(0.0);
                let code = tag.trim().split('-').next()?.to_ascii_lowercase();
                Some((weight, Self::from_code(&code)?))
            })
            .filter(|(weight, _)| *weight > 0.0)
            .collect();
        wishes.sort_by(|a, b| b.0.total_cmp(&a.0));
        wishes.first().map_or(Self::default(), |(_, language)| *language)
    }

    fn texts(self) -> &'static Texts {
        static TEXTS: OnceLock<[Texts; 2]> = OnceLock::new();
        &TEXTS.get_or_init(|| {
            [(langid!("en-GB"), EN), (langid!("fr-FR"), FR)].map(|(language, source)| {
                let mut texts = FluentBundle::new_concurrent(vec![language]);
                // Marks of direction would show up in attributes and titles; both languages run one way.
                texts.set_use_isolating(false);
                let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
                texts.add_resource_overriding(resource);
                texts
            })
        })[self as usize]
    }

    /// A text. One that is not there shows its key.
    pub(crate) fn t(self, key: &str) -> String {
        self.with(key, &FluentArgs::new())
    }

    /// A text with one value, which it calls `$x`.
    pub(crate) fn x(self, key: &str, value: impl Into<FluentValue<'static>>) -> String {
        self.args(key, [("x", value.into())])
    }

    /// A text with values.
    pub(crate) fn args<const N: usize>(self, key: &str, values: [(&'static str, FluentValue<'static>); N]) -> String {
        self.with(key, &values.into_iter().collect())
    }

    fn with(self, key: &str, args: &FluentArgs<'_>) -> String {
        let texts = self.texts();
        let Some(pattern) = texts.get_message(key).and_then(|message| message.value()) else { return key.to_owned() };
        texts.format_pattern(pattern, Some(args), &mut vec![]).into_owned()
    }

    /// A day as the reader writes it.
    pub(crate) fn day(self, day: NaiveDate) -> String {
        match self {
            Self::English => day.format("%-d %b %Y").to_string(),
            Self::French => day.format("%d/%m/%Y").to_string(),
        }
    }

    /// A time where the server stands, as the reader writes it, to the minute and with its zone.
    pub(crate) fn time(self, at: i64) -> String {
        let (time, zone) = crate::clock::local(at);
        match self {
            Self::English => format!("{} {zone}", time.format("%-d %b %Y, %H:%M")),
            Self::French => format!("{} {zone}", time.format("%d/%m/%Y %H:%M")),
        }
    }

    /// A number with so many decimals.
    pub(crate) fn number(self, value: f64, decimals: usize) -> String {
        let text = format!("{value:.decimals$}");
        match self {
            Self::English => text,
            Self::French => text.replace('.', ","),
        }
    }

    /// A share in per cent, without decimals.
    pub(crate) fn percent(self, share: f64) -> String {
        let space = match self {
            Self::English => Cow::Borrowed(" "),
            Self::French => Cow::Borrowed("\u{202f}"),
        };
        format!("{:.0}{space}%", share * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn keys(source: &str) -> BTreeSet<&str> {
        let names = source.lines().filter(|line| !line.starts_with([' ', '#', '}', '.']) && line.contains('='));
        names.filter_map(|line| line.split('=').next()).map(str::trim).collect()
    }

    #[test]
    fn both_languages_have_the_same_texts_and_every_text_is_sound() {
        assert_eq!(
            keys(EN).symmetric_difference(&keys(FR)).collect::<Vec<_>>(),
            Vec::<&&str>::new(),
            "keys of one language only"
        );
        for (source, language) in [(EN, Language::English), (FR, Language::French)] {
            let errors = FluentResource::try_new(source.to_owned()).err().map(|(_, errors)| errors);
            assert_eq!(errors, None, "{language:?}");
            for key in keys(source) {
                assert_ne!(language.t(key), "", "{key}");
            }
        }
    }

    /// What the audit trail says was done, as it stands in the sources: `"patient.read"`.
    fn actions(folder: &std::path::Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).expect("the sources lie there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                actions(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = std::fs::read_to_string(&path).expect("sources are text");
                let quoted = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .flat_map(|line| line.split('"').skip(1).step_by(2));
                let is_action = |text: &&str| {
                    let subjects = [
                        "course",
                        "image",
                        "model",
                        "patient",
                        "person",
                        "picture",
                        "prediction",
                        "study",
                        "token",
                        "work",
                    ];
                    let verb =
                        text.split_once('.').filter(|(subject, _)| subjects.contains(subject)).map(|(_, verb)| verb);
                    verb.is_some_and(|verb| {
                        !verb.is_empty()
                            && !["html", "jsonl", "txt"].contains(&verb)
                            && verb.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
                    })
                };
                found.extend(quoted.filter(is_action).map(str::to_owned));
            }
        }
    }

    #[test]
    fn whatever_is_noted_has_words() {
        let mut found = BTreeSet::new();
        actions(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.len() > 40, "{found:?}");
        let texts = keys(EN);
        let wordless: Vec<_> = found
            .iter()
            .filter(|action| !texts.contains(format!("action-{}", action.replace('.', "-")).as_str()))
            .collect();
        assert!(wordless.is_empty(), "{wordless:?}");
    }

    #[test]
    fn french_has_its_spaces() {
        for (number, line) in FR.lines().enumerate().filter(|(_, line)| !line.starts_with('#')) {
            let text = line.split_once('=').map_or(line, |(_, text)| text);
            for mark in ['?', '!', ';'] {
                for (at, _) in text.match_indices(mark) {
                    assert!(text[..at].ends_with('\u{202f}'), "line {}: {line}", number + 1);
                }
            }
            assert!(
                !text.contains(" :") && !text.contains("« ") && !text.contains(" »"),
                "line {}: {line}",
                number + 1
            );
            assert!(!text.contains('\''), "line {}: {line} (’ is the apostrophe)", number + 1);
        }
    }

    #[test]
    fn the_browsers_first_known_language_counts() {
        for (header, language) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", Language::French),
            ("de,en;q=0.5,fr;q=0.7", Language::French),
            ("en-US", Language::English),
            ("", Language::English),
            ("fr;q=0", Language::English),
            ("*", Language::English),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }
}
