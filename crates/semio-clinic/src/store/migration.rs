//! How the tables come to be, step by step. A step that was released is never changed: the next one changes its tables.
//!
//! A step adds tables, optional columns or indices. Their entities' fields have `#[serde(default, skip_serializing_if =
//! "Option::is_none")]`, so that backups of earlier versions are still read, and compare.

use sea_orm::DbErr;
use sea_orm_migration::{MigrationTrait, MigratorTrait, SchemaManager, async_trait, prelude::*};

use super::draft::Draft;

/// All steps in order.
pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(Records), Box::new(SecondFactor), Box::new(Courses), Box::new(Owners)]
    }
}

/// People, patients, studies, results, reviews, the audit trail.
struct Records;

impl MigrationName for Records {
    fn name(&self) -> &'static str {
        "m0001_records"
    }
}

/// Codes beside the password.
struct SecondFactor;

impl MigrationName for SecondFactor {
    fn name(&self) -> &'static str {
        "m0002_second_factor"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for SecondFactor {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut draft = Draft::new(manager, "second_factor");
        draft.table.col(ColumnDef::new("person_id").uuid().not_null().primary_key().take());
        draft
            .text("salt", 64)
            .time_or_none("confirmed_at")
            .time("last_step")
            .long_text("recovery", false)
            .refers("person_id", "person", "id", Cascade)
            .make(manager)
            .await
    }
}

/// Courses that the twin follows for a patient.
struct Courses;

impl MigrationName for Courses {
    fn name(&self) -> &'static str {
        "m0003_courses"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Courses {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        Draft::new(manager, "course")
            .id()
            .uuid("patient_id")
            .uuid("person_id")
            .day("begins_on")
            .long_text("scenario", false)
            .time("created_at")
            .refers("patient_id", "patient", "id", Cascade)
            .refers("person_id", "person", "id", Restrict)
            .index(&["patient_id", "created_at"])
            .index(&["person_id"])
            .make(manager)
            .await
    }
}

/// An index by which owners find what they left in other circles.
struct Owners;

impl MigrationName for Owners {
    fn name(&self) -> &'static str {
        "m0004_owners"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Owners {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(Draft::new(manager, "patient").index_of(&["owner_id", "circle_id"])).await
    }
}

use ForeignKeyAction::{Cascade, Restrict};

#[async_trait::async_trait]
impl MigrationTrait for Records {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        people(manager).await?;
        patients(manager).await?;
        studies(manager).await?;
        results(manager).await?;
        trail(manager).await
    }
}

async fn people(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let draft = |name| Draft::new(manager, name);
    draft("circle").id().text("name", 200).time("created_at").make(manager).await?;
    draft("person")
        .id()
        .text("role", 16)
        .text("email", 254)
        .text("email_key", 254)
        .text("family_name", 200)
        .text("given_name", 200)
        .text_or_none("register", 16)
        .text_or_none("register_number", 32)
        .text("password_hash", 255)
        .text_or_none("language", 8)
        .uuid_or_none("team_id")
        .column(ColumnDef::new("reads_first").boolean().take(), false)
        .time_or_none("confirmed_at")
        .time_or_none("closed_at")
        .number("failures")
        .time_or_none("locked_until")
        .time("created_at")
        .one_of("role", &["physician", "administrator", "researcher"])
        .refers("team_id", "circle", "id", Restrict)
        .unique(&["email_key"])
        .unique(&["register", "register_number"])
        .index(&["team_id"])
        .index(&["created_at"])
        .make(manager)
        .await?;
    draft("session")
        .id()
        .text("token_hash", 64)
        .uuid("person_id")
        .time("created_at")
        .time("seen_at")
        .digest("token_hash")
        .refers("person_id", "person", "id", Cascade)
        .unique(&["token_hash"])
        .index(&["person_id"])
        .index(&["seen_at"])
        .make(manager)
        .await?;
    draft("letter")
        .id()
        .uuid("person_id")
        .text("purpose", 16)
        .text("token_hash", 64)
        .time("expires_at")
        .time_or_none("used_at")
        .one_of("purpose", &["confirm", "reset"])
        .digest("token_hash")
        .refers("person_id", "person", "id", Cascade)
        .unique(&["token_hash"])
        .index(&["person_id"])
        .make(manager)
        .await?;
    draft("token")
        .id()
        .uuid("person_id")
        .text("name", 100)
        .text("token_hash", 64)
        .column(ColumnDef::new("writes").boolean().take(), false)
        .time("created_at")
        .time("expires_at")
        .time_or_none("used_at")
        .digest("token_hash")
        .refers("person_id", "person", "id", Cascade)
        .unique(&["token_hash"])
        .index(&["person_id", "created_at"])
        .make(manager)
        .await
}

async fn patients(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let draft = |name| Draft::new(manager, name);
    draft("patient")
        .id()
        .uuid("circle_id")
        .uuid("owner_id")
        .text("family_name", 200)
        .text("given_name", 200)
        .key("family_key", 401)
        .key("given_key", 401)
        .text("sex", 8)
        .day("birth_date")
        .text("note", 2000)
        .time("created_at")
        .time("changed_at")
        .time_or_none("deleted_at")
        .uuid_or_none("merged_into")
        .one_of("sex", &["female", "male", "other"])
        .refers("circle_id", "circle", "id", Restrict)
        .refers("owner_id", "person", "id", Restrict)
        .refers("merged_into", "patient", "id", Restrict)
        .index(&["circle_id", "deleted_at", "family_key"])
        .index(&["circle_id", "deleted_at", "given_key"])
        .index(&["circle_id", "deleted_at", "birth_date"])
        .index(&["circle_id", "deleted_at", "changed_at"])
        .index(&["deleted_at"])
        .index(&["owner_id"])
        .index(&["merged_into"])
        .make(manager)
        .await?;
    draft("identifier")
        .id()
        .uuid("patient_id")
        .text("scheme", 40)
        .text("value", 64)
        .refers("patient_id", "patient", "id", Cascade)
        .unique(&["patient_id", "scheme"])
        .index(&["value"])
        .make(manager)
        .await
}

async fn studies(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let draft = |name| Draft::new(manager, name);
    draft("study")
        .id()
        .uuid("patient_id")
        .text_or_none("instance_uid", 64)
        .text_or_none("accession", 64)
        .text_or_none("modality", 16)
        .text("description", 200)
        .day("taken_on")
        .uuid("filed_by")
        .time("created_at")
        .refers("patient_id", "patient", "id", Restrict)
        .refers("filed_by", "person", "id", Restrict)
        .index(&["patient_id", "taken_on"])
        .index(&["instance_uid"])
        .index(&["filed_by", "created_at"])
        .make(manager)
        .await?;
    let mut picture = draft("picture");
    picture.table.col(ColumnDef::new("sha256").string_len(64).not_null().primary_key().take());
    picture.time("size").text("media_type", 64).time("created_at").digest("sha256").make(manager).await?;
    draft("image")
        .id()
        .uuid("study_id")
        .text("picture_sha256", 64)
        .text_or_none("instance_uid", 64)
        .number("frames")
        .number("width")
        .number("height")
        .text_or_none("view", 16)
        .time("created_at")
        .refers("study_id", "study", "id", Restrict)
        .refers("picture_sha256", "picture", "sha256", Restrict)
        .index(&["study_id"])
        .index(&["picture_sha256"])
        .make(manager)
        .await
}

async fn results(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let draft = |name| Draft::new(manager, name);
    draft("model")
        .id()
        .text("bundle_sha256", 64)
        .text("folder", 200)
        .text("name", 200)
        .text("job", 100)
        .text("state", 16)
        .time("created_at")
        .time_or_none("activated_at")
        .uuid_or_none("activated_by")
        .one_of("state", &["waiting", "active", "retired"])
        .digest("bundle_sha256")
        .refers("activated_by", "person", "id", Restrict)
        .unique(&["bundle_sha256"])
        .index(&["job", "state"])
        .make(manager)
        .await?;
    draft("prediction")
        .id()
        .uuid("image_id")
        .number("frame")
        .uuid("model_id")
        .text("bundle_sha256", 64)
        .text("pipeline_sha256", 64)
        .text("picture_sha256", 64)
        .text("state", 16)
        .text_or_none("outcome", 16)
        .text_or_none("class", 200)
        .column(ColumnDef::new("confidence").double().take(), true)
        .long_text("finding", true)
        .text_or_none("failure", 100)
        .number("attempts")
        .uuid("asked_by")
        .time("created_at")
        .time_or_none("done_at")
        .one_of("state", &["queued", "running", "done", "failed"])
        .one_of("outcome", &["answered", "unsure", "refused"])
        .refers("image_id", "image", "id", Restrict)
        .refers("model_id", "model", "id", Restrict)
        .refers("asked_by", "person", "id", Restrict)
        .index(&["image_id", "created_at"])
        .index(&["state", "created_at"])
        .index(&["asked_by", "created_at"])
        .index(&["model_id"])
        .make(manager)
        .await?;
    draft("review")
        .id()
        .uuid("prediction_id")
        .uuid("person_id")
        .text("verdict", 16)
        .text_or_none("label", 200)
        .long_text("comment", false)
        .time("created_at")
        .one_of("verdict", &["impression", "approved", "contested"])
        .refers("prediction_id", "prediction", "id", Restrict)
        .refers("person_id", "person", "id", Restrict)
        .index(&["prediction_id", "created_at"])
        .index(&["person_id"])
        .make(manager)
        .await
}

async fn trail(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let mut audit = Draft::new(manager, "audit");
    audit.table.col(ColumnDef::new("seq").big_integer().not_null().primary_key().take());
    audit
        .time("at")
        .uuid_or_none("person_id")
        .text("action", 40)
        .uuid_or_none("subject_id")
        .uuid_or_none("patient_id")
        .long_text("detail", false)
        .text("hash", 64)
        .digest("hash")
        .index(&["patient_id", "seq"])
        .index(&["person_id", "seq"])
        .make(manager)
        .await?;
    let mut head = Draft::new(manager, "audit_head");
    head.table.col(ColumnDef::new("id").integer().not_null().primary_key().take());
    head.time("seq").text("hash", 64).make(manager).await?;
    let first = Query::insert()
        .into_table("audit_head")
        .columns(["id", "seq", "hash"])
        .values_panic([1.into(), 0.into(), "0".repeat(64).into()])
        .to_owned();
    manager.execute(first).await
}
