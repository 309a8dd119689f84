/// How much each place speaks for a class, row by row; 0 is nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 0 or greater, not scaled: maps of different pictures can be compared.
    pub values: Vec<f32>,
}

impl Map {
    /// The largest value; none where no place speaks for the class.
    pub fn peak(&self) -> Option<f32> {
        Some(self.values.iter().copied().fold(0.0, f32::max)).filter(|peak| *peak > 0.0 && peak.is_finite())
    }

    /// The place of the largest value, as shares of width and height.
    pub fn peak_at(&self) -> Option<[f64; 2]> {
        let peak = self.peak()?;
        let place = self.values.iter().position(|v| *v >= peak)?;
        let share = |at: usize, side: usize| (at as f64 + 0.5) / side as f64;
        Some([share(place % self.width, self.width), share(place / self.width, self.height)])
    }

    /// The map between 0 and 1; all 0 where no place speaks for the class.
    #[must_use]
    pub fn scaled(&self) -> Self {
        let factor = self.peak().map_or(0.0, |peak| 1.0 / peak);
        Self { values: self.values.iter().map(|v| v * factor).collect(), ..*self }
    }

    /// The value at a place, straight between the pixels' centres; beyond them that of the nearest one.
    ///
    /// `x` and `y` are in this map's pixels, with 0 at the upper left corner.
    pub fn at(&self, x: f64, y: f64) -> f32 {
        let between = |at: f64, side: usize| {
            let at = (at - 0.5).clamp(0.0, (side - 1) as f64);
            let below = at.floor() as usize;
            (below, (below + 1).min(side - 1), (at - below as f64) as f32)
        };
        let ((left, right, dx), (up, down, dy)) = (between(x, self.width), between(y, self.height));
        let value = |x: usize, y: usize| self.values[y * self.width + x];
        let row = |y: usize| value(left, y) * (1.0 - dx) + value(right, y) * dx;
        row(up) * (1.0 - dy) + row(down) * dy
    }

    /// The map at another size.
    #[must_use]
    pub fn resized(&self, width: usize, height: usize) -> Self {
        let x = |i: usize| (i as f64 + 0.5) * self.width as f64 / width as f64;
        let y = |i: usize| (i as f64 + 0.5) * self.height as f64 / height as f64;
        let values = (0..height).flat_map(|row| (0..width).map(move |column| (column, row)));
        Self { width, height, values: values.map(|(column, row)| self.at(x(column), y(row))).collect() }
    }

    /// The share of the map that lies where `inside` says so; none where the map is empty.
    ///
    /// # Panics
    /// Where `inside` has not one entry a value.
    pub fn share(&self, inside: &[bool]) -> Option<f64> {
        assert_eq!(inside.len(), self.values.len(), "one entry a value");
        self.peak()?;
        let sum = |only: bool| -> f64 {
            self.values.iter().zip(inside).filter(|(_, i)| **i || !only).map(|(v, _)| f64::from(*v)).sum()
        };
        Some(sum(true) / sum(false))
    }
}

/// Spearman's correlation of two maps' values; none where one of them is constant.
pub(crate) fn rank_correlation(a: &[f32], b: &[f32]) -> Option<f64> {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let sum = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    let below = (sum(&a, &a) * sum(&b, &b)).sqrt();
    (below > 0.0).then(|| sum(&a, &b) / below)
}

/// Ranks from 0; equal values share the mean of theirs.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for tied in order.chunk_by(|&i, &j| values[i].total_cmp(&values[j]).is_eq()) {
        let rank = first as f64 + (tied.len() as f64 - 1.0) / 2.0;
        for &i in tied {
            ranks[i] = rank;
        }
        first += tied.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(width: usize, values: &[f32]) -> Map {
        Map { width, height: values.len() / width, values: values.to_vec() }
    }

    #[test]
    fn a_larger_map_runs_straight_between_the_centres() {
        let large = map(2, &[0.0, 1.0]).resized(4, 2);
        assert_eq!(large.values, [0.0, 0.25, 0.75, 1.0, 0.0, 0.25, 0.75, 1.0]);
        let same = map(3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(same.resized(3, 2), same);
    }

    #[test]
    fn an_empty_map_stays_empty() {
        let nothing = map(2, &[0.0; 4]);
        assert_eq!((nothing.peak_at(), nothing.share(&[true; 4])), (None, None));
        assert_eq!(nothing.scaled(), nothing);
        let map = map(2, &[0.0, 4.0, 1.0, 3.0]);
        assert_eq!(map.scaled().values, [0.0, 1.0, 0.25, 0.75]);
        assert_eq!((map.peak_at(), map.share(&[true, true, false, false])), (Some([0.75, 0.25]), Some(0.5)));
    }

    #[test]
    fn ranks_correlate_as_scipy_says() {
        // scipy.stats.spearmanr([1, 2, 2, 4, 5], [2, 1, 3, 3, 9])
        let rho = rank_correlation(&[1.0, 2.0, 2.0, 4.0, 5.0], &[2.0, 1.0, 3.0, 3.0, 9.0]).expect("is defined");
        assert!((rho - 0.763_157_894_736_842).abs() < 1e-12, "{rho}");
        assert_eq!(rank_correlation(&[1.0, 1.0], &[1.0, 2.0]), None);
    }
}
