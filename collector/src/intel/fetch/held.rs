//! Whether what a source says now is to be held, because it is suddenly much less than before: a broken feed must not take
//! indicators from the sensors.

use varde_common::list::is_shrunken;

use super::{Extent, Resume};

/// What is known of a source before what was fetched is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// Indicators in what was taken in last.
    pub entries: Option<u64>,
    /// What it says that stands.
    pub standing: u64,
}

/// What was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Indicators in it.
    pub entries: u64,
    /// Objects that it takes back.
    pub withdrawn: u64,
}

/// How many indicators the source has by what was fetched; none where it only said what is new.
pub fn entries_of(extent: &Extent, resume: &Resume, now: Now) -> Option<u64> {
    match extent {
        Extent::Unchanged | Extent::More => None,
        Extent::Whole => Some(now.entries),
        Extent::Events { .. } => Some(resume.events.values().map(|event| event.entries).sum()),
    }
}

/// Why it is held; none = it is taken in. The measure is that of lists: nothing is left, or half of many.
pub fn why_held(before: Before, extent: &Extent, resume: &Resume, now: Now) -> Option<String> {
    match (entries_of(extent, resume, now), before.entries) {
        (Some(entries), Some(had)) if is_shrunken(had, entries) => {
            Some(format!("it has {entries} indicators and had {had}"))
        }
        (Some(_), _) => None,
        (None, _) => {
            let left = before.standing.saturating_sub(now.withdrawn);
            let is_much = now.withdrawn > 0 && is_shrunken(before.standing, left);
            is_much.then(|| format!("it takes back {} of what it said, {} stand", now.withdrawn, before.standing))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::*;
    use varde_common::limits::LIST_SHRINK_ABOVE;

    #[test]
    fn a_source_that_becomes_empty_or_halves_is_held_and_one_that_grows_is_not() {
        let many = LIST_SHRINK_ABOVE * 2;
        let whole = |had: Option<u64>, entries: u64| {
            let before = Before { entries: had, standing: had.unwrap_or(0) };
            why_held(before, &Extent::Whole, &Resume::default(), Now { entries, withdrawn: 0 })
        };
        assert_eq!(whole(None, 0), None, "the first time there is nothing to lose");
        assert_eq!(whole(Some(0), 0), None);
        assert!(whole(Some(3), 0).unwrap().contains("it has 0 indicators and had 3"));
        assert!(whole(Some(many), many / 2).is_some());
        assert_eq!(whole(Some(many), many / 2 + 1), None);
        assert_eq!(whole(Some(many), many * 9), None);
        assert_eq!(whole(Some(4), 2), None, "of a few half is soon gone");
        // A feed's events together, those that were not read this time too.
        let event = |entries| Event { timestamp: 1, entries };
        let resume = |left: u64| Resume {
            events: [("a".to_owned(), event(left)), ("b".to_owned(), event(1))].into(),
            ..Resume::default()
        };
        let events = Extent::Events { read: vec!["a".into()], gone: vec!["c".into()], missing: 0 };
        let before = Before { entries: Some(many), standing: many };
        assert!(why_held(before, &events, &resume(many / 2 - 1), Now::default()).is_some());
        assert_eq!(why_held(before, &events, &resume(many - 10), Now::default()), None);
        // What only says what is new takes back too much.
        let more = |withdrawn| why_held(before, &Extent::More, &Resume::default(), Now { entries: 5, withdrawn });
        assert!(more(many / 2).unwrap().contains("takes back"));
        assert_eq!((more(0), more(3)), (None, None));
    }
}
