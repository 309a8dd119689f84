//! Value representations for files that leave them out where they must not: coded pixels are announced by a transfer
//! syntax with explicit representations (PS3.5, annex A.4), whatever the writer did.

use super::profile;
use crate::dicom::{
    Tag,
    write::{Out, OutValue},
};

/// States the representation of each element that has none and is known; others become unknown (UN).
pub(super) fn state(elements: &mut [Out]) {
    for element in elements {
        element.vr = element.vr.or_else(|| of(element.tag));
        if let OutValue::Items(items) = &mut element.value {
            for item in items {
                state(item);
            }
        }
    }
}

/// PS3.6, table 6-1: what pixels are described by, and what codes, reports and annotations are made of, beside the
/// attributes of the profile's own table.
pub(super) fn of(tag: Tag) -> Option<[u8; 2]> {
    let listed = match (tag.0, tag.1) {
        (0x0008, 0x0005 | 0x0008 | 0x0060 | 0x0064 | 0x0105 | 0x010b | 0x010f)
        | (0x0018, 0x0015 | 0x5101)
        | (0x0020, 0x0020 | 0x0060 | 0x0062)
        | (0x0028, 0x0004 | 0x0301 | 0x2110 | 0x2114)
        | (0x0040, 0xa010 | 0xa040 | 0xa050 | 0xa130 | 0xa491 | 0xa493 | 0xa494 | 0xa496 | 0xdb00)
        | (0x0070, 0x0002..=0x0005 | 0x0012 | 0x0015 | 0x0023 | 0x0024) => b"CS",
        (0x0008, 0x0016 | 0x0018 | 0x010c | 0x0117 | 0x0118 | 0x1150) | (0x0020, 0x0052) => b"UI",
        (0x0008, 0x0070 | 0x0104 | 0x1090) | (0x0028, 0x1054 | 0x1055 | 0x3003) => b"LO",
        (0x0008, 0x0100 | 0x0102 | 0x0103 | 0x010d) => b"SH",
        (0x0008, 0x0119) => b"UC",
        (0x0008, 0x0120) => b"UR",
        (0x0040, 0xa160) => b"UT",
        (0x0070, 0x0006) => b"ST",
        (0x0040, 0xa043 | 0xa168 | 0xa300 | 0xa504) | (0x0008, 0x1199) | (0x0070, 0x0008 | 0x0009) => b"SQ",
        (0x0008, 0x1160) | (0x0020, 0x0011..=0x0013) | (0x0028, 0x0008 | 0x0034) => b"IS",
        (0x0018, 0x0050)
        | (0x0020, 0x0032 | 0x0037)
        | (0x0028, 0x0030 | 0x1050..=0x1053 | 0x2112)
        | (0x0040, 0xa30a) => b"DS",
        (0x0028, 0x0002 | 0x0006 | 0x0010 | 0x0011 | 0x0100..=0x0103) => b"US",
        _ => return profile::find(tag).map(|row| row.vr),
    };
    Some(*listed)
}
