//! Steps, joins, and that a timeline keeps what was said.

use proptest::prelude::*;
use varde_common::time::Timestamp;

use super::timeline::{Entry, MeasureStatus, Said, measures, merged};
use super::*;

const INCIDENT: Matter = Matter::Incident(7);

fn open(state: State) -> Progress {
    Progress::read(state.as_str(), None, None)
}

fn every_step() -> Vec<Step> {
    let closings = Closing::ALL.map(|closing| Step::Close(closing, Some(3)));
    [Step::Triage, Step::Confirm, Step::Contain, Step::Reopen].into_iter().chain(closings).collect()
}

#[test]
fn c_each_step_leads_where_it_says_and_a_refused_one_says_what_would_be_right() {
    use Closing::{Confirmed as Sure, Duplicate, Exercise, FalsePositive, Legitimate};
    let closed = Progress::closed(Sure, None);
    let closes = |closing| Ok(Progress::closed(closing, Some(3)));
    let open_closings = [FalsePositive, Legitimate, Duplicate, Exercise];
    let mut seen = 0;
    for state in [State::New, State::Triaged, State::Confirmed, State::Contained] {
        for wanted in open_closings {
            assert_eq!(step(INCIDENT, open(state), Step::Close(wanted, Some(3))), closes(wanted));
            seen += 1;
        }
        assert_eq!(step(INCIDENT, open(state), Step::Reopen), Err(Refused::NotClosed(state)));
        let sure = match state {
            State::New | State::Triaged => Err(Refused::ConfirmFirst(state)),
            State::Confirmed | State::Contained | State::Closed => closes(Sure),
        };
        assert_eq!(step(INCIDENT, open(state), Step::Close(Sure, None)), sure);
        seen += 2;
    }
    let already = |state| Err(Refused::Already(open(state)));
    for (before, wanted, leads) in [
        (State::New, Step::Triage, Ok(open(State::Triaged))),
        (State::Triaged, Step::Triage, already(State::Triaged)),
        (State::Confirmed, Step::Triage, already(State::Confirmed)),
        (State::Contained, Step::Triage, already(State::Contained)),
        (State::New, Step::Confirm, Ok(open(State::Confirmed))),
        (State::Triaged, Step::Confirm, Ok(open(State::Confirmed))),
        (State::Confirmed, Step::Confirm, already(State::Confirmed)),
        (State::Contained, Step::Confirm, already(State::Contained)),
        (State::New, Step::Contain, Err(Refused::ConfirmFirst(State::New))),
        (State::Triaged, Step::Contain, Err(Refused::ConfirmFirst(State::Triaged))),
        (State::Confirmed, Step::Contain, Ok(open(State::Contained))),
        (State::Contained, Step::Contain, already(State::Contained)),
    ] {
        assert_eq!(step(INCIDENT, open(before), wanted), leads, "{before:?} {wanted:?}");
        seen += 1;
    }
    for wanted in every_step() {
        let leads = match wanted {
            Step::Reopen => Ok(open(State::Triaged)),
            Step::Close(..) => Err(Refused::Already(closed)),
            Step::Triage | Step::Confirm | Step::Contain => Err(Refused::ReopenFirst(closed)),
        };
        assert_eq!(step(INCIDENT, closed, wanted), leads, "{wanted:?}");
        seen += 1;
    }
    assert_eq!(seen, State::ALL.len() * every_step().len(), "every state with every step");
    assert_eq!(step(INCIDENT, Progress::NEW, Step::Close(Duplicate, None)), Err(Refused::OfWhat));
    assert_eq!(step(INCIDENT, Progress::NEW, Step::Close(Duplicate, Some(7))), Err(Refused::OfItself));
    // A campaign is confirmed by being closed as that, and opens as new.
    let campaign = Matter::Campaign(7);
    assert_eq!(step(campaign, Progress::NEW, Step::Close(Sure, None)), Ok(closed));
    assert_eq!(step(campaign, closed, Step::Reopen), Ok(Progress::NEW));

    for (refused, says) in [
        (Refused::Already(closed), "incident 7 is closed as confirmed already"),
        (Refused::ConfirmFirst(State::New), "varde-collector incident confirm 7"),
        (Refused::ReopenFirst(closed), "varde-collector incident reopen 7 --reason TEXT"),
        (Refused::NotClosed(State::Triaged), "incident 7 is not closed, it is triaged"),
        (Refused::OfWhat, "varde-collector incident close 7 --as duplicate --of NUMBER"),
        (Refused::OfItself, "name the one that is worked on"),
    ] {
        assert!(refused.sentence(INCIDENT).contains(says), "{}", refused.sentence(INCIDENT));
    }
}

#[test]
fn c_where_it_stands_goes_into_the_database_and_back_and_what_is_unknown_there_is_new() {
    let all = [State::New, State::Triaged, State::Confirmed, State::Contained].map(open).into_iter();
    for standing in all.chain(Closing::ALL.map(|closing| Progress::closed(closing, Some(3)))) {
        let closed_as = standing.closed_as().map(Closing::as_str);
        assert_eq!(Progress::read(standing.state().as_str(), closed_as, standing.duplicate_of()), standing);
        let json = serde_json::to_string(&standing).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&json).unwrap(), standing);
    }
    assert_eq!(Progress::closed(Closing::Confirmed, Some(3)).duplicate_of(), None);
    for (state, closed_as) in [("gone", None), ("closed", None), ("closed", Some("gone"))] {
        assert_eq!(Progress::read(state, closed_as, None), Progress::NEW);
    }
    assert!("maybe".parse::<Closing>().is_err());
}

fn standings() -> impl Strategy<Value = Progress> {
    let open = prop::sample::select(&State::ALL[..4]).prop_map(|state| Progress::read(state.as_str(), None, None));
    let closed = (prop::sample::select(&Closing::ALL[..]), 1..4_i64)
        .prop_map(|(closing, of)| Progress::closed(closing, Some(of)));
    prop_oneof![open, closed]
}

fn entries() -> impl Strategy<Value = Vec<Entry>> {
    let one = (0..20_i64, 0..20_i64, any::<bool>(), 0..3_usize);
    prop::collection::vec(one, 0..40).prop_map(|all| {
        let entry = |(place, (at, learnt_at, for_members, kind)): (usize, (i64, i64, bool, usize))| {
            let id = i64::try_from(place).unwrap() + 1;
            let text = format!("{id}");
            let said = match kind {
                0 => Said::Noted { text },
                1 => Said::Measured { of: None, text, status: MeasureStatus::Planned, key: None },
                _ => Said::Stepped { standing: Progress::NEW, reason: Some(text) },
            };
            Entry { id, at: Timestamp(at), learnt_at: Timestamp(learnt_at), who: None, for_members, said }
        };
        all.into_iter().enumerate().map(entry).collect()
    })
}

proptest! {
    #[test]
    fn c_what_is_open_in_a_part_is_open_in_the_whole_whichever_comes_first(a in standings(), b in standings()) {
        let whole = a.join(b);
        prop_assert_eq!(whole, b.join(a));
        prop_assert_eq!(a.join(a), a);
        let is_closed = |standing: Progress| standing.closed_as().is_some();
        prop_assert!(!is_closed(whole) || (is_closed(a) && a == b), "{} and {} make {}", a, b, whole);
        if !is_closed(a) && !is_closed(b) {
            prop_assert!(whole.state() >= a.state().min(b.state()));
            prop_assert!(whole.state() != State::Contained || a == b);
        }
    }

    #[test]
    fn i8_a_timeline_loses_nothing_that_was_said_and_keeps_its_order(said in entries(), found in 0..4_i64) {
        let found: Vec<Entry> = (0..found)
            .map(|n| Entry { id: 0, at: Timestamp(n * 5), learnt_at: Timestamp(n), who: None, for_members: true, said: Said::FirstSeen })
            .collect();
        let all = merged(said.clone(), found.clone());
        prop_assert_eq!(all.len(), said.len() + found.len());
        for entry in said.iter().chain(&found) {
            prop_assert_eq!(all.iter().filter(|other| *other == entry).count(), 1);
        }
        for pair in all.windows(2) {
            let key = |entry: &Entry| (entry.at, entry.learnt_at, entry.id);
            prop_assert!(key(&pair[0]) <= key(&pair[1]), "out of order");
        }
        // However it is handed over, what was said stands as it was said last.
        let (told, mut backwards) = (measures(&said), said.clone());
        backwards.reverse();
        prop_assert_eq!(&told, &measures(&backwards));
        prop_assert!(told.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}

#[test]
fn c_a_measure_is_what_was_last_said_of_it_whenever_that_was_done() {
    let entry = |id, at, of, status| Entry {
        id,
        at: Timestamp(at),
        learnt_at: Timestamp(id),
        who: Some("kari".to_owned()),
        for_members: true,
        said: Said::Measured { of, text: "Nullstill passord".to_owned(), status, key: None },
    };
    // Done on the 3rd, said on the 9th, and planned on the 5th.
    let all = [entry(5, 5, None, MeasureStatus::Planned), entry(9, 3, Some(5), MeasureStatus::Done)];
    let told = measures(&merged(all.to_vec(), Vec::new()));
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].id, told[0].status, told[0].at, told[0].said_at),
        (5, MeasureStatus::Done, Timestamp(3), Timestamp(9))
    );
}
