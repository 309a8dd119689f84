//! The pictures that a command line names.

use std::{
    io::{self, BufRead},
    path::{Path, PathBuf},
};

use semio_data::{Manifest, Purpose};
use semio_train::Input;

use crate::{fault::Fault, flags::DataFlags};

/// Files in the order of the paths: pictures, folders, patterns, lists, or `-` for names on standard input.
type Inputs = Box<dyn Iterator<Item = Input> + Send>;

/// The files, and how many there are where that is known beforehand.
pub(crate) fn inputs(paths: &[String], file_column: Option<&str>) -> Result<(Inputs, Option<usize>), Fault> {
    if paths == ["-"] {
        let lines = io::BufReader::new(io::stdin()).lines();
        let names = lines.map_while(Result::ok).map(|l| l.trim_end_matches('\r').to_owned()).filter(|l| !l.is_empty());
        return Ok((Box::new(names.map(file)), None));
    }
    let mut inputs = vec![];
    for path in paths {
        if path == "-" {
            return Err(Fault::usage("- stands for all names on standard input and cannot be mixed with paths"));
        }
        expand(path, file_column, &mut inputs)?;
    }
    let known = inputs.len();
    Ok((Box::new(inputs.into_iter()), Some(known)))
}

fn expand(text: &str, file_column: Option<&str>, inputs: &mut Vec<Input>) -> Result<(), Fault> {
    let path = Path::new(text);
    let is_list = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    if path.is_dir() || path.is_file() && is_list {
        let flags = DataFlags::for_files(file_column.map(str::to_owned));
        let manifest = Manifest::load(path, &flags.options(Purpose::Predict)?)?;
        inputs.extend(manifest.samples.into_iter().map(|sample| Input {
            // Inside a folder the name begins where the user began; in a list it is the list's own.
            name: if path.is_dir() { path.join(&sample.name).display().to_string() } else { sample.name },
            file: sample.file,
        }));
    } else if !path.exists() && text.contains(['*', '?', '[']) {
        let matches =
            glob::glob(text).map_err(|e| Fault::usage(format_args!("the pattern is not understood: {e}")).at(text))?;
        let before = inputs.len();
        inputs.extend(
            matches.flatten().filter(|p| p.is_file()).map(|p| Input { name: p.display().to_string(), file: p }),
        );
        if inputs.len() == before {
            return Err(Fault::trouble("no file fits the pattern").at(text));
        }
    } else {
        inputs.push(file(text.to_owned()));
    }
    Ok(())
}

fn file(name: String) -> Input {
    Input { file: PathBuf::from(&name), name }
}
