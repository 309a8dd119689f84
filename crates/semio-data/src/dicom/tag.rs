use std::fmt;

/// The tag of a data element: group and element number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u16, pub u16);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({:04X},{:04X})", self.0, self.1)
    }
}

macro_rules! tags {
    ($($name:ident = $group:literal, $element:literal;)*) => {
        impl Tag { $(pub(crate) const $name: Self = Self($group, $element);)* }
    };
}

// DICOM PS3.6, tables 6-1 and 7-1.
tags! {
    TRANSFER_SYNTAX = 0x0002, 0x0010;
    CHARACTER_SET = 0x0008, 0x0005;
    SOP_CLASS = 0x0008, 0x0016;
    SOP_INSTANCE = 0x0008, 0x0018;
    STUDY_DATE = 0x0008, 0x0020;
    ACQUISITION_DATE = 0x0008, 0x0022;
    ACCESSION = 0x0008, 0x0050;
    MODALITY = 0x0008, 0x0060;
    MANUFACTURER = 0x0008, 0x0070;
    STUDY_DESCRIPTION = 0x0008, 0x1030;
    MODEL = 0x0008, 0x1090;
    PATIENT_NAME = 0x0010, 0x0010;
    PATIENT_ID = 0x0010, 0x0020;
    BIRTH_DATE = 0x0010, 0x0030;
    SEX = 0x0010, 0x0040;
    AGE = 0x0010, 0x1010;
    BODY_PART = 0x0018, 0x0015;
    IMAGER_SPACING = 0x0018, 0x1164;
    VIEW_POSITION = 0x0018, 0x5101;
    STUDY_INSTANCE = 0x0020, 0x000d;
    ORIENTATION = 0x0020, 0x0020;
    LATERALITY = 0x0020, 0x0060;
    IMAGE_LATERALITY = 0x0020, 0x0062;
    SAMPLES = 0x0028, 0x0002;
    PHOTOMETRIC = 0x0028, 0x0004;
    PLANAR = 0x0028, 0x0006;
    FRAMES = 0x0028, 0x0008;
    ROWS = 0x0028, 0x0010;
    COLUMNS = 0x0028, 0x0011;
    PIXEL_SPACING = 0x0028, 0x0030;
    BITS_ALLOCATED = 0x0028, 0x0100;
    BITS_STORED = 0x0028, 0x0101;
    HIGH_BIT = 0x0028, 0x0102;
    SIGNED = 0x0028, 0x0103;
    PADDING = 0x0028, 0x0120;
    PADDING_LIMIT = 0x0028, 0x0121;
    BURNED_IN = 0x0028, 0x0301;
    WINDOW_CENTER = 0x0028, 0x1050;
    WINDOW_WIDTH = 0x0028, 0x1051;
    INTERCEPT = 0x0028, 0x1052;
    SLOPE = 0x0028, 0x1053;
    RESCALE_TYPE = 0x0028, 0x1054;
    WINDOW_EXPLANATION = 0x0028, 0x1055;
    WINDOW_FUNCTION = 0x0028, 0x1056;
    RED_DESCRIPTOR = 0x0028, 0x1101;
    RED_DATA = 0x0028, 0x1201;
    RED_SEGMENTS = 0x0028, 0x1221;
    LOSSY = 0x0028, 0x2110;
    MODALITY_LUT = 0x0028, 0x3000;
    LUT_DESCRIPTOR = 0x0028, 0x3002;
    LUT_EXPLANATION = 0x0028, 0x3003;
    LUT_DATA = 0x0028, 0x3006;
    VOI_LUT = 0x0028, 0x3010;
    PIXEL_MEASURES = 0x0028, 0x9110;
    FRAME_VOI = 0x0028, 0x9132;
    PIXEL_TRANSFORMATION = 0x0028, 0x9145;
    SHARED_GROUPS = 0x5200, 0x9229;
    FRAME_GROUPS = 0x5200, 0x9230;
    FLOAT_PIXELS = 0x7FE0, 0x0008;
    DOUBLE_PIXELS = 0x7FE0, 0x0009;
    PIXELS = 0x7FE0, 0x0010;
    FRAME_OFFSETS = 0x7FE0, 0x0001;
    ITEM = 0xFFFE, 0xE000;
    ITEM_END = 0xFFFE, 0xE00D;
    SEQUENCE_END = 0xFFFE, 0xE0DD;
}

/// Sequences whose items are looked into; where the file does not say that they are sequences, this list does.
pub(super) const SEQUENCES: [Tag; 7] = [
    Tag::MODALITY_LUT,
    Tag::VOI_LUT,
    Tag::PIXEL_MEASURES,
    Tag::FRAME_VOI,
    Tag::PIXEL_TRANSFORMATION,
    Tag::SHARED_GROUPS,
    Tag::FRAME_GROUPS,
];
