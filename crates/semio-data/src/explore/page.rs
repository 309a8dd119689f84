use std::borrow::Borrow;

use askama::Template;
use base64::{Engine, prelude::BASE64_STANDARD};

use super::{
    Count, Crosstab, Exploration,
    plot::{self, bars, boxes, pyramid},
    sheet::Shown,
};

/// Why the page could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the page cannot be made: {0}")]
pub struct PageError(#[from] askama::Error);

#[derive(Template)]
#[template(path = "explore.html")]
struct Page<'a> {
    found: &'a Exploration,
    created: &'a str,
    facts: Vec<(&'static str, String)>,
    classes: String,
    brightness: [String; 2],
    by_source: Option<[String; 2]>,
    ages: Option<String>,
}

impl Exploration {
    /// One HTML page with everything in it; `created` is the day that it names.
    ///
    /// # Errors
    /// [`PageError`], which a page in memory has no reason for.
    pub fn page(&self, created: &str) -> Result<String, PageError> {
        let tone = |of: &std::collections::BTreeMap<String, super::Spread>, what: &str, by: &str, high: f64| {
            boxes(&format!("{what} by {by}"), "0 is black, 1 is white", high, of.iter())
        };
        let page = Page {
            found: self,
            created,
            facts: self.facts(),
            classes: bars(&format!("Classes of {} pictures", thousands(self.pictures)), &self.classes),
            brightness: [
                tone(&self.brightness, "Mean brightness of a picture", "class", 1.0),
                tone(&self.contrast, "Contrast (standard deviation within a picture)", "class", 0.5),
            ],
            by_source: (self.brightness_by_source.len() > 1).then(|| {
                [
                    tone(&self.brightness_by_source, "Mean brightness of a picture", "source", 1.0),
                    tone(&self.contrast_by_source, "Contrast (standard deviation within a picture)", "source", 0.5),
                ]
            }),
            ages: self.ages.as_ref().map(pyramid),
        };
        Ok(page.render()?)
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let first = |counts: &[Count]| {
            let names: Vec<String> =
                counts.iter().take(4).map(|c| format!("{} ({})", c.name, thousands(c.count))).collect();
            names.join(", ") + if counts.len() > 4 { ", …" } else { "" }
        };
        let sizes: Vec<String> =
            self.sizes.iter().take(4).map(|s| format!("{} × {} ({})", s.width, s.height, thousands(s.count))).collect();
        let more = if self.sizes.len() > 4 { format!(", and {} more", self.sizes.len() - 4) } else { String::new() };
        vec![
            ("Pictures", thousands(self.pictures)),
            ("Cannot be read", thousands(self.unreadable.len())),
            ("Patients", self.patients.map_or("unknown".into(), thousands)),
            ("Classes", thousands(self.classes.len())),
            ("Formats", first(&self.formats)),
            ("Columns × rows", sizes.join(", ") + &more),
            ("Bits a sample", first(&self.bits)),
            ("Samples a pixel", first(&self.channels)),
        ]
    }
}

impl Crosstab {
    /// The sum of each class.
    fn columns(&self) -> Vec<usize> {
        (0..self.classes.len()).map(|class| self.rows.iter().map(|(_, counts)| counts[class]).sum()).collect()
    }
}

impl Shown {
    /// The picture as a data URI.
    fn uri(&self) -> String {
        format!("data:image/jpeg;base64,{}", BASE64_STANDARD.encode(&self.jpeg))
    }
}

/// Digits in threes; the template hands over numbers and references alike.
fn thousands(n: impl Borrow<usize>) -> String {
    plot::thousands(*n.borrow())
}

/// A share as percent.
fn percent(part: impl Borrow<usize>, whole: impl Borrow<usize>) -> String {
    let (part, whole) = (*part.borrow(), *whole.borrow());
    if whole == 0 { "–".into() } else { format!("{:.1} %", 100.0 * part as f64 / whole as f64) }
}
