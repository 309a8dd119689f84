//! The standard's table of what becomes of which attribute (PS3.15, table E.1-1), from `profile.tsv`.

use std::{collections::HashMap, sync::LazyLock};

use super::Options;
use crate::dicom::Tag;

/// What becomes of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It goes.
    Remove,
    /// It stays without a value.
    Empty,
    /// It gets a value that means nothing.
    Dummy,
    /// It gets a new UID, the same for the same old one.
    Uid,
    /// It stays; in a sequence the items are looked into.
    Keep,
    /// Its dates are shifted.
    Shift,
    /// Its words are cleaned.
    Clean,
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) vr: [u8; 2],
    basic: Action,
    characteristics: Option<Action>,
    dates: Option<Action>,
    uids: Option<Action>,
    device: Option<Action>,
    descriptors: Option<Action>,
}

static TABLE: LazyLock<HashMap<Tag, Row>> =
    LazyLock::new(|| include_str!("profile.tsv").lines().filter_map(row).collect());

fn row(line: &str) -> Option<(Tag, Row)> {
    let cells: Vec<&str> = line.split('\t').collect();
    let [tag, vr, basic, characteristics, dates, uids, device, descriptors] = cells[..] else { return None };
    let number = u32::from_str_radix(tag, 16).ok()?;
    let option = |cell: &str, clean: Action| match cell {
        "K" => Some(Action::Keep),
        "C" => Some(clean),
        _ => None,
    };
    let row = Row {
        vr: vr.as_bytes().try_into().ok()?,
        basic: basic_action(basic),
        characteristics: option(characteristics, Action::Clean),
        dates: option(dates, Action::Shift),
        uids: option(uids, Action::Keep),
        // Names of stations in a network are cleaned: each gets another, the same for the same old one.
        device: option(device, Action::Dummy),
        descriptors: option(descriptors, Action::Clean),
    };
    Some((Tag((number >> 16) as u16, number as u16), row))
}

/// Where the standard leaves a choice by the kind of object, the one that is right for all kinds: a dummy where an
/// attribute may need a value, an empty one where it may have to be there.
fn basic_action(codes: &str) -> Action {
    let has = |code: &str| codes.split('/').any(|c| c == code);
    match () {
        () if has("U") => Action::Uid,
        () if has("D") => Action::Dummy,
        () if has("Z") => Action::Empty,
        () => Action::Remove,
    }
}

/// The table's row for an attribute; none for those that may stay.
pub(super) fn find(tag: Tag) -> Option<&'static Row> {
    TABLE.get(&tag)
}

impl Row {
    /// What becomes of the attribute under the options chosen.
    pub(super) fn action(self, options: Options) -> Action {
        let chosen = [
            (options.keep_uids, self.uids),
            (options.keep_device, self.device),
            (options.keep_characteristics, self.characteristics),
            (options.shift_dates, self.dates),
            (options.clean_descriptors, self.descriptors),
        ];
        chosen.into_iter().find_map(|(on, action)| action.filter(|_| on)).unwrap_or(self.basic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        assert_eq!(TABLE.len(), 617);
        let name = find(Tag(0x0010, 0x0010)).expect("the patient's name");
        assert_eq!((name.action(Options::default()), &name.vr), (Action::Empty, b"PN"));
        let sex = find(Tag(0x0010, 0x0040)).expect("the sex");
        let keep = Options { keep_characteristics: true, ..Options::default() };
        assert_eq!((sex.action(Options::default()), sex.action(keep)), (Action::Empty, Action::Keep));
        assert!(find(Tag(0x0028, 0x0010)).is_none());
        let device = Options { keep_device: true, ..Options::default() };
        let [serial, title] = [Tag(0x0018, 0x1000), Tag(0x0008, 0x0055)].map(|tag| find(tag).expect("listed"));
        assert_eq!((serial.action(device), title.action(device)), (Action::Keep, Action::Dummy));
    }
}
