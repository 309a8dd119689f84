use crate::table::check_length;
use crate::{InputError, Metric, Undefined};

/// Whether the largest value of an attribution map lies inside the true region ("pointing game"; Zhang et al. 2018).
///
/// Of several largest values the first counts.
///
/// # Shapes
/// `map` and `region`: one entry a pixel, in the same order.
///
/// # Errors
/// Where there is no pixel, lengths differ, or a value is not finite.
pub fn points_inside(map: &[f64], region: &[bool]) -> Result<bool, InputError> {
    check_map(map, region)?;
    let highest = (1..map.len()).fold(0, |best, i| if map[i] > map[best] { i } else { best });
    Ok(region[highest])
}

/// The share of a map's positive attribution that lies inside a region.
///
/// # Errors
/// As [`points_inside`]; the share itself is undefined where nothing is positive.
pub fn share_inside(map: &[f64], region: &[bool]) -> Result<Metric, InputError> {
    check_map(map, region)?;
    let positive = || map.iter().zip(region).filter(|(v, _)| **v > 0.0);
    let all: f64 = positive().map(|(v, _)| v).sum();
    let inside: f64 = positive().filter(|(_, inside)| **inside).map(|(v, _)| v).sum();
    Ok(if all > 0.0 { Ok(inside / all) } else { Err(Undefined::NoVariation) })
}

/// The pixels in the order in which insertion shows and deletion hides them: the largest attribution first, equal ones in
/// the map's order.
pub fn pixel_order(map: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..map.len()).collect();
    order.sort_by(|&a, &b| map[b].total_cmp(&map[a]));
    order
}

/// The area under an insertion or deletion curve (Petsiuk, Das and Saenko, "RISE", 2018): trapezoids between
/// probabilities at equal steps, from nothing done to all pixels done.
///
/// More is better for insertion, less for deletion.
///
/// # Errors
/// Where there are fewer than two probabilities, or one is not finite.
pub fn step_area(probabilities: &[f64]) -> Result<f64, InputError> {
    if probabilities.len() < 2 {
        return Err(InputError::TooFew { what: "steps", needed: 2, got: probabilities.len() });
    }
    if let Some(row) = probabilities.iter().position(|p| !p.is_finite()) {
        return Err(InputError::NotFinite { row, column: 0 });
    }
    let sum: f64 = probabilities.windows(2).map(|pair| f64::midpoint(pair[0], pair[1])).sum();
    Ok(sum / (probabilities.len() - 1) as f64)
}

fn check_map(map: &[f64], region: &[bool]) -> Result<(), InputError> {
    check_length("region", map.len(), region.len())?;
    if map.is_empty() {
        return Err(InputError::Empty);
    }
    match map.iter().position(|v| !v.is_finite()) {
        Some(row) => Err(InputError::NotFinite { row, column: 0 }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_point_where_they_are_largest() {
        let (map, region) = ([0.1, 0.7, -3.0, 0.2], [false, true, true, false]);
        assert_eq!(points_inside(&map, &region), Ok(true));
        assert_eq!(points_inside(&[0.9, 0.7, 0.0, 0.0], &region), Ok(false));
        let share = share_inside(&map, &region).expect("a map").expect("positive values");
        assert!((share - 0.7).abs() < 1e-12, "{share}");
        assert_eq!(share_inside(&[0.0; 4], &region), Ok(Err(Undefined::NoVariation)));
        assert_eq!(pixel_order(&map), [1, 3, 0, 2]);
        assert!(points_inside(&map, &region[1..]).is_err());
    }

    #[test]
    fn areas_are_those_of_the_trapezoidal_rule() {
        // numpy.trapezoid([0, 0.5, 1, 1], dx=1/3)
        assert!((step_area(&[0.0, 0.5, 1.0, 1.0]).expect("four steps") - 2.0 / 3.0).abs() < 1e-12);
        assert!(step_area(&[1.0]).is_err());
    }
}
