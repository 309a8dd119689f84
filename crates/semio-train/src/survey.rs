//! One page about many runs: a comparison's or a search's.

use askama::Template;

use crate::{
    language::{Language, banner, say},
    plot::style_sheet,
    report::{ReportError, css_string},
};

/// A page with tables and figures about many runs.
#[derive(Template)]
#[template(path = "comparison.html")]
pub(crate) struct Survey {
    pub(crate) language: Language,
    pub(crate) title: String,
    /// Escaped for a string in CSS.
    pub(crate) running_head: [String; 3],
    pub(crate) plot_style: String,
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) brief: Vec<String>,
    /// Heading of the first figure, and the figure.
    pub(crate) ranked_by: String,
    pub(crate) ranking: Option<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) figures: Vec<(String, String)>,
    pub(crate) limits: Vec<String>,
}

/// A table; the first cell of each row names it.
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) note: Option<String>,
}

impl Survey {
    /// The page's fixed words: of both, those in its language.
    fn say(&self, english: &str, french: &str) -> String {
        say!(self.language, "{english}", "{french}")
    }

    pub(crate) fn page(mut self) -> Result<String, ReportError> {
        self.running_head[2] = banner(self.language);
        self.plot_style = style_sheet();
        self.running_head = self.running_head.map(|text| css_string(&text));
        Ok(self.render()?)
    }
}
