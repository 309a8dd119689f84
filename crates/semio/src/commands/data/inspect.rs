use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use semio_data::{Inspection, ReadLimits, begins_like_a_picture};

use crate::{Outcome, fault::Fault};

/// Prints what files hold; ends with 1 where one cannot be read.
pub(super) fn inspect(places: &[PathBuf], json: bool) -> Outcome {
    let mut bad = 0;
    let mut seen = 0;
    for file in files(places)? {
        let found = Inspection::of(&file, &ReadLimits::default());
        if json {
            let line = serde_json::to_string(&found).map_err(Fault::trouble)?;
            println!("{line}");
        } else {
            if seen > 0 {
                println!();
            }
            print(&found);
        }
        seen += 1;
        bad += usize::from(!found.ok);
    }
    if seen == 0 {
        return Err(Fault::trouble("the folder holds no pictures, by name and content"));
    }
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The files themselves, and the pictures in folders, in the order of their names.
fn files(places: &[PathBuf]) -> Result<Vec<PathBuf>, Fault> {
    let mut files = vec![];
    for place in places {
        if place.is_dir() { pictures_in(place, &mut files)? } else { files.push(place.clone()) }
    }
    Ok(files)
}

fn pictures_in(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Fault> {
    let cannot = |error| Fault::file("read", folder, error);
    let entries: Result<Vec<PathBuf>, _> = fs::read_dir(folder).map_err(cannot)?.map(|e| e.map(|e| e.path())).collect();
    let mut entries = entries.map_err(cannot)?;
    entries.sort();
    for entry in entries {
        // Links to folders may lead in circles.
        if entry.is_dir() && !entry.is_symlink() {
            pictures_in(&entry, files)?;
        } else if entry.extension().is_some_and(|e| e.eq_ignore_ascii_case("dcm")) || begins_like_a_picture(&entry) {
            files.push(entry);
        }
    }
    Ok(())
}

fn print(found: &Inspection) {
    println!("{}", found.file.display());
    let line = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            println!("  {key:<16} {value}");
        }
    };
    line("error", found.error.clone());
    let syntax = found.transfer_syntax_name.zip(found.transfer_syntax.as_ref());
    line("transfer syntax", syntax.map(|(name, uid)| format!("{name} ({uid})")));
    let size = found.columns.zip(found.rows).map(|(columns, rows)| format!("{columns} × {rows} pixels"));
    let frames = found.frames.filter(|n| *n > 1).map(|n| format!(", {n} frames")).unwrap_or_default();
    line("size", size.map(|size| size + &frames));
    let samples = found.samples.zip(found.bits_stored).zip(found.bits_allocated);
    let sign = if found.signed == Some(true) { ", signed" } else { "" };
    let kind = found.photometric.map(|p| format!(", {p}")).unwrap_or_default();
    line("samples", samples.map(|((n, s), a)| format!("{n} a pixel, {s} of {a} bits{sign}{kind}")));
    line("stored values", found.min.zip(found.max).map(|(min, max)| format!("{min} to {max}")));
    line("hash", found.pixel_sha256.clone());
    line("values", found.values.clone());
    line("views", (!found.views.is_empty()).then(|| found.views.join("; ")));
    let padding =
        found.padding.map(|(first, last)| if first < last { format!("{first} to {last}") } else { first.to_string() });
    line("padding", padding);
    line("character set", found.character_set.clone());
    line("modality", found.modality.clone());
    line("object", found.sop_class.clone());
    let device = [&found.manufacturer, &found.model].into_iter().flatten().cloned().collect::<Vec<_>>();
    line("device", (!device.is_empty()).then(|| device.join(", ")));
    line("body part", found.body_part.clone());
    line("view", found.view.clone());
    line("laterality", found.laterality.map(String::from));
    line("orientation", found.orientation.clone());
    line("sex", found.sex.map(String::from));
    line("age", found.age.clone());
    let where_ = if found.spacing_in_patient == Some(true) { "in the patient" } else { "on the detector" };
    line("pixel spacing", found.spacing_mm.map(|(row, column)| format!("{row} × {column} mm {where_}")));
    let yes = |value: bool| if value { "yes" } else { "no" }.to_owned();
    line("burned-in text", found.burned_in.map(yes));
    line("lossy", found.lossy.map(yes));
    for note in &found.notes {
        line("note", Some(note.clone()));
    }
}
