use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OptionalExtension, params};

use super::{State, Trial};

/// What was tried, in a SQLite file: every step is on the disk before the next begins.
pub(super) struct Journal {
    path: PathBuf,
    /// Progress is told from the thread that trains.
    db: Mutex<Connection>,
}

/// Why the journal cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file cannot be read or written.
    #[error("cannot keep the journal {}: {source}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// It belongs to another search.
    #[error("{} was written by a search with another {what}; search on with the same, or in another folder", path.display())]
    OtherSearch {
        /// The file.
        path: PathBuf,
        /// What differs.
        what: &'static str,
    },
}

impl Journal {
    /// Opens or begins the journal of a search that is described by its space and by all else.
    pub(super) fn open(path: &Path, space: &str, rest: &str) -> Result<Self, JournalError> {
        let wrap = |source| JournalError::Database { path: path.into(), source };
        let db = Connection::open(path).map_err(wrap)?;
        db.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             CREATE TABLE IF NOT EXISTS search (id INTEGER PRIMARY KEY CHECK (id = 1), space TEXT NOT NULL, rest TEXT NOT NULL);
             CREATE TABLE IF NOT EXISTS trial (
                 number INTEGER PRIMARY KEY, point TEXT NOT NULL, keys TEXT NOT NULL, state TEXT NOT NULL,
                 score REAL, epochs INTEGER NOT NULL, seconds REAL NOT NULL, problem TEXT);
             CREATE TABLE IF NOT EXISTS rung (
                 trial INTEGER NOT NULL, epoch INTEGER NOT NULL, score REAL NOT NULL, PRIMARY KEY (trial, epoch));",
        )
        .map_err(wrap)?;
        let known: Option<(String, String)> = db
            .query_row("SELECT space, rest FROM search", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(wrap)?;
        let other = |what| JournalError::OtherSearch { path: path.into(), what };
        match known {
            None => {
                db.execute("INSERT INTO search VALUES (1, ?1, ?2)", params![space, rest]).map_err(wrap)?;
            }
            Some((known, _)) if known != space => return Err(other("[space]")),
            Some((_, known)) if known != rest => return Err(other("recipe, data, method or seed")),
            Some(_) => {}
        }
        Ok(Self { path: path.into(), db: Mutex::new(db) })
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wrap(&self) -> impl Fn(rusqlite::Error) -> JournalError + '_ {
        |source| JournalError::Database { path: self.path.clone(), source }
    }

    /// All trials in their order.
    pub(super) fn trials(&self) -> Result<Vec<Trial>, JournalError> {
        let read = || -> rusqlite::Result<Vec<Trial>> {
            let db = self.db();
            let mut query = db.prepare(
                "SELECT number, point, keys, state, score, epochs, seconds, problem FROM trial ORDER BY number",
            )?;
            let rows = query.query_map([], |row| {
                let (point, keys, state): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
                Ok(Trial {
                    number: row.get::<_, i64>(0)? as usize,
                    point: serde_json::from_str(&point).unwrap_or_default(),
                    keys: serde_json::from_str(&keys).unwrap_or_default(),
                    state: State::ALL.into_iter().find(|s| s.name() == state).unwrap_or(State::Failed),
                    score: row.get(4)?,
                    epochs: row.get::<_, i64>(5)? as usize,
                    seconds: row.get(6)?,
                    problem: row.get(7)?,
                })
            })?;
            rows.collect()
        };
        read().map_err(self.wrap())
    }

    /// Writes a trial down, in place of what was known of it.
    pub(super) fn write(&self, trial: &Trial) -> Result<(), JournalError> {
        self.db()
            .execute(
                "INSERT OR REPLACE INTO trial VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    trial.number as i64,
                    text(&trial.point),
                    text(&trial.keys),
                    trial.state.name(),
                    trial.score,
                    trial.epochs as i64,
                    trial.seconds,
                    trial.problem
                ],
            )
            .map(|_| ())
            .map_err(self.wrap())
    }

    /// Writes down what a trial has reached at an epoch, and gives what the others had reached there.
    pub(super) fn rung(&self, trial: usize, epoch: usize, score: f64) -> Result<Vec<f64>, JournalError> {
        let work = || -> rusqlite::Result<Vec<f64>> {
            let row = params![trial as i64, epoch as i64, score];
            let db = self.db();
            db.execute("INSERT OR REPLACE INTO rung VALUES (?1, ?2, ?3)", row)?;
            let mut query = db.prepare("SELECT score FROM rung WHERE epoch = ?1 AND trial < ?2")?;
            let rows = query.query_map(params![epoch as i64, trial as i64], |row| row.get(0))?;
            rows.collect()
        };
        work().map_err(self.wrap())
    }
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(number: usize, state: State) -> Trial {
        let keys = [("l2".to_owned(), toml::Value::Float(0.5))].into_iter().collect();
        Trial { number, point: vec![0.1], keys, state, score: Some(0.25), epochs: 3, seconds: 1.5, problem: None }
    }

    #[test]
    fn what_is_written_is_read_again_and_another_search_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal.sqlite");
        let journal = Journal::open(&path, "space", "rest").expect("is new");
        journal.write(&trial(0, State::Running)).expect("is written");
        journal.write(&trial(0, State::Done)).expect("is written");
        journal.write(&trial(1, State::Pruned)).expect("is written");
        drop(journal);
        let journal = Journal::open(&path, "space", "rest").expect("is the same");
        assert_eq!(journal.trials().expect("are read"), [trial(0, State::Done), trial(1, State::Pruned)]);
        for (space, rest, what) in [("other", "rest", "[space]"), ("space", "other", "recipe, data, method or seed")] {
            let error = Journal::open(&path, space, rest).err().expect("is refused").to_string();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn a_rung_knows_what_came_before_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Journal::open(&folder.path().join("j.sqlite"), "", "").expect("is new");
        assert_eq!(journal.rung(0, 1, 0.5).expect("works"), [0.0; 0]);
        assert_eq!(journal.rung(1, 1, 0.6).expect("works"), [0.5]);
        assert_eq!(journal.rung(1, 3, 0.7).expect("works"), [0.0; 0]);
        assert_eq!(journal.rung(0, 1, 0.9).expect("works"), [0.0; 0], "a trial that is repeated sees what it saw");
    }
}
