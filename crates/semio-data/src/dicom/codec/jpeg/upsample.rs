//! Reduced components → one sample a pixel, as libjpeg does it (`jdsample.c`): three quarters of the nearer sample and one
//! of the other where two pixels share one, repeated otherwise.

use super::sequential::Plane;

/// Spreads a component of `size` samples over a picture. `across` and `down` tell how many samples the finest component
/// and this one have in a unit.
pub(super) fn upsampled(
    plane: Plane,
    size: (usize, usize),
    picture: (usize, usize),
    across: (usize, usize),
    down: (usize, usize),
) -> Vec<u16> {
    let (width, height) = picture;
    if across.0 == across.1 && down.0 == down.1 && plane.width == width {
        let mut samples = plane.samples;
        samples.truncate(width * height);
        return samples;
    }
    let line = |y: usize| &plane.samples[y * plane.width..][..size.0];
    let mut samples = Vec::with_capacity(width * height);
    let double = across.0 == 2 * across.1 && size.0 > 2;
    for y in 0..height {
        let row = y * down.1 / down.0;
        if double && down.0 == down.1 {
            let own: Vec<u32> = line(row).iter().map(|&v| v.into()).collect();
            samples.extend(doubled(&own, 1, [1, 2]).take(width));
        } else if double && down.0 == 2 * down.1 {
            let other = if y % 2 == 0 { row.saturating_sub(1) } else { (row + 1).min(size.1 - 1) };
            let mixed = line(row).iter().zip(line(other)).map(|(&near, &far)| 3 * u32::from(near) + u32::from(far));
            samples.extend(doubled(&mixed.collect::<Vec<_>>(), 4, [8, 7]).take(width));
        } else {
            let line = line(row);
            samples.extend((0..width).map(|x| line[x * across.1 / across.0]));
        }
    }
    samples
}

/// Two samples of each, out of `unit` times the samples; what is added before rounding differs from left to right, so
/// that the picture as a whole becomes neither brighter nor darker.
fn doubled(line: &[u32], unit: u32, add: [u32; 2]) -> impl Iterator<Item = u16> {
    let last = line.len() - 1;
    line.iter().enumerate().flat_map(move |(x, &own)| {
        let mix = |other: u32, add: u32| ((3 * own + other + add) / (4 * unit)) as u16;
        [mix(line[x.saturating_sub(1)], add[0]), mix(line[(x + 1).min(last)], add[1])]
    })
}
