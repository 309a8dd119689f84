//! New values for old ones.

use std::{collections::HashSet, sync::LazyLock};

use super::Key;

/// A value that means nothing, of a representation.
pub(super) fn dummy(vr: [u8; 2], old: &str, key: &Key) -> Vec<u8> {
    let text = match &vr {
        b"DA" => "19000101".into(),
        b"TM" => "000000".into(),
        b"DT" => "19000101000000".into(),
        b"AS" => "000Y".into(),
        b"PN" => "ANONYMOUS".into(),
        b"IS" | b"DS" => "0".into(),
        b"CS" => "NONE".into(),
        b"UI" => key.uid(old),
        b"AE" | b"LO" | b"SH" | b"UC" if !old.is_empty() => key.code(old, 12),
        b"US" | b"SS" => return vec![0; 2],
        b"UL" | b"SL" | b"FL" => return vec![0; 4],
        b"FD" => return vec![0; 8],
        b"OB" | b"OW" | b"UN" => return vec![],
        _ => "REMOVED".into(),
    };
    padded(&text, vr)
}

/// A text with an even number of bytes.
pub(super) fn padded(text: &str, vr: [u8; 2]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    if !bytes.len().is_multiple_of(2) {
        bytes.push(if &vr == b"UI" { 0 } else { b' ' });
    }
    bytes
}

/// Whether a text is a UID (PS3.5, 9.1): up to 64 digits and points, numbers between the points.
pub(super) fn is_uid(text: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 64 && text.split('.').all(is_number)
}

/// Dates and times moved back by some days; what is no date becomes empty. Times of day stay.
pub(super) fn shifted(vr: [u8; 2], old: &str, days: i64) -> String {
    let time = |text: &str| text.len() <= 26 && text.bytes().all(|b| b.is_ascii_digit() || b".:+-".contains(&b));
    let one = |value: &str| -> Option<String> {
        let value = value.trim_matches([' ', '\0']);
        if &vr == b"TM" {
            return time(value).then(|| value.to_owned());
        }
        let ((year, month, day), rest) = date(value)?;
        let (y, m, d) = civil(days_of(year, month, day)? - days);
        let rest = if &vr == b"DT" && time(rest) { rest } else { "" };
        (1..=9999).contains(&y).then(|| format!("{y:04}{m:02}{d:02}{rest}"))
    };
    old.split('\\').map(|value| one(value).unwrap_or_default()).collect::<Vec<_>>().join("\\")
}

/// Year, month and day of `20240301`, `2024.03.01` or `2024-03-01`, and what follows. A date without its day is none.
fn date(text: &str) -> Option<((i64, i64, i64), &str)> {
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let parted = matches!(text.as_bytes(), [_, _, _, _, a @ (b'.' | b'-'), _, _, b, ..] if a == b);
    let (month, day) = if parted { (5, 8) } else { (4, 6) };
    let parts = (number(text.get(..4)?)?, number(text.get(month..month + 2)?)?, number(text.get(day..day + 2)?)?);
    Some((parts, text.get(day + 2..)?))
}

/// Days since 1 March of the year 0 in the Gregorian calendar (after Hinnant, "chrono-compatible low-level date algorithms").
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year)
}

fn civil(days: i64) -> (i64, i64, i64) {
    let era = days.div_euclid(146_097);
    let of_era = days - era * 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, turn) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + turn, month, day)
}

/// Words that say what was examined and how; a cleaned text keeps these, short numbers, and nothing else.
static WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| LIST.split_whitespace().collect());

const LIST: &str = "a abdomen acquisition adc and angio ankle anterior ap apparent art arterial ax axial b0 biopsy blade \
    body bone bones brain breast bravo bssfp cardiac cc cerebral cervical chest clinical coefficient contrast cor \
    coronal coronary cr ct cta cube delayed diff diffusion dixon dti dual dwi dx echo elbow enhanced ep epi equilibrium \
    exam fast fat fast-spin femur ffe fiesta finger flair flash foot fov fr frfse fs fse ge gd gre hand haste head hip \
    hr image images in inferior inversion ir iso knee l lat lateral left leg lesion liver localizer long loc lower lumbar \
    lung lungs mammo mammography map mean medial mip mlo motion mpr mprage mr mra mri mrv neck noncontrast nuclear \
    oblique of opposed out pa parenchyma pc pd pelvis perfusion pet phase plain portable portal post posterior pre prone \
    propeller proton pulmonary r ra radiograph recon reformat relaxation rib ribs right rotated routine sag sagittal \
    scan scout se sense seq series shoulder short single sinus skull slab slice soft space spect spgr spin spine spiral \
    spoiled standard stir study sub supine survey swi t t1 t1w t2 t2w tfe thick thin thoracic thorax thyroid tibia time \
    tissue toe tof tom tra trace transverse trufi tse turbo two upper us va venous view vibe vol volume w water weighted \
    wholebody window with without wo wrist x xray";

/// A text with nothing left but words of radiology and numbers of three digits at most.
pub(super) fn cleaned(text: &str) -> String {
    let known = |word: &str| {
        let lower = word.to_lowercase();
        let short_number = word.len() <= 3 && word.bytes().all(|b| b.is_ascii_digit());
        // "Mr" is not the modality.
        let title = lower == "mr" && word != "MR";
        short_number || !title && WORDS.contains(lower.as_str())
    };
    // Numbers with signs between them are dates, times and numbers of people.
    let joins = |c: char| matches!(c, '.' | '-' | '/' | ':');
    let tokens = text.split(|c: char| !c.is_alphanumeric() && !joins(c)).map(|token| token.trim_matches(joins));
    let plain = tokens.filter(|token| !(token.contains(joins) && token.contains(|c: char| c.is_ascii_digit())));
    let words = plain.flat_map(|token| token.split(joins)).filter(|word| !word.is_empty() && known(word));
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn days_go_there_and_back(days in 600_000i64..800_000) {
            let (y, m, d) = civil(days);
            prop_assert_eq!(days_of(y, m, d), Some(days));
        }
    }

    #[test]
    fn dates_move_and_their_distance_stays() {
        // Python: date(2024, 3, 1) - timedelta(days=366) = 2023-03-01; date(2000, 1, 1) - timedelta(1) = 1999-12-31
        assert_eq!(shifted(*b"DA", "20240301", 366), "20230301");
        assert_eq!(shifted(*b"DA", "20000101 ", 1), "19991231");
        assert_eq!(shifted(*b"DT", "20240301101112.5+0100", 366), "20230301101112.5+0100");
        assert_eq!(shifted(*b"DA", "2024.03.01\\yesterday", 366), "20230301\\");
        assert_eq!(shifted(*b"TM", "101112", 5), "101112");
        // Both parted forms, with and without what follows; a month and a year with a time zone are no dates.
        assert_eq!(shifted(*b"DT", "2024-03-01", 366), "20230301");
        assert_eq!(shifted(*b"DT", "2024.03.01101112", 366), "20230301101112");
        assert_eq!(shifted(*b"DT", "20240301101112-0500", 366), "20230301101112-0500");
        assert_eq!(shifted(*b"DT", "202403\\2024-0500\\202403-0500", 366), "\\\\");
        // Words behind a date, and in place of a time.
        assert_eq!(shifted(*b"DT", "20240301 Lovelace", 366), "20230301");
        assert_eq!(shifted(*b"TM", "101112\\Lovelace", 5), "101112\\");
    }

    #[test]
    fn letters_of_several_bytes_are_no_dates() {
        for odd in [
            "202\u{e9}0301",
            "2024\u{e9}301",
            "202403\u{e9}1",
            "20240301\u{e9}",
            "\u{1f600}\u{1f600}",
            "2024-\u{e9}\u{e9}-1",
        ] {
            let moved = shifted(*b"DA", odd, 1);
            assert!(moved.is_empty() || moved == "20240229", "{odd}: {moved}");
        }
    }

    #[test]
    fn uids_are_numbers_with_points_between() {
        assert!(["1.2.3", "2.25.0", "1"].into_iter().all(is_uid) && is_uid(&"1".repeat(64)));
        let long = "1".repeat(65);
        for odd in ["", ".", "..", "1..2", "1.2.", "1.2/3", "../1", "/tmp/x", "1.2.a", &long] {
            assert!(!is_uid(odd), "{odd}");
        }
    }

    #[test]
    fn a_cleaned_text_says_what_was_examined_only() {
        assert_eq!(cleaned("Chest PA, Mr. Miller, 12.03.1950 (ward 7)"), "Chest PA 7");
        assert_eq!(cleaned("T2w FLAIR ax"), "T2w FLAIR ax");
        assert_eq!(cleaned("Miller^John"), "");
    }
}
