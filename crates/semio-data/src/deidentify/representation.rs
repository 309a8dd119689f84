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

/// PS3.6, table 6-1: what pixels are described by, beside the attributes of the profile's own table.
fn of(tag: Tag) -> Option<[u8; 2]> {
    let listed = match (tag.0, tag.1) {
        (0x0008, 0x0005 | 0x0008 | 0x0060 | 0x0064)
        | (0x0018, 0x0015 | 0x5101)
        | (0x0020, 0x0020 | 0x0060 | 0x0062)
        | (0x0028, 0x0004 | 0x0301 | 0x2110 | 0x2114) => b"CS",
        (0x0008, 0x0016 | 0x0018) | (0x0020, 0x0052) => b"UI",
        (0x0008, 0x0070 | 0x1090) => b"LO",
        (0x0020, 0x0011..=0x0013) | (0x0028, 0x0008 | 0x0034) => b"IS",
        (0x0018, 0x0050) | (0x0020, 0x0032 | 0x0037) | (0x0028, 0x0030 | 0x1050..=0x1053 | 0x2112) => b"DS",
        (0x0028, 0x0002 | 0x0006 | 0x0010 | 0x0011 | 0x0100..=0x0103) => b"US",
        _ => return profile::find(tag).map(|row| row.vr),
    };
    Some(*listed)
}
