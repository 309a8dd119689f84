//! The program `semio`: flags and composition only; what it does lies in the other crates.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the one crate that talks to a terminal")]

mod commands;
mod fault;
mod flags;
mod inputs;
mod prevalence;
mod progress;
mod weights;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use fault::Fault;

/// Page faults cost a tenth of a training step with the system's allocator, which gives memory back after each step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Medical image classification, from the picture to the clinician and back.
///
/// Research software. Not a medical device.
#[derive(Parser)]
#[command(name = "semio", version, max_term_width = 110, disable_help_subcommand = true, args_override_self = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train a network on labelled pictures and write a bundle and a report.
    Train(Box<commands::train::Train>),
    /// Train several networks under one protocol and compare them.
    Compare(Box<commands::compare::Compare>),
    /// Search for the recipe that does best on the validation part.
    Tune(Box<commands::tune::Tune>),
    /// Judge a bundle on labelled pictures.
    Evaluate(commands::evaluate::Evaluate),
    /// Predict pictures with a bundle.
    Predict(commands::predict::Predict),
    /// Show where in a picture a bundle looked.
    Explain(commands::explain::Explain),
    /// Put pictures into groups of likeness and compare them with their labels.
    Cluster(commands::cluster::Cluster),
    /// Make, check and split data sets.
    #[command(subcommand)]
    Data(commands::data::Data),
    /// Show the networks.
    #[command(subcommand)]
    Models(commands::models::Models),
    /// Show everything with synthetic pictures, ending with the web app.
    Demo(commands::demo::Demo),
    /// Open the web app for clinicians.
    Serve(commands::serve::Serve),
    /// Make accounts of the web app.
    #[command(subcommand)]
    User(commands::user::User),
    /// Check who saw and changed what.
    #[command(subcommand)]
    Audit(commands::audit::Audit),
    /// Write what physicians said in the web app as a list to train with.
    Labels(commands::labels::Labels),
    /// Write the web app's records, pictures and models into one file.
    Backup(commands::backup::Backup),
    /// Bring a backup back into an empty place.
    Restore(commands::restore::Restore),
    /// Show what losing myelin does to a nerve.
    #[command(subcommand)]
    Twin(commands::twin::Twin),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Train(command) => command.run(),
        Command::Compare(command) => command.run(),
        Command::Tune(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Predict(command) => command.run(),
        Command::Explain(command) => command.run(),
        Command::Cluster(command) => command.run(),
        Command::Data(command) => command.run(),
        Command::Models(command) => command.run(),
        Command::Twin(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Serve(command) => command.run(),
        Command::User(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::Labels(command) => command.run(),
        Command::Backup(command) => command.run(),
        Command::Restore(command) => command.run(),
    };
    match result {
        Ok(code) => code,
        Err(fault) => fault.report(),
    }
}

/// What a command ends with: 0, or 1 where it ran and found trouble.
type Outcome = Result<ExitCode, Fault>;

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn flags_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
