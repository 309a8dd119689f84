//! A patient's record, whole, for whoever has a right to it.

use serde_json::{Value, json};

use super::{Numbers, Shown};
use crate::{
    clock,
    store::entity::{course, patient::Model as Patient},
};

/// The record as JSON: every value that is kept, times in RFC 3339. Pictures are named by the SHA-256 of their files.
pub(crate) fn export(patient: &Patient, numbers: &Numbers, studies: &[Shown], courses: &[course::Model]) -> String {
    let time = |at: i64| clock::time(at).to_rfc3339();
    let finding = |text: &Option<String>| -> Value {
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    let studies: Vec<Value> = studies
        .iter()
        .map(|shown| {
            let images: Vec<Value> = shown
                .images
                .iter()
                .map(|image| {
                    let predictions: Vec<Value> = shown
                        .predictions
                        .iter()
                        .filter(|p| p.image_id == image.id)
                        .map(|p| {
                            let reviews: Vec<Value> = shown
                                .reviews
                                .iter()
                                .filter(|r| r.prediction_id == p.id)
                                .map(|r| {
                                    json!({ "verdict": r.verdict.name(), "label": r.label, "comment": r.comment,
                                            "by": r.person_id, "at": time(r.created_at) })
                                })
                                .collect();
                            json!({ "id": p.id, "bundle_sha256": p.bundle_sha256, "pipeline_sha256": p.pipeline_sha256,
                                    "outcome": p.outcome, "class": p.class, "finding": finding(&p.finding),
                                    "asked_at": time(p.created_at), "done_at": p.done_at.map(time), "reviews": reviews })
                        })
                        .collect();
                    json!({ "id": image.id, "sha256": image.picture_sha256, "sop_instance_uid": image.instance_uid,
                            "frames": image.frames, "columns": image.width, "rows": image.height, "view": image.view,
                            "filed_at": time(image.created_at), "predictions": predictions })
                })
                .collect();
            let study = &shown.study;
            json!({ "id": study.id, "taken_on": study.taken_on, "modality": study.modality,
                    "description": study.description, "study_instance_uid": study.instance_uid,
                    "accession": study.accession, "filed_at": time(study.created_at), "images": images })
        })
        .collect();
    let courses: Vec<Value> = courses
        .iter()
        .map(|course| {
            json!({ "id": course.id, "begins_on": course.begins_on, "by": course.person_id,
                    "scenario": finding(&Some(course.scenario.clone())), "made_at": time(course.created_at) })
        })
        .collect();
    let record = json!({
        "id": patient.id,
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "sex": patient.sex.name(),
        "birth_date": patient.birth_date,
        "identifier": numbers.own,
        "ins": numbers.ins,
        "earlier_identifiers": numbers.earlier,
        "note": patient.note,
        "created_at": time(patient.created_at),
        "changed_at": time(patient.changed_at),
        "studies": studies,
        "courses": courses,
    });
    serde_json::to_string_pretty(&record).unwrap_or_default()
}
