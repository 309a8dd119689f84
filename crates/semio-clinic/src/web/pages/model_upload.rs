//! An administrator sends a model: an archive of a bundle, or of a run with its reports.

use axum::{
    extract::{Multipart, State, multipart::Field},
    http::HeaderMap,
};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt;

use super::{
    models::{Sent, after_sending},
    to,
    upload::too_large,
};
use crate::{
    models::{self, folder_name},
    web::{Answer, App, Problem, Visit},
    words::Language,
};

pub(crate) async fn take(State(app): State<App>, visit: Visit, headers: HeaderMap, mut parts: Multipart) -> Answer {
    let mut proven = headers.contains_key("x-csrf");
    let mut sent = Sent::default();
    while let Some(part) = parts.next_field().await.map_err(|e| too_large(&e))? {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "csrf" {
            let token = part.text().await.map_err(|e| too_large(&e))?;
            proven |= app.store.secrets().is_form_token(&visit.cookie, &token);
            continue;
        }
        if !proven {
            return Err(Problem::Stale);
        }
        match name.as_str() {
            "job" => sent.job = part.text().await.map_err(|e| too_large(&e))?,
            "name" => sent.name = part.text().await.map_err(|e| too_large(&e))?,
            "file" => return take_file(&app, &visit, sent, part).await,
            _ => {}
        }
    }
    if !proven {
        return Err(Problem::Stale);
    }
    sent.faults.push(("file", visit.language.t("fault-empty")));
    after_sending(&app, &visit, sent).await
}

async fn take_file(app: &App, visit: &Visit, mut sent: Sent, part: Field<'_>) -> Answer {
    let language = visit.language;
    for (field, typed) in [("job", &sent.job), ("name", &sent.name)] {
        if folder_name(typed).is_none() {
            sent.faults.push((field, language.t("model-name-form")));
        }
    }
    let (Some(job), Some(name)) = (folder_name(&sent.job), folder_name(&sent.name)) else {
        return after_sending(app, visit, sent).await;
    };
    // One at a time with other uploads; the bytes go to the disk as they come.
    let _turn = app.uploads.acquire().await.map_err(|_| Problem::Broken)?;
    let archive = keep(app, part).await?;
    let most = (app.config.model_megabytes as u64) << 20;
    let by = visit.person()?.id;
    match app.models.take(&app.store, by, archive.path().to_owned(), job, name, most).await {
        Ok(id) => Ok(to(&format!("/models/{id}"), "model-added")),
        Err(models::Sent::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, "a model that was sent is not taken");
            let field = if matches!(error, models::Sent::Taken) { "name" } else { "file" };
            sent.faults.push((field, words(language, &error)));
            after_sending(app, visit, sent).await
        }
    }
}

fn words(language: Language, error: &models::Sent) -> String {
    match error {
        models::Sent::Refused(refusal) => language.t(refusal.key()),
        models::Sent::Unreadable(reason) => language.x("model-archive-unreadable", reason.clone()),
        models::Sent::Taken => language.t("model-name-taken"),
        models::Sent::Known | models::Sent::Store(_) => language.t("model-known"),
    }
}

/// Writes what comes into a file in the folder of models, which is gone when it is no longer held.
async fn keep(app: &App, mut part: Field<'_>) -> Result<NamedTempFile, Problem> {
    let broken = |error: std::io::Error| {
        tracing::error!(%error, "the folder of models cannot be written");
        Problem::Broken
    };
    std::fs::create_dir_all(&app.config.models).map_err(broken)?;
    let named = tempfile::Builder::new().prefix(".incoming-").tempfile_in(&app.config.models).map_err(broken)?;
    let mut file = tokio::fs::File::from_std(named.reopen().map_err(broken)?);
    while let Some(bytes) = part.chunk().await.map_err(|e| too_large(&e))? {
        file.write_all(&bytes).await.map_err(broken)?;
    }
    file.flush().await.map_err(broken)?;
    Ok(named)
}
