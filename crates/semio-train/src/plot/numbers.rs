//! Numbers as the reader writes them.

/// A count with its thousands apart: `1,234`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A share as a percentage with one decimal: `91.3 %`; a share that is nearly all or nearly none is not rounded to it.
pub(crate) fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.0005 {
        "<\u{a0}0.1\u{a0}%".to_owned()
    } else if (0.9995..1.0).contains(&share) {
        ">\u{a0}99.9\u{a0}%".to_owned()
    } else {
        format!("{}\u{a0}%", decimal(share * 100.0, 1))
    }
}

/// A number with so many decimals and a true minus sign; a dash where it is none.
pub(crate) fn decimal(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{value:.places$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().any(|c| matches!(c, '1'..='9')) => format!("\u{2212}{rest}"),
        Some(rest) => rest.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_readers() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(percent(0.913), "91.3\u{a0}%");
        let shares = [0.0, 0.0001, 0.99999, 1.0].map(|share| percent(share).replace('\u{a0}', " "));
        assert_eq!(shares, ["0.0 %", "< 0.1 %", "> 99.9 %", "100.0 %"]);
        assert_eq!(decimal(-0.25, 2), "\u{2212}0.25");
        assert_eq!(decimal(-0.0001, 2), "0.00");
        assert_eq!(decimal(f64::NAN, 2), "–");
    }
}
