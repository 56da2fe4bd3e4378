//! Hosts that met so much at once that they stand for many: gateways. What one of them met says nothing of what one machine did.

use std::collections::BTreeMap;
use std::time::Duration;

use varde_common::time::Timestamp;

use crate::strand::{Span, Topic};

/// A member's host, in earnest or in exercises: what is practised with makes no host a gateway, and the other way round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host {
    /// Whose.
    pub member: i64,
    /// Which.
    pub name: String,
    /// In exercises.
    pub exercise: bool,
}

/// Hosts that a guard has tripped over, each with whether that stands: a person may have said no, and then it joins what it meets and
/// trips no more.
pub type Gateways = BTreeMap<Host, bool>;

/// Whether there is a moment from which on so long, both ends included, more than `most` different topics were met. It can only come to
/// be so as alerts come and grow, so it does not matter in which order they do.
pub fn is_one<'a>(met: impl Iterator<Item = (&'a Topic, Span)>, within: Duration, most: usize) -> bool {
    // A window meets an alert where it begins no earlier than so long before that, and no later than its end.
    let mut steps: Vec<(Timestamp, bool, &Topic)> = Vec::new();
    for (topic, span) in met {
        steps.push((span.first.minus(within), false, topic));
        steps.push((span.last, true, topic));
    }
    steps.sort_unstable();
    let mut open: BTreeMap<&Topic, usize> = BTreeMap::new();
    for (_, ends, topic) in steps {
        if ends {
            match open.get_mut(topic) {
                Some(count) if *count > 1 => *count -= 1,
                Some(_) | None => drop(open.remove(topic)),
            }
        } else {
            *open.entry(topic).or_default() += 1;
            if open.len() > most {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strand::Link;

    const HOUR: i64 = 3_600_000_000;

    fn is_over_two(met: &[(i64, i64, i64)]) -> bool {
        let met: Vec<(Topic, Span)> = met
            .iter()
            .map(|(indicator, first, last)| {
                let topic = Topic { link: Link::of(*indicator, None), exercise: false };
                (topic, Span::new(Timestamp(first * HOUR), Timestamp(last * HOUR)))
            })
            .collect();
        is_one(met.iter().map(|(topic, span)| (topic, *span)), Duration::from_secs(24 * 3_600), 2)
    }

    #[test]
    fn c7_more_topics_than_that_within_a_day_make_a_gateway_and_the_same_ones_again_do_not() {
        assert!(!is_over_two(&[(1, 0, 0), (2, 1, 1), (1, 2, 2), (2, 3, 3)]));
        assert!(is_over_two(&[(1, 0, 0), (2, 1, 1), (3, 2, 2)]));
        assert!(is_over_two(&[(1, 0, 0), (3, 24, 24), (2, 12, 13)]), "both ends are within");
        assert!(!is_over_two(&[(1, 0, 0), (2, 12, 13), (3, 25, 25)]), "a day and an hour");
        assert!(is_over_two(&[(1, 0, 2), (2, 12, 13), (3, 25, 25)]), "one that lasted until then");
        assert!(!is_over_two(&[(1, 0, 9), (1, 5, 40), (2, 30, 30), (3, 70, 70)]), "one topic counts once");
        assert!(!is_over_two(&[]));
        let end = Timestamp::MAX.0 / HOUR;
        assert!(is_over_two(&[(1, end, end), (2, end, end), (3, end, end)]));
    }
}
