//! The look of all figures; the colours are those of Semio's other figures.

/// A colour by its part in the figure; the text is the CSS class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Ink,
    Soft,
    Grid,
    Mark,
    /// Behind what is ill.
    Wash,
    /// One of several things beside each other, by its number.
    Series(usize),
}

/// Light and dark value of each tone; AA contrast on paper for all that carry text.
const INK: [&str; 2] = ["#1b2426", "#e6eced"];
const SOFT: [&str; 2] = ["#526066", "#a2b0b5"];
const GRID: [&str; 2] = ["#dde4e5", "#2d393d"];
const PAPER: [&str; 2] = ["#ffffff", "#12181a"];
const MARK: [&str; 2] = ["#8a5a00", "#e8b04a"];
const WASH: [&str; 2] = ["#f7ecd9", "#33291a"];
const SERIES: [[&str; 2]; 3] = [["#0a6b6b", "#55c6c2"], ["#b04a00", "#f2a065"], ["#2d5bb0", "#8fb6ff"]];

impl Tone {
    /// The CSS class and the light colour, for viewers without CSS variables.
    pub(super) fn class(self) -> (String, &'static str) {
        match self {
            Self::Ink => ("ink".into(), INK[0]),
            Self::Soft => ("soft".into(), SOFT[0]),
            Self::Grid => ("grid".into(), GRID[0]),
            Self::Mark => ("mark".into(), MARK[0]),
            Self::Wash => ("wash".into(), WASH[0]),
            Self::Series(i) => (format!("s{}", i % SERIES.len()), SERIES[i % SERIES.len()][0]),
        }
    }
}

/// The style sheet that every figure carries; it names nothing outside `svg.semio-plot`.
pub(super) fn style_sheet() -> String {
    let named = [("ink", INK), ("soft", SOFT), ("grid", GRID), ("paper", PAPER), ("mark", MARK), ("wash", WASH)];
    let tones: Vec<(String, [&str; 2])> = named
        .into_iter()
        .map(|(name, colors)| (name.to_owned(), colors))
        .chain(SERIES.into_iter().enumerate().map(|(i, colors)| (format!("s{i}"), colors)))
        .collect();
    let set = |scheme: usize| -> String {
        let set = tones.iter().map(|(name, colors)| format!("--{name}:var(--semio-{name},{});", colors[scheme]));
        set.collect::<Vec<_>>().concat()
    };
    let rules = tones.iter().map(|(name, _)| {
        format!("svg.semio-plot .f-{name}{{fill:var(--{name})}}svg.semio-plot .l-{name}{{stroke:var(--{name})}}")
    });
    let rules = rules.collect::<Vec<_>>().concat();
    format!(
        "svg.semio-plot{{{light}}}@media (prefers-color-scheme:dark){{svg.semio-plot{{{dark}}}}}\
         @media print{{svg.semio-plot{{{light}}}}}{rules}",
        light = set(0),
        dark = set(1),
    )
}
