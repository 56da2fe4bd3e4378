//! Whether what a source says now is to be held, because suddenly much of what it said is gone: a broken feed must not take
//! indicators from the sensors.

use varde_common::list::is_shrunken;

use super::{Extent, Resume};

/// What is known of a source before what was fetched is taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Before {
    /// Of a feed of events: indicators in all of them by the last success.
    pub entries: Option<u64>,
    /// What it says that stands.
    pub standing: u64,
    /// What it says is other things each time, by its operator's word.
    pub turns_over: bool,
}

/// What was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Now {
    /// Indicators in it, each once however often it is said.
    pub entries: u64,
    /// Of what stands, what its objects take back.
    pub withdrawn: u64,
    /// Of what stands, what it says no longer and would have to.
    pub unsaid: u64,
}

/// How many indicators the source has by what was fetched; none where it only said what is new.
pub fn entries_of(extent: &Extent, resume: &Resume, now: Now) -> Option<u64> {
    match extent {
        Extent::Unchanged | Extent::More => None,
        Extent::Whole => Some(now.entries),
        Extent::Events { .. } => Some(resume.events.values().map(|event| event.entries).sum()),
    }
}

/// That what a source says is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Why.
    pub why: String,
    /// It would not be if its operator had said that it turns over.
    pub helped_by_turning: bool,
}

/// Whether it is held; none = it is taken in. The measure is that of lists, and of a file that is imported by hand: nothing is left of what
/// stood, or half of many. How much there is counts always; what it is, unless it turns over.
pub fn held(before: Before, extent: &Extent, resume: &Resume, now: Now) -> Option<Held> {
    let Before { standing, turns_over, .. } = before;
    // What stands is each thing once, as what came is; a feed's events are counted as they were counted then.
    let had = match extent {
        Extent::Unchanged | Extent::More => None,
        Extent::Whole => Some(standing),
        Extent::Events { .. } => before.entries,
    };
    if let (Some(entries), Some(had)) = (entries_of(extent, resume, now), had)
        && is_shrunken(had, entries)
    {
        return Some(Held { why: format!("it has {entries} indicators and had {had}"), helped_by_turning: false });
    }
    let (is_by_share, helped_by_turning) = match extent {
        Extent::Unchanged => (false, false),
        // Where only what is new is said, what is taken back is all that could be too much.
        Extent::More => (true, false),
        Extent::Whole | Extent::Events { .. } => (!turns_over, true),
    };
    let gone = now.withdrawn.saturating_add(now.unsaid);
    let is_much = gone > 0 && is_shrunken(standing, standing.saturating_sub(gone));
    (is_by_share && is_much).then(|| Held {
        why: format!("of the {standing} that stand by its word it takes back or leaves out {gone}"),
        helped_by_turning,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Event;
    use super::*;
    use varde_common::limits::LIST_SHRINK_ABOVE;

    const MANY: u64 = LIST_SHRINK_ABOVE * 2;

    fn before(standing: u64) -> Before {
        Before { entries: Some(standing), standing, turns_over: false }
    }

    fn whole(before: Before, entries: u64, withdrawn: u64, unsaid: u64) -> Option<String> {
        held(before, &Extent::Whole, &Resume::default(), Now { entries, withdrawn, unsaid }).map(|held| held.why)
    }

    #[test]
    fn a_source_that_becomes_empty_or_halves_is_held_and_one_that_grows_is_not() {
        let halves = |had: u64, entries: u64| whole(before(had), entries, 0, had.saturating_sub(entries));
        assert_eq!(whole(Before::default(), 0, 0, 0), None, "the first time there is nothing to lose");
        assert!(halves(3, 0).unwrap().contains("it has 0 indicators and had 3"));
        assert!(halves(MANY, MANY / 2).is_some());
        assert_eq!(halves(MANY, MANY / 2 + 1), None);
        assert_eq!(halves(MANY, MANY * 9), None);
        assert_eq!(halves(4, 2), None, "of a few half is soon gone");
        // A feed's events together, those that were not read this time too.
        let event = |entries| Event { timestamp: 1, entries };
        let resume = |left: u64| Resume {
            events: [("a".to_owned(), event(left)), ("b".to_owned(), event(1))].into(),
            ..Resume::default()
        };
        let events = Extent::Events { read: vec!["a".into()], gone: vec!["c".into()], missing: 0 };
        assert!(held(before(MANY), &events, &resume(MANY / 2 - 1), Now::default()).is_some());
        assert_eq!(held(before(MANY), &events, &resume(MANY - 10), Now::default()), None);
        // What only says what is new takes back too much.
        let more =
            |withdrawn| held(before(MANY), &Extent::More, &Resume::default(), Now { entries: 5, withdrawn, unsaid: 0 });
        let much = more(MANY / 2).unwrap();
        assert!(much.why.contains("takes back") && !much.helped_by_turning);
        assert_eq!((more(0), more(3)), (None, None));
    }

    #[test]
    fn f2_a_source_that_says_other_things_is_held_as_one_that_says_less_unless_it_turns_over() {
        let turning = Before { turns_over: true, ..before(MANY) };
        for (withdrawn, unsaid, is_held) in
            [(0, MANY, true), (0, MANY / 2, true), (MANY / 4, MANY / 4, true), (0, MANY / 2 - 1, false), (1, 0, false)]
        {
            let why = whole(before(MANY), MANY, withdrawn, unsaid);
            assert_eq!(why.is_some(), is_held, "{withdrawn} and {unsaid}: {why:?}");
            assert_eq!(whole(turning, MANY, withdrawn, unsaid), None, "{withdrawn} and {unsaid}");
        }
        assert!(whole(before(MANY), MANY, 0, MANY).unwrap().contains(&format!("leaves out {MANY}")));
        // One that turns over is held where it is suddenly little, as ever.
        assert!(whole(turning, MANY / 2, 0, MANY / 2).unwrap().contains("and had"));
        assert!(whole(turning, 0, 0, MANY).is_some());
        // A feed whose events are all others.
        let resume =
            Resume { events: [("b".to_owned(), Event { timestamp: 1, entries: MANY })].into(), ..Resume::default() };
        let events = Extent::Events { read: vec!["b".into()], gone: vec!["a".into()], missing: 0 };
        let now = Now { entries: MANY, withdrawn: 0, unsaid: MANY };
        assert!(held(before(MANY), &events, &resume, now).unwrap().why.contains("leaves out"));
        assert_eq!(held(turning, &events, &resume, now), None);
    }
}
