//! Times and days.

use chrono::{DateTime, NaiveDate, Utc};

/// Milliseconds of a minute.
pub(crate) const MINUTE: i64 = 60_000;

/// Now, in milliseconds since 1970 UTC.
pub(crate) fn now() -> i64 {
    Utc::now().timestamp_millis()
}

/// Today in UTC.
pub(crate) fn today() -> NaiveDate {
    Utc::now().date_naive()
}

/// The time of some milliseconds since 1970 UTC.
pub(crate) fn time(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at).unwrap_or_default()
}

/// Whole years from a day to another.
pub(crate) fn years(from: NaiveDate, to: NaiveDate) -> u32 {
    to.years_since(from).unwrap_or(0)
}
