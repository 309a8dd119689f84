//! A model sees what its mask leaves to be seen, and nothing else.

#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use common::{err, out, run, text};
use semio_data::encode_png;
use semio_image::{Color, Image, Samples};
use serde_json::Value;

const SIDE: usize = 32;

/// Pictures of noise whose class shows in a corner, beside a mask of the middle.
fn marked_in_the_corner(folder: &Path, count: usize) -> PathBuf {
    let data = folder.join("data");
    fs::create_dir_all(data.join("masks")).unwrap();
    let save = |name: &str, pixel: &dyn Fn(usize, usize) -> u8| {
        let samples = (0..SIDE * SIDE).map(|i| pixel(i % SIDE, i / SIDE)).collect();
        let image = Image::new(SIDE, SIDE, Color::Grey, Samples::U8(samples)).unwrap();
        fs::write(data.join(name), encode_png(&image).unwrap()).unwrap();
    };
    let mut list = String::from("file,label,split,mask\n");
    for i in 0..count {
        let ill = i % 2 == 1;
        // Large patches, so that no two pictures are nearly the same.
        let noise = |x: usize, y: usize| {
            let z = ((i * 16 + y / 8) * 4 + x / 8 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            40 + (z >> 40) as u8 % 120
        };
        let corner = |x: usize, y: usize| ill && x < 7 && y < 7;
        save(&format!("{i}.png"), &|x, y| if corner(x, y) { 250 } else { noise(x, y) });
        let middle = |at: usize| (8..SIDE - 8).contains(&at);
        save(&format!("masks/{i}.png"), &|x, y| if middle(x) && middle(y) { 255 } else { 0 });
        let part = if i % 5 < 3 { "train" } else { "val" };
        let label = if ill { "ill" } else { "healthy" };
        writeln!(list, "{i}.png,{label},{part},masks/{i}.png").unwrap();
    }
    let path = data.join("list.csv");
    fs::write(&path, list).unwrap();
    path
}

fn trained(list: &Path, folder: &Path, mask: &str) -> (PathBuf, Value) {
    let to = folder.join(mask);
    let sizes = ["--image-size", "32", "--epochs", "14", "--batch-size", "8", "--augment", "light", "-q"];
    let mut args = vec!["train", "--data", text(list), "--model", "lenet5", "--mask", mask, "-o", text(&to)];
    args.extend(sizes);
    run(&args, 0);
    let figures = serde_json::from_slice(&fs::read(to.join("evaluation.json")).unwrap()).unwrap();
    (to, figures)
}

#[test]
fn a_sign_outside_of_the_mask_is_learned_only_where_it_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let list = marked_in_the_corner(folder.path(), 120);
    let area = |figures: &Value| figures["roc_auc"].as_f64().unwrap();

    let (inside, blind) = trained(&list, folder.path(), "inside");
    let (_, seeing) = trained(&list, folder.path(), "outside");
    let (_, whole) = trained(&list, folder.path(), "whole");
    assert!(area(&seeing) > 0.95 && area(&whole) > 0.95, "{} {}", area(&seeing), area(&whole));
    assert!(area(&blind) < 0.8, "{}", area(&blind));

    // A model of whole pictures shows by itself where its sign lies.
    let part = |name: &str| whole["parts_seen"][name]["roc_auc"]["value"].as_f64().unwrap();
    assert!(part("outside") > 0.95 && part("inside") < 0.8, "{} {}", part("outside"), part("inside"));
    assert!(seeing.get("parts_seen").is_none(), "it sees a part already");
    let page = fs::read_to_string(folder.path().join("whole/report.html")).unwrap();
    assert!(page.contains("Outside of the mask alone") && page.contains("part of what it uses lies elsewhere"));
    let page = fs::read_to_string(inside.join("report.html")).unwrap();
    assert!(page.contains("inside of the mask alone"), "the report says what the model reads");

    // The same result from a list with masks and from a folder of masks; without masks a row that says so.
    let bundle = inside.join("bundle");
    let data = list.parent().unwrap();
    let (picture, masks) = (data.join("1.png"), data.join("masks"));
    let listed = out(&run(&["predict", text(&bundle), text(&list), "--json"], 0));
    let listed: Value = serde_json::from_str(listed.lines().nth(1).unwrap()).unwrap();
    let named = out(&run(&["predict", text(&bundle), text(&picture), "--masks", text(&masks), "--json"], 0));
    let named: Value = serde_json::from_str(&named).unwrap();
    assert_eq!(listed["p_ill"], named["p_ill"]);
    assert!(named["p_ill"].is_number());
    let bare = out(&run(&["predict", text(&bundle), text(&picture), "--json"], 1));
    assert!(bare.contains("comes without one"), "{bare}");
    let maps = folder.path().join("maps");
    run(&["explain", text(&bundle), text(&picture), "--masks", text(&masks), "-o", text(&maps), "-q"], 0);
    run(&["evaluate", text(&bundle), "--data", text(&list), "--split", "val"], 0);
}

#[test]
fn masks_of_lesions_are_no_organs() {
    // A healthy picture has an empty mask, which alone would tell the class.
    let folder = tempfile::tempdir().unwrap();
    let list = marked_in_the_corner(folder.path(), 60);
    let black = Image::new(SIDE, SIDE, Color::Grey, Samples::U8(vec![0; SIDE * SIDE])).unwrap();
    for i in (0..60).step_by(2) {
        fs::write(list.parent().unwrap().join(format!("masks/{i}.png")), encode_png(&black).unwrap()).unwrap();
    }
    let (_, figures) = trained(&list, folder.path(), "whole");
    assert!(figures.get("parts_seen").is_none(), "{:?}", figures.get("parts_seen"));
}

#[test]
fn a_picture_without_a_mask_stops_the_run_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let list = marked_in_the_corner(folder.path(), 20);
    let text_of = fs::read_to_string(&list).unwrap().replace("masks/7.png", "");
    fs::write(&list, text_of).unwrap();
    let to = folder.path().join("run");
    let args = ["train", "--data", text(&list), "--model", "lenet5", "--mask", "inside", "-o", text(&to)];
    let said = err(&run(&args, 1));
    assert!(said.contains("1 of 20 pictures have none (first: 7.png)") && said.contains("--mask whole"), "{said}");
    fs::write(list.parent().unwrap().join("masks/3.png"), "no picture").unwrap();
    let whole = fs::read_to_string(&list).unwrap();
    let others: Vec<&str> = whole.lines().filter(|l| !l.starts_with("7.png")).collect();
    fs::write(&list, others.join("\n")).unwrap();
    let said = err(&run(&args, 1));
    assert!(said.contains("3.png") && said.contains("its mask"), "{said}");
}
