use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Args;
use semio_clinic::{
    Config, NewAccount,
    demo::DemoJob,
    server::{open_app, serve},
};

use super::serve::{fault, log, runtime, stop};
use crate::{Outcome, fault::Fault};

/// Shows everything with synthetic pictures: trains two models, fills records, opens the web app.
///
/// A second start with the same folder opens what is there.
#[derive(Args)]
pub(crate) struct Demo {
    /// Where data, models and records go
    #[arg(default_value = "semio-demo", value_name = "FOLDER")]
    folder: PathBuf,
    /// Address and port of the web app
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: std::net::SocketAddr,
    /// Ends once everything is made, without opening the web app
    #[arg(long)]
    no_serve: bool,
}

/// Jobs with the modality of their pictures, their size, and how long they learn.
const JOBS: [(&str, &str, &str, &str); 2] = [("brain-tumor", "MR", "1200", "10"), ("pneumonia", "CR", "900", "8")];

/// Made for the demo, on this machine alone.
const PHYSICIAN: &str = "physician@demo.example";
const ADMINISTRATOR: &str = "administrator@demo.example";

impl Demo {
    pub(crate) fn run(self) -> Outcome {
        if !self.listen.ip().is_loopback() {
            return Err(Fault::usage("the demo's sign-in stands on the screen: it listens on this machine alone")
                .help("take 127.0.0.1, or `semio serve` for a server that others reach"));
        }
        let accounts = self.folder.join("sign-in.txt");
        if !accounts.is_file() {
            self.make(&accounts)?;
        }
        let words = std::fs::read_to_string(&accounts).map_err(|e| Fault::file("read the sign-in", &accounts, e))?;
        println!("\n{words}");
        if self.no_serve {
            return Ok(ExitCode::SUCCESS);
        }
        log(false);
        let config = self.config();
        runtime()?.block_on(async move {
            let app = open_app(config).await.map_err(fault)?;
            serve(app, |bound| println!("open http://{bound} (Ctrl-C ends it)"), stop()).await.map_err(fault)?;
            Ok(ExitCode::SUCCESS)
        })
    }

    fn config(&self) -> Config {
        Config {
            listen: self.listen,
            data: self.folder.join("records"),
            models: self.folder.join("models"),
            ..Config::default()
        }
    }

    fn make(&self, accounts: &Path) -> Result<(), Fault> {
        let text = |path: PathBuf| path.display().to_string();
        let mut jobs = vec![];
        for (job, modality, count, epochs) in JOBS {
            let data = self.folder.join("data").join(job);
            let run = self.folder.join("models").join(job).join("demo");
            let (images, labels) = (text(data.clone()), text(data.join("labels.csv")));
            if !data.join("labels.csv").is_file() {
                semio(&[
                    "data", "synth", "--job", job, "--count", count, "--seed", "1", "--size", "96", "-o", &images,
                ])?;
            }
            if !run.join("report.html").is_file() {
                let train =
                    ["train", "--data", &labels, "--model", "r2-cnn", "--image-size", "64", "--batch-size", "16"];
                semio(&[&train[..], &["--epochs", epochs, "--seed", "1", "-o", &text(run.clone())]].concat())?;
            }
            jobs.push(DemoJob {
                job: job.into(),
                modality: modality.into(),
                pictures: held_out(&run.join("split.csv"))?,
            });
        }
        let password = self.password()?;
        let account = |role: &str, email: &str, given: &str, register_number: &str| NewAccount {
            role: role.into(),
            email: email.into(),
            given_name: given.into(),
            family_name: "Demo".into(),
            register_number: register_number.into(),
            password: password.clone(),
        };
        let config = self.config();
        let (register, strength) = (config.register.clone(), config.strength);
        runtime()?.block_on(async {
            let app = open_app(config).await.map_err(fault)?;
            let physician = account("physician", PHYSICIAN, "Camille", "10003759114");
            let administrator = account("administrator", ADMINISTRATOR, "Dominique", "");
            // Accounts that a start made which was cut off have the same password.
            let id = match app.account_of(PHYSICIAN).await? {
                Some(id) => id,
                None => app.add_account(physician, &register, strength).await?,
            };
            if app.account_of(ADMINISTRATOR).await?.is_none() {
                app.add_account(administrator, &register, strength).await?;
            }
            let filed = app.fill_demo(id, &jobs).await.map_err(fault)?;
            println!("\nfiled {filed} synthetic studies of 12 patients that do not exist");
            app.stop().await;
            Ok::<(), Fault>(())
        })?;
        let words = format!(
            "sign in with   {PHYSICIAN}  or  {ADMINISTRATOR}\npassword       {password}\n\
             reports        {}\n",
            JOBS.map(|(job, ..)| text(self.folder.join("models").join(job).join("demo/report.html")))
                .join("\n               ")
        );
        std::fs::write(accounts, words).map_err(|e| Fault::file("write the sign-in", accounts, e))?;
        let file = self.password_file();
        std::fs::remove_file(&file).map_err(|e| Fault::file("remove the password", &file, e))
    }

    /// Where the password stands until the sign-in does.
    fn password_file(&self) -> PathBuf {
        self.folder.join("password.txt")
    }

    /// The demo's password, written down before any account has it: a start that was cut off is gone on with.
    fn password(&self) -> Result<String, Fault> {
        let file = self.password_file();
        if let Ok(password) = std::fs::read_to_string(&file) {
            return Ok(password);
        }
        let password = password();
        std::fs::create_dir_all(&self.folder).map_err(|e| Fault::file("make the folder", &self.folder, e))?;
        // Beside, and then to its place: whole or not at all.
        let partial = file.with_extension("partial");
        std::fs::write(&partial, &password).map_err(|e| Fault::file("write the password", &partial, e))?;
        std::fs::rename(&partial, &file).map_err(|e| Fault::file("write the password", &file, e))?;
        Ok(password)
    }
}

/// The pictures of the test part, which no model has seen.
fn held_out(split: &Path) -> Result<Vec<(PathBuf, String)>, Fault> {
    let mut table = csv::Reader::from_path(split).map_err(|e| Fault::file("read the split", split, e))?;
    let headers = table.headers()?.clone();
    let column = |name: &str| headers.iter().position(|h| h == name);
    let (Some(file), Some(label), Some(part)) = (column("file"), column("label"), column("split")) else {
        return Err(Fault::trouble("the split has not the columns file, label and split").at(split.display()));
    };
    let mut pictures = vec![];
    for row in table.records() {
        let row = row?;
        if &row[part] == "test" {
            let path = PathBuf::from(&row[file]);
            let path = if path.is_absolute() { path } else { split.parent().unwrap_or(Path::new("")).join(path) };
            pictures.push((path, row[label].to_owned()));
        }
    }
    Ok(pictures)
}

/// Runs this program with other words, which it shows: whoever watches learns them.
fn semio(args: &[&str]) -> Result<(), Fault> {
    println!("\n$ semio {}", args.join(" "));
    let program = std::env::current_exe()?;
    let status = Command::new(program).args(args).status()?;
    if status.success() { Ok(()) } else { Err(Fault::trouble(format_args!("`semio {}` failed", args.join(" ")))) }
}

/// Four words and a number: easy to type, made anew for each demo.
fn password() -> String {
    const WORDS: [&str; 32] = [
        "amber", "basil", "cedar", "delta", "ember", "fjord", "ginger", "hazel", "indigo", "jasper", "kelp", "lilac",
        "maple", "nectar", "olive", "pepper", "quartz", "raven", "saffron", "thyme", "umber", "velvet", "willow",
        "yarrow", "zephyr", "cobalt", "coral", "linen", "marble", "poppy", "sable", "walnut",
    ];
    let mut bytes = [0; 6];
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    let mut words: Vec<String> = bytes[..5].iter().map(|b| WORDS[usize::from(b % 32)].to_owned()).collect();
    words.push(format!("{:02}", bytes[5] % 100));
    words.join("-")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_demo_that_was_cut_off_keeps_its_password() {
        let folder = tempfile::tempdir().unwrap();
        let demo = || Demo { folder: folder.path().join("demo"), listen: ([127, 0, 0, 1], 0).into(), no_serve: true };
        let first = demo().password().unwrap();
        assert_eq!(demo().password().unwrap(), first);
        assert!(first.len() >= 12);
    }
}
