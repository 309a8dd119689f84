//! What `semio twin` refuses, and how.

mod common;

use std::fs;

use common::{err, out, run, text};

/// The flags of a command with a value, as its help lists them, without those of files and of the figure's language.
fn flags(command: &str) -> Vec<String> {
    let help = out(&run(&["twin", command, "--help"], 0));
    let named = help.lines().filter_map(|line| line.trim_start().split_once("--"));
    let own = named.filter(|(before, rest)| (before.is_empty() || before.ends_with(", ")) && rest.contains('<'));
    let names = own.filter_map(|(_, rest)| rest.split([' ', '<']).next().map(str::to_owned));
    names.filter(|name| !["csv", "svg", "lang", "recording", "json"].contains(&name.as_str())).collect()
}

/// Flags beside which a flag has a meaning.
fn beside(flag: &str) -> &'static [&'static str] {
    match flag {
        "adaptation-tau" | "adaptation" | "spike-adaptation" => &["--model", "adex"],
        "temperature" => &["--model", "hodgkin-huxley"],
        "sharpness" | "step" => &["--model", "eif"],
        "current-end" => &["--waveform", "ramp"],
        "start" | "stop" => &["--waveform", "step"],
        "noise" | "noise-step" => &["--waveform", "noisy"],
        "recording-step" => &["--waveform", "recorded", "--recording"],
        _ => &[],
    }
}

#[test]
fn every_flag_refuses_what_is_out_of_its_range_and_names_the_range() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("current.csv");
    fs::write(&file, "1.5\n1.5\n").expect("a file");
    for (command, least) in [("neuron", 20), ("axon", 14), ("network", 20), ("course", 3)] {
        let flags = flags(command);
        assert!(flags.len() >= least, "{command}: {flags:?}");
        for flag in flags {
            let name = format!("--{flag}");
            let mut bad = vec!["nan", "1e300", "-1e300"];
            if flag == "seed" {
                // Any number of 64 bits is a seed.
                bad = vec!["nan", "-1"];
            }
            for value in bad {
                let mut args = vec!["twin", command];
                if command == "neuron" {
                    args.extend(beside(&flag));
                    if flag == "recording-step" {
                        args.push(text(&file));
                    }
                }
                if command == "axon" && flag == "bundle-spread" {
                    args.extend(["--bundle", "2"]);
                }
                let given = format!("{name}={value}");
                args.push(&given);
                let said = err(&run(&args, 2));
                let told = ["must be", "invalid value", "unknown variant", "expected"];
                assert!(
                    said.contains(&flag) || said.contains(&flag.replace('-', "_")) || said.contains("unknown variant"),
                    "{args:?}: {said}"
                );
                assert!(told.iter().any(|t| said.contains(t)), "{args:?}: {said}");
                assert!(!said.contains("panicked"), "{args:?}: {said}");
            }
        }
    }
}

#[test]
fn velocity_against_myelin_is_drawn_from_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let (svg, csv) = (folder.path().join("velocity.svg"), folder.path().join("velocity.csv"));
    let given = ["twin", "axon", "--sweep", "myelin", "--lesion", "18-21", "--lang", "fr", "--svg"];
    run(&[&given[..], &[text(&svg), "--csv", text(&csv)]].concat(), 0);
    let drawn = fs::read_to_string(&svg).expect("the figure");
    assert!(drawn.contains("Vitesse selon la myéline restante") && drawn.contains("internœuds 18–21"), "{drawn}");
    let table = fs::read_to_string(&csv).expect("the table");
    let rows: Vec<(f64, Option<f64>)> = table
        .lines()
        .skip(1)
        .map(|line| {
            line.split_once(',').map(|(m, v)| (m.parse().expect("a share"), v.parse().ok())).expect("two columns")
        })
        .collect();
    // Smooth where it conducts, and none below a few per cent.
    let known: Vec<f64> = rows.iter().filter_map(|r| r.1).collect();
    assert!(rows[0] == (0.0, None) && known.len() > 20 && known.windows(2).all(|v| v[1] > v[0]), "{rows:?}");
}
