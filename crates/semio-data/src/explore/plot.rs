//! The page's figures as SVG, in the look of the training reports.

use std::fmt::Write;

use super::{Ages, Count, Spread};

const WIDTH: f64 = 640.0;
const LABELS: f64 = 170.0;
const ROW: f64 = 26.0;

/// A horizontal bar for each count, with number and percentage beside it.
pub(super) fn bars(title: &str, counts: &[Count]) -> String {
    let most = counts.iter().map(|c| c.count).max().unwrap_or(1).max(1) as f64;
    let room = WIDTH - LABELS - 120.0;
    let mut body = String::new();
    for (i, count) in counts.iter().enumerate() {
        let y = i as f64 * ROW + 4.0;
        let length = room * count.count as f64 / most;
        label(&mut body, y, &count.name);
        let _ = write!(
            body,
            "<rect class=\"s0\" x=\"{LABELS}\" y=\"{y}\" width=\"{length:.1}\" height=\"18\"/>\
             <text class=\"ink\" x=\"{:.1}\" y=\"{:.1}\">{} ({:.1} %)</text>",
            LABELS + length + 6.0,
            y + 13.5,
            thousands(count.count),
            100.0 * count.share
        );
    }
    figure(title, counts.len() as f64 * ROW + 8.0, &body)
}

/// A box for each group: whiskers to the ends, box between the quartiles, line at the median; from 0 to `high`.
pub(super) fn boxes<'a>(
    title: &str,
    axis: &str,
    high: f64,
    groups: impl Iterator<Item = (&'a String, &'a Spread)>,
) -> String {
    let room = WIDTH - LABELS - 24.0;
    let place = |v: f64| LABELS + room * (v / high).clamp(0.0, 1.0);
    let mut body = String::new();
    let mut y = 4.0;
    for (name, s) in groups {
        label(&mut body, y, &format!("{name} (n = {})", thousands(s.n)));
        let middle = y + 9.0;
        let [min, q1, median, q3, max] = [s.min, s.q1, s.median, s.q3, s.max].map(place);
        let _ = write!(
            body,
            "<g><title>{}: median {:.3}, quartiles {:.3} and {:.3}, {:.3} to {:.3}</title>\
             <path class=\"rule\" d=\"M{min:.1} {middle}H{max:.1}M{min:.1} {:.1}v10M{max:.1} {:.1}v10\"/>\
             <rect class=\"s0 box\" x=\"{q1:.1}\" y=\"{y}\" width=\"{:.1}\" height=\"18\"/>\
             <path class=\"median\" d=\"M{median:.1} {y}v18\"/></g>",
            escape(name),
            s.median,
            s.q1,
            s.q3,
            s.min,
            s.max,
            middle - 5.0,
            middle - 5.0,
            (q3 - q1).max(1.0),
        );
        y += ROW;
    }
    for step in 0..=4 {
        let v = high * f64::from(step) / 4.0;
        let _ = write!(
            body,
            "<path class=\"grid\" d=\"M{x:.1} {y:.1}v5\"/><text class=\"soft mid\" x=\"{x:.1}\" y=\"{:.1}\">{v:.2}</text>",
            y + 18.0,
            x = place(v),
        );
    }
    let _ =
        write!(body, "<text class=\"soft mid\" x=\"{:.1}\" y=\"{:.1}\">{axis}</text>", LABELS + room / 2.0, y + 36.0);
    figure(title, y + 44.0, &body)
}

/// Women to the left, men to the right, others and unknown at the end of the line.
pub(super) fn pyramid(ages: &Ages) -> String {
    let most = ages.tens.iter().flat_map(|(_, n)| [n[0], n[1]]).max().unwrap_or(1).max(1) as f64;
    let (middle, room) = (WIDTH / 2.0 - 30.0, WIDTH / 2.0 - 120.0);
    let mut body = String::new();
    let _ = write!(
        body,
        "<text class=\"ink end\" x=\"{:.1}\" y=\"14\">women</text><text class=\"ink\" x=\"{:.1}\" y=\"14\">men</text>",
        middle - 36.0,
        middle + 36.0
    );
    let mut y = 24.0;
    for (from, [women, men, others]) in ages.tens.iter().rev() {
        let (left, right) = (room * *women as f64 / most, room * *men as f64 / most);
        let rest = if *others > 0 { format!(" · sex unknown or other: {others}") } else { String::new() };
        let _ = write!(
            body,
            "<text class=\"soft mid\" x=\"{middle}\" y=\"{base:.1}\">{from}–{}</text>\
             <rect class=\"s1\" x=\"{:.1}\" y=\"{y}\" width=\"{left:.1}\" height=\"18\"/>\
             <rect class=\"s0\" x=\"{:.1}\" y=\"{y}\" width=\"{right:.1}\" height=\"18\"/>\
             <text class=\"ink end\" x=\"{:.1}\" y=\"{base:.1}\">{women}</text>\
             <text class=\"ink\" x=\"{:.1}\" y=\"{base:.1}\">{men}{rest}</text>",
            from + 9,
            middle - 34.0 - left,
            middle + 34.0,
            middle - 40.0 - left,
            middle + 40.0 + right,
            base = y + 13.5,
        );
        y += 22.0;
    }
    figure(&format!("Ages of {} pictures, in years", thousands(ages.known)), y + 4.0, &body)
}

fn figure(title: &str, height: f64, body: &str) -> String {
    format!(
        "<figure><figcaption>{t}</figcaption><svg role=\"img\" viewBox=\"0 0 {WIDTH} {height:.0}\" width=\"{WIDTH}\" \
         height=\"{height:.0}\"><title>{t}</title>{body}</svg></figure>",
        t = escape(title)
    )
}

/// The name of a row, cut where there is no room for more.
fn label(body: &mut String, y: f64, text: &str) {
    const ROOM: usize = 26;
    let short: String = if text.chars().count() > ROOM {
        text.chars().take(ROOM - 1).chain(['…']).collect()
    } else {
        text.to_owned()
    };
    let (short, full) = (escape(&short), escape(text));
    let _ = write!(
        body,
        "<text class=\"ink end\" x=\"{:.1}\" y=\"{:.1}\">{short}<title>{full}</title></text>",
        LABELS - 8.0,
        y + 13.5
    );
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Digits in threes.
pub(super) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| std::str::from_utf8(part).ok()).collect();
    parts.join(",")
}
