//! What `semio data inspect` says about files.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;

use common::{err, out, run, synthetic, text};

/// A DICOM file of 2 × 1 pixels with a patient's name, id and birth date.
fn dicom() -> Vec<u8> {
    let mut bytes = [vec![0; 128], b"DICM".to_vec()].concat();
    let mut element = |group: u16, element: u16, vr: &[u8; 2], value: &[u8]| {
        bytes.extend([group.to_le_bytes(), element.to_le_bytes()].concat());
        bytes.extend(vr);
        if vr == b"OW" {
            bytes.extend([0, 0]);
            bytes.extend((value.len() as u32).to_le_bytes());
        } else {
            bytes.extend((value.len() as u16).to_le_bytes());
        }
        bytes.extend(value);
    };
    element(0x0002, 0x0010, b"UI", b"1.2.840.10008.1.2.1\0");
    element(0x0008, 0x0060, b"CS", b"DX");
    element(0x0010, 0x0010, b"PN", b"Nobody^Really ");
    element(0x0010, 0x0020, b"LO", b"ID-4711 ");
    element(0x0010, 0x0030, b"DA", b"19700131");
    element(0x0010, 0x0040, b"CS", b"M ");
    element(0x0010, 0x1010, b"AS", b"51");
    element(0x0018, 0x5101, b"CS", b"PA");
    element(0x0028, 0x0002, b"US", &[1, 0]);
    element(0x0028, 0x0004, b"CS", b"MONOCHROME2 ");
    element(0x0028, 0x0010, b"US", &[1, 0]);
    element(0x0028, 0x0011, b"US", &[2, 0]);
    element(0x0028, 0x0030, b"DS", br"0.5\0.25");
    element(0x0028, 0x0100, b"US", &[16, 0]);
    element(0x0028, 0x0101, b"US", &[12, 0]);
    element(0x0028, 0x0102, b"US", &[11, 0]);
    element(0x0028, 0x0103, b"US", &[0, 0]);
    element(0x0028, 0x1050, b"DS", b"40");
    element(0x0028, 0x1051, b"DS", b"400 ");
    element(0x7fe0, 0x0010, b"OW", &[1, 0, 0, 8]);
    bytes
}

#[test]
fn a_dicom_file_is_shown_without_its_patient() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exposure");
    fs::write(&file, dicom()).unwrap();
    let said = out(&run(&["data", "inspect", text(&file)], 0)).replace(text(folder.path()), "FOLDER");
    insta::assert_snapshot!(said, @r"
    FOLDER/exposure
      transfer syntax  Explicit VR Little Endian (1.2.840.10008.1.2.1)
      size             2 × 1 pixels
      samples          1 a pixel, 12 of 16 bits, MONOCHROME2
      stored values    1 to 2048
      hash             ec2981e8d0a1e7b4
      values           as stored
      views            window 40 / 400 LINEAR
      modality         DX
      view             PA
      sex              M
      age              051Y
      pixel spacing    0.5 × 0.25 mm in the patient
    ");
    let json = out(&run(&["data", "inspect", text(&file), "--json"], 0));
    assert!(!json.contains("Nobody") && !json.contains("4711") && !json.contains("1970"), "{json}");
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(found["ok"], true);
    assert_eq!((&found["rows"], &found["columns"], &found["frames"]), (&1.into(), &2.into(), &1.into()));
    assert_eq!((&found["min"], &found["max"]), (&1.0.into(), &2048.0.into()));
    // printf '\x01\x00\x00\x08' | sha256sum
    assert_eq!(found["pixel_sha256"], "ec2981e8d0a1e7b4");
    assert_eq!((&found["age"], &found["age_years"], &found["sex"]), (&"051Y".into(), &51.0.into(), &"M".into()));
}

#[test]
fn folders_and_other_pictures_are_looked_into_and_what_cannot_be_read_is_told_by_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    synthetic(folder.path(), "pneumonia", "3");
    let images = folder.path().join("data/images");
    let json = out(&run(&["data", "inspect", text(&images), "--json"], 0));
    assert_eq!(json.lines().count(), 3);
    for line in json.lines() {
        let found: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&found["ok"], &found["dicom"], &found["rows"]), (&true.into(), &false.into(), &32.into()));
    }
    let cut = folder.path().join("cut.dcm");
    fs::write(&cut, &dicom()[..dicom().len() - 1]).unwrap();
    let said = out(&run(&["data", "inspect", text(&cut), text(&images)], 1));
    assert!(said.contains("the DICOM file ends early, inside of (7FE0,0010)"), "{said}");
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let nothing = err(&run(&["data", "inspect", text(&empty)], 1));
    assert!(nothing.contains("the folder holds no pictures"), "{nothing}");
}
