//! Sliders: what each is called, between which values it moves, and what an address may say of it.

use crate::{web::Problem, words::Language};

/// What an address says after its question mark; the last of two equal names counts.
pub(super) type Asked = Vec<(String, String)>;

/// What an address says under a name.
pub(super) fn said<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// A slider's range.
#[derive(Debug)]
pub(super) struct Dial {
    /// Key of its label's words.
    pub(super) label: &'static str,
    /// Its name in addresses.
    pub(super) name: &'static str,
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) step: f64,
    /// Where it stands at first.
    pub(super) usual: f64,
    pub(super) decimals: usize,
    /// `%` for a share that is shown in per cent; nothing for a plain number.
    pub(super) unit: &'static str,
}

impl Dial {
    /// A value as people read it.
    pub(super) fn words(&self, language: Language, value: f64) -> String {
        match self.unit {
            "%" => language.percent(value),
            "" => language.number(value, self.decimals),
            unit => format!("{}\u{a0}{unit}", language.number(value, self.decimals)),
        }
    }

    /// Where an address puts the slider.
    fn read(&self, asked: &Asked, language: Language) -> Result<f64, Problem> {
        let Some(text) = said(asked, self.name) else { return Ok(self.usual) };
        let value = text.parse::<f64>().ok().filter(|value| (self.low..=self.high).contains(value));
        value.ok_or_else(|| {
            let [low, high] = [self.low, self.high].map(|end| self.words(language, end));
            let values = [("name", language.t(self.label).into()), ("low", low.into()), ("high", high.into())];
            Problem::Range(language.args("problem-range", values))
        })
    }
}

/// Where an address puts the sliders.
///
/// # Errors
/// The first value that is no number or lies outside of its slider, with the slider's ends.
pub(super) fn read<const N: usize>(dials: &[Dial; N], asked: &Asked, language: Language) -> Result<[f64; N], Problem> {
    let mut values = [0.0; N];
    for (value, dial) in values.iter_mut().zip(dials) {
        *value = dial.read(asked, language)?;
    }
    Ok(values)
}

/// The part of an address that puts sliders there.
pub(super) fn query(dials: &[Dial], values: &[f64]) -> String {
    let pairs: Vec<String> = dials.iter().zip(values).map(|(dial, value)| format!("{}={value}", dial.name)).collect();
    pairs.join("&")
}

/// A slider as the page shows it.
pub(super) struct Slider {
    pub(super) dial: &'static Dial,
    pub(super) value: f64,
    pub(super) shown: String,
}

/// The sliders where they stand.
pub(super) fn sliders(dials: &'static [Dial], values: &[f64], language: Language) -> Vec<Slider> {
    let slider =
        |(dial, value): (&'static Dial, &f64)| Slider { dial, value: *value, shown: dial.words(language, *value) };
    dials.iter().zip(values).map(slider).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: Dial = Dial {
        label: "twin-myelin",
        name: "myelin",
        low: 0.02,
        high: 1.0,
        step: 0.02,
        usual: 0.2,
        decimals: 2,
        unit: "%",
    };

    #[test]
    fn a_value_is_usual_taken_or_refused_with_the_sliders_ends() {
        let asked = |text: &str| vec![("myelin".to_owned(), "9".to_owned()), ("myelin".to_owned(), text.to_owned())];
        let read = |asked: &Asked| SHARE.read(asked, Language::English);
        assert!(read(&vec![]).is_ok_and(|value| value.to_bits() == 0.2f64.to_bits()));
        assert!(read(&asked("1")).is_ok_and(|value| value.to_bits() == 1f64.to_bits()));
        for text in ["", "one", "NaN", "inf", "-1", "0.019", "1.01", "1e300"] {
            match read(&asked(text)) {
                Err(Problem::Range(words)) => assert!(words.contains("2 %") && words.contains("100 %"), "{words}"),
                other => unreachable!("{text}: {other:?}"),
            }
        }
    }
}
