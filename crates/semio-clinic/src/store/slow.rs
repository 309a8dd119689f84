//! Statements that take long are written to the log with the plan that the database makes for them: with their
//! placeholders, never with values.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, Statement, TransactionTrait};
use tokio::sync::mpsc::{Receiver, channel};

/// Statements that wait to be explained; beyond this they are logged without a plan.
const WAITING: usize = 16;

/// Listens to a connection. What is slower than that is explained on another.
pub(super) fn listen(db: &mut DatabaseConnection, slow: Duration) {
    let (tell, heard) = channel::<(String, Duration)>(WAITING);
    let explaining = db.clone();
    db.set_metric_callback(move |info| {
        if info.elapsed >= slow && can_be_explained(&info.statement.sql) {
            let milliseconds = info.elapsed.as_millis() as u64;
            if tell.try_send((info.statement.sql.clone(), info.elapsed)).is_err() {
                tracing::warn!(milliseconds, statement = info.statement.sql, "a slow statement");
            }
        }
    });
    tokio::spawn(explain_all(explaining, heard));
}

fn can_be_explained(sql: &str) -> bool {
    ["SELECT", "UPDATE", "DELETE", "INSERT"].iter().any(|verb| sql.starts_with(verb))
}

/// Ends when the connection that was listened to is gone.
async fn explain_all(db: DatabaseConnection, mut heard: Receiver<(String, Duration)>) {
    while let Some((statement, elapsed)) = heard.recv().await {
        let milliseconds = elapsed.as_millis() as u64;
        // Without a plan where the database gives none.
        let plan = plan(&db, &statement).await.unwrap_or_default().join("; ");
        tracing::warn!(milliseconds, statement, plan, "a slow statement");
    }
}

async fn plan(db: &DatabaseConnection, statement: &str) -> Result<Vec<String>, sea_orm::DbErr> {
    let backend = db.get_database_backend();
    let text = |sql: String| Statement::from_string(backend, sql);
    match backend {
        DatabaseBackend::Sqlite => {
            // Columns: id, parent, notused, detail.
            let rows = db.query_all_raw(text(format!("EXPLAIN QUERY PLAN {statement}"))).await?;
            rows.iter().map(|row| row.try_get_by_index(3)).collect()
        }
        DatabaseBackend::Postgres => {
            // A plan for any values: before PostgreSQL 16 (GENERIC_PLAN) that of a prepared statement.
            let tx = db.begin().await?;
            tx.execute_unprepared("SET LOCAL plan_cache_mode = force_generic_plan").await?;
            tx.execute_unprepared(&format!("PREPARE semio_slow AS {statement}")).await?;
            let count = (1..1000).take_while(|n| statement.contains(&format!("${n}"))).count();
            let nulls = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
            let rows = tx.query_all_raw(text(format!("EXPLAIN EXECUTE semio_slow{nulls}"))).await;
            tx.execute_unprepared("DEALLOCATE semio_slow").await.ok();
            tx.rollback().await?;
            rows?.iter().map(|row| row.try_get_by_index(0)).collect()
        }
        _ => {
            // A NULL would be seen to fit nothing; any other value shows which index is taken.
            let bounded = statement.replace("LIMIT ?", "LIMIT 1").replace("OFFSET ?", "OFFSET 0");
            let rows = db.query_all_raw(text(format!("EXPLAIN {}", bounded.replace('?', "'0'")))).await?;
            let line = |row: &sea_orm::QueryResult| -> Result<String, sea_orm::DbErr> {
                let field = |name: &str| row.try_get::<Option<String>>("", name).ok().flatten().unwrap_or_default();
                let rows: Option<i64> = row.try_get("", "rows").ok().flatten();
                let rows = rows.map_or_else(String::new, |rows| rows.to_string());
                Ok(format!("{} {} key={} rows={rows} {}", field("table"), field("type"), field("key"), field("Extra")))
            };
            rows.iter().map(line).collect()
        }
    }
}
