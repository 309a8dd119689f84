/// One step of Runge and Kutta's rule of fourth order; `slope` is asked at times after the step's beginning.
pub(super) fn step<const N: usize>(y: [f64; N], length: f64, slope: impl Fn(f64, [f64; N]) -> [f64; N]) -> [f64; N] {
    let along = |k: &[f64; N], by: f64| std::array::from_fn(|i| y[i] + by * k[i]);
    let half = length / 2.0;
    let k1 = slope(0.0, y);
    let k2 = slope(half, along(&k1, half));
    let k3 = slope(half, along(&k2, half));
    let k4 = slope(length, along(&k3, length));
    std::array::from_fn(|i| y[i] + length / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_of_fourth_order() {
        let error = |steps: u32| {
            let length = 1.0 / f64::from(steps);
            let end = (0..steps).fold([1.0], |y, i| step(y, length, |s, [v]| [v * (f64::from(i) * length + s)]));
            (end[0] - 0.5f64.exp()).abs()
        };
        let ratio = error(10) / error(20);
        assert!((13.0..19.0).contains(&ratio), "{ratio}");
    }
}
