//! Instants and durations on the wire.

use jiff::{SignedDuration, Timestamp};

use crate::grpc::violation::{Rule, Violations};

/// An instant as the wire has it.
pub(crate) fn timestamp(instant: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = (instant.as_second(), instant.subsec_nanosecond());
    // Before 1970 jiff counts the fraction backwards, the wire always forwards.
    if nanos < 0 {
        prost_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 }
    } else {
        prost_types::Timestamp { seconds, nanos }
    }
}

/// An instant that the wire has; one outside the years -9999 to 9999, or with a fraction that is none, breaks a rule.
pub(crate) fn instant(
    given: Option<prost_types::Timestamp>,
    field: &'static str,
    violations: &mut Violations,
) -> Option<Timestamp> {
    let prost_types::Timestamp { seconds, nanos } = given?;
    let parsed = Timestamp::new(seconds, nanos).ok().filter(|_| (0..1_000_000_000).contains(&nanos));
    if parsed.is_none() {
        violations.add(field, Rule::InvalidValue, "not an instant that a Timestamp can hold");
    }
    parsed
}

/// A duration as the wire has it.
pub(super) fn duration(duration: SignedDuration) -> prost_types::Duration {
    prost_types::Duration { seconds: duration.as_secs(), nanos: duration.subsec_nanos() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(seconds: i64, nanos: i32, valid: bool) {
        let mut violations = Violations::default();
        let given = prost_types::Timestamp { seconds, nanos };
        let parsed = instant(Some(given), "source_update_time", &mut violations);
        assert_eq!(parsed.map(timestamp), valid.then_some(given), "{seconds}.{nanos}");
        assert_eq!(violations.is_empty(), valid);
    }

    #[test]
    fn instants_survive_the_way_there_and_back_and_absurd_ones_are_refused() {
        check(0, 0, true);
        check(1_700_000_000, 999_999_999, true);
        check(-1, 500_000_000, true);
        check(-62_135_596_800, 0, true);
        check(i64::MAX, 0, false);
        check(i64::MIN, 0, false);
        check(0, -1, false);
        check(0, 1_000_000_000, false);
    }
}
