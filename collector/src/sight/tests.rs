//! When a mirror shows one direction and when that cannot be told, and what counts as excluding more.

use super::*;

const NOW: Timestamp = Timestamp(1_795_219_200_000_000);
use std::time::Duration;

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn heard(both: u64, inside_alone: u64, outside_alone: u64) -> EndsHeard {
    EndsHeard { both, inside_alone, outside_alone, ..EndsHeard::default() }
}

fn dns(answered: u64, unanswered: u64, unasked: u64) -> EndsHeard {
    EndsHeard { answered, unanswered, unasked, ..EndsHeard::default() }
}

fn sight(heard: EndsHeard) -> Sight {
    Sight { heard, exclusions: Exclusions::default() }
}

/// What is said after these totals, each 30 seconds after the one before; none = no while was full.
fn after(totals: &[EndsHeard]) -> Option<Direction> {
    let (first, rest) = totals.split_first().unwrap();
    let mut sighted = Sighted::new(sight(*first), NOW);
    for (total, step) in rest.iter().zip(1..) {
        sighted.handle_sight(sight(*total), at(30 * step));
    }
    sighted.direction(at(30 * rest.len() as u64)).map(|(_, said)| said)
}

/// So many a step of 30 seconds, for five minutes.
fn steadily(each: EndsHeard) -> Option<Direction> {
    let times = |n: u64| EndsHeard {
        both: each.both * n,
        inside_alone: each.inside_alone * n,
        outside_alone: each.outside_alone * n,
        other_alone: each.other_alone * n,
        answered: each.answered * n,
        unanswered: each.unanswered * n,
        unasked: each.unasked * n,
    };
    let totals: Vec<EndsHeard> = (0..=10).map(times).collect();
    after(&totals)
}

#[test]
fn h1_a_mirror_of_one_direction_is_told_by_whose_words_are_heard_and_one_of_both_is_not() {
    for (each, said) in [
        (heard(10, 0, 0), Some(Direction::Both)),
        (heard(0, 5, 0), Some(Direction::One(Side::Inside, 20, 20))),
        (heard(0, 0, 5), Some(Direction::One(Side::Outside, 20, 20))),
        (heard(0, 3, 3), Some(Direction::One(Side::Either, 24, 24))),
        (EndsHeard { other_alone: 5, ..heard(0, 0, 0) }, Some(Direction::One(Side::Either, 20, 20))),
        // One leg of two is seen whole.
        (heard(1, 9, 0), Some(Direction::One(Side::Inside, 18, 20))),
        (heard(4, 6, 0), Some(Direction::Unclear)),
        (heard(6, 4, 0), Some(Direction::Both)),
    ] {
        assert_eq!(steadily(each), said, "{each:?}");
    }
}

#[test]
fn h1_little_traffic_accuses_nobody_and_dns_speaks_where_no_connection_does() {
    assert_eq!(steadily(heard(0, 1, 0)), None, "ten in five minutes are waited for");
    for (each, said) in [
        (dns(20, 0, 0), Some(Direction::Both)),
        (dns(0, 20, 0), Some(Direction::One(Side::Questions, 60, 60))),
        (dns(0, 0, 20), Some(Direction::One(Side::Responses, 60, 60))),
        // A server that is down leaves others that answer.
        (dns(5, 20, 0), Some(Direction::Unclear)),
        // Nor does it say anything of a mirror where a connection was heard whole, however few there are.
        (EndsHeard { both: 1, ..dns(0, 20, 0) }, Some(Direction::Unclear)),
        (EndsHeard { both: 9, ..dns(0, 20, 0) }, Some(Direction::Both)),
    ] {
        assert_eq!(steadily(each), said, "{each:?}");
    }
    // An hour is waited for, and no longer: yesterday's traffic is not put beside today's.
    let mut sighted = Sighted::new(sight(heard(0, 0, 0)), NOW);
    sighted.handle_sight(sight(heard(0, 19, 0)), at(3_599));
    assert_eq!(sighted.direction(at(3_599)), None);
    sighted.handle_sight(sight(heard(0, 20, 0)), at(3_599));
    assert_eq!(sighted.direction(at(3_600)), Some((NOW, Direction::One(Side::Inside, 20, 20))));
    assert_eq!(sighted.direction(at(3_599 + 3_600)), None, "it says nothing for ever");
    let mut sighted = Sighted::new(sight(heard(0, 0, 0)), NOW);
    sighted.handle_sight(sight(heard(0, 19, 0)), at(3_600));
    sighted.handle_sight(sight(heard(0, 20, 0)), at(3_720));
    assert_eq!(sighted.direction(at(3_720)), None);
}

#[test]
fn h1_a_restart_begins_anew_and_a_while_is_as_long_as_two_heartbeats_apart() {
    let mut sighted = Sighted::new(sight(heard(0, 500, 0)), NOW);
    sighted.handle_sight(sight(heard(0, 530, 0)), at(49));
    assert_eq!(sighted.direction(at(49)), None, "not long enough");
    sighted.handle_sight(sight(heard(7, 10, 0)), at(140));
    assert_eq!(sighted.direction(at(140)), None, "it was started anew");
    sighted.handle_sight(sight(heard(47, 10, 0)), at(260));
    assert_eq!(sighted.direction(at(260)), Some((at(140), Direction::Both)));
}

#[test]
fn t7_exclusions_are_told_of_while_they_are_more_than_was_accepted() {
    let of = |sinkholes, digest| Sight {
        exclusions: Exclusions { sinkholes, digest, ..Exclusions::default() },
        ..Sight::default()
    };
    let mut sighted = Sighted::new(of(3, 1), NOW);
    assert_eq!(sighted.grown(), None, "what it was like at first is nobody's growth");
    sighted.handle_sight(of(4, 2), at(30));
    sighted.handle_sight(of(4, 2), at(60));
    assert_eq!(sighted.grown(), Some((at(30), of(3, 1).exclusions, of(4, 2).exclusions)));
    sighted.handle_sight(of(3, 1), at(90));
    assert_eq!(sighted.grown(), None, "taken back");
    sighted.handle_sight(of(3, 9), at(120));
    assert_eq!(sighted.grown(), Some((at(120), of(3, 1).exclusions, of(3, 9).exclusions)), "as many, and others");
    sighted.accept();
    assert_eq!(sighted.grown(), None);
    // Less is accepted by itself, and is what more is held against from then on.
    sighted.handle_sight(of(1, 5), at(150));
    assert_eq!(sighted.grown(), None);
    sighted.handle_sight(of(3, 9), at(180));
    assert_eq!(sighted.grown(), Some((at(180), of(1, 5).exclusions, of(3, 9).exclusions)));
    let kept: Sighted = serde_json::from_str(&serde_json::to_string(&sighted).unwrap()).unwrap();
    assert_eq!(kept, sighted);
}
