//! Times and days.

use chrono::{DateTime, Local, NaiveDate, Utc};

/// Milliseconds of a minute.
pub(crate) const MINUTE: i64 = 60_000;

/// Milliseconds of an hour.
pub(crate) const HOUR: i64 = 60 * MINUTE;

/// Now, in milliseconds since 1970 UTC.
pub(crate) fn now() -> i64 {
    Utc::now().timestamp_millis()
}

/// Today where the server stands.
pub(crate) fn today() -> NaiveDate {
    Local::now().date_naive()
}

/// The time of some milliseconds since 1970 UTC.
pub(crate) fn time(at: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at).unwrap_or_default()
}

/// The same where the server stands, with the zone's distance from UTC in words: `UTC+1`.
pub(crate) fn local(at: i64) -> (DateTime<Local>, String) {
    let local = time(at).with_timezone(&Local);
    let minutes = local.offset().local_minus_utc() / 60;
    let sign = if minutes < 0 { '\u{2212}' } else { '+' };
    let zone = match (minutes.abs() / 60, minutes.abs() % 60) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{sign}{hours}"),
        (hours, minutes) => format!("UTC{sign}{hours}:{minutes:02}"),
    };
    (local, zone)
}

/// Whole years from a day to another.
pub(crate) fn years(from: NaiveDate, to: NaiveDate) -> u32 {
    to.years_since(from).unwrap_or(0)
}
