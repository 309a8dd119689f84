use std::{fs, io::Write, path::Path, sync::Arc};

use semio_clinic::{
    Config,
    audit::{Head, HeadsFault, Verified, read_heads, write_head},
    server::{open_store, open_to_verify},
};

use crate::harness::{Clinic, Kind, on, on_every_database};

on_every_database!(
    a_whole_trail_is_found_whole,
    a_changed_row_is_found,
    a_row_that_was_taken_out_is_found,
    a_cut_tail_is_found,
    a_rewritten_chain_is_found,
    writers_at_the_same_time_make_one_chain,
    writing_while_the_trail_is_verified_is_no_cut,
    ends_that_are_away_or_damaged_are_found,
);

async fn verify(config: &Config, heads: &[Head]) -> Verified {
    open_store(config).await.unwrap().verify_audit(heads).await.unwrap()
}

async fn head(config: &Config) -> Head {
    open_store(config).await.unwrap().audit_head().await.unwrap()
}

/// Keys of somebody else: a server makes none where a trail was written with others.
fn own_keys(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for name in ["audit.key", "codes.key"] {
        let mut options = fs::OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(folder.join(name)).unwrap().write_all("A".repeat(43).as_bytes()).unwrap();
    }
}

/// Some entries: the model, an account, a sign-in, patients.
async fn fill(clinic: &Clinic) -> Head {
    let mut marie = clinic.physician("marie").await;
    for name in ["A", "B", "C"] {
        marie.patient(name, name, "1980-01-01").await;
    }
    let head = head(&clinic.config).await;
    assert!(head.seq >= 8, "{head:?}");
    head
}

async fn a_whole_trail_is_found_whole(clinic: Arc<Clinic>) {
    let end = fill(&clinic).await;
    let file = clinic.config.data.join("heads.jsonl");
    write_head(&file, &end).unwrap();
    assert_eq!(read_heads(&file).unwrap(), std::slice::from_ref(&end));
    assert_eq!(verify(&clinic.config, &read_heads(&file).unwrap()).await, Verified::Whole { rows: end.seq });
    assert_eq!(clinic.count("SELECT COUNT(*) FROM audit").await, end.seq);
    let mut admin = clinic.signed_in("administrator", "admin").await;
    assert!(admin.post("/admin/audit", &[]).await.is(200).has("role=\"status\""));
}

async fn a_changed_row_is_found(clinic: Arc<Clinic>) {
    let end = fill(&clinic).await;
    for change in [
        "detail = 'other'",
        "at = at + 1",
        "action = 'patient.read'",
        "person_id = NULL",
        "hash = (SELECT hash FROM audit_head)",
    ] {
        let kept = clinic.texts("SELECT detail FROM audit WHERE seq = 5").await.remove(0);
        assert_eq!(kept, "");
        clinic.sql("DROP TABLE IF EXISTS kept").await;
        clinic.sql("CREATE TABLE kept AS SELECT * FROM audit").await;
        clinic.sql(&format!("UPDATE audit SET {change} WHERE seq = 5")).await;
        assert_eq!(verify(&clinic.config, &[]).await, Verified::Changed { seq: 5 }, "{change}");
        clinic.sql("DELETE FROM audit").await;
        clinic.sql("INSERT INTO audit SELECT * FROM kept").await;
        assert_eq!(verify(&clinic.config, &[]).await, Verified::Whole { rows: end.seq });
    }
}

async fn a_row_that_was_taken_out_is_found(clinic: Arc<Clinic>) {
    fill(&clinic).await;
    clinic.sql("DELETE FROM audit WHERE seq = 4").await;
    assert_eq!(verify(&clinic.config, &[]).await, Verified::Missing { seq: 4 });
    // The gap is closed by whoever took the row out.
    clinic.sql("UPDATE audit SET seq = seq - 1 WHERE seq = 5").await;
    assert_eq!(verify(&clinic.config, &[]).await, Verified::Changed { seq: 4 });
}

async fn a_cut_tail_is_found(clinic: Arc<Clinic>) {
    let end = fill(&clinic).await;
    clinic.sql(&format!("DELETE FROM audit WHERE seq > {}", end.seq - 2)).await;
    // The table's own end still tells.
    assert_eq!(verify(&clinic.config, &[]).await, Verified::Cut { seq: end.seq - 1 });
    // Whoever changes that too is found by the end that was written down.
    let back = "UPDATE audit_head SET seq = seq - 2, hash = (SELECT hash FROM audit ORDER BY seq DESC LIMIT 1)";
    clinic.sql(back).await;
    assert_eq!(verify(&clinic.config, &[]).await, Verified::Whole { rows: end.seq - 2 });
    assert_eq!(verify(&clinic.config, std::slice::from_ref(&end)).await, Verified::Cut { seq: end.seq });
}

async fn a_rewritten_chain_is_found(clinic: Arc<Clinic>) {
    let end = fill(&clinic).await;
    let cut = "DELETE FROM audit WHERE seq > 3";
    let back = "UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)";
    clinic.sql(cut).await;
    clinic.sql(back).await;
    // Written anew with a key of the writer's own.
    let mut forger = clinic.config.clone();
    forger.data = clinic.config.data.join("forger");
    own_keys(&forger.data.join("keys"));
    let other = Clinic::open(clinic.kind, forger).await;
    for name in ["x", "y", "z", "w", "v", "u"] {
        other.account("physician", name).await;
    }
    other.app.stop().await;
    assert_eq!(verify(&clinic.config, &[]).await, Verified::Changed { seq: 4 });
    // Written anew with the true key: the end that was written down is another.
    clinic.sql(cut).await;
    clinic.sql(back).await;
    for name in ["a", "b", "c", "d", "e", "f"] {
        clinic.account("physician", name).await;
    }
    let now = head(&clinic.config).await;
    assert!(now.seq > end.seq);
    assert_eq!(verify(&clinic.config, &[]).await, Verified::Whole { rows: now.seq });
    let (wrong, seq) = (Verified::Changed { seq: end.seq }, end.seq);
    assert_eq!(verify(&clinic.config, &[end]).await, wrong, "the end at {seq} was written down");
}

async fn writers_at_the_same_time_make_one_chain(clinic: Arc<Clinic>) {
    let begin = fill(&clinic).await;
    let mut tasks = vec![];
    for number in 0..8 {
        let mut browser = clinic.browser();
        browser.sign_in("marie").await;
        tasks.push(tokio::spawn(async move {
            for at in 0..5 {
                browser.patient(&format!("P{number}"), &format!("Q{at}"), "1980-01-01").await;
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let end = head(&clinic.config).await;
    assert_eq!(end.seq, begin.seq + 8 + 40);
    assert_eq!(verify(&clinic.config, &[begin]).await, Verified::Whole { rows: end.seq });
}

async fn writing_while_the_trail_is_verified_is_no_cut(clinic: Arc<Clinic>) {
    fill(&clinic).await;
    let mut browser = clinic.browser();
    browser.sign_in("marie").await;
    let writer = tokio::spawn(async move {
        for at in 0..40 {
            browser.patient(&format!("P{at}"), "Q", "1980-01-01").await;
        }
    });
    let store = open_to_verify(&clinic.config).await.unwrap();
    while !writer.is_finished() {
        let found = store.verify_audit(&[]).await.unwrap();
        assert!(matches!(found, Verified::Whole { .. }), "{found:?}");
    }
    writer.await.unwrap();
}

async fn ends_that_are_away_or_damaged_are_found(clinic: Arc<Clinic>) {
    let end = fill(&clinic).await;
    let store = open_to_verify(&clinic.config).await.unwrap();
    let file = clinic.config.data.join("heads.jsonl");
    let with = async |heads| store.verify_audit_with(&heads).await.unwrap();
    assert_eq!(read_heads(&file), Err(HeadsFault::Missing));
    assert_eq!(with(read_heads(&file)).await, Verified::NoHeads { rows: end.seq });
    fs::write(&file, "").unwrap();
    assert_eq!(with(read_heads(&file)).await, Verified::NoHeads { rows: end.seq });
    write_head(&file, &end).unwrap();
    assert_eq!(with(read_heads(&file)).await, Verified::Whole { rows: end.seq });
    fs::write(&file, format!("{}half a line", fs::read_to_string(&file).unwrap())).unwrap();
    assert_eq!(with(read_heads(&file)).await, Verified::BadHeads { line: 2 });
    // Rows beyond the table's own end: somebody set that back.
    clinic.sql("UPDATE audit_head SET seq = seq - 1").await;
    assert_eq!(store.verify_audit(&[]).await.unwrap(), Verified::Cut { seq: end.seq + 1 });
}

#[test]
fn verifying_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = |data: &str| Config { data: folder.path().join(data), ..Config::default() };
    let opens = |data: &str| runtime.block_on(open_to_verify(&config(data))).is_ok();
    assert!(!opens("none") && fs::read_dir(folder.path()).unwrap().next().is_none());
    // A folder that is there and holds no database, or one without tables.
    fs::create_dir(folder.path().join("empty")).unwrap();
    assert!(!opens("empty") && fs::read_dir(folder.path().join("empty")).unwrap().next().is_none());
    fs::write(folder.path().join("empty/semio.db"), "").unwrap();
    own_keys(&folder.path().join("empty/keys"));
    assert!(!opens("empty"));
    assert_eq!(fs::metadata(folder.path().join("empty/semio.db")).unwrap().len(), 0);
}

#[test]
fn a_lost_key_is_not_made_anew() {
    on(Kind::Sqlite, |clinic| async move {
        fill(&clinic).await;
        clinic.app.stop().await;
        let keys = clinic.config.data.join("keys");
        let refused = async |name: &str| {
            let told = open_store(&clinic.config).await.err().map(|error| error.to_string());
            told.is_some_and(|told| told.contains(name) && told.contains("restore"))
        };
        fs::rename(keys.join("audit.key"), keys.join("away")).unwrap();
        assert!(refused("audit.key").await && !keys.join("audit.key").exists());
        fs::rename(keys.join("away"), keys.join("audit.key")).unwrap();
        // Of codes beside passwords, once somebody has set one up; what proves the origin of forms is kept nowhere.
        fs::remove_file(keys.join("forms.key")).unwrap();
        fs::rename(keys.join("codes.key"), keys.join("away")).unwrap();
        clinic.sql("INSERT INTO second_factor SELECT id, 'salt', 1, 0, '' FROM person").await;
        assert!(refused("codes.key").await);
        fs::rename(keys.join("away"), keys.join("codes.key")).unwrap();
        open_store(&clinic.config).await.unwrap();
    });
}
