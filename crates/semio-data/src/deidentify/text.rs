//! Looks for text that stands in the pixels.
//!
//! Letters are small, differ sharply from what is around them, and stand in a row at one height. Four of them make a
//! line; the single L or R of a radiograph does not. The search errs on the side of finding: what it marks is for a
//! person to look at.

use semio_image::{Color, Image, Samples};
use serde::Serialize;

/// A rectangle that looks like text, in pixels from the upper left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct TextBox {
    /// First column.
    pub left: usize,
    /// First row.
    pub top: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// Half the side of the neighbourhood that a pixel is compared with.
const NEAR: usize = 12;
/// By how many of 255 levels ink differs from its neighbourhood.
const INK: i32 = 56;
/// The lowest letters that can be told from noise, in pixels.
const LOWEST: usize = 6;
/// The fewest letters of a line.
const FEWEST: usize = 4;
/// The shortest side of a picture that is looked through; a line of text needs more.
pub(super) const SMALLEST: usize = 48;
/// More shapes than this are a texture.
const MOST: usize = 4000;

/// The lines of text in a picture, as far as they can be told by their shape.
pub fn find_text(image: &Image) -> Vec<TextBox> {
    let grey = image.to_u8().to_color(Color::Grey);
    let (width, height) = (grey.width(), grey.height());
    let Samples::U8(samples) = grey.samples() else { return vec![] };
    if width < SMALLEST || height < SMALLEST {
        return vec![];
    }
    let around = means(samples, width, height);
    let mut boxes = vec![];
    for bright in [true, false] {
        let ink = samples.iter().zip(&around).map(|(&v, &mean)| {
            let difference = i32::from(v) - i32::from(mean);
            if bright { difference > INK } else { difference < -INK }
        });
        let letters = letters(ink.collect(), width, height);
        if letters.len() <= MOST {
            boxes.extend(lines(letters, width, height));
        }
    }
    boxes
}

/// The mean of each pixel's neighbourhood, from sums over rectangles.
fn means(samples: &[u8], width: usize, height: usize) -> Vec<u8> {
    let mut sums = vec![0u64; (width + 1) * (height + 1)];
    for y in 0..height {
        let mut row = 0;
        for x in 0..width {
            row += u64::from(samples[y * width + x]);
            sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
        }
    }
    let at = |x: usize, y: usize| sums[y * (width + 1) + x];
    let mean = |i: usize| {
        let (x, y) = (i % width, i / width);
        let (left, top) = (x.saturating_sub(NEAR), y.saturating_sub(NEAR));
        let (right, bottom) = ((x + NEAR + 1).min(width), (y + NEAR + 1).min(height));
        let sum = at(right, bottom) + at(left, top) - at(left, bottom) - at(right, top);
        (sum / ((right - left) * (bottom - top)) as u64) as u8
    };
    (0..samples.len()).map(mean).collect()
}

/// Connected shapes of ink with the size and fill of a letter.
fn letters(mut ink: Vec<bool>, width: usize, height: usize) -> Vec<TextBox> {
    let highest = (height / 10).max(24);
    let mut found = vec![];
    let mut open = vec![];
    for start in 0..ink.len() {
        if !ink[start] {
            continue;
        }
        ink[start] = false;
        open.push(start);
        let (mut left, mut top, mut right, mut bottom, mut area) = (width, height, 0, 0, 0usize);
        while let Some(at) = open.pop() {
            let (x, y) = (at % width, at / width);
            (left, right, top, bottom) = (left.min(x), right.max(x), top.min(y), bottom.max(y));
            area += 1;
            for (nx, ny) in (y.saturating_sub(1)..=(y + 1).min(height - 1))
                .flat_map(|ny| (x.saturating_sub(1)..=(x + 1).min(width - 1)).map(move |nx| (nx, ny)))
            {
                let next = ny * width + nx;
                if ink[next] {
                    ink[next] = false;
                    open.push(next);
                }
            }
        }
        let (wide, high) = (right + 1 - left, bottom + 1 - top);
        let fill = area as f64 / (wide * high) as f64;
        let is_letter =
            (LOWEST..=highest).contains(&high) && wide <= 2 * high && (wide == 1 || fill < 0.95) && fill > 0.2;
        if is_letter {
            found.push(TextBox { left, top, width: wide, height: high });
        }
    }
    found
}

/// Letters of about one height that stand on one line, near each other.
fn lines(mut letters: Vec<TextBox>, width: usize, height: usize) -> Vec<TextBox> {
    letters.sort_by_key(|letter| (letter.left, letter.top));
    let mut lines: Vec<Vec<TextBox>> = vec![];
    for letter in letters {
        let fits = |line: &&mut Vec<TextBox>| {
            let Some(last) = line.last() else { return false };
            let (low, high) = (last.height.min(letter.height), last.height.max(letter.height));
            let gap = letter.left.saturating_sub(last.left + last.width);
            let step = (last.top + last.height).abs_diff(letter.top + letter.height);
            high * 3 <= low * 4 && gap <= high && step * 5 <= high && letter.left >= last.left + last.width / 2
        };
        match lines.iter_mut().find(fits) {
            Some(line) => line.push(letter),
            None => lines.push(vec![letter]),
        }
    }
    let around = |line: &Vec<TextBox>| {
        let left = line.iter().map(|l| l.left).min().unwrap_or_default();
        let top = line.iter().map(|l| l.top).min().unwrap_or_default();
        let right = line.iter().map(|l| l.left + l.width).max().unwrap_or_default();
        let bottom = line.iter().map(|l| l.top + l.height).max().unwrap_or_default();
        // Commas and the strokes of letters that hang below the line belong to it; so do letters at its ends that the
        // ground hides.
        let margin = (bottom - top) / 2 + 1;
        let (left, top) = (left.saturating_sub(5 * margin), top.saturating_sub(margin));
        let (right, bottom) = ((right + 5 * margin).min(width), (bottom + margin).min(height));
        TextBox { left, top, width: right - left, height: bottom - top }
    };
    lines.iter().filter(|line| line.len() >= FEWEST).map(around).collect()
}
