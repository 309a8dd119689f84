use std::{
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use semio_clinic::{NewAccount, NewAccountError, server::open_store};

use super::serve::{Place, fault, runtime};
use crate::{Outcome, fault::Fault};

/// Accounts of the web app.
#[derive(Subcommand)]
pub(crate) enum User {
    /// Make an account, confirmed at once. The password is read from the first line of the input.
    Add(Add),
}

#[derive(Args)]
pub(crate) struct Add {
    #[command(flatten)]
    place: Place,
    /// administrator, physician or researcher
    #[arg(long)]
    role: String,
    /// E-mail address, also the name to sign in with
    #[arg(long)]
    email: String,
    /// Given name
    #[arg(long, value_name = "NAME")]
    given_name: String,
    /// Family name
    #[arg(long, value_name = "NAME")]
    family_name: String,
    /// Official number; physicians need one
    #[arg(long, value_name = "NUMBER", default_value = "")]
    register_number: String,
}

impl User {
    pub(crate) fn run(self) -> Outcome {
        match self {
            Self::Add(add) => add.run(),
        }
    }
}

impl Add {
    fn run(self) -> Outcome {
        let config = self.place.config()?;
        if io::stdin().is_terminal() {
            eprintln!("password (at least 12 characters, shown as you type):");
        }
        let mut password = String::new();
        io::stdin()
            .lock()
            .read_line(&mut password)
            .map_err(|e| Fault::trouble(format_args!("cannot read the password: {e}")))?;
        let account = NewAccount {
            role: self.role,
            email: self.email,
            given_name: self.given_name,
            family_name: self.family_name,
            register_number: self.register_number,
            password: password.trim_end_matches(['\r', '\n']).to_owned(),
        };
        runtime()?.block_on(async move {
            let store = open_store(&config).await.map_err(fault)?;
            match store.add_account(account, &config.register, config.strength).await {
                Ok(_) => println!("the account is made; sign in at {}", config.address()),
                Err(NewAccountError::Store(error)) => return Err(Fault::trouble(error)),
                Err(error) => return Err(Fault::usage(error)),
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}
