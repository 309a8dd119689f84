//! The position embedding of a vision transformer, for pictures of another size.

use super::NamedTensor;

/// Whether an embedding of square pictures can be brought to `grid`: a row for the class token, then one a patch.
pub(super) fn fit(theirs: &[usize], grid: (usize, usize), ours: &[usize]) -> bool {
    match (theirs, ours) {
        ([1, tokens, width], [1, own, own_width]) => {
            let side = side(*tokens);
            width == own_width && *own == 1 + grid.0 * grid.1 && side > 0 && 1 + side * side == *tokens
        }
        _ => false,
    }
}

/// Patches along a side.
fn side(tokens: usize) -> usize {
    tokens.saturating_sub(1).isqrt()
}

/// The embedding with its patches' values resized to rows × columns: bicubic (Keys 1981 with a = −0.75), the corners
/// staying corners, as torchvision's `interpolate_embeddings` does it. The class token's row stays.
pub(super) fn resized(tensor: &NamedTensor, (rows, columns): (usize, usize)) -> Vec<f32> {
    let (side, width) = (side(tensor.shape[1]), tensor.shape[2]);
    let (token, patches) = tensor.values.split_at(width);
    let (down, across) = (taps(side, rows), taps(side, columns));
    let mut values = token.to_vec();
    values.reserve(rows * columns * width);
    for row in &down {
        for column in &across {
            let at = values.len();
            values.resize(at + width, 0.0);
            for &(y, a) in row {
                for &(x, b) in column {
                    let patch = &patches[(y * side + x) * width..][..width];
                    values[at..].iter_mut().zip(patch).for_each(|(v, p)| *v += a * b * p);
                }
            }
        }
    }
    values
}

/// For each new place the four old ones, kept inside, and their weights.
fn taps(from: usize, to: usize) -> Vec<[(usize, f32); 4]> {
    let step = if to > 1 { (from - 1) as f64 / (to - 1) as f64 } else { 0.0 };
    let last = from as i64 - 1;
    (0..to)
        .map(|i| {
            let at = i as f64 * step;
            let first = at.floor();
            let t = at - first;
            [-1, 0, 1, 2].map(|offset| {
                let place = (first as i64 + offset).clamp(0, last);
                (place as usize, weight((t - offset as f64).abs()) as f32)
            })
        })
        .collect()
}

fn weight(distance: f64) -> f64 {
    const A: f64 = -0.75;
    let d = distance;
    if d <= 1.0 {
        ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0
    } else if d < 2.0 {
        ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by `tests/fixtures/positions.py` with torchvision.
    #[derive(serde::Deserialize)]
    struct Case {
        shape: Vec<usize>,
        values: Vec<f32>,
        side: usize,
        resized: Vec<f32>,
    }

    #[test]
    fn values_are_torchvisions() {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../../tests/fixtures/positions.json")).expect("the fixture is JSON");
        assert!(cases.len() >= 3);
        for case in cases {
            let tensor = NamedTensor { name: String::new(), shape: case.shape, values: case.values };
            let got = resized(&tensor, (case.side, case.side));
            assert_eq!(got.len(), case.resized.len());
            for (a, b) in got.iter().zip(&case.resized) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }
    }

    #[test]
    fn only_square_grids_of_the_same_width_are_resized() {
        assert!(fit(&[1, 17, 8], (6, 5), &[1, 31, 8]));
        assert!(!fit(&[1, 16, 8], (6, 6), &[1, 37, 8]), "not a square");
        assert!(!fit(&[1, 17, 8], (6, 6), &[1, 37, 4]), "another width");
        assert!(!fit(&[17, 8], (6, 6), &[1, 37, 8]) && !fit(&[1, 1, 8], (6, 6), &[1, 37, 8]));
    }
}
