use std::fmt;

use super::{DicomFile, Tag};

/// What a file says about patient, exposure and device, read tolerantly; what cannot be understood is absent.
///
/// `name`, `id`, `birth_date` and the numbers of study and object say who the patient is: they are for the record, never for a log, a message or a file
/// that leaves the clinic. `Debug` leaves them out.
#[derive(Clone, PartialEq)]
pub struct Attributes {
    /// Patient's Name (0010,0010), decoded; its components are parted by `^`, its spellings by `=`.
    pub name: Option<String>,
    /// Patient ID (0010,0020).
    pub id: Option<String>,
    /// Patient's Birth Date (0010,0030) as year, month, day.
    pub birth_date: Option<(u16, u8, u8)>,
    /// Patient's Sex (0010,0040).
    pub sex: Option<Sex>,
    /// Patient's Age (0010,1010).
    pub age: Option<Age>,
    /// SOP Instance UID (0008,0018): this object and no other.
    pub instance_uid: Option<String>,
    /// Study Instance UID (0020,000D).
    pub study_uid: Option<String>,
    /// Accession Number (0008,0050).
    pub accession: Option<String>,
    /// Acquisition Date (0008,0022), or Study Date (0008,0020), as year, month, day.
    pub taken_on: Option<(u16, u8, u8)>,
    /// Study Description (0008,1030).
    pub study_description: Option<String>,
    /// Modality (0008,0060), for example `CR`.
    pub modality: Option<String>,
    /// SOP Class UID (0008,0016): the kind of object.
    pub sop_class: Option<String>,
    /// Manufacturer (0008,0070).
    pub manufacturer: Option<String>,
    /// Manufacturer's Model Name (0008,1090).
    pub model: Option<String>,
    /// Body Part Examined (0018,0015).
    pub body_part: Option<String>,
    /// View Position (0018,5101), for example `PA`.
    pub view: Option<String>,
    /// Image Laterality (0020,0062), or Laterality (0020,0060): `L`, `R`, `U` (unpaired) or `B` (both).
    pub laterality: Option<char>,
    /// Patient Orientation (0020,0020): the directions of rows and columns, for example `L\F`.
    pub orientation: Option<String>,
    /// How far pixels lie from each other.
    pub spacing: Option<Spacing>,
    /// Burned In Annotation (0028,0301): whether the pixels say who the patient is.
    pub burned_in: Option<bool>,
    /// Lossy Image Compression (0028,2110): whether the pixels ever went through a lossy one.
    pub lossy: Option<bool>,
    /// Rescale Type (0028,1054): the unit of the values, for example `HU`.
    pub unit: Option<String>,
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attributes").field("modality", &self.modality).finish_non_exhaustive()
    }
}

/// Patient's Sex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// `M`.
    Male,
    /// `F`.
    Female,
    /// `O`.
    Other,
}

impl Sex {
    /// DICOM's letter.
    pub const fn letter(self) -> char {
        match self {
            Self::Male => 'M',
            Self::Female => 'F',
            Self::Other => 'O',
        }
    }
}

/// Patient's Age, with the unit in which the file gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    /// How many.
    pub count: u16,
    /// `D` days, `W` weeks, `M` months or `Y` years.
    pub unit: char,
}

impl Age {
    /// The age in years.
    pub fn years(self) -> f64 {
        let per_year = match self.unit {
            'D' => 365.25,
            'W' => 365.25 / 7.0,
            'M' => 12.0,
            _ => 1.0,
        };
        f64::from(self.count) / per_year
    }

    /// Reads `051Y`, and what is meant by `51`, `51 Y` or `51y`; a number without a unit counts years.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        let (digits, unit) = match text.chars().next_back()? {
            unit @ ('D' | 'W' | 'M' | 'Y') => (text[..text.len() - 1].trim(), unit),
            _ => (text.as_str(), 'Y'),
        };
        let count: u16 = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
        let age = Self { count, unit };
        (age.years() <= 150.0).then_some(age)
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}{}", self.count, self.unit)
    }
}

/// How far pixels lie from each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spacing {
    /// Millimetres from row to row and from column to column.
    pub mm: (f64, f64),
    /// Whether this is the distance in the patient. Otherwise it is that on the detector, where things are magnified.
    pub in_patient: bool,
}

impl DicomFile<'_> {
    /// What the file says about patient, exposure and device.
    pub fn attributes(&self) -> Attributes {
        let text = |tag| self.text(tag);
        let yes = |tag| match text(tag)?.as_str() {
            "YES" | "01" | "1" => Some(true),
            "NO" | "00" | "0" => Some(false),
            _ => None,
        };
        let laterality = text(Tag::IMAGE_LATERALITY).or_else(|| text(Tag::LATERALITY));
        Attributes {
            name: text(Tag::PATIENT_NAME),
            id: text(Tag::PATIENT_ID),
            birth_date: text(Tag::BIRTH_DATE).and_then(|t| date(&t)),
            sex: text(Tag::SEX).and_then(|t| match t.to_ascii_uppercase().as_str() {
                "M" | "MALE" => Some(Sex::Male),
                "F" | "FEMALE" | "W" => Some(Sex::Female),
                "O" | "OTHER" => Some(Sex::Other),
                _ => None,
            }),
            age: text(Tag::AGE).and_then(|t| Age::of(&t)),
            instance_uid: text(Tag::SOP_INSTANCE),
            study_uid: text(Tag::STUDY_INSTANCE),
            accession: text(Tag::ACCESSION),
            taken_on: [Tag::ACQUISITION_DATE, Tag::STUDY_DATE].into_iter().find_map(|tag| date(&text(tag)?)),
            study_description: text(Tag::STUDY_DESCRIPTION),
            modality: text(Tag::MODALITY),
            sop_class: text(Tag::SOP_CLASS),
            manufacturer: text(Tag::MANUFACTURER),
            model: text(Tag::MODEL),
            body_part: text(Tag::BODY_PART),
            view: text(Tag::VIEW_POSITION),
            laterality: laterality.and_then(|l| l.chars().next().filter(|l| matches!(l, 'L' | 'R' | 'U' | 'B'))),
            orientation: text(Tag::ORIENTATION),
            spacing: self.spacing(),
            burned_in: yes(Tag::BURNED_IN),
            lossy: yes(Tag::LOSSY),
            unit: text(Tag::RESCALE_TYPE),
        }
    }

    fn spacing(&self) -> Option<Spacing> {
        let of = |numbers: Vec<f64>, in_patient| match numbers.as_slice() {
            [row, column, ..] if *row > 0.0 && *column > 0.0 => Some(Spacing { mm: (*row, *column), in_patient }),
            _ => None,
        };
        let measures = self.group(0, Tag::PIXEL_MEASURES);
        of(self.numbers(&self.data, Tag::PIXEL_SPACING), true)
            .or_else(|| of(self.numbers(measures?, Tag::PIXEL_SPACING), true))
            .or_else(|| of(self.numbers(&self.data, Tag::IMAGER_SPACING), false))
    }
}

/// Reads `19700131`, and the older `1970.01.31`, also with other signs between.
fn date(text: &str) -> Option<(u16, u8, u8)> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 8 {
        return None;
    }
    let (year, month, day) = (digits[..4].parse().ok()?, digits[4..6].parse().ok()?, digits[6..8].parse().ok()?);
    ((1..=12).contains(&month) && (1..=31).contains(&day)).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_as_they_are_meant() {
        let years = |text| Age::of(text).map(|age| (age.years() * 100.0).round() / 100.0);
        assert_eq!([years("051Y"), years("51"), years(" 51 y "), years("51Y")], [Some(51.0); 4]);
        assert_eq!((years("006M"), years("013W"), years("010D")), (Some(0.5), Some(0.25), Some(0.03)));
        assert_eq!([years(""), years("Y"), years("old"), years("-5Y"), years("999Y"), years("5é")], [None; 6]);
        assert_eq!(Age::of("51").map(|a| a.to_string()).as_deref(), Some("051Y"));
    }

    #[test]
    fn dates_of_the_old_form_are_read() {
        assert_eq!([date("19700131"), date("1970.01.31"), date("1970-01-31")], [Some((1970, 1, 31)); 3]);
        assert_eq!([date("1970"), date("19701331"), date("")], [None; 3]);
    }
}
