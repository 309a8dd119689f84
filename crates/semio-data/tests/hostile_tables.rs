//! Spreadsheets and lists that ask for more than there is: each is refused in words, and nothing ends the program.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{
    fs,
    io::{Cursor, Write},
};

use semio_data::{ImportOptions, encode_png, import};
use semio_image::{Color, Image, Samples};

const SHEET: &str = "xl/worksheets/sheet1.xml";

/// A spreadsheet of these parts.
fn book(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(vec![]));
    let relation = |kind: &str, target: &str| {
        let kind = format!("http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}");
        format!(r#"<Relationships><Relationship Id="r1" Type="{kind}" Target="{target}"/></Relationships>"#)
    };
    let (root, sheets) =
        (relation("officeDocument", "xl/workbook.xml"), relation("worksheet", "worksheets/sheet1.xml"));
    let list = r#"<workbook xmlns:r="r"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>"#;
    let fixed: [(&str, &[u8]); 3] = [
        ("_rels/.rels", root.as_bytes()),
        ("xl/workbook.xml", list.as_bytes()),
        ("xl/_rels/workbook.xml.rels", sheets.as_bytes()),
    ];
    for (name, content) in fixed.iter().chain(parts) {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What comes of a Radiography folder whose class has this table.
fn read(table: &[u8]) -> Result<usize, String> {
    let folder = tempfile::tempdir().unwrap();
    let images = folder.path().join("COVID/images");
    fs::create_dir_all(&images).unwrap();
    let image = Image::new(2, 2, Color::Grey, Samples::U8(vec![0, 80, 160, 255])).unwrap();
    fs::write(images.join("COVID-1.png"), encode_png(&image).unwrap()).unwrap();
    fs::write(folder.path().join("COVID.metadata.xlsx"), table).unwrap();
    let found = import(folder.path(), &ImportOptions::default());
    found.map(|found| found.samples.len()).map_err(|error| error.to_string())
}

fn cells(cells: &str) -> Vec<u8> {
    format!("<worksheet><sheetData>{cells}</sheetData></worksheet>").into_bytes()
}

#[test]
fn a_table_is_found_wherever_it_stands_in_its_sheet() {
    let sheet = cells(
        r#"<row r="3"><c r="C3" t="str"><v>FILE NAME</v></c><c r="D3" t="str"><v>URL</v></c></row>
           <row r="5"><c r="C5" t="str"><v>COVID-1</v></c><c r="D5" t="str"><v>here</v></c></row>"#,
    );
    assert_eq!(read(&book(&[(SHEET, &sheet)])), Ok(1));
}

#[test]
fn a_single_cell_far_out_is_refused() {
    let sheet = cells(
        r#"<row r="1"><c r="A1" t="str"><v>FILE NAME</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#,
    );
    // It takes the place that it has, not that of all cells before it; or it is refused.
    let found = read(&book(&[(SHEET, &sheet)]));
    assert!(found.is_ok() || found.unwrap_err().contains("cells"));
}

#[test]
fn texts_that_are_announced_and_not_there_are_refused() {
    let texts = br#"<sst count="1" uniqueCount="99999999999999"><si><t>FILE NAME</t></si></sst>"#;
    let sheet = cells(r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row>"#);
    let error = read(&book(&[(SHEET, &sheet), ("xl/sharedStrings.xml", texts)])).unwrap_err();
    assert!(error.contains("announces 99999999999999 texts"), "{error}");
}

#[test]
fn a_small_file_that_grows_without_end_is_refused() {
    let sheet = vec![b' '; 80 << 20];
    let packed = book(&[(SHEET, &sheet)]);
    assert!(packed.len() < 1 << 20);
    let error = read(&packed).unwrap_err();
    assert!(error.contains("grows beyond"), "{error}");
}

#[test]
fn a_list_with_columns_without_number_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..100_000).map(|i| format!("c{i}")).collect();
    let rows = "a\n".repeat(100_000);
    fs::write(folder.path().join("labels.csv"), format!("file,{}\n{rows}", names.join(","))).unwrap();
    let error = import(folder.path(), &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("columns"), "{error}");
}

#[test]
fn a_list_of_a_hundred_thousand_columns_is_read_or_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    let names: Vec<String> = (0..120_000).map(|i| format!("c{i:05}")).collect();
    fs::write(&path, format!("file,label,{},c00007\n", names.join(","))).unwrap();
    let began = std::time::Instant::now();
    let error = semio_data::Manifest::load(&path, &semio_data::ManifestOptions::default()).unwrap_err();
    assert!(error.to_string().contains("two of its columns are named 'c00007'"));
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}
