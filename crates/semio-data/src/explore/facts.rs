//! Counts of all kinds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use super::{measure::Measured, statistics::Spread};
use crate::manifest::{Sample, Split};

/// How often something occurs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Count {
    /// What.
    pub name: String,
    /// How often.
    pub count: usize,
    /// Its share of all, 0 to 1.
    pub share: f64,
}

/// How often a picture has these sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SizeCount {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How often.
    pub count: usize,
}

/// Classes against something else.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Crosstab {
    /// The classes, in order.
    pub classes: Vec<String>,
    /// What they are counted by, with one count a class.
    pub rows: Vec<(String, Vec<usize>)>,
}

/// Ages in tens of years.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ages {
    /// Pictures with an age.
    pub known: usize,
    /// Pictures without one.
    pub unknown: usize,
    /// First year of each ten, and pictures of women, men and others.
    pub tens: Vec<(u32, [usize; 3])>,
    /// Where the ages of each class lie, in years.
    pub by_class: BTreeMap<String, Spread>,
}

/// Empty values of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Missing {
    /// The column, or the DICOM attribute.
    pub column: String,
    /// Pictures without a value.
    pub count: usize,
    /// Their share, 0 to 1.
    pub share: f64,
}

pub(super) const UNKNOWN: &str = "unknown";
const SOURCES: [&str; 8] = ["source", "site", "hospital", "dataset", "origin", "institution", "center", "url"];
const SEXES: [&str; 4] = ["sex", "gender", "patient_sex", "patient_gender"];
const AGES: [&str; 3] = ["age", "patient_age", "age_years"];
const VIEWS: [&str; 3] = ["view", "view_position", "projection"];

/// Samples, what their table says and what was measured.
pub(super) struct Table<'a> {
    samples: &'a [Sample],
    columns: &'a [String],
    measured: &'a [Result<Measured, String>],
    source: Option<usize>,
    sex: Option<usize>,
    age: Option<usize>,
    view: Option<usize>,
}

impl<'a> Table<'a> {
    pub(super) fn new(
        samples: &'a [Sample],
        columns: &'a [String],
        measured: &'a [Result<Measured, String>],
        source: Option<&str>,
    ) -> Self {
        let seek = |names: &[&str]| columns.iter().position(|c| names.contains(&&*c.to_lowercase()));
        let source = match source {
            Some(name) => columns.iter().position(|c| c == name),
            None => seek(&SOURCES),
        };
        Self { samples, columns, measured, source, sex: seek(&SEXES), age: seek(&AGES), view: seek(&VIEWS) }
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    fn label(&self, i: usize) -> &str {
        self.samples[i].label.as_deref().unwrap_or("without a class")
    }

    fn cell(&self, i: usize, column: Option<usize>) -> Option<&str> {
        self.samples[i].extra.get(column?).map(|v| v.trim()).filter(|v| !v.is_empty())
    }

    fn measured(&self, i: usize) -> Option<&Measured> {
        self.measured[i].as_ref().ok()
    }

    /// Where a picture comes from: the host of an address, a column's value, or the device's manufacturer.
    fn source(&self, i: usize) -> Option<&str> {
        if self.source.is_some() {
            return self.cell(i, self.source).map(host);
        }
        self.measured(i)?.manufacturer.as_deref()
    }

    fn sex_of(&self, i: usize) -> Option<char> {
        let told = self.cell(i, self.sex).and_then(|v| match v.to_lowercase().as_str() {
            "m" | "male" | "man" | "h" | "homme" => Some('M'),
            "f" | "female" | "woman" | "femme" => Some('F'),
            "o" | "other" => Some('O'),
            _ => None,
        });
        told.or_else(|| self.measured(i)?.sex)
    }

    fn age_of(&self, i: usize) -> Option<f64> {
        let told = self.cell(i, self.age).and_then(|v| v.trim_end_matches(['Y', 'y']).parse::<f64>().ok());
        told.or_else(|| self.measured(i)?.age.map(f64::from)).filter(|age| (0.0..=130.0).contains(age))
    }

    fn view_of(&self, i: usize) -> Option<&str> {
        self.cell(i, self.view).or_else(|| self.measured(i)?.view.as_deref())
    }

    pub(super) fn patients(&self) -> Option<usize> {
        let groups: BTreeSet<&str> = self.samples.iter().filter_map(|s| s.group.as_deref()).collect();
        (!groups.is_empty()).then_some(groups.len())
    }

    pub(super) fn class_names(&self) -> Vec<String> {
        let names: BTreeSet<&str> = (0..self.len()).map(|i| self.label(i)).collect();
        names.into_iter().map(String::from).collect()
    }

    pub(super) fn classes(&self) -> Vec<Count> {
        counted((0..self.len()).map(|i| self.label(i).to_owned()), true)
    }

    pub(super) fn counts(&self, of: impl Fn(&Measured) -> String) -> Vec<Count> {
        counted((0..self.len()).filter_map(|i| self.measured(i)).map(of), false)
    }

    fn crosstab<'s>(&'s self, of: impl Fn(usize) -> &'s str) -> Crosstab {
        let classes = self.class_names();
        let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for i in 0..self.len() {
            let class = classes.iter().position(|c| c == self.label(i)).unwrap_or_default();
            rows.entry(of(i)).or_insert_with(|| vec![0; classes.len()])[class] += 1;
        }
        Crosstab { classes, rows: rows.into_iter().map(|(name, counts)| (name.to_owned(), counts)).collect() }
    }

    pub(super) fn by_split(&self) -> Option<Crosstab> {
        let has = self.samples.iter().any(|s| s.split.is_some());
        let mut table = has.then(|| self.crosstab(|i| self.samples[i].split.map_or("no part", Split::name)))?;
        let order = |name: &str| Split::from_name(name).map_or(3, |split| split as usize);
        table.rows.sort_by_key(|(name, _)| order(name));
        Some(table)
    }

    pub(super) fn by_source(&self) -> Option<Crosstab> {
        let has = (0..self.len()).any(|i| self.source(i).is_some());
        has.then(|| folded(self.crosstab(|i| self.source(i).unwrap_or(UNKNOWN))))
    }

    pub(super) fn sex(&self) -> Option<Crosstab> {
        let name = |i| match self.sex_of(i) {
            Some('F') => "F",
            Some('M') => "M",
            Some(_) => "O",
            None => UNKNOWN,
        };
        (0..self.len()).any(|i| self.sex_of(i).is_some()).then(|| self.crosstab(name))
    }

    pub(super) fn views(&self) -> Option<Crosstab> {
        let has = (0..self.len()).any(|i| self.view_of(i).is_some());
        has.then(|| folded(self.crosstab(|i| self.view_of(i).unwrap_or(UNKNOWN))))
    }

    pub(super) fn ages(&self) -> Option<Ages> {
        let mut tens: BTreeMap<u32, [usize; 3]> = BTreeMap::new();
        let mut by_class: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        let mut known = 0;
        for i in 0..self.len() {
            let Some(age) = self.age_of(i) else { continue };
            known += 1;
            let sex = match self.sex_of(i) {
                Some('F') => 0,
                Some('M') => 1,
                _ => 2,
            };
            tens.entry(age as u32 / 10 * 10).or_default()[sex] += 1;
            by_class.entry(self.label(i).to_owned()).or_default().push(age);
        }
        let (first, last) = (*tens.keys().next()?, *tens.keys().last()?);
        let tens = (first..=last).step_by(10).map(|ten| (ten, tens.get(&ten).copied().unwrap_or_default())).collect();
        let by_class = by_class.into_iter().filter_map(|(class, ages)| Some((class, Spread::of(ages)?))).collect();
        Some(Ages { known, unknown: self.len() - known, tens, by_class })
    }

    pub(super) fn sizes(&self) -> Vec<SizeCount> {
        let mut sizes: HashMap<(u32, u32), usize> = HashMap::new();
        for m in (0..self.len()).filter_map(|i| self.measured(i)) {
            *sizes.entry((m.width, m.height)).or_default() += 1;
        }
        let mut sizes: Vec<SizeCount> =
            sizes.into_iter().map(|((width, height), count)| SizeCount { width, height, count }).collect();
        sizes.sort_unstable_by_key(|s| (std::cmp::Reverse(s.count), s.width, s.height));
        sizes
    }

    /// A measure's values in each class or source.
    pub(super) fn values(&self, of: impl Fn(&Measured) -> f32, by_source: bool) -> BTreeMap<String, Vec<f64>> {
        let mut groups: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for i in 0..self.len() {
            let Some(measured) = self.measured(i) else { continue };
            let group = if by_source { self.source(i).unwrap_or(UNKNOWN) } else { self.label(i) };
            groups.entry(group.to_owned()).or_default().push(f64::from(of(measured)));
        }
        groups
    }

    pub(super) fn spreads(&self, of: impl Fn(&Measured) -> f32, by_source: bool) -> BTreeMap<String, Spread> {
        let mut groups = self.values(of, by_source);
        if by_source {
            if groups.keys().eq([UNKNOWN]) {
                return BTreeMap::new();
            }
            while groups.len() > SHOWN {
                let Some(smallest) = groups.iter().min_by_key(|(_, v)| v.len()).map(|(name, _)| name.clone()) else {
                    break;
                };
                groups.remove(&smallest);
            }
        }
        groups.into_iter().filter_map(|(group, values)| Some((group, Spread::of(values)?))).collect()
    }

    pub(super) fn missing(&self) -> Vec<Missing> {
        let all = self.len();
        let mut missing: Vec<(String, usize)> = vec![];
        let mut note = |column: &str, count: usize| missing.push((column.to_owned(), count));
        let has = |of: fn(&Sample) -> bool| self.samples.iter().filter(|s| of(s)).count();
        note("label", all - has(|s| s.label.is_some()));
        for (column, present) in [
            ("split", has(|s| s.split.is_some())),
            ("group", has(|s| s.group.is_some())),
            ("mask", has(|s| s.mask.is_some())),
        ] {
            if present > 0 {
                note(column, all - present);
            }
        }
        for (place, column) in self.columns.iter().enumerate() {
            note(column, (0..all).filter(|&i| self.cell(i, Some(place)).is_none()).count());
        }
        let dicom: Vec<&Measured> = (0..all).filter_map(|i| self.measured(i)).filter(|m| m.format == "DICOM").collect();
        if !dicom.is_empty() {
            note("DICOM: PatientSex", dicom.iter().filter(|m| m.sex.is_none()).count());
            note("DICOM: PatientAge", dicom.iter().filter(|m| m.age.is_none()).count());
            note("DICOM: ViewPosition", dicom.iter().filter(|m| m.view.is_none()).count());
            note("DICOM: Manufacturer", dicom.iter().filter(|m| m.manufacturer.is_none()).count());
        }
        let share = |count: usize| if all == 0 { 0.0 } else { count as f64 / all as f64 };
        missing.into_iter().map(|(column, count)| Missing { column, count, share: share(count) }).collect()
    }

    /// Pictures whose file says that text is burned in.
    pub(super) fn burned_in(&self) -> usize {
        (0..self.len()).filter_map(|i| self.measured(i)).filter(|m| m.burned_in).count()
    }

    /// Files with several frames of which the first was read because none is named.
    pub(super) fn first_frames(&self) -> usize {
        (0..self.len()).filter_map(|i| self.measured(i)).filter(|m| m.first_of_several).count()
    }
}

/// Rows of a table that are shown at most; the smallest are added up.
const SHOWN: usize = 20;

fn folded(mut table: Crosstab) -> Crosstab {
    if table.rows.len() > SHOWN {
        table.rows.sort_by_key(|(name, counts)| (std::cmp::Reverse(counts.iter().sum::<usize>()), name.clone()));
        let rest = table.rows.split_off(SHOWN - 1);
        let sums = (0..table.classes.len()).map(|c| rest.iter().map(|(_, counts)| counts[c]).sum()).collect();
        table.rows.push((format!("{} others", rest.len()), sums));
    }
    table
}

fn counted(names: impl Iterator<Item = String>, by_name: bool) -> Vec<Count> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    let all: usize = counts.values().sum();
    let mut counts: Vec<Count> =
        counts.into_iter().map(|(name, count)| Count { name, count, share: count as f64 / all as f64 }).collect();
    if !by_name {
        counts.sort_by_key(|count| std::cmp::Reverse(count.count));
    }
    counts
}

/// The host of an address; other words stay.
fn host(text: &str) -> &str {
    let address = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    address.map_or(text, |rest| rest.split('/').next().unwrap_or(rest))
}
