//! Any bytes are read as a layout's table or refused: spreadsheets where they begin like one, their parts (sheet, texts,
//! book, with zero bytes in between) where they begin like XML, else CSV files, each as every table that a layout has.

#![no_main]

use std::{
    fs,
    io::{Cursor, Write},
    path::PathBuf,
    sync::OnceLock,
};

use libfuzzer_sys::fuzz_target;
use semio_data::{ImportOptions, Manifest, ManifestOptions, encode_png, import};
use semio_image::{Color, Image, Samples};

static FOLDERS: OnceLock<PathBuf> = OnceLock::new();

/// Makes the folders of all layouts, each with one picture and without its table.
fn folders() -> PathBuf {
    let root = std::env::temp_dir().join(format!("semio-fuzz-{}", std::process::id()));
    let image = Image::new(2, 2, Color::Grey, Samples::U8(vec![0, 80, 160, 255])).unwrap();
    let png = encode_png(&image).unwrap();
    for file in [
        "table/a.png",
        "rsna/stage_2_train_images/a.dcm",
        "radiography/COVID/images/COVID-1.png",
        "radiography/Normal/images/Normal-1.png",
        "join/a.png",
    ] {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &png).unwrap();
    }
    fs::write(root.join("join/labels.csv"), "file,label\na.png,x\n").unwrap();
    root
}

const BOOK: &[u8] = br#"<workbook xmlns:r="r"><sheets><sheet name="a" sheetId="1" r:id="rId1"/></sheets></workbook>"#;
const RELATIONS: &[u8] = br#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;

const ROOT: &[u8] = br#"<Relationships><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;

/// A spreadsheet of these parts: a changed byte in a packed one would only break its checksum.
fn packed(parts: &[u8]) -> Vec<u8> {
    let mut parts = parts.split(|b| *b == 0);
    let mut zip = zip::ZipWriter::new(Cursor::new(vec![]));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    let named = [
        ("xl/worksheets/sheet1.xml", parts.next().unwrap_or_default()),
        ("xl/sharedStrings.xml", parts.next().unwrap_or_default()),
        ("xl/workbook.xml", parts.next().unwrap_or(BOOK)),
        ("xl/_rels/workbook.xml.rels", RELATIONS),
        ("_rels/.rels", ROOT),
    ];
    for (name, content) in named.into_iter().filter(|(_, content)| !content.is_empty()) {
        zip.start_file(name, options).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fuzz_target!(
    // A reader's panic is caught and told as an error; one of our own ends the run.
    init: std::panic::set_hook(Box::new(|info| {
        if info.location().is_some_and(|place| place.file().contains("semio-")) {
            eprintln!("{info}");
            std::process::abort();
        }
    })),
    |bytes: &[u8]| {
        let root = FOLDERS.get_or_init(folders);
        let usual = ImportOptions::default();
        if bytes.starts_with(b"PK") || bytes.starts_with(b"<") {
            let sheet = if bytes[0] == b'<' { packed(bytes) } else { bytes.to_vec() };
            let _ = fs::write(root.join("radiography/COVID.metadata.xlsx"), sheet);
            let _ = import(&root.join("radiography"), &usual).map(|found| found.csv(root));
            return;
        }
        let _ = fs::write(root.join("table/labels.csv"), bytes);
        let _ = import(&root.join("table"), &usual).map(|found| found.csv(root));
        let _ = Manifest::load(&root.join("table/labels.csv"), &ManifestOptions::default());
        for name in ["stage_2_detailed_class_info.csv", "stage_2_train_labels.csv"] {
            let _ = fs::write(root.join("rsna").join(name), bytes);
        }
        let _ = import(&root.join("rsna"), &usual).map(|found| found.csv(root));
        let joined = root.join("further.csv");
        let _ = fs::write(&joined, bytes);
        let _ = import(&root.join("join"), &ImportOptions { join: Some(joined), ..ImportOptions::default() });
    }
);
