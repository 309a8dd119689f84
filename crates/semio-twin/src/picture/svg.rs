use super::theme::{Tone, style_sheet};

/// Size of a title in pixels.
pub(super) const TITLE: f64 = 15.0;
/// Size of labels.
pub(super) const LABEL: f64 = 13.0;
/// Size of the numbers on an axis.
pub(super) const TICK: f64 = 12.0;

/// Which point of a text is put at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A figure in the making; the origin is the upper left corner and the unit a CSS pixel.
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Ends the figure; `name` and `description` are what a screen reader says.
    pub(super) fn finish(self, name: &str, description: &str) -> String {
        let (w, h) = (number(self.width), number(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"semio-plot\" role=\"img\" width=\"{w}\" height=\"{h}\" \
             viewBox=\"0 0 {w} {h}\" font-family=\"system-ui,-apple-system,'Segoe UI',sans-serif\">\n\
             <title>{}</title>\n<desc>{}</desc>\n<style>{}</style>\n\
             <rect class=\"f-paper\" fill=\"#ffffff\" width=\"{w}\" height=\"{h}\"/>\n{}</svg>\n",
            escape(name),
            escape(description),
            style_sheet(),
            self.body,
        )
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), tone: Tone, width: f64, dashed: bool) {
        let dashes = if dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        self.stroke(&places(&[from, to]), tone, width, dashes);
    }

    pub(super) fn polyline(&mut self, points: &[(f64, f64)], tone: Tone, width: f64) {
        self.stroke(&places(points), tone, width, "");
    }

    fn stroke(&mut self, points: &str, tone: Tone, width: f64, more: &str) {
        let (class, color) = tone.class();
        self.push(&format!(
            "<polyline class=\"l-{class}\" stroke=\"{color}\" fill=\"none\" stroke-width=\"{}\" \
             stroke-linejoin=\"round\"{more} points=\"{points}\"/>",
            number(width)
        ));
    }

    /// A filled area; `opacity` lets what lies under it show.
    pub(super) fn area(&mut self, points: &[(f64, f64)], tone: Tone, opacity: f64) {
        let (class, color) = tone.class();
        let (points, opacity) = (places(points), number(opacity));
        self.push(&format!(
            "<polygon class=\"f-{class}\" fill=\"{color}\" fill-opacity=\"{opacity}\" points=\"{points}\"/>"
        ));
    }

    /// Many short upright strokes as one element.
    pub(super) fn strokes(&mut self, tops: impl Iterator<Item = (f64, f64)>, height: f64, tone: Tone, width: f64) {
        let (class, color) = tone.class();
        let height = number(height);
        let path: Vec<String> = tops.map(|(x, y)| format!("M{} {}v{height}", number(x), number(y))).collect();
        let (width, path) = (number(width), path.concat());
        self.push(&format!("<path class=\"l-{class}\" stroke=\"{color}\" stroke-width=\"{width}\" d=\"{path}\"/>"));
    }

    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64, tone: Tone) {
        let (class, color) = tone.class();
        let (x, y, radius) = (number(x), number(y), number(radius));
        self.push(&format!("<circle class=\"f-{class}\" fill=\"{color}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>"));
    }

    /// An empty circle, which lets what lies under it show.
    pub(super) fn ring(&mut self, (x, y): (f64, f64), radius: f64, tone: Tone) {
        let (class, color) = tone.class();
        let (x, y, radius) = (number(x), number(y), number(radius));
        self.push(&format!(
            "<circle class=\"l-{class}\" stroke=\"{color}\" fill=\"none\" stroke-width=\"2.5\" cx=\"{x}\" cy=\"{y}\" \
             r=\"{radius}\"/>"
        ));
    }

    /// A filled rectangle, with a tip that shows under the pointer.
    pub(super) fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), tone: Tone, tip: &str) {
        let (class, color) = tone.class();
        let (x, y, width, height) = (number(x), number(y), number(width.max(0.0)), number(height.max(0.0)));
        let tip = if tip.is_empty() { String::new() } else { format!("<title>{}</title>", escape(tip)) };
        self.push(&format!(
            "<rect class=\"f-{class}\" fill=\"{color}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\">\
             {tip}</rect>"
        ));
    }

    pub(super) fn text(&mut self, at: (f64, f64), anchor: Anchor, size: f64, tone: Tone, text: &str) {
        self.write(at, anchor, size, tone, "", text);
    }

    pub(super) fn bold(&mut self, at: (f64, f64), anchor: Anchor, size: f64, tone: Tone, text: &str) {
        self.write(at, anchor, size, tone, " font-weight=\"600\"", text);
    }

    /// Text that runs upwards.
    pub(super) fn upward(&mut self, (x, y): (f64, f64), tone: Tone, text: &str) {
        let turn = format!(" transform=\"rotate(-90 {} {})\"", number(x), number(y));
        self.write((x, y), Anchor::Middle, LABEL, tone, &turn, text);
    }

    fn write(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, tone: Tone, more: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (class, color) = tone.class();
        self.push(&format!(
            "<text class=\"f-{class}\" fill=\"{color}\"{more} x=\"{}\" y=\"{}\" font-size=\"{}\" \
             text-anchor=\"{anchor}\">{}</text>",
            number(x),
            number(y),
            number(size),
            escape(text)
        ));
    }

    fn push(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }
}

fn places(points: &[(f64, f64)]) -> String {
    let places: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect();
    places.join(" ")
}

/// A number with at most two decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Makes text safe between tags and in attributes, and drops what XML 1.0 does not allow at all.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&#38;"),
            '<' => out.push_str("&#60;"),
            '>' => out.push_str("&#62;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_cleaned() {
        assert_eq!(escape("<b a='1' c=\"2\">&\u{0}\u{1b}é"), "&#60;b a=&#39;1&#39; c=&#34;2&#34;&#62;&#38;é");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, -0.001, 12.5, 1.0 / 3.0, 100.0].map(number), ["0", "0", "12.5", "0.33", "100"]);
    }
}
