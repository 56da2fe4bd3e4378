//! What nobody stands for is linked by a burst or by contact, and what is noise by nothing.

use super::*;

#[test]
fn q_of_what_nobody_stands_for_a_burst_or_contact_at_both_is_linked_and_a_drip_of_look_ups_is_not() {
    let met = |member, indicator, hour, evidence| Alert { evidence, ..alert(member, indicator, hour) };
    let looked_up =
        |indicator, hours| [met(1, indicator, 0, Evidence::Answered), met(2, indicator, hours, Evidence::Answered)];
    assert_eq!(campaigns(&looked_up(UNVOUCHED, 6), &[]), (1, 2), "within hours");
    assert_eq!(campaigns(&looked_up(UNVOUCHED, 7), &[]), (0, 0));
    assert_eq!(campaigns(&looked_up(2, 59 * 24), &[]), (1, 2), "what sources stand for");
    let reached = |other, days: i64| [met(1, UNVOUCHED, 0, Evidence::Attempted), met(2, UNVOUCHED, 24 * days, other)];
    assert_eq!(campaigns(&reached(Evidence::Contacted, 60), &[]), (1, 2), "a flow at both");
    assert_eq!(campaigns(&reached(Evidence::Answered, 1), &[]), (0, 0), "a flow at one of them");
    assert_eq!(campaigns(&reached(Evidence::Contacted, 61), &[]), (0, 0));
    // Of low confidence it takes five, within a week of each other where they were in contact.
    let five = |hours, evidence| (1..=5).map(|member| met(member, 1, member * hours, evidence)).collect::<Vec<_>>();
    assert_eq!(campaigns(&five(7 * 24, Evidence::Contacted), &[]), (1, 5));
    assert_eq!(campaigns(&five(6, Evidence::Answered), &[]), (1, 5));
    assert_eq!(campaigns(&five(7, Evidence::Answered), &[]), (0, 0));
}

#[test]
fn q_an_indicator_proposed_as_noise_links_nothing_by_contact_either() {
    let both = [alert(1, 2, 0), alert(2, 2, 1)];
    let facts: Vec<AlertFact> = both.iter().map(|alert| alert.fact(true, None)).collect();
    let raised = |known: &Known| {
        let decisions = correlate(&facts, known, &Weights::built_in());
        decisions.clusters.iter().any(|cluster| cluster.campaign == CampaignDecision::Raised)
    };
    assert!(raised(&Known::default()));
    let tripped: BTreeSet<Key> = [
        Key { kind: KeyKind::Indicator, value: "2".to_owned() },
        Key { kind: KeyKind::Address, value: "192.0.2.102".to_owned() },
    ]
    .into();
    assert!(!raised(&Known { guards: Guards { tripped, ..Guards::default() }, ..Known::default() }));
}
