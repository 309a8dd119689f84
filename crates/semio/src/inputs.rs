//! The pictures that a command line names.

use std::{
    collections::HashMap,
    io::{self, BufRead},
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use clap::Args;
use semio_data::{Frames, Manifest, Purpose, ReadLimits, frame_count, frame_name};
use semio_train::Input;

use crate::{fault::Fault, flags::DataFlags};

/// How lists name pictures, where masks lie, and which frames are taken.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct InputFlags {
    /// CSV lists: column with the file's path [default: file]
    #[arg(long, value_name = "NAME")]
    pub(crate) file_column: Option<String>,
    /// CSV lists: column with the mask's path, for models that see parts of pictures [default: mask, if present]
    #[arg(long, value_name = "NAME")]
    mask_column: Option<String>,
    /// CSV lists: column with the number of a DICOM file's frame, from 1 on [default: frame, if present]
    #[arg(long, value_name = "NAME")]
    frame_column: Option<String>,
    /// Frame of DICOM files with several: its number, from 1 on, or all [default: the first]
    #[arg(long, value_name = "N|all")]
    frame: Option<Frames>,
    /// Folder with a mask of the same name for each picture, for models that see parts of pictures
    #[arg(long, value_name = "DIR")]
    masks: Option<PathBuf>,
}

impl InputFlags {
    /// Whether each frame of a file is an input of its own.
    pub(crate) fn wants_all_frames(&self) -> bool {
        self.frame == Some(Frames::All)
    }

    /// What becomes of a file: itself, one of its frames, or each.
    fn frames_of(&self) -> impl Fn(Input) -> Box<dyn Iterator<Item = Input> + Send> + Send + use<> {
        let frames = self.frame.unwrap_or_default();
        move |input| {
            let whole = input.clone();
            let numbered = move |frame| {
                let name = frame_name(&whole.name, frame);
                Input { frame: Some(frame), name, ..whole.clone() }
            };
            match frames {
                Frames::First => Box::new(std::iter::once(input)),
                Frames::Number(frame) => Box::new(std::iter::once(numbered(frame))),
                Frames::All => match frame_count(&input.file, &ReadLimits::default()) {
                    Ok(1) => Box::new(std::iter::once(input)),
                    Ok(count) => Box::new((1..=count).filter_map(NonZeroU32::new).map(numbered)),
                    // What is wrong with it is told when a frame is read.
                    Err(_) => Box::new(std::iter::once(numbered(NonZeroU32::MIN))),
                },
            }
        }
    }
}

/// Files in the order of the paths: pictures, folders, patterns, lists, or `-` for names on standard input.
type Inputs = Box<dyn Iterator<Item = Input> + Send>;

/// The files, and how many there are where that is known beforehand.
pub(crate) fn inputs(paths: &[String], flags: &InputFlags) -> Result<(Inputs, Option<usize>), Fault> {
    let masks = flags.masks.as_deref().map(masks_by_name).transpose()?;
    let masked = move |mut input: Input| {
        let found = masks.as_ref().and_then(|masks| masks.get(&input.file.file_stem()?.to_owned()));
        input.mask = found.cloned().or(input.mask);
        input
    };
    if paths == ["-"] {
        let lines = io::BufReader::new(io::stdin()).lines();
        let names = lines.map_while(Result::ok).map(|l| l.trim_end_matches('\r').to_owned()).filter(|l| !l.is_empty());
        let inputs = names.map(file).map(masked);
        return Ok((Box::new(inputs.flat_map(flags.frames_of())), None));
    }
    let mut inputs = vec![];
    for path in paths {
        if path == "-" {
            return Err(Fault::usage("- stands for all names on standard input and cannot be mixed with paths"));
        }
        expand(path, flags, &mut inputs)?;
    }
    if flags.frame.is_some() && inputs.iter().any(|input| input.frame.is_some()) {
        return Err(Fault::usage("--frame and a list whose rows name frames contradict each other")
            .help("leave --frame away, or name no column of frames"));
    }
    // How many frames a file has is found out when its turn comes.
    let known = Some(inputs.len()).filter(|_| !flags.wants_all_frames());
    Ok((Box::new(inputs.into_iter().map(masked).flat_map(flags.frames_of())), known))
}

/// The files of a folder by their names without ending.
fn masks_by_name(folder: &Path) -> Result<HashMap<std::ffi::OsString, PathBuf>, Fault> {
    let unreadable = |e| Fault::file("read the folder of masks", folder, e);
    let mut masks = HashMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if let (true, Some(stem)) = (path.is_file(), path.file_stem()) {
            masks.insert(stem.to_owned(), path);
        }
    }
    Ok(masks)
}

fn expand(text: &str, flags: &InputFlags, inputs: &mut Vec<Input>) -> Result<(), Fault> {
    let path = Path::new(text);
    let is_list = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    if path.is_dir() || path.is_file() && is_list {
        let columns = [&flags.file_column, &flags.mask_column, &flags.frame_column];
        let flags = DataFlags::for_files(columns.map(Clone::clone));
        let manifest = Manifest::load(path, &flags.options(Purpose::Predict)?)?;
        inputs.extend(manifest.samples.into_iter().map(|sample| Input {
            // Inside a folder the name begins where the user began; in a list it is the list's own.
            name: if path.is_dir() { path.join(&sample.name).display().to_string() } else { sample.name },
            file: sample.file,
            frame: sample.frame,
            mask: sample.mask,
        }));
    } else if !path.exists() && text.contains(['*', '?', '[']) {
        let matches =
            glob::glob(text).map_err(|e| Fault::usage(format_args!("the pattern is not understood: {e}")).at(text))?;
        let before = inputs.len();
        inputs.extend(matches.flatten().filter(|p| p.is_file()).map(|p| file(p.display().to_string())));
        if inputs.len() == before {
            return Err(Fault::trouble("no file fits the pattern").at(text));
        }
    } else {
        inputs.push(file(text.to_owned()));
    }
    Ok(())
}

fn file(name: String) -> Input {
    Input { file: PathBuf::from(&name), frame: None, name, mask: None }
}
