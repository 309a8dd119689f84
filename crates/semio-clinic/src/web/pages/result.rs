//! Results in words.

use uuid::Uuid;

use crate::{
    finding::{Experience, Finding},
    store::entity::{
        model::Model as ModelRow,
        prediction::{Model as Prediction, State},
        review::{Model as Review, Verdict},
        study::Model as Study,
    },
    words::Language,
};

/// The label of a picture that shows none of a model's classes.
const NO_CLASS: &str = "-";

/// A result in a list.
pub(super) struct Small {
    pub(super) outcome: String,
    pub(super) words: String,
    /// What a physician said.
    pub(super) word: Option<String>,
}

/// A result on its page.
pub(super) struct Full {
    pub(super) outcome: String,
    pub(super) kind_key: &'static str,
    pub(super) sentence: String,
    pub(super) reason: Option<String>,
    pub(super) certainty: Option<String>,
    pub(super) bar: String,
    pub(super) classes: Vec<(String, String, bool)>,
    pub(super) has_map: bool,
    pub(super) contest_key: &'static str,
    pub(super) origin: String,
    pub(super) pinned: String,
    pub(super) model: Uuid,
    pub(super) words: Vec<Word>,
}

/// What a physician said about a result.
pub(super) struct Word {
    pub(super) line: String,
    pub(super) comment: String,
}

/// A class's name for readers.
pub(super) fn class_name(language: Language, class: &str) -> String {
    let key = format!("class-{}", slug(class));
    let known = language.t(&key);
    if known == key { class.to_owned() } else { known }
}

/// A job's name for readers.
pub(super) fn job_name(language: Language, job: &str) -> String {
    let key = format!("job-{}", slug(job));
    let known = language.t(&key);
    if known == key { job.to_owned() } else { known }
}

fn slug(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect()
}

/// What a study is called.
pub(super) fn title(language: Language, study: &Study) -> String {
    match (study.description.trim(), &study.modality) {
        ("", Some(modality)) => {
            let key = format!("modality-{}", slug(modality));
            let known = language.t(&key);
            if known == key { language.x("study-of", modality.clone()) } else { known }
        }
        ("", None) => language.t("study"),
        (text, _) => text.to_owned(),
    }
}

/// A result in a list.
pub(super) fn small(language: Language, prediction: &Prediction, folded: bool) -> Small {
    let of = |outcome: &str, words: String| Small { outcome: outcome.into(), words, word: None };
    match prediction.state {
        State::Queued | State::Running => of("waiting", language.t("result-waiting")),
        State::Failed => of("failed", language.t("result-failed")),
        State::Done if folded => of("waiting", language.t("result-folded")),
        State::Done => match prediction.outcome.as_deref() {
            Some("refused") => of("refused", language.t("outcome-refused")),
            Some("unsure") => of("unsure", language.t("outcome-unsure")),
            _ => of("answered", class_name(language, prediction.class.as_deref().unwrap_or_default())),
        },
    }
}

/// A result on its page.
pub(super) fn full(
    language: Language,
    prediction: &Prediction,
    model: Option<&ModelRow>,
    words: Vec<Word>,
) -> Option<Full> {
    let finding: Finding = serde_json::from_str(prediction.finding.as_deref()?).ok()?;
    let class = class_name(language, &finding.class);
    let refused = finding.outcome == "refused";
    let (kind_key, sentence) = match finding.outcome.as_str() {
        "refused" => ("outcome-refused", language.t("sentence-refused")),
        "unsure" => {
            let set = finding.set.clone().unwrap_or_default();
            let names: Vec<String> = set.iter().map(|c| class_name(language, c)).collect();
            let sentence = match names.as_slice() {
                [] | [_] => language.t("sentence-unsure"),
                names => language.x("sentence-unsure-set", names.join(", ")),
            };
            ("outcome-unsure", sentence)
        }
        _ => ("outcome-answered", language.x("sentence-answered", class.clone())),
    };
    let certainty = finding.experience.map(|e| certainty(language, &e, &class));
    let mut probabilities = finding.probabilities.clone();
    probabilities.sort_by(|a, b| b.1.total_cmp(&a.1));
    let classes = probabilities
        .iter()
        .map(|(class, p)| {
            let inside = finding.set.as_ref().is_some_and(|set| set.contains(class));
            (class_name(language, class), share(language, *p), inside)
        })
        .collect();
    let name =
        model.map_or_else(|| language.t("model-gone"), |m| format!("{}, {}", job_name(language, &m.job), m.name));
    let done = language.time(prediction.done_at.unwrap_or(prediction.created_at));
    Some(Full {
        kind_key,
        sentence,
        reason: finding.reason.as_deref().map(|key| language.t(key)),
        bar: finding.experience.map(|e| bar(&e)).unwrap_or_default(),
        certainty,
        // What a refused picture's classes would be is nobody's to read.
        classes: if refused { vec![] } else { classes },
        has_map: finding.map.is_some(),
        contest_key: if finding.outcome == "answered" { "review-contest" } else { "review-own" },
        origin: language.args("result-origin", [("model", name.into()), ("when", done.into())]),
        pinned: language.args(
            "result-pinned",
            [
                ("bundle", prediction.bundle_sha256[..12].to_owned().into()),
                ("pipeline", prediction.pipeline_sha256[..12].to_owned().into()),
                ("picture", prediction.picture_sha256[..12].to_owned().into()),
            ],
        ),
        model: prediction.model_id,
        outcome: finding.outcome,
        words,
    })
}

/// A probability, never as certain as 0 or 100.
fn share(language: Language, p: f64) -> String {
    if p < 0.01 {
        format!("< {}", language.percent(0.01))
    } else if p > 0.99 {
        format!("> {}", language.percent(0.99))
    } else {
        language.percent(p)
    }
}

/// Certainty in words that a person can check.
fn certainty(language: Language, e: &Experience, class: &str) -> String {
    language.args(
        "certainty",
        [
            ("share", format!("{:.0}", e.share * 100.0).into()),
            ("low", format!("{:.0}", e.low * 100.0).into()),
            ("high", format!("{:.0}", e.high * 100.0).into()),
            ("count", e.count.into()),
            ("checked", (e.checked as u64).into()),
            ("prevalence", language.percent(e.prevalence).into()),
            ("class", class.to_owned().into()),
        ],
    )
}

/// The share that was right, with its interval, from 0 to 100.
fn bar(e: &Experience) -> String {
    let [low, high, share] = [e.low, e.high, e.share].map(|v| v * 200.0);
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 200 14\" role=\"img\" aria-hidden=\"true\" preserveAspectRatio=\"none\">\
         <rect class=\"track\" x=\"0\" y=\"5\" width=\"200\" height=\"4\" rx=\"2\"/>\
         <rect class=\"interval\" x=\"{low:.1}\" y=\"3\" width=\"{:.1}\" height=\"8\" rx=\"2\"/>\
         <rect class=\"share\" x=\"{:.1}\" y=\"1\" width=\"2\" height=\"12\"/></svg>",
        (high - low).max(1.0),
        share - 1.0
    )
}

/// What physicians said, the latest first; `name` tells who.
pub(super) fn words(
    language: Language,
    reviews: &[Review],
    prediction: Uuid,
    name: &dyn Fn(Uuid) -> String,
) -> Vec<Word> {
    reviews
        .iter()
        .filter(|r| r.prediction_id == prediction && r.verdict != Verdict::Impression)
        .map(|r| Word { line: word(language, r, &name(r.person_id)), comment: r.comment.clone() })
        .collect()
}

fn word(language: Language, review: &Review, who: &str) -> String {
    let label = review.label.as_deref().map(|l| label_name(language, l));
    let key = match (review.verdict, &label) {
        (Verdict::Approved, _) => "word-approved",
        (Verdict::Contested, Some(_)) => "word-contested-label",
        (Verdict::Contested, None) => "word-contested",
        (Verdict::Impression, _) => "word-impression",
    };
    language.args(
        key,
        [
            ("who", who.to_owned().into()),
            ("when", language.time(review.created_at).into()),
            ("label", label.unwrap_or_default().into()),
        ],
    )
}

/// An own impression, noted before the result was shown.
pub(super) fn impression(language: Language, reviews: &[Review], prediction: Uuid, who: Uuid) -> Option<String> {
    let found = reviews
        .iter()
        .find(|r| r.prediction_id == prediction && r.person_id == who && r.verdict == Verdict::Impression)?;
    let label = found.label.as_deref().unwrap_or(NO_CLASS);
    Some(language.x("impression-noted", label_name(language, label)))
}

/// What a physician noted, for readers.
fn label_name(language: Language, label: &str) -> String {
    if label == NO_CLASS { language.t("impression-none") } else { class_name(language, label) }
}
