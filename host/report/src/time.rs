//! Moments, as a person reads them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Writes moments in one time zone.
#[derive(Debug, Clone)]
pub(crate) struct Clock(TimeZone);

impl Clock {
    pub(crate) fn new(zone: TimeZone) -> Self {
        Self(zone)
    }

    /// `2026-11-22 14:03:01,123`, as the logs of the reference have it.
    pub(crate) fn stamp(&self, time: f64) -> String {
        self.format(time, "%Y-%m-%d %H:%M:%S,%3f")
    }

    /// `2026-11-22 14:03:01 +0000`.
    pub(crate) fn date(&self, time: f64) -> String {
        self.format(time, "%Y-%m-%d %H:%M:%S %z")
    }

    fn format(&self, time: f64, format: &str) -> String {
        timestamp(time)
            .to_zoned(self.0.clone())
            .strftime(format)
            .to_string()
    }
}

/// The moment as RFC 3339 in UTC, to the millisecond.
pub(crate) fn rfc3339(time: f64) -> String {
    timestamp(time)
        .strftime("%Y-%m-%dT%H:%M:%S.%3fZ")
        .to_string()
}

/// A moment that is no moment (an event log can say anything) is taken for the epoch.
fn timestamp(time: f64) -> Timestamp {
    Timestamp::from_microsecond((time * 1e6).round() as i64).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// How long something took: `4.77 s`.
pub(crate) fn seconds(elapsed: f64) -> String {
    format!("{elapsed:.2} s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_in_the_zone() {
        let utc = Clock::new(TimeZone::UTC);
        assert_eq!(utc.stamp(1_795_356_181.123_456), "2026-11-22 14:03:01,123");
        let east = Clock::new(TimeZone::fixed(jiff::tz::offset(2)));
        assert_eq!(east.date(1_795_356_181.5), "2026-11-22 16:03:01 +0200");
        assert_eq!(rfc3339(1_795_356_181.5), "2026-11-22T14:03:01.500Z");
        assert_eq!(utc.stamp(f64::INFINITY), "1970-01-01 00:00:00,000");
        assert_eq!(utc.stamp(f64::NAN), "1970-01-01 00:00:00,000");
    }
}
