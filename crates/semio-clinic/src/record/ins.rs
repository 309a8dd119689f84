//! The French national health identity's number (INS, "matricule INS").

use crate::account::Fault;

/// The number in the form in which it is kept: 13 characters and two digits of a key, without spaces. `None` where nothing
/// was typed.
///
/// The key is 97 less the remainder of the number by 97; of the Corsican departments 2A counts as 19 and 2B as 18 (ANS,
/// Référentiel INS; the same as of the NIR, INSEE).
///
/// # Errors
/// [`Fault::Form`] for another form, [`Fault::CheckDigit`] where the key is another's.
pub(crate) fn ins(typed: &str) -> Result<Option<String>, Fault> {
    let apart = |c: &char| !c.is_whitespace() && !['.', '-'].contains(c);
    let number: String = typed.chars().filter(apart).flat_map(char::to_uppercase).collect();
    if number.is_empty() {
        return Ok(None);
    }
    let is_corsican = ["2A", "2B"].iter().any(|department| number.get(5..7) == Some(department));
    let digit = |(place, byte): (usize, u8)| byte.is_ascii_digit() || (is_corsican && place == 6);
    if number.len() != 15 || !number.bytes().enumerate().all(digit) || number.starts_with('0') {
        return Err(Fault::Form);
    }
    let digits = number[..13].replace("2A", "19").replace("2B", "18");
    let (digits, key) = (digits.parse::<u64>(), number[13..].parse::<u64>());
    match (digits, key) {
        (Ok(digits), Ok(key)) if key == 97 - digits % 97 => Ok(Some(number)),
        _ => Err(Fault::CheckDigit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_kept_without_spaces_and_its_key_is_checked() {
        assert_eq!(ins(" \u{a0}"), Ok(None));
        assert_eq!(ins("2 55 08 14 168 025 38"), Ok(Some("255081416802538".into())));
        assert_eq!(ins("2-55.08\u{202f}14168025 38"), Ok(Some("255081416802538".into())));
        assert_eq!(ins("2 55 08 14 168 025 39"), Err(Fault::CheckDigit));
        // Two digits that changed places are another number.
        assert_eq!(ins("2 55 08 14 186 025 38"), Err(Fault::CheckDigit));
        assert_eq!(ins("1 85 05 2a 004 123 56"), Ok(Some("185052A00412356".into())));
        assert_eq!(ins("1 85 05 2B 004 123 83"), Ok(Some("185052B00412383".into())));
        for bad in [
            "25508141680253",
            "2550814168025380",
            "2550814168O2538",
            "1 85 05 2C 004 123 00",
            "055081416802538",
            "²55081416802538",
        ] {
            assert_eq!(ins(bad), Err(Fault::Form), "{bad}");
        }
    }
}
