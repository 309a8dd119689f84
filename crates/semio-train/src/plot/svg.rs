use std::fmt::Write;

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
        self.polyline(&[from, to], tone, width, dashed);
    }

    pub(super) fn polyline(&mut self, points: &[(f64, f64)], tone: Tone, width: f64, dashed: bool) {
        let (class, color) = tone.class();
        let dashes = if dashed { " stroke-dasharray=\"5 4\"" } else { "" };
        let points: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", number(x), number(y))).collect();
        self.push(&format!(
            "<polyline class=\"l-{class}\" stroke=\"{color}\" fill=\"none\" stroke-width=\"{}\" \
             stroke-linejoin=\"round\"{dashes} points=\"{}\"/>",
            number(width),
            points.join(" "),
        ));
    }

    pub(super) fn dot(&mut self, (x, y): (f64, f64), radius: f64, tone: Tone) {
        let (class, color) = tone.class();
        let (x, y, radius) = (number(x), number(y), number(radius));
        self.push(&format!("<circle class=\"f-{class}\" fill=\"{color}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>"));
    }

    /// A filled rectangle, with a tip that shows under the pointer.
    pub(super) fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), tone: Tone, tip: &str) {
        let (class, color) = tone.class();
        self.rect((x, y), (width, height), &format!("class=\"f-{class}\" fill=\"{color}\""), tip);
    }

    /// A rectangle of one colour in every scheme.
    pub(super) fn cell(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), rgb: [u8; 3], tip: &str) {
        self.rect((x, y), (width, height), &format!("fill=\"{}\"", hex(rgb)), tip);
    }

    /// The outline of a rectangle.
    pub(super) fn frame(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), tone: Tone) {
        let (class, color) = tone.class();
        self.rect((x, y), (width, height), &format!("class=\"l-{class}\" stroke=\"{color}\" fill=\"none\""), "");
    }

    fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), paint: &str, tip: &str) {
        let place = format!(
            "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
            number(x),
            number(y),
            number(width.max(0.0)),
            number(height.max(0.0))
        );
        if tip.is_empty() {
            self.push(&format!("<rect {paint} {place}/>"));
        } else {
            self.push(&format!("<rect {paint} {place}><title>{}</title></rect>", escape(tip)));
        }
    }

    pub(super) fn text(&mut self, at: (f64, f64), anchor: Anchor, size: f64, tone: Tone, text: &str) {
        let (class, color) = tone.class();
        self.write_text(at, anchor, size, &format!("class=\"f-{class}\" fill=\"{color}\""), text);
    }

    pub(super) fn bold(&mut self, at: (f64, f64), anchor: Anchor, size: f64, tone: Tone, text: &str) {
        let (class, color) = tone.class();
        let paint = format!("class=\"f-{class}\" fill=\"{color}\" font-weight=\"600\"");
        self.write_text(at, anchor, size, &paint, text);
    }

    /// Text of one colour in every scheme, to be read on a [`Svg::cell`].
    pub(super) fn text_on_cell(&mut self, at: (f64, f64), size: f64, rgb: [u8; 3], text: &str) {
        self.write_text(at, Anchor::Middle, size, &format!("fill=\"{}\"", hex(rgb)), text);
    }

    /// Text that lines may run below: a rim of paper keeps it legible.
    pub(super) fn text_over(&mut self, at: (f64, f64), anchor: Anchor, size: f64, tone: Tone, text: &str) {
        let (class, color) = tone.class();
        let rim = "stroke=\"#ffffff\" stroke-width=\"4\" stroke-linejoin=\"round\" paint-order=\"stroke\"";
        self.write_text(at, anchor, size, &format!("class=\"f-{class} l-paper\" fill=\"{color}\" {rim}"), text);
    }

    /// Text turned by a quarter (`-90`) or less, about its place.
    pub(super) fn turned(&mut self, (x, y): (f64, f64), anchor: Anchor, degrees: f64, tone: Tone, text: &str) {
        let (class, color) = tone.class();
        let turn = format!("transform=\"rotate({} {} {})\"", number(degrees), number(x), number(y));
        self.write_text((x, y), anchor, LABEL, &format!("class=\"f-{class}\" fill=\"{color}\" {turn}"), text);
    }

    fn write_text(&mut self, (x, y): (f64, f64), anchor: Anchor, size: f64, paint: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.push(&format!(
            "<text {paint} x=\"{}\" y=\"{}\" font-size=\"{}\" text-anchor=\"{anchor}\">{}</text>",
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

/// About how wide a text is drawn; the reader's font is not known, so it errs on the wide side.
pub(super) fn text_width(text: &str, size: f64) -> f64 {
    let width = |c: char| match c {
        'i' | 'j' | 'l' | 't' | 'f' | 'r' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '(' | ')' | ' ' | '\u{a0}' => {
            0.36
        }
        'm' | 'w' | 'M' | 'W' | '%' => 0.92,
        c if c.is_ascii_uppercase() => 0.7,
        c if c < '\u{2e80}' => 0.59,
        _ => 1.0,
    };
    text.chars().map(width).sum::<f64>() * size
}

/// Shortens a text with an ellipsis so that it fits.
pub(super) fn fit(text: &str, size: f64, width: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let room = width - text_width("…", size);
    for c in text.chars() {
        short.push(c);
        if text_width(&short, size) > room {
            short.pop();
            break;
        }
    }
    format!("{}…", short.trim_end())
}

/// A number with at most two decimals.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// Makes text safe between tags and in attributes, and drops what XML 1.0 does not allow at all.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '<' | '>' | '"' | '\'' => {
                let _ = write!(out, "&#{};", c as u32);
            }
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
    fn long_text_is_shortened_to_its_room() {
        let short = fit(&"glioma ".repeat(20), 13.0, 100.0);
        assert!(short.ends_with('…') && text_width(&short, 13.0) <= 100.0, "{short}");
        assert_eq!(fit("glioma", 13.0, 100.0), "glioma");
        assert_eq!(fit("glioma", 13.0, 0.0), "…");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, -0.001, 12.5, 1.0 / 3.0, 100.0].map(number), ["0", "0", "12.5", "0.33", "100"]);
    }
}
