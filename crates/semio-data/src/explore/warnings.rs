//! What to look at before training, made from the numbers.

use super::{
    Exploration,
    facts::{Crosstab, Table, UNKNOWN},
    statistics::auc,
};

/// Fewer pictures of a class than this teach and judge little.
const FEW: usize = 50;
/// From this ratio of the largest to the smallest class on, accuracy says little.
const UNEVEN: f64 = 5.0;
/// From this area under the curve on, one number alone tells two classes apart.
const TELLING: f64 = 0.8;
/// From this association (Cramér's V) on, the source tells much of the class.
const CONFOUNDED: f64 = 0.5;

pub(super) fn of(found: &Exploration, table: &Table) -> Vec<String> {
    let mut warnings = vec![];
    if !found.unreadable.is_empty() {
        warnings.push(format!("{} cannot be read", counted(found.unreadable.len(), "file")));
    }
    leaks(found, &mut warnings);
    duplicates(found, &mut warnings);
    if found.patients.is_none() && found.leaks.is_some() {
        warnings.push("patients are unknown: whether the parts share some cannot be told".into());
    }
    classes(found, &mut warnings);
    sources(found, &mut warnings);
    brightness(table, &mut warnings);
    let burned_in = table.burned_in();
    if burned_in > 0 {
        warnings
            .push(format!("{} with text burned into the pixels, as the file says", counted(burned_in, "DICOM file")));
    }
    let first_frames = table.first_frames();
    if first_frames > 0 {
        let (files, have) = (counted(first_frames, "file"), if first_frames == 1 { "has" } else { "have" });
        warnings
            .push(format!("{files} {have} several frames, of which only the first was read: --frame all reads each"));
    }
    if !found.outliers.is_empty() {
        warnings.push(format!("{} unlike the rest of the class", counted(found.outliers.len(), "picture")));
    }
    warnings
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn leaks(found: &Exploration, warnings: &mut Vec<String>) {
    let Some(leaks) = &found.leaks else { return };
    if let Some(patients) = leaks.patients.filter(|&n| n > 0) {
        warnings.push(format!("{} with pictures in more than one part", counted(patients, "patient")));
    }
    for (split, part) in leaks.parts.iter().filter(|(_, part)| part.touched > 0) {
        warnings.push(format!(
            "{} of {} pictures of the {split} part ({:.1} %) are known to an earlier part by patient, duplicate or near \
             duplicate: figures on them are too good",
            part.touched,
            part.pictures,
            100.0 * part.share
        ));
    }
}

fn duplicates(found: &Exploration, warnings: &mut Vec<String>) {
    let found = &found.duplicates;
    if found.exact_surplus > 0 {
        warnings.push(format!("{} that repeat another one exactly", counted(found.exact_surplus, "picture")));
    }
    if found.near_groups > 0 {
        let (pictures, groups) = (counted(found.near_pictures, "picture"), counted(found.near_groups, "group"));
        warnings.push(format!("{pictures} in {groups} of nearly the same picture"));
    }
    if found.contradictory_groups > 0 {
        let groups = counted(found.contradictory_groups, "group");
        warnings.push(format!("{groups} of duplicates with different classes"));
    }
}

fn classes(found: &Exploration, warnings: &mut Vec<String>) {
    let few: Vec<String> =
        found.classes.iter().filter(|c| c.count < FEW).map(|c| format!("{} ({})", c.name, c.count)).collect();
    if !few.is_empty() {
        warnings.push(format!("classes with fewer than {FEW} pictures teach and judge little: {}", few.join("; ")));
    }
    let (Some(most), Some(least)) =
        (found.classes.iter().max_by_key(|c| c.count), found.classes.iter().min_by_key(|c| c.count))
    else {
        return;
    };
    let ratio = most.count as f64 / least.count as f64;
    if ratio >= UNEVEN {
        warnings.push(format!(
            "{} has {ratio:.1} times the pictures of {}: always saying {0} would be right in {:.0} %",
            most.name,
            least.name,
            100.0 * most.share
        ));
    }
}

fn sources(found: &Exploration, warnings: &mut Vec<String>) {
    let Some(table) = &found.by_source else { return };
    let v = cramers_v(table);
    if v >= CONFOUNDED {
        warnings.push(format!(
            "the source tells much of the class (Cramér's V {v:.2}): a network can learn the source's look in its place"
        ));
    }
    let known: Vec<&(String, Vec<usize>)> = table.rows.iter().filter(|(name, _)| name != UNKNOWN).collect();
    for (c, class) in table.classes.iter().enumerate() {
        let with: Vec<&&(String, Vec<usize>)> = known.iter().filter(|(_, counts)| counts[c] > 0).collect();
        if let [(name, counts)] = with[..]
            && known.len() > 1
            && counts.iter().filter(|&&n| n > 0).count() == 1
        {
            warnings.push(format!("all known pictures of {class} come from {name}, which holds no other class"));
        }
    }
}

fn brightness(table: &Table, warnings: &mut Vec<String>) {
    for (what, values) in
        [("brightness", table.values(|m| m.brightness, false)), ("contrast", table.values(|m| m.contrast, false))]
    {
        let groups: Vec<(&String, &Vec<f64>)> = values.iter().filter(|(_, values)| values.len() >= 10).collect();
        for (i, (a, first)) in groups.iter().enumerate() {
            for (b, second) in &groups[i + 1..] {
                let Some(area) = auc(first, second).map(|area| area.max(1.0 - area)) else { continue };
                if area >= TELLING {
                    warnings.push(format!(
                        "{what} alone tells {a} from {b} (area under the ROC curve {area:.2}): look whether that is the \
                         finding or the device"
                    ));
                }
            }
        }
    }
}

/// The association of two kinds of counts, 0 (none) to 1 (one tells the other); 0 where there is only one of either.
fn cramers_v(table: &Crosstab) -> f64 {
    let rows: Vec<f64> = table.rows.iter().map(|(_, counts)| counts.iter().sum::<usize>() as f64).collect();
    let columns: Vec<f64> = (0..table.classes.len())
        .map(|c| table.rows.iter().map(|(_, counts)| counts[c]).sum::<usize>() as f64)
        .collect();
    let n: f64 = rows.iter().sum();
    let least = rows.len().min(columns.len());
    if least < 2 || n == 0.0 {
        return 0.0;
    }
    let mut chi = 0.0;
    for ((_, counts), row) in table.rows.iter().zip(&rows) {
        for (&count, column) in counts.iter().zip(&columns) {
            let expected = row * column / n;
            if expected > 0.0 {
                chi += (count as f64 - expected).powi(2) / expected;
            }
        }
    }
    (chi / (n * (least as f64 - 1.0))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: &[[usize; 2]]) -> Crosstab {
        let rows = rows.iter().enumerate().map(|(i, row)| (i.to_string(), row.to_vec())).collect();
        Crosstab { classes: vec!["a".into(), "b".into()], rows }
    }

    #[test]
    fn association_of_counts() {
        // chi² = 75 · (10·15 − 20·30)² / (30·45·40·35) = 8.035714; V = √(chi² / 75)
        assert!((cramers_v(&table(&[[10, 20], [30, 15]])) - 0.327_327).abs() < 1e-6);
        assert!((cramers_v(&table(&[[9, 0], [0, 7]])) - 1.0).abs() < 1e-12);
        assert!(cramers_v(&table(&[[5, 5]])).abs() < 1e-12);
    }
}
