//! Text in the character sets of DICOM (PS3.3, C.12.1.1.2; PS3.5, 6.1.2), code extensions included.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, ISO_8859_2, ISO_8859_3, ISO_8859_4, ISO_8859_5, ISO_8859_6,
    ISO_8859_7, ISO_8859_8, ISO_8859_15, SHIFT_JIS, UTF_8, WINDOWS_874, WINDOWS_1252, WINDOWS_1254,
};

const ESCAPE: u8 = 0x1b;

/// What the file's Specific Character Set (0008,0005) says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Charset {
    /// One coding for the whole text, in which escape sequences have no meaning.
    Whole(&'static Encoding),
    /// ISO 2022: escape sequences change the meaning of what follows; this is the meaning at the beginning.
    Switched { low: Low, high: High },
}

/// Which characters bytes below 128 stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Low {
    Ascii,
    /// ISO-IR 14: ASCII but for the yen and the overline.
    JisRoman,
    /// ISO-IR 87, pairs.
    Jis208,
    /// ISO-IR 159, pairs.
    Jis212,
}

/// Which characters bytes from 128 on stand for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum High {
    /// Nothing was named; files that say nothing mostly mean UTF-8 or Latin-1.
    Unnamed,
    By(&'static Encoding),
}

impl Charset {
    /// Reads the element's value; unknown terms count as unnamed.
    pub(super) fn of(value: &[u8]) -> Self {
        let first = value.split(|&b| b == b'\\').next().unwrap_or_default();
        let term = String::from_utf8_lossy(first).trim_matches([' ', '\0']).replace(['_', '-'], " ").to_uppercase();
        let number = term.strip_prefix("ISO IR ").or(term.strip_prefix("ISO 2022 IR ")).unwrap_or(&term);
        let (low, high) = match number {
            "192" | "UTF 8" => return Self::Whole(UTF_8),
            "GB18030" => return Self::Whole(GB18030),
            "GBK" | "GB2312" => return Self::Whole(GBK),
            "BIG5" => return Self::Whole(BIG5),
            "13" => (Low::JisRoman, High::By(SHIFT_JIS)),
            "87" => (Low::Jis208, High::Unnamed),
            "159" => (Low::Jis212, High::Unnamed),
            "149" => (Low::Ascii, High::By(EUC_KR)),
            "58" => (Low::Ascii, High::By(GBK)),
            "100" => (Low::Ascii, High::By(WINDOWS_1252)),
            "101" => (Low::Ascii, High::By(ISO_8859_2)),
            "109" => (Low::Ascii, High::By(ISO_8859_3)),
            "110" => (Low::Ascii, High::By(ISO_8859_4)),
            "126" => (Low::Ascii, High::By(ISO_8859_7)),
            "127" => (Low::Ascii, High::By(ISO_8859_6)),
            "138" => (Low::Ascii, High::By(ISO_8859_8)),
            "144" => (Low::Ascii, High::By(ISO_8859_5)),
            "148" => (Low::Ascii, High::By(WINDOWS_1254)),
            "166" => (Low::Ascii, High::By(WINDOWS_874)),
            "203" => (Low::Ascii, High::By(ISO_8859_15)),
            _ => (Low::Ascii, High::Unnamed),
        };
        Self::Switched { low, high }
    }

    /// Decodes a value; what cannot be decoded becomes the replacement character.
    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        let text = match self {
            Self::Whole(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            Self::Switched { low, high } => switched(bytes, low, high),
        };
        text.trim_matches([' ', '\0']).to_owned()
    }
}

fn switched(bytes: &[u8], first_low: Low, first_high: High) -> String {
    let (mut low, mut high) = (first_low, first_high);
    let mut text = String::new();
    let mut rest = bytes;
    while let Some(&byte) = rest.first() {
        if byte == ESCAPE {
            let (length, new_low, new_high) = escape(rest);
            low = new_low.unwrap_or(low);
            high = new_high.unwrap_or(high);
            rest = &rest[length..];
            continue;
        }
        let is_high = byte >= 0x80;
        let pairs = matches!(low, Low::Jis208 | Low::Jis212);
        // PS3.5, 6.1.2.5.3: ends of lines and what parts values and names give back the first meaning.
        if !is_high && (byte < 0x20 || (!pairs && matches!(byte, b'\\' | b'^' | b'='))) {
            text.push(char::from(byte));
            (low, high) = (first_low, first_high);
            rest = &rest[1..];
            continue;
        }
        let ends = |&b: &u8| {
            b == ESCAPE
                || (b >= 0x80) != is_high
                || (!is_high && (b < 0x20 || (!pairs && matches!(b, b'\\' | b'^' | b'='))))
        };
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let (run, behind) = rest.split_at(length);
        if is_high {
            decode_high(run, high, &mut text);
        } else {
            decode_low(run, low, &mut text);
        }
        rest = behind;
    }
    text
}

/// The length of an escape sequence, and what it changes (PS3.3, tables C.12-3 and C.12-4).
fn escape(rest: &[u8]) -> (usize, Option<Low>, Option<High>) {
    let by = |encoding| Some(High::By(encoding));
    match rest.get(1..).unwrap_or_default() {
        [b'$', b'B', ..] => (3, Some(Low::Jis208), None),
        [b'$', b'(', b'D', ..] => (4, Some(Low::Jis212), None),
        [b'$', b')', b'C', ..] => (4, None, by(EUC_KR)),
        [b'$', b')', b'A', ..] => (4, None, by(GBK)),
        [b'(', b'B', ..] => (3, Some(Low::Ascii), None),
        [b'(', b'J', ..] => (3, Some(Low::JisRoman), None),
        [b')', b'I', ..] => (3, None, by(SHIFT_JIS)),
        [b'-', set, ..] => {
            let encoding = match set {
                b'A' => WINDOWS_1252,
                b'B' => ISO_8859_2,
                b'C' => ISO_8859_3,
                b'D' => ISO_8859_4,
                b'F' => ISO_8859_7,
                b'G' => ISO_8859_6,
                b'H' => ISO_8859_8,
                b'L' => ISO_8859_5,
                b'M' => WINDOWS_1254,
                b'T' => WINDOWS_874,
                b'b' => ISO_8859_15,
                _ => return (3, None, None),
            };
            (3, None, by(encoding))
        }
        _ => (1, None, None),
    }
}

fn decode_low(run: &[u8], low: Low, text: &mut String) {
    // In EUC-JP the pairs of JIS X 0208 have the upper bits set, those of JIS X 0212 follow 8F.
    let roman = |b: &u8| match b {
        b'\\' if low == Low::JisRoman => '¥',
        b'~' if low == Low::JisRoman => '‾',
        other => char::from(*other),
    };
    let euc: Vec<u8> = match low {
        Low::Ascii | Low::JisRoman => {
            text.extend(run.iter().map(roman));
            return;
        }
        Low::Jis208 => run.iter().map(|b| b | 0x80).collect(),
        Low::Jis212 => run.chunks(2).flat_map(|pair| [0x8f].into_iter().chain(pair.iter().map(|b| b | 0x80))).collect(),
    };
    text.push_str(&EUC_JP.decode_without_bom_handling(&euc).0);
}

fn decode_high(run: &[u8], high: High, text: &mut String) {
    let encoding = match high {
        High::By(encoding) => encoding,
        High::Unnamed if std::str::from_utf8(run).is_ok() => UTF_8,
        High::Unnamed => WINDOWS_1252,
    };
    text.push_str(&encoding.decode_without_bom_handling(run).0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(set: &str, bytes: &[u8]) -> String {
        Charset::of(set.as_bytes()).decode(bytes)
    }

    // The examples of PS3.5, annexes H to K.
    #[test]
    fn the_standards_own_examples() {
        let kanji = b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
        assert_eq!(decode(r"\ISO 2022 IR 87", kanji), "Yamada^Tarou=山田^太郎=やまだ^たろう");
        let kana = b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J";
        assert_eq!(decode(r"ISO 2022 IR 13\ISO 2022 IR 87", kana), "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎");
        let korean = b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf";
        assert_eq!(decode(r"\ISO 2022 IR 149", korean), "Hong^Gildong=洪^吉洞=홍^길동");
        let gb18030 = b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=";
        assert_eq!(decode("GB18030", gb18030), "Wang^XiaoDong=王^小东=");
        assert_eq!(decode("ISO_IR 192", "Wang^XiaoDong=王^小東=".as_bytes()), "Wang^XiaoDong=王^小東=");
        let chinese = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=";
        assert_eq!(decode(r"\ISO 2022 IR 58", chinese), "Zhang^XiaoDong=张^小东=");
    }

    #[test]
    fn single_byte_sets_and_text_without_a_name() {
        assert_eq!(decode("ISO_IR 100", b"Buc^J\xe9r\xf4me "), "Buc^Jérôme");
        assert_eq!(decode("ISO_IR 144", b"\xbb\xee\xda"), "Люк");
        assert_eq!(decode("ISO_IR 13", b"\\~"), r"\‾");
        assert_eq!(decode("", "é".as_bytes()), "é");
        assert_eq!(decode("", b"\xe9"), "é");
        // An escape sequence that ends early, and one that nobody knows.
        assert_eq!(decode("", b"A\x1b$"), "A$");
        assert_eq!(decode("", b"A\x1b-\x01B"), "AB");
    }
}
