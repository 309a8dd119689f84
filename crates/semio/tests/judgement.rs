//! What a reader is told about a model: leaks, subgroups, maps beside masks, the card, in two languages.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{fmt::Write as _, fs, path::Path};

use common::{err, out, run, short, synthetic, text};
use serde_json::Value;

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let header = cells(reader.headers().unwrap());
    (header, reader.records().map(|r| cells(&r.unwrap())).collect())
}

fn write(path: &Path, header: &[String], rows: &[Vec<String>]) {
    let mut writer = csv::Writer::from_path(path).unwrap();
    writer.write_record(header).unwrap();
    for row in rows {
        writer.write_record(row).unwrap();
    }
    writer.flush().unwrap();
}

/// Copies a training picture over a test picture; returns the list without patients.
fn leaky(folder: &Path) -> String {
    let labels = synthetic(folder, "leukemia", "80");
    let (header, mut rows) = table(Path::new(&labels));
    let of = |part: &str| rows.iter().find(|r| r[2] == part && r[1] == "hem").unwrap()[0].clone();
    let data = Path::new(&labels).parent().unwrap();
    fs::copy(data.join(of("train")), data.join(of("test"))).unwrap();
    for row in &mut rows {
        row[3].clear();
    }
    write(Path::new(&labels), &header, &rows);
    labels
}

#[test]
fn what_another_list_holds_is_not_learned_from() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "80");
    let (_, rows) = table(Path::new(&labels));
    let (data, other) = (Path::new(&labels).parent().unwrap(), folder.path().join("other"));
    fs::create_dir(&other).unwrap();
    let shared: Vec<&String> = rows.iter().filter(|r| r[2] == "train").map(|r| &r[0]).take(7).collect();
    for (i, file) in shared.iter().enumerate() {
        fs::copy(data.join(file), other.join(format!("{i}.png"))).unwrap();
    }
    let place = folder.path().join("run");
    let more = ["--apart-from", text(&other)];
    let said = out(&run(&[&short(&labels, text(&place), "1")[..], &more].concat(), 0));
    assert!(said.contains("(nearly) the same picture stands in"), "{said}");
    let (_, kept) = table(&place.join("split.csv"));
    assert_eq!(kept.len(), rows.len() - shared.len());
    assert!(!kept.iter().any(|row| shared.iter().any(|file| row[0].ends_with(file.as_str()))));
    assert!(fs::read_to_string(place.join("report.html")).unwrap().contains("(nearly) the same picture stands in"));
}

#[test]
fn a_leak_is_refused_or_told_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let labels = leaky(folder.path());
    let place = folder.path().join("run");
    let said = err(&run(&short(&labels, text(&place), "1"), 1));
    assert!(said.contains("1 picture stands unchanged in more than one part"), "{said}");
    assert!(said.contains("1 of 12 test pictures (8.3 %)") && said.contains("help: "), "{said}");
    assert!(said.contains("--resplit") && said.contains("--allow-leak"), "{said}");

    let said = out(&run(&[&short(&labels, text(&place), "1")[..], &["--allow-leak"]].concat(), 0));
    assert!(said.contains("LEAK ACCEPTED: 1 picture stands unchanged"), "{said}");
    let bundle = place.join("bundle");
    for card in [json(&bundle.join("bundle.json")), json(&bundle.join("card.json"))] {
        let leak = &card["data"]["leak"];
        assert_eq!((leak["exact"].as_u64(), leak["parts"]["test"]["touched"].as_u64()), (Some(1), Some(1)), "{card}");
    }
    let card = fs::read_to_string(bundle.join("card.md")).unwrap();
    assert!(card.contains("a leak was accepted") && card.contains("1 of 12 test pictures"), "{card}");
    assert!(fs::read_to_string(place.join("report.html")).unwrap().contains("A leak was accepted"));

    // The run's list tells which picture it is; the data's own list is measured again.
    let list = place.join("split.csv");
    for data in [text(&list), &labels] {
        let judged = folder.path().join("judged");
        let args = ["evaluate", text(&bundle), "--data", data, "--json", "-o", text(&judged)];
        let leak = &serde_json::from_str::<Value>(&out(&run(&args, 0))).unwrap()["leak"];
        assert_eq!((leak["touched"]["n"].as_u64(), leak["untouched"]["n"].as_u64()), (Some(1), Some(11)), "{leak}");
        let page = fs::read_to_string(judged.join("report.html")).unwrap();
        assert!(page.contains("With and without leaked pictures") && page.contains("A leak was accepted"));
    }

    // Divided anew, the same picture stays on one side, and the list it leaves is clean.
    let again = folder.path().join("again");
    run(&[&short(&labels, text(&again), "1")[..], &["--resplit"]].concat(), 0);
    let (header, _) = table(&again.join("split.csv"));
    assert!(!header.iter().any(|name| name == "leak"), "{header:?}");
    assert_eq!(json(&again.join("bundle/card.json"))["data"]["leak"]["exact"], 0);
    run(&short(text(&again.join("split.csv")), text(&folder.path().join("third")), "1"), 0);
}

#[test]
fn subgroups_are_judged_apart() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "120");
    let (mut header, mut rows) = table(Path::new(&labels));
    header.extend(["sex", "age", "ward"].map(str::to_owned));
    for (i, row) in rows.iter_mut().enumerate() {
        let ward = if i % 2 == 0 { "north" } else { "south" };
        row.extend([["F", "M"][i % 2], ["070Y", "12", ""][i % 3], ward].map(str::to_owned));
    }
    write(Path::new(&labels), &header, &rows);
    let place = folder.path().join("run");
    run(&short(&labels, text(&place), "1"), 0);
    let bundle = place.join("bundle");
    let judged = folder.path().join("judged");
    let list = place.join("split.csv");
    let args = [
        "evaluate",
        text(&bundle),
        "--data",
        text(&list),
        "--split",
        "train",
        "--subgroups",
        "ward",
        "--json",
        "-o",
        text(&judged),
    ];
    let found: Value = serde_json::from_str(&out(&run(&args, 0))).unwrap();
    let subgroups = found["subgroups"].as_array().unwrap();
    let named: Vec<&str> = subgroups.iter().map(|s| s["column"].as_str().unwrap()).collect();
    assert_eq!(named, ["sex", "age", "ward"], "further columns travel through the run's list");
    for of in subgroups {
        let n: u64 = of["rows"].as_array().unwrap().iter().map(|r| r["n"].as_u64().unwrap()).sum();
        assert_eq!(n, found["n"].as_u64().unwrap());
    }
    let values = |s: &Value| -> Vec<String> {
        s["rows"].as_array().unwrap().iter().map(|r| r["value"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(values(&subgroups[0]), ["female", "male"]);
    assert_eq!(values(&subgroups[1]), ["0-17", "65+", "unknown"]);
    let page = fs::read_to_string(judged.join("report.html")).unwrap();
    assert!(page.contains("By subgroup") && page.contains("65 years and more"));
}

#[test]
fn maps_stand_beside_pictures_and_masks() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "leukemia", "60");
    let place = folder.path().join("run");
    run(&short(&labels, text(&place), "3"), 0);
    let found = json(&place.join("evaluation.json"));
    let gaze = &found["gaze"];
    let number = |key: &str| gaze[key].as_u64().unwrap();
    assert!(number("hits") <= number("pictures") && number("pictures") + number("empty_maps") > 0, "{gaze}");
    assert!((0.0..=1.0).contains(&gaze["share_inside"].as_f64().unwrap()));
    let page = fs::read_to_string(place.join("report.html")).unwrap();
    assert!(
        page.contains("class=\"pair\"") && page.contains("no proof of the result") && page.contains("inside the mask")
    );
    assert!(page.len() < 5_000_000);

    let plain = folder.path().join("plain");
    let args = ["train", "--data", &labels, "--model", "block-means", "--epochs", "1", "-q", "-o", text(&plain)];
    run(&args, 0);
    let page = fs::read_to_string(plain.join("report.html")).unwrap();
    assert!(page.contains("There are no maps of where the model looked: block-means has no maps over the picture"));
    assert!(json(&plain.join("evaluation.json")).get("gaze").is_none());
}

/// Draws pictures with and without a bright disc, and masks of the disc.
fn discs(folder: &Path) -> String {
    let mut state = 7u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) % below
    };
    let mut table = "file,label,split,mask\n".to_owned();
    for i in 0..120 {
        let mut picture: Vec<u8> = (0..64 * 64).map(|_| 20 + draw(25) as u8).collect();
        let mut mask = vec![0u8; 64 * 64];
        if i % 2 == 1 {
            let [x, y] = [14 + draw(36) as i64, 14 + draw(36) as i64];
            for (at, value) in mask.iter_mut().enumerate() {
                let [dx, dy] = [at as i64 % 64 - x, at as i64 / 64 - y];
                if dx * dx + dy * dy <= 144 {
                    *value = 255;
                    picture[at] += 120;
                }
            }
        }
        for (name, samples) in [("picture", picture), ("mask", mask)] {
            let samples = semio_image::Samples::U8(samples);
            let image = semio_image::Image::new(64, 64, semio_image::Color::Grey, samples).unwrap();
            fs::write(folder.join(format!("{name}-{i}.png")), semio_data::encode_png(&image).unwrap()).unwrap();
        }
        let part = ["train", "train", "train", "val", "val", "train"][i / 2 % 6];
        let label = ["clear", "lesion"][i % 2];
        writeln!(table, "picture-{i}.png,{label},{part},mask-{i}.png").unwrap();
    }
    let labels = folder.join("discs.csv");
    fs::write(&labels, table).unwrap();
    labels.to_str().unwrap().to_owned()
}

#[test]
fn the_map_points_at_the_lesion() {
    let folder = tempfile::tempdir().unwrap();
    let labels = discs(folder.path());
    let place = folder.path().join("run");
    let args = [
        "train",
        "--data",
        &labels,
        "--model",
        "r2-cnn",
        "--image-size",
        "64",
        "--color",
        "grey",
        "--epochs",
        "5",
        "--batch-size",
        "8",
        "--seed",
        "5",
        "--allow-leak",
        "-q",
        "-o",
        text(&place),
    ];
    run(&args, 0);
    let gaze = &json(&place.join("evaluation.json"))["gaze"];
    let [hits, pictures] = ["hits", "pictures"].map(|key| gaze[key].as_u64().unwrap());
    assert!(pictures >= 10 && hits * 10 >= pictures * 8, "{gaze}");
    assert!(gaze["share_inside"].as_f64() > gaze["mask_area"].as_f64(), "{gaze}");
}

#[test]
fn a_french_reader_gets_a_french_report() {
    let folder = tempfile::tempdir().unwrap();
    let labels = synthetic(folder.path(), "brain-tumor", "120");
    let place = folder.path().join("run");
    run(&[&short(&labels, text(&place), "2")[..], &["--language", "fr"]].concat(), 0);
    assert!(fs::read_to_string(place.join("recipe.toml")).unwrap().contains("report-language = \"fr\""));
    let judged = folder.path().join("judged");
    let (bundle, list) = (place.join("bundle"), place.join("split.csv"));
    run(&["evaluate", text(&bundle), "--data", text(&list), "--language", "fr", "-o", text(&judged)], 0);
    for page in [place.join("report.html"), judged.join("report.html")] {
        let page = fs::read_to_string(page).unwrap();
        assert!(page.contains("<html lang=\"fr\">") && page.contains("Le résultat en bref"));
        let read = visible(&page);
        for english in [" the ", "picture", " of ", "accuracy", " is ", "training "] {
            let at = read.find(english);
            assert!(at.is_none(), "{english:?} in {:?}", &read[at.unwrap_or(0).saturating_sub(60)..][..120]);
        }
        let colons = read.match_indices(':').filter(|(i, _)| read[..*i].ends_with(' ')).count();
        assert_eq!(colons, 0, "a hard space stands before a colon");
        assert!(!read.contains(" ;") && !read.contains(" ?") && !read.contains(" %"));
    }
    let said = err(&run(&[&short(&labels, text(&place), "1")[..], &["--language", "de"]].concat(), 2));
    assert!(said.contains("`en` or `fr`"), "{said}");
}

/// The words between the tags, those of the figures too, without style sheet and the recipe, whose keys are the program's.
fn visible(page: &str) -> String {
    let mut page = page.to_owned();
    for (start, end) in [("<style", "</style>"), ("<table class=\"recipe\"", "</table>"), ("<!", ">")] {
        while let Some(from) = page.find(start) {
            let to = page[from..].find(end).unwrap() + from + end.len();
            page.replace_range(from..to, "");
        }
    }
    let (mut read, mut inside) = (String::new(), false);
    for c in page.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => read.push(c),
            _ => {}
        }
    }
    // What the recipe says the model is for, stays as it was written.
    read.replace("Research and teaching. Not for decisions about patients.", "").replace("&#39;", "'")
}
