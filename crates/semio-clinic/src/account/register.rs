//! Official numbers of physicians.

use serde::{Deserialize, Serialize};

use super::Fault;

/// A register of physicians, and the form of its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// What it is called in the records.
    pub name: String,
    /// How many digits its numbers have.
    pub digits: usize,
    /// Whether the last digit is a check digit (ISO/IEC 7812-1, Luhn).
    pub luhn: bool,
}

impl Default for Register {
    /// The French RPPS: eleven digits, the last being Luhn's.
    fn default() -> Self {
        Self { name: "rpps".into(), digits: 11, luhn: true }
    }
}

impl Register {
    /// The number without what people put between its digits.
    pub(crate) fn check(&self, typed: &str) -> Result<String, Fault> {
        let number: String = typed.chars().filter(|c| !c.is_whitespace() && !"-.\u{202f}".contains(*c)).collect();
        match () {
            () if number.is_empty() => Err(Fault::Empty),
            () if number.len() != self.digits || !number.bytes().all(|b| b.is_ascii_digit()) => Err(Fault::Form),
            () if self.luhn && !has_luhn_digit(&number) => Err(Fault::CheckDigit),
            () => Ok(number),
        }
    }
}

fn has_luhn_digit(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let digit = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
            digit / 10 + digit % 10
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_the_rpps_has_eleven_digits_and_luhns() {
        let rpps = Register::default();
        assert_eq!(rpps.check("10003759117"), Err(Fault::CheckDigit));
        assert_eq!(rpps.check(" 1000 3759 114 ").as_deref(), Ok("10003759114"));
        assert_eq!(rpps.check("1000375911"), Err(Fault::Form));
        assert_eq!(rpps.check("1000375911a"), Err(Fault::Form));
        assert_eq!(rpps.check(""), Err(Fault::Empty));
    }

    #[test]
    fn every_wrong_digit_is_seen() {
        let rpps = Register::default();
        let good = "10003759114";
        for place in 0..good.len() {
            for digit in '0'..='9' {
                let mut typed: Vec<char> = good.chars().collect();
                if typed[place] != digit {
                    typed[place] = digit;
                    assert_eq!(rpps.check(&typed.iter().collect::<String>()), Err(Fault::CheckDigit));
                }
            }
        }
    }
}
