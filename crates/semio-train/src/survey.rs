//! One page about many runs: a comparison's or a search's.

use askama::Template;

use crate::{
    plot::style_sheet,
    report::{ReportError, css_string},
};

/// What every page says.
pub(crate) const BANNER: &str = "Research software. Not a medical device.";

/// A page with tables and figures about many runs.
#[derive(Template)]
#[template(path = "comparison.html")]
pub(crate) struct Survey {
    pub(crate) title: String,
    /// Escaped for a string in CSS.
    pub(crate) running_head: [String; 3],
    pub(crate) plot_style: String,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) brief: Vec<String>,
    /// Heading of the first figure, and the figure.
    pub(crate) ranked_by: &'static str,
    pub(crate) ranking: Option<String>,
    pub(crate) tables: Vec<Table>,
    pub(crate) figures: Vec<(&'static str, String)>,
    pub(crate) limits: Vec<String>,
}

/// A table; the first cell of each row names it.
pub(crate) struct Table {
    pub(crate) title: &'static str,
    pub(crate) header: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) note: Option<String>,
}

impl Survey {
    pub(crate) fn page(mut self) -> Result<String, ReportError> {
        self.plot_style = style_sheet();
        self.running_head = self.running_head.map(|text| css_string(&text));
        Ok(self.render()?)
    }
}
