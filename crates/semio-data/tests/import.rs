//! Small trees of each published layout, made here from synthetic pictures, and the faults that such trees have.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

use std::{fs, io::Write, path::Path};

use semio_data::{
    Import, ImportOptions, Layout, Manifest, ManifestOptions, encode_png,
    import::{Kind, import},
    manifest::Columns,
    synth::{Job, SynthOptions, synthesize},
};
use tempfile::TempDir;

/// A synthetic picture of some size as PNG.
fn picture(job: Job, size: usize, index: usize) -> Vec<u8> {
    let options = SynthOptions { size, ..SynthOptions::new(job, 64, 7) };
    encode_png(&synthesize(&options, index).unwrap().image).unwrap()
}

fn put(folder: &Path, file: &str, content: &[u8]) {
    let path = folder.join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn count(found: &Import, kind: Kind) -> usize {
    found.findings.iter().filter(|finding| finding.kind == kind).map(|finding| finding.count).sum()
}

fn of(folder: &TempDir) -> Import {
    import(folder.path(), &ImportOptions::default()).unwrap()
}

/// The written manifest is what the loader reads, with the same classes, parts, groups and masks.
fn read_back(folder: &TempDir, found: &Import) -> Manifest {
    let path = folder.path().join("out").join("manifest.csv");
    put(folder.path(), "out/manifest.csv", &found.csv(path.parent().unwrap()).unwrap());
    let manifest = Manifest::load(&path, &ManifestOptions::default()).unwrap();
    let labelled: Vec<_> = found.samples.iter().filter(|s| s.label.is_some()).collect();
    assert_eq!(manifest.samples.len(), labelled.len());
    for (read, written) in manifest.samples.iter().zip(labelled) {
        assert_eq!((&read.label, read.split, &read.group), (&written.label, written.split, &written.group));
        assert_eq!(read.file.canonicalize().unwrap(), written.file.canonicalize().unwrap());
        assert_eq!(read.mask.is_some(), written.mask.is_some());
    }
    manifest
}

fn cnmc() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let cell = |index| picture(Job::Leukemia, 32, index);
    for (i, name) in [
        "fold_0/all/UID_1_1_1_all",
        "fold_0/hem/UID_H1_1_1_hem",
        "fold_1/all/UID_2_1_1_all",
        "fold_1/hem/UID_H2_3_1_hem",
    ]
    .iter()
    .enumerate()
    {
        put(folder.path(), &format!("C-NMC_Leukemia/training_data/{name}.bmp"), &cell(i));
    }
    let validation = "C-NMC_Leukemia/validation_data/C-NMC_test_prelim_phase_data";
    put(folder.path(), &format!("{validation}/1.bmp"), &cell(4));
    put(folder.path(), &format!("{validation}/2.bmp"), &cell(5));
    let labels = "Patient_ID,new_names,labels\nUID_57_29_1_all.bmp,1.bmp,1\nUID_H14_1_1_hem.bmp,2.bmp,0\n";
    put(folder.path(), &format!("{validation}_labels.csv"), labels.as_bytes());
    put(folder.path(), "C-NMC_Leukemia/testing_data/C-NMC_test_final_phase_data/1.bmp", &cell(6));
    folder
}

#[test]
fn the_cnmc_tree() {
    let folder = cnmc();
    let found = of(&folder);
    assert_eq!((found.layout, found.samples.len(), found.groups()), (Layout::Cnmc, 7, Some(6)));
    assert_eq!(found.classes().into_iter().collect::<Vec<_>>(), [("all", 3), ("hem", 3)]);
    assert_eq!(found.splits().into_values().collect::<Vec<_>>(), [4, 2]);
    assert_eq!(count(&found, Kind::Unlabelled), 1);
    assert!(!found.has_trouble(), "{:?}", found.findings);
    let groups: Vec<_> = found.samples.iter().filter_map(|s| s.group.as_deref()).collect();
    assert!(groups.contains(&"H1") && groups.contains(&"57"), "{groups:?}");
    let manifest = read_back(&folder, &found);
    assert_eq!(manifest.extra(&manifest.samples[3], "fold"), Some("1"));
}

#[test]
fn faults_of_a_cnmc_tree() {
    let folder = cnmc();
    let cell = picture(Job::Leukemia, 32, 9);
    let training = "C-NMC_Leukemia/training_data";
    put(folder.path(), &format!("{training}/fold_1/all/UID_1_2_1_all.bmp"), &cell);
    put(folder.path(), &format!("{training}/fold_1/hem/UID_3_1_1_all.bmp"), &cell);
    put(folder.path(), &format!("{training}/fold_1/hem/cell.bmp"), &cell);
    let validation = "C-NMC_Leukemia/validation_data/C-NMC_test_prelim_phase_data";
    put(folder.path(), &format!("{validation}/3.bmp"), &cell);
    let labels = "Patient_ID,new_names,labels\nUID_1_29_1_all.bmp,1.bmp,1\nUID_H14_1_1_hem.bmp,2.bmp,1\nUID_5_1_1_all.bmp,9.bmp,1\n,8.bmp,\n";
    put(folder.path(), &format!("{validation}_labels.csv"), labels.as_bytes());
    let found = of(&folder);
    assert!(found.has_trouble());
    // Subject 1 is in two folds, and in training as well as in validation.
    assert_eq!(count(&found, Kind::DividedGroup), 2);
    // A file in the wrong folder, a label against its own Patient_ID.
    assert_eq!(count(&found, Kind::Contradiction), 2);
    assert_eq!((count(&found, Kind::OddName), count(&found, Kind::WithoutGroup)), (1, 1));
    assert_eq!((count(&found, Kind::FileWithoutRow), count(&found, Kind::RowWithoutFile)), (1, 1));
    assert_eq!(count(&found, Kind::EmptyRow), 1);
    assert!(
        !found.samples.iter().any(|s| s.name.ends_with("UID_3_1_1_all.bmp") || s.name.ends_with("phase_data/2.bmp"))
    );
}

const CLASS_INFO: &str = "stage_2_detailed_class_info.csv";
const BOXES: &str = "stage_2_train_labels.csv";

fn rsna(classes: &str, boxes: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (i, id) in ["a", "b", "c", "d"].iter().enumerate() {
        put(folder.path(), &format!("stage_2_train_images/{id}.dcm"), &picture(Job::Pneumonia, 32, i));
    }
    put(folder.path(), CLASS_INFO, format!("patientId,class\n{classes}").as_bytes());
    put(folder.path(), BOXES, format!("patientId,x,y,width,height,Target\n{boxes}").as_bytes());
    folder
}

fn sound_rsna() -> TempDir {
    rsna(
        "a,Lung Opacity\na,Lung Opacity\nb,Normal\nc,No Lung Opacity / Not Normal\nd,Lung Opacity\n",
        "a,1,2,3,4,1\na,5.0,6,7,8,1\nb,,,,,0\nc,,,,,0\nd,9,9,9,9,1\n",
    )
}

#[test]
fn the_rsna_layout_with_several_boxes_a_picture() {
    let folder = sound_rsna();
    put(folder.path(), "stage_2_test_images/t.dcm", &picture(Job::Pneumonia, 32, 8));
    let found = of(&folder);
    assert_eq!((found.layout, found.samples.len(), found.groups()), (Layout::Rsna, 5, None));
    let classes: Vec<_> = found.classes().into_iter().collect();
    assert_eq!(classes, [("Lung Opacity", 2), ("No Lung Opacity / Not Normal", 1), ("Normal", 1)]);
    assert_eq!((count(&found, Kind::RepeatedRow), count(&found, Kind::Unlabelled)), (2, 1));
    assert_eq!(count(&found, Kind::PatientsUnknown), 4);
    assert!(!found.has_trouble(), "{:?}", found.findings);
    let manifest = read_back(&folder, &found);
    let first = &manifest.samples[0];
    assert_eq!(
        (manifest.extra(first, "target"), manifest.extra(first, "boxes")),
        (Some("1"), Some("1 2 3 4; 5.0 6 7 8"))
    );
}

#[test]
fn a_joined_table_brings_the_patient_of_an_rsna_picture() {
    let folder = sound_rsna();
    let splits = "patientId,class,split,nih_patient\na,Lung Opacity,train,p1\nb,Normal,test,p2\n\
                  c,No Lung Opacity / Not Normal,train,p1\nd,Lung Opacity,test,p1\n";
    put(folder.path(), "splits.csv", splits.as_bytes());
    let columns = Columns { group: Some("nih_patient".into()), ..Columns::default() };
    let options = ImportOptions { join: Some("splits.csv".into()), columns, ..ImportOptions::default() };
    let found = import(folder.path(), &options).unwrap();
    assert_eq!((found.groups(), found.splits().into_values().collect::<Vec<_>>()), (Some(2), vec![2, 2]));
    assert_eq!((count(&found, Kind::PatientsUnknown), count(&found, Kind::DividedGroup)), (0, 1));
    read_back(&folder, &found);

    let wrong =
        ImportOptions { columns: Columns { group: Some("nih".into()), ..Columns::default() }, ..options.clone() };
    assert!(import(folder.path(), &wrong).unwrap_err().to_string().contains("nih_patient"));
    put(folder.path(), "other.csv", b"patientId,who\nx,1\n");
    let other = ImportOptions { join: Some("other.csv".into()), ..ImportOptions::default() };
    assert!(import(folder.path(), &other).unwrap_err().to_string().contains("--file-column"));
}

#[test]
fn faults_of_an_rsna_layout() {
    let folder = rsna(
        "a,Lung Opacity\na,Normal\nb,Lung Opacity\n,Normal\nc,\nd,Normal\nz,Normal\n",
        "a,1,2,3,4,1\nb,,,,,0\nd,,,,,0\nd,1,2,,4,0\n,,,,,0\n",
    );
    let found = of(&folder);
    // a: two classes; b: class against Target; z stands in one table only.
    assert_eq!(count(&found, Kind::Contradiction), 3);
    assert_eq!((count(&found, Kind::RowWithoutFile), count(&found, Kind::FileWithoutRow)), (1, 1));
    assert_eq!(count(&found, Kind::EmptyRow), 4);
    assert_eq!(found.samples.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["stage_2_train_images/d.dcm"]);
    fs::remove_file(folder.path().join(BOXES)).unwrap();
    put(folder.path(), CLASS_INFO, b"id,kind\na,x\n");
    let error = import(folder.path(), &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("patientId") && error.contains("id, kind"), "{error}");
}

/// The smallest Excel file with one sheet of texts.
fn xlsx(rows: &[&[&str]]) -> Vec<u8> {
    let cells = |row: &&[&str]| -> String {
        let cells = row.iter().map(|cell| format!("<c t=\"inlineStr\"><is><t>{cell}</t></is></c>"));
        cells.collect::<Vec<_>>().concat()
    };
    let rows = rows.iter().map(|row| format!("<row>{}</row>", cells(row))).collect::<Vec<_>>().concat();
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    let parts = [
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{package}/content-types\"><Default Extension=\"xml\" ContentType=\"application/xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets><sheet name=\"s\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{package}/relationships\"><Relationship Id=\"r1\" Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>")),
    ];
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(vec![]));
    for (name, text) in parts {
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn the_radiography_tree_and_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let root = "COVID-19_Radiography_Dataset";
    for (class, name) in [
        ("COVID", "COVID"),
        ("Lung_Opacity", "Lung_Opacity"),
        ("Normal", "Normal"),
        ("Viral Pneumonia", "Viral Pneumonia"),
    ] {
        for n in 1..=2 {
            put(folder.path(), &format!("{root}/{class}/images/{name}-{n}.png"), &picture(Job::Covid, 40, n));
            put(folder.path(), &format!("{root}/{class}/masks/{name}-{n}.png"), &picture(Job::Covid, 32, n));
        }
        let stated = if class == "Normal" { "256*256" } else { "40*40" };
        let first = if class == "Normal" { "NORMAL-1".to_owned() } else { format!("{name}-1") };
        let second = format!("{name}-2");
        let table = xlsx(&[
            &["FILE NAME", "FORMAT", "SIZE", "URL"],
            &[&first, "PNG", stated, "https://one.example"],
            &[&second, "PNG", stated, "https://two.example"],
        ]);
        put(folder.path(), &format!("{root}/{class}.metadata.xlsx"), &table);
    }
    let found = of(&folder);
    assert_eq!((found.layout, found.samples.len()), (Layout::Radiography, 8));
    assert_eq!(found.classes().len(), 4);
    assert!(found.samples.iter().all(|s| s.mask.is_some()));
    assert_eq!(
        (count(&found, Kind::MaskSize), count(&found, Kind::StatedSize), count(&found, Kind::Spelling)),
        (8, 2, 1)
    );
    assert!(!found.has_trouble(), "{:?}", found.findings);
    let manifest = read_back(&folder, &found);
    assert_eq!(manifest.extra(&manifest.samples[0], "source"), Some("https://one.example"));

    // A picture less, a mask less, a file too many.
    let class = folder.path().join(root).join("COVID");
    fs::remove_file(class.join("images/COVID-2.png")).unwrap();
    fs::remove_file(class.join("masks/COVID-1.png")).unwrap();
    put(&class, "images/COVID-3.png", &picture(Job::Covid, 40, 3));
    put(folder.path(), &format!("{root}/Normal.metadata.xlsx"), b"no sheet");
    assert!(import(folder.path(), &ImportOptions::default()).unwrap_err().to_string().contains("Normal.metadata.xlsx"));
    fs::remove_file(folder.path().join(root).join("Normal.metadata.xlsx")).unwrap();
    let found = of(&folder);
    let counts = [Kind::RowWithoutFile, Kind::FileWithoutRow, Kind::PictureWithoutMask, Kind::MaskWithoutPicture];
    assert_eq!(counts.map(|kind| count(&found, kind)), [1, 1, 2, 1]);
}

#[test]
fn class_folders_and_tables() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "train/a/1.png", &picture(Job::Ms, 32, 0));
    put(folder.path(), "test/b/2.png", &picture(Job::Ms, 32, 1));
    let found = of(&folder);
    assert_eq!((found.layout, found.splits().len(), found.groups()), (Layout::ClassFolders, 2, None));
    read_back(&folder, &found);

    let folder = tempfile::tempdir().unwrap();
    for n in 1..=2 {
        put(folder.path(), &format!("images/{n}.png"), &picture(Job::Pneumonia, 32, n));
        put(folder.path(), &format!("lung_masks/{n}.png"), &picture(Job::Pneumonia, 32, n));
    }
    fs::create_dir(folder.path().join("lesion_masks")).unwrap();
    put(folder.path(), "images/3.png", &picture(Job::Pneumonia, 32, 3));
    put(folder.path(), "labels.csv", b"file,finding,patient,label\n1.png,x,7,c\n2.png,y,8,d\n4.png,y,8,d\n");
    let columns = Columns { label: Some("finding".into()), ..Columns::default() };
    let found = import(folder.path(), &ImportOptions { columns, ..ImportOptions::default() }).unwrap();
    let taken = [("masks", "lung_masks"), ("label", "finding"), ("group", "patient")].map(|(p, c)| (p, c.to_owned()));
    assert_eq!(found.taken, taken);
    assert_eq!((count(&found, Kind::FileWithoutRow), count(&found, Kind::RowWithoutFile)), (1, 1));
    let manifest = read_back(&folder, &found);
    assert_eq!(
        (&*manifest.classes, manifest.extra(&manifest.samples[0], "label_source")),
        (&["x".to_owned(), "y".into()][..], Some("c"))
    );
}

#[test]
fn what_is_no_data_set_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(import(folder.path(), &ImportOptions::default()).is_err());
    assert!(import(&folder.path().join("absent"), &ImportOptions::default()).is_err());
    put(folder.path(), "labels.csv", b"file,what\nx.png,1\n");
    let error = import(folder.path(), &ImportOptions::default()).unwrap_err().to_string();
    assert!(error.contains("--label-column"), "{error}");
}

#[test]
fn real_sets() {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    if !shared.is_dir() {
        println!("skipped: {} is absent", shared.display());
        return;
    }
    let columns = Columns { group: Some("nih_patient".into()), ..Columns::default() };
    let options = ImportOptions { join: Some("splits.csv".into()), columns, ..ImportOptions::default() };
    let found = import(&shared.join("rsna_layout_dicom"), &options).unwrap();
    assert_eq!((found.layout, found.samples.len(), found.has_trouble()), (Layout::Rsna, 500, false));
    assert_eq!(found.classes().into_iter().collect::<Vec<_>>(), [("Lung Opacity", 250), ("Normal", 250)]);
    assert_eq!(found.splits().into_values().collect::<Vec<_>>(), [400, 100]);
    assert!(found.groups().unwrap() > 100);

    let found = import(&shared.join("cxr_covid_lung_masks"), &ImportOptions::default()).unwrap();
    assert_eq!((found.layout, found.samples.len(), found.groups()), (Layout::Table, 84, Some(62)));
    assert!(found.samples.iter().all(|s| s.mask.as_ref().is_some_and(|m| m.parent().unwrap().ends_with("lung_masks"))));
    assert!(!found.has_trouble(), "{:?}", found.findings);

    let found = import(&shared.join("leukemia_all"), &ImportOptions::default()).unwrap();
    assert_eq!((found.layout, found.samples.len()), (Layout::Table, 2490));
}
