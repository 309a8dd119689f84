use std::fmt;

/// How a file's data elements and pixels are coded (DICOM PS3.5, annex A; PS3.6, annex A).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferSyntax {
    uid: String,
    name: &'static str,
    pub(super) coding: Coding,
}

/// How pixels are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Native,
    /// Native pixels inside of fragments.
    Encapsulated,
    Deflated,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
    HighThroughput,
    /// Known by name, not read.
    Refused,
    Unknown,
}

const KNOWN: [(&str, &str, Coding); 37] = [
    ("1.2.840.10008.1.2", "Implicit VR Little Endian", Coding::Native),
    ("1.2.840.10008.1.2.1", "Explicit VR Little Endian", Coding::Native),
    ("1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian", Coding::Encapsulated),
    ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", Coding::Native),
    ("1.2.840.10008.1.2.2", "Explicit VR Big Endian", Coding::Native),
    ("1.2.840.10008.1.2.5", "RLE Lossless", Coding::Rle),
    ("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", Coding::Deflated),
    ("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)", Coding::Jpeg),
    ("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 and 4)", Coding::Jpeg),
    ("1.2.840.10008.1.2.4.53", "JPEG Spectral Selection (Process 6 and 8)", Coding::Jpeg),
    ("1.2.840.10008.1.2.4.55", "JPEG Full Progression (Process 10 and 12)", Coding::Jpeg),
    ("1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)", Coding::Jpeg),
    ("1.2.840.10008.1.2.4.70", "JPEG Lossless, First-Order Prediction", Coding::Jpeg),
    ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", Coding::JpegLs),
    ("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", Coding::JpegLs),
    ("1.2.840.10008.1.2.4.90", "JPEG 2000 (Lossless Only)", Coding::Jpeg2000),
    ("1.2.840.10008.1.2.4.91", "JPEG 2000", Coding::Jpeg2000),
    ("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Multi-component (Lossless Only)", Coding::Refused),
    ("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2 Multi-component", Coding::Refused),
    ("1.2.840.10008.1.2.4.94", "JPIP Referenced", Coding::Refused),
    ("1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate", Coding::Refused),
    ("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile / Main Level", Coding::Refused),
    ("1.2.840.10008.1.2.4.101", "MPEG2 Main Profile / High Level", Coding::Refused),
    ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1", Coding::Refused),
    ("1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible High Profile", Coding::Refused),
    ("1.2.840.10008.1.2.4.104", "MPEG-4 AVC/H.264 High Profile For 2D Video", Coding::Refused),
    ("1.2.840.10008.1.2.4.105", "MPEG-4 AVC/H.264 High Profile For 3D Video", Coding::Refused),
    ("1.2.840.10008.1.2.4.106", "MPEG-4 AVC/H.264 Stereo High Profile", Coding::Refused),
    ("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile", Coding::Refused),
    ("1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10 Profile", Coding::Refused),
    ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", Coding::Refused),
    ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", Coding::Refused),
    ("1.2.840.10008.1.2.4.112", "JPEG XL", Coding::Refused),
    ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 (Lossless Only)", Coding::HighThroughput),
    ("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 with RPCL (Lossless Only)", Coding::HighThroughput),
    ("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", Coding::HighThroughput),
    ("1.2.840.10008.1.2.4.205", "JPIP HTJ2K Referenced Deflate", Coding::Refused),
];

impl TransferSyntax {
    pub(crate) const IMPLICIT: &str = "1.2.840.10008.1.2";
    pub(crate) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
    pub(crate) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
    pub(crate) const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

    pub(super) fn of(uid: &str) -> Self {
        let known = KNOWN.iter().find(|(known, ..)| *known == uid);
        let (name, coding) = known.map_or(("unknown transfer syntax", Coding::Unknown), |(_, name, c)| (*name, *c));
        // What is no UID is not repeated: it may be anything.
        let is_uid = !uid.is_empty() && uid.len() <= 64 && uid.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        Self { uid: if is_uid { uid.to_owned() } else { "?".into() }, name, coding }
    }

    /// The unique identifier.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// The name in PS3.6.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether pixels lie as they are, without any compression.
    pub(super) fn is_native(&self) -> bool {
        self.coding == Coding::Native
    }
}

impl fmt::Display for TransferSyntax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.name, self.uid)
    }
}
