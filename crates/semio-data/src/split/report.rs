use std::fmt;

use super::groups::Grouped;

/// What one part of a split got.
#[derive(Clone, Debug, PartialEq)]
pub struct PartReport {
    /// Its name: train, val, test, or the number of the fold.
    pub name: String,
    /// The share of all pictures that it should get, 0 to 1; `None` where the source decided.
    pub wanted: Option<f64>,
    /// Its groups.
    pub groups: usize,
    /// Its pictures of each class, in the order of [`SplitReport::classes`].
    pub counts: Vec<usize>,
}

impl PartReport {
    /// All its pictures.
    pub fn samples(&self) -> usize {
        self.counts.iter().sum()
    }
}

/// The ratios that a split reached; shown as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitReport {
    /// The classes, sorted.
    pub classes: Vec<String>,
    /// The parts.
    pub parts: Vec<PartReport>,
    /// How many pictures have no group and count as a group each.
    pub ungrouped: usize,
}

impl SplitReport {
    /// Counts what each part got; `part_of` is the part of each group.
    pub(super) fn new(grouped: &Grouped, part_of: &[usize], parts: Vec<(String, Option<f64>)>) -> Self {
        let mut parts: Vec<PartReport> = parts
            .into_iter()
            .map(|(name, wanted)| PartReport { name, wanted, groups: 0, counts: vec![0; grouped.classes.len()] })
            .collect();
        for (group, &part) in grouped.groups.iter().zip(part_of) {
            parts[part].groups += 1;
            for &(class, count) in &group.counts {
                parts[part].counts[class] += count;
            }
        }
        parts.retain(|part| part.groups > 0 || part.wanted.is_some_and(|share| share > 0.0));
        Self { classes: grouped.classes.clone(), parts, ungrouped: grouped.ungrouped }
    }

    /// The parts that hold no picture of a class: (part, class).
    pub fn absent(&self) -> Vec<(&str, &str)> {
        let absent = |part: &'_ PartReport, class: usize| part.counts[class] == 0;
        self.parts
            .iter()
            .flat_map(|part| (0..self.classes.len()).map(move |class| (part, class)))
            .filter(|&(part, class)| absent(part, class))
            .map(|(part, class)| (part.name.as_str(), self.classes[class].as_str()))
            .collect()
    }
}

impl fmt::Display for SplitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let share = |count: usize, all: usize| if all == 0 { 0.0 } else { 100.0 * count as f64 / all as f64 };
        let all: usize = self.parts.iter().map(PartReport::samples).sum();
        let totals: Vec<usize> =
            (0..self.classes.len()).map(|class| self.parts.iter().map(|part| part.counts[class]).sum()).collect();
        let mut lines: Vec<Vec<String>> =
            vec![["part", "pictures", "reached", "wanted", "groups"].map(Into::into).into()];
        let named = |class: &String| if class.is_empty() { "(no label)".to_owned() } else { class.clone() };
        lines[0].extend(self.classes.iter().map(named));
        for part in &self.parts {
            let mut line = vec![
                part.name.clone(),
                part.samples().to_string(),
                format!("{:.1} %", share(part.samples(), all)),
                part.wanted.map_or("as given".to_owned(), |w| format!("{:.1} %", 100.0 * w)),
                part.groups.to_string(),
            ];
            let class_cell = |(&count, &total): (&usize, &usize)| format!("{count} ({:.1} %)", share(count, total));
            line.extend(part.counts.iter().zip(&totals).map(class_cell));
            lines.push(line);
        }
        for (i, line) in lines.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            for (column, cell) in line.iter().enumerate() {
                let width = lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default();
                if column == 0 { write!(f, "{cell:<width$}")? } else { write!(f, "  {cell:>width$}")? }
            }
        }
        if self.ungrouped > 0 {
            write!(f, "\n{} pictures have no group; each counts as a group of its own", self.ungrouped)?;
        }
        for (part, class) in self.absent() {
            write!(f, "\n{part} holds no picture of class '{class}'")?;
        }
        Ok(())
    }
}
