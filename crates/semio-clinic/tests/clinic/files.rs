//! Files to upload.

use semio_image::{Color, Image, Samples};

use crate::bundle::radiograph;

/// A synthetic radiograph as PNG.
pub(crate) fn png(index: usize) -> Vec<u8> {
    semio_data::encode_png(&radiograph(index)).unwrap()
}

/// Nothing but black.
pub(crate) fn black() -> Vec<u8> {
    let image = Image::new(64, 64, Color::Grey, Samples::U8(vec![0; 64 * 64])).unwrap();
    semio_data::encode_png(&image).unwrap()
}

/// A PNG whose header promises so many pixels and which holds hardly any bytes.
pub(crate) fn promising_png(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, b"IDAT\x78\x9c\x63\x00\x00\x00\x01\x00\x01".to_vec(), b"IEND".to_vec()] {
        bytes.extend((chunk.len() as u32 - 4).to_be_bytes());
        bytes.extend(&chunk);
        bytes.extend(crc32(&chunk).to_be_bytes());
    }
    bytes
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// What a DICOM file says.
#[derive(Clone, Debug)]
pub(crate) struct Dicom<'a> {
    pub(crate) name: &'a str,
    pub(crate) id: &'a str,
    pub(crate) born: &'a str,
    pub(crate) sex: &'a str,
    pub(crate) description: &'a str,
    pub(crate) study: &'a str,
    pub(crate) rows: u16,
    pub(crate) columns: u16,
}

impl Default for Dicom<'_> {
    fn default() -> Self {
        Self {
            name: "Curie^Marie",
            id: "",
            born: "19671107",
            sex: "F",
            description: "Chest PA",
            study: "1.2.3",
            rows: 64,
            columns: 64,
        }
    }
}

impl Dicom<'_> {
    /// The file, explicit little endian, with a synthetic radiograph.
    pub(crate) fn bytes(&self, index: usize) -> Vec<u8> {
        let image = radiograph(index);
        let Samples::U8(samples) = image.samples() else { unreachable!("8 bits") };
        let short = |value: u16| value.to_le_bytes().to_vec();
        let text = |value: &str, fill: u8| {
            let mut bytes = value.as_bytes().to_vec();
            if bytes.len() % 2 == 1 {
                bytes.push(fill);
            }
            bytes
        };
        let uid = |value: &str| text(value, 0);
        let mut meta = vec![];
        element(&mut meta, 0x0002_0002, "UI", &uid("1.2.840.10008.5.1.4.1.1.1"));
        element(&mut meta, 0x0002_0003, "UI", &uid("1.2.3.4"));
        element(&mut meta, 0x0002_0010, "UI", &uid("1.2.840.10008.1.2.1"));
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        element(&mut bytes, 0x0002_0000, "UL", &(meta.len() as u32).to_le_bytes());
        bytes.extend(meta);
        element(&mut bytes, 0x0008_0005, "CS", &text("ISO_IR 192", b' '));
        element(&mut bytes, 0x0008_0016, "UI", &uid("1.2.840.10008.5.1.4.1.1.1"));
        element(&mut bytes, 0x0008_0018, "UI", &uid(&format!("1.2.3.4.{index}")));
        element(&mut bytes, 0x0008_0020, "DA", b"20260102");
        element(&mut bytes, 0x0008_0060, "CS", b"CR");
        element(&mut bytes, 0x0008_1030, "LO", &text(self.description, b' '));
        element(&mut bytes, 0x0010_0010, "PN", &text(self.name, b' '));
        element(&mut bytes, 0x0010_0020, "LO", &text(self.id, b' '));
        element(&mut bytes, 0x0010_0030, "DA", &text(self.born, b' '));
        element(&mut bytes, 0x0010_0040, "CS", &text(self.sex, b' '));
        element(&mut bytes, 0x0020_000d, "UI", &uid(self.study));
        element(&mut bytes, 0x0028_0002, "US", &short(1));
        element(&mut bytes, 0x0028_0004, "CS", &text("MONOCHROME2", b' '));
        element(&mut bytes, 0x0028_0010, "US", &short(self.rows));
        element(&mut bytes, 0x0028_0011, "US", &short(self.columns));
        for (tag, value) in [(0x0028_0100, 8), (0x0028_0101, 8), (0x0028_0102, 7), (0x0028_0103, 0)] {
            element(&mut bytes, tag, "US", &short(value));
        }
        element(&mut bytes, 0x7fe0_0010, "OB", samples);
        bytes
    }
}

fn element(bytes: &mut Vec<u8>, tag: u32, vr: &str, value: &[u8]) {
    bytes.extend(((tag >> 16) as u16).to_le_bytes());
    bytes.extend((tag as u16).to_le_bytes());
    bytes.extend(vr.as_bytes());
    if vr == "OB" {
        bytes.extend([0, 0]);
        bytes.extend((value.len() as u32).to_le_bytes());
    } else {
        bytes.extend((value.len() as u16).to_le_bytes());
    }
    bytes.extend(value);
}
