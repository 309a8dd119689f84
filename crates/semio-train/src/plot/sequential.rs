//! A sequential colour map that is perceptually even and safe for colour-blind eyes.
//!
//! Source: cividis (Nuñez, Anderton, Renslow 2018), every eighth of the range; run from light to dark and paler towards
//! zero, so that on white paper more is darker and little does not shout.

const CIVIDIS: [[u8; 3]; 9] = [
    [254, 232, 56],
    [222, 202, 80],
    [188, 175, 111],
    [158, 149, 117],
    [125, 124, 120],
    [98, 101, 112],
    [65, 77, 107],
    [18, 53, 112],
    [0, 34, 78],
];

/// The colour of a share between 0 and 1.
pub(super) fn color(share: f64) -> [u8; 3] {
    let place = share.clamp(0.0, 1.0) * (CIVIDIS.len() - 1) as f64;
    let low = (place.floor() as usize).min(CIVIDIS.len() - 2);
    let part = place - low as f64;
    let (a, b) = (CIVIDIS[low], CIVIDIS[low + 1]);
    let strength = 0.25 + 0.75 * share.clamp(0.0, 1.0).sqrt();
    [0, 1, 2].map(|i| {
        let pure = f64::from(a[i]) * (1.0 - part) + f64::from(b[i]) * part;
        (255.0 + (pure - 255.0) * strength).round() as u8
    })
}

/// Black or white, whichever is easier to read on the colour (WCAG 2 contrast).
pub(super) fn readable_on(rgb: [u8; 3]) -> [u8; 3] {
    let luminance = luminance(rgb);
    if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) { [0; 3] } else { [255; 3] }
}

fn luminance(rgb: [u8; 3]) -> f64 {
    let linear = rgb.map(|v| {
        let v = f64::from(v) / 255.0;
        if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_readable_on_every_colour() {
        for step in 0..=100 {
            let back = color(f64::from(step) / 100.0);
            let (a, b) = (luminance(back), luminance(readable_on(back)));
            let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
            assert!(contrast >= 4.5, "{contrast} at {step} %");
        }
    }

    #[test]
    fn more_is_darker() {
        let luminances: Vec<f64> = (0..=50).map(|i| luminance(color(f64::from(i) / 50.0))).collect();
        assert!(luminances.is_sorted_by(|a, b| a > b));
    }
}
