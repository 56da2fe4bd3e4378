//! What a sensor takes of lists and what it refuses, whatever comes.

use super::*;
use proptest::prelude::*;
use varde_common::id::{IndicatorId, SensorId};
use varde_common::indicator::Indicator;
use varde_common::list::{is_shrunken, write_base};
use varde_common::matcher::{IndicatorSet, Overlay, Seed};
use varde_common::trust::{Role, Roles, key_id};

/// What the clock says.
const NOW: Timestamp = Timestamp(1_000);

pub(crate) type Key = ed25519_dalek::SigningKey;

pub(crate) fn key(seed: u8) -> Key {
    Key::from_bytes(&[seed; 32])
}

pub(crate) fn root_of(key: &Key) -> Root {
    let id = key_id(&key.verifying_key());
    let role = Role { keys: [id.clone()].into(), threshold: 1 };
    let keys = [(id, hex(key.verifying_key().as_bytes()))].into();
    let roles = Roles { root: role.clone(), list: role, ..Roles::default() };
    Root { version: 1, expires: Timestamp::MAX, keys, roles, ca: std::collections::BTreeSet::new() }
}

pub(crate) fn publication(key: &Key, revision: u64) -> (Vec<u8>, Vec<u8>) {
    let list = (0..40).map(|n| Indicator::bare(IndicatorId(n), format!("evil{n}.no").parse().unwrap()));
    let (base, content) = write_base(list.collect(), Seed::from_octets([revision as u8; 16])).unwrap();
    let manifest = Manifest::of(&base, &content, Revision(revision), Timestamp(1), Timestamp::MAX);
    (manifest.sign(&[key]).unwrap(), base)
}

/// Offers, sends in pieces of 100, ends; what the last word was, and what was written.
fn transfer(subscription: &mut Subscription, manifest: &[u8], base: &[u8]) -> (Step, Vec<u8>) {
    let mut written = Vec::new();
    let mut last = Step::Wait;
    let mut take = |step: Step| match step {
        Step::Wait => {}
        Step::Begin { manifest: given } => assert_eq!(given, manifest),
        Step::Append(octets) => written.extend_from_slice(&octets),
        step => last = step,
    };
    take(subscription.handle_offer(manifest.to_vec(), NOW));
    base.chunks(100).for_each(|chunk| take(subscription.handle_chunk(chunk.to_vec())));
    take(subscription.handle_end());
    (last, written)
}

fn take(subscription: &mut Subscription, revision: u64) {
    take_by(subscription, &key(1), revision);
}

fn take_by(subscription: &mut Subscription, by: &Key, revision: u64) {
    let (manifest, base) = publication(by, revision);
    match transfer(subscription, &manifest, &base) {
        (Step::Keep(arrived), written) => {
            let manifest = arrived.manifest;
            assert_eq!(written, base);
            assert_eq!(manifest.open(written).map(|set| set.len()), Ok(40));
            let outcome = subscription.handle_stored(&manifest, Timestamp(9));
            assert_eq!(outcome, ListOutcome::InForce { revision: Revision(revision), since: Timestamp(9) });
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn l2_a_list_that_cannot_be_stored_is_refused_once_and_its_rest_skipped() {
    let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    take(&mut subscription, 5);
    let (manifest, base) = publication(&key(1), 6);
    assert!(matches!(subscription.handle_offer(manifest, NOW), Step::Begin { .. }));
    let refused = subscription.handle_not_stored("the disk is full");
    assert!(matches!(refused, Step::Refused { revision: Revision(6), .. }), "{refused:?}");
    assert_eq!(subscription.handle_chunk(base), Step::Wait);
    assert_eq!(subscription.handle_end(), Step::Wait);
    take(&mut subscription, 6);
}

#[test]
fn l2_whatever_is_wrong_the_list_before_stays() {
    let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    take(&mut subscription, 5);
    let (good, base) = publication(&key(1), 6);
    let (foreign, _) = publication(&key(2), 6);
    let (older, _) = publication(&key(1), 4);
    let (same, _) = publication(&key(1), 5);
    let mut changed = base.clone();
    changed[50] ^= 1;
    let mut longer = base.clone();
    longer.extend_from_slice(&[0; 1000]);
    let cases: [(&str, &[u8], &[u8], &str); 6] = [
        ("another key", &foreign, &base, "signatures"),
        ("older", &older, &base, "not newer"),
        ("the same again", &same, &base, "not newer"),
        ("cut short", &good, &base[..base.len() - 1], "bytes where"),
        ("changed", &good, &changed, "BLAKE3"),
        ("longer than declared", &good, &longer, "bytes where"),
    ];
    for (case, manifest, base, words) in cases {
        match transfer(&mut subscription, manifest, base).0 {
            Step::Refused { why, outcome, .. } => {
                assert!(why.contains(words), "{case}: {why}");
                assert!(matches!(outcome, ListOutcome::Refused { in_force: Revision(5), .. }), "{case}");
            }
            other => panic!("{case}: {other:?}"),
        }
        assert_eq!(subscription.in_force(), Revision(5), "{case}");
    }
    take(&mut subscription, 6);
}

#[test]
fn i4_the_floor_outlives_the_list_itself() {
    let mut subscription = Subscription::new(root_of(&key(1)), Revision(7), Revision(0));
    let (older, base) = publication(&key(1), 6);
    assert!(matches!(transfer(&mut subscription, &older, &base).0, Step::Refused { .. }));
    take(&mut subscription, 7);
    assert_eq!(subscription.floor(), Revision(7));
}

#[test]
fn c4_a_retired_key_takes_its_list_and_its_floor_with_it_and_wholly_other_keys_begin_anew() {
    let with = |keys: &[&Key]| {
        let mut root = root_of(keys[0]);
        for key in keys {
            root.keys.extend(root_of(key).keys);
            root.roles.list.keys.extend(root_of(key).roles.list.keys);
        }
        root
    };
    let (old, new) = (key(1), key(2));
    let mut subscription = Subscription::new(with(&[&old]), Revision(0), Revision(0));
    // As far as whoever stole the key could get.
    take(&mut subscription, 900);
    let (huge, base) = publication(&old, 901);
    assert!(matches!(subscription.handle_offer(huge, NOW), Step::Begin { .. }));
    assert!(subscription.is_receiving());
    assert!(!subscription.handle_root(with(&[&old, &new])), "the keys are kept: the floor stays");
    assert!(!subscription.is_receiving());
    assert_eq!(subscription.handle_chunk(base.clone()), Step::Wait, "what had begun goes by the root before");
    assert_eq!(subscription.handle_end(), Step::Wait);
    let (low, low_base) = publication(&new, 11);
    assert!(matches!(transfer(&mut subscription, &low, &low_base).0, Step::Refused { .. }));
    assert_eq!((subscription.floor(), subscription.held()), (Revision(900), Revision(900)));
    assert!(!subscription.is_forsaken());
    // The stolen key goes, one of the keys before is among them still: the collector may think that nothing is wanted.
    assert!(subscription.handle_root(with(&[&new])));
    assert_eq!((subscription.floor(), subscription.held()), (Revision(0), Revision(0)));
    assert!(subscription.is_forsaken());
    take_by(&mut subscription, &new, 11);
    assert!(!subscription.is_forsaken());
    assert_eq!((subscription.floor(), subscription.held()), (Revision(11), Revision(11)));
    let mut next_session = Subscription::new(with(&[&old, &new]), Revision(0), Revision(0));
    take_by(&mut next_session, &new, 3);
    take_by(&mut next_session, &old, 900);
    assert!(next_session.handle_root(with(&[&new])));
    assert_eq!(next_session.floor(), Revision(3), "the highest that the others signed");
    next_session.handle_session();
    assert!(!next_session.is_forsaken() && next_session.held() == Revision(0), "its first word says so");
    let (older, _) = publication(&new, 2);
    assert!(matches!(next_session.handle_offer(older, NOW), Step::Refused { .. }), "none below it");
    take_by(&mut next_session, &new, 3);
    // Who signed it stands, and another key goes: nothing changes.
    let mut good = Subscription::new(with(&[&old, &new]), Revision(0), Revision(0));
    take_by(&mut good, &new, 3);
    assert!(!good.handle_root(with(&[&new])) && good.held() == Revision(3));

    let mut subscription = Subscription::new(with(&[&old]), Revision(0), Revision(0));
    take(&mut subscription, 900);
    assert!(subscription.handle_root(with(&[&key(3)])), "wholly other keys");
    assert_eq!((subscription.floor(), subscription.held()), (Revision(0), Revision(0)));
    assert!(!subscription.is_forsaken(), "the collector knows it by the document");
    assert_eq!(subscription.in_force(), Revision(900), "it is matched against until a new one is here");
    let (by_old, _) = publication(&old, 902);
    assert!(matches!(transfer(&mut subscription, &by_old, &base).0, Step::Refused { .. }), "at once");
    let (by_new, new_base) = publication(&key(3), 12);
    let Step::Keep(kept) = transfer(&mut subscription, &by_new, &new_base).0 else { panic!("not kept") };
    subscription.handle_stored(&kept.manifest, Timestamp(9));
    assert_eq!((subscription.floor(), subscription.held()), (Revision(12), Revision(12)));
    let restarted = Subscription::new(with(&[&key(3)]), Revision(0), Revision(900)).with_list_of_before(Revision(0));
    assert_eq!((restarted.floor(), restarted.held(), restarted.in_force()), (Revision(0), Revision(0), Revision(900)));
}

#[test]
fn l2_an_empty_or_much_shrunken_list_is_taken_only_where_its_manifest_says_so() {
    let shrunken = |revision, count: u64, shrinks| {
        let list = (0..count).map(|n| Indicator::bare(IndicatorId(n), format!("evil{n}.no").parse().unwrap()));
        let (base, content) = write_base(list.collect(), Seed::from_octets([7; 16])).unwrap();
        let manifest = Manifest::of(&base, &content, Revision(revision), Timestamp(1), Timestamp::MAX);
        (Manifest { shrinks, ..manifest }.sign(&[&key(1)]).unwrap(), base)
    };
    let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    take(&mut subscription, 5);
    for count in [0, 20] {
        let (manifest, base) = shrunken(6, count, false);
        match transfer(&mut subscription, &manifest, &base).0 {
            Step::Refused { revision: Revision(6), why, .. } => {
                assert!(why.contains(&format!("has {count} indicators and 40 are in force")), "{why}");
            }
            other => panic!("{count}: {other:?}"),
        }
    }
    let (manifest, base) = shrunken(6, 21, false);
    assert!(
        matches!(transfer(&mut subscription, &manifest, &base).0, Step::Keep(_)),
        "a little less than half is gone"
    );
    let (meant, base) = shrunken(7, 0, true);
    let Step::Keep(kept) = transfer(&mut subscription, &meant, &base).0 else { panic!("not kept") };
    subscription.handle_stored(&kept.manifest, Timestamp(9));
    // The same after a restart, where the disk says what is in force.
    let (forty, _) = publication(&key(1), 5);
    let forty = Manifest::verify(&forty, &root_of(&key(1))).unwrap();
    let mut restarted = Subscription::new(root_of(&key(1)), Revision(5), Revision(5)).with_list(&forty);
    let (empty, base) = shrunken(6, 0, false);
    assert!(matches!(transfer(&mut restarted, &empty, &base).0, Step::Refused { .. }));
}

/// A list of these indicators for a channel.
fn of_channel(channel: &str, revision: u64) -> (Vec<u8>, Vec<u8>) {
    let (signed, base) = publication(&key(1), revision);
    let manifest = Manifest::verify(&signed, &root_of(&key(1))).unwrap();
    (Manifest { channel: channel.to_owned(), ..manifest }.sign(&[&key(1)]).unwrap(), base)
}

fn placed(subscription: &mut Subscription, channel: &str, floor: u64) {
    let at = Timestamp(subscription.placed().at().map_or(1, |at| at.0 + 1));
    let placement = Placement { sensor: SensorId(0), channel: channel.parse().unwrap(), at };
    subscription.handle_placed(placement, Revision(floor));
}

#[test]
fn l2_i4_each_channel_has_its_floor_and_none_gives_way_by_another() {
    let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    take(&mut subscription, 9);
    let offer = |subscription: &mut Subscription, channel: &str, revision| {
        let (manifest, base) = of_channel(channel, revision);
        match transfer(subscription, &manifest, &base).0 {
            Step::Keep(arrived) => {
                subscription.handle_stored(&arrived.manifest, Timestamp(9));
                String::new()
            }
            Step::Refused { why, .. } => why,
            other => panic!("{other:?}"),
        }
    };
    assert!(offer(&mut subscription, "pilot", 10).contains("for channel \"pilot\""));
    placed(&mut subscription, "pilot", 0);
    assert_eq!((subscription.held(), subscription.in_force()), (Revision(0), Revision(9)), "it is matched against");
    assert!(offer(&mut subscription, "all", 11).contains("for channel \"all\""));
    assert_eq!(offer(&mut subscription, "pilot", 3), "", "a lower number: it is another channel's");
    assert!(offer(&mut subscription, "pilot", 3).contains("not newer"));
    // Back, and what was in force there may come again, none older.
    placed(&mut subscription, "all", 9);
    assert!(offer(&mut subscription, "all", 8).contains("not newer"));
    assert_eq!(offer(&mut subscription, "all", 9), "");
    assert!(offer(&mut subscription, "all", 9).contains("not newer"), "once");
    // There and back before a list of the other one came: the one in force counts as before.
    placed(&mut subscription, "pilot", 3);
    placed(&mut subscription, "all", 9);
    assert_eq!(subscription.held(), Revision(9));
    assert!(offer(&mut subscription, "all", 9).contains("not newer"));
    // What has begun to arrive is of the channel before.
    let (manifest, base) = of_channel("all", 12);
    assert!(matches!(subscription.handle_offer(manifest, NOW), Step::Begin { .. }));
    placed(&mut subscription, "pilot", 3);
    assert_eq!((subscription.handle_chunk(base), subscription.handle_end()), (Step::Wait, Step::Wait));
    assert!(!subscription.is_receiving());
}

#[test]
fn l2_a_list_that_has_run_out_is_taken_by_nobody_who_has_one() {
    let (signed, base) = publication(&key(1), 6);
    let manifest = Manifest::verify(&signed, &root_of(&key(1))).unwrap();
    let over = Manifest { expires: NOW, ..manifest }.sign(&[&key(1)]).unwrap();
    let mut none = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    assert!(matches!(transfer(&mut none, &over, &base).0, Step::Keep(_)), "better than none");
    let mut one = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    take(&mut one, 5);
    match transfer(&mut one, &over, &base).0 {
        Step::Refused { why, .. } => assert!(why.contains("that has passed"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn l2_of_two_lists_with_one_number_only_the_named_one_is_taken() {
    let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    let (named, base) = publication(&key(1), 6);
    subscription.handle_named(Revision(6), hex(&sha256(&named)));
    let (again, _) = (Manifest::of(&base, &Default::default(), Revision(6), Timestamp(2), Timestamp::MAX), ());
    let again = again.sign(&[&key(1)]).unwrap();
    match subscription.handle_offer(again, NOW) {
        Step::Refused { why, .. } => assert!(why.contains("another list"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(subscription.handle_offer(named, NOW), Step::Begin { .. }));
    // An older one than was named is newer than the one in force: better than none, and told otherwise.
    let (older, older_base) = publication(&key(1), 5);
    assert!(matches!(transfer(&mut subscription, &older, &older_base).0, Step::Keep(_)));
}

#[test]
fn l2_endless_data_ends_the_session_and_fills_no_memory() {
    let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    assert!(matches!(subscription.handle_chunk(vec![1]), Step::Broken(_)));
    assert!(matches!(subscription.handle_end(), Step::Broken(_)));
    assert!(matches!(subscription.handle_offer(vec![1, 2], NOW), Step::Refused { .. }));
    let chunk = vec![0; 192 * 1024];
    let mut sent = 0;
    while matches!(subscription.handle_chunk(chunk.clone()), Step::Wait) {
        sent += chunk.len() as u64;
        assert!(sent <= LIST_BASE_MAX_OCTETS);
    }
}

#[test]
fn a_cut_connection_leaves_nothing_half_received() {
    let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    let (manifest, base) = publication(&key(1), 1);
    assert!(matches!(subscription.handle_offer(manifest, NOW), Step::Begin { .. }));
    assert_eq!(subscription.handle_chunk(base[..10].to_vec()), Step::Append(base[..10].to_vec()));
    subscription.handle_session();
    take(&mut subscription, 1);
}

/// A list of these numbers over the base of `over`: its manifest and its changes.
fn changes(over: &(Vec<u8>, Vec<u8>), revision: u64, count: u64) -> (Vec<u8>, Vec<u8>) {
    let root = root_of(&key(1));
    let of_base = Manifest::verify(&over.0, &root).unwrap();
    let list = (0..count).map(|n| Indicator::bare(IndicatorId(n), format!("evil{n}.no").parse().unwrap()));
    let (whole, content) = write_base(list.collect(), Seed::from_octets([9; 16])).unwrap();
    let manifest = Manifest::of(&whole, &content, Revision(revision), Timestamp(1), Timestamp::MAX);
    let base = of_base.open(over.1.clone()).unwrap();
    let overlay = Overlay::between(&base, &manifest.open(whole).unwrap()).unwrap().to_octets();
    (manifest.over(&of_base, &overlay).sign(&[&key(1)]).unwrap(), overlay)
}

/// Offers changes alone and sends them in pieces of 30; what the last word was.
fn transfer_changes(subscription: &mut Subscription, manifest: &[u8], overlay: &[u8]) -> Step {
    let mut last = Step::Wait;
    let mut take = |step: Step| {
        if step != Step::Wait {
            last = step;
        }
    };
    take(subscription.handle_publication(manifest.to_vec(), false, NOW));
    overlay.chunks(30).for_each(|chunk| take(subscription.handle_overlay_chunk(chunk)));
    take(subscription.handle_end());
    last
}

#[test]
fn l2_changes_are_taken_over_the_base_in_force_alone_and_else_the_whole_list_is_asked_for() {
    let mut subscription = Subscription::new(root_of(&key(1)), Revision(0), Revision(0));
    let base = publication(&key(1), 5);
    let (manifest, overlay) = changes(&base, 6, 44);
    let refused = |step: Step, word: &str| match step {
        Step::Refused { why, .. } => assert!(why.contains(word), "{word}: {why}"),
        other => panic!("{word}: {other:?}"),
    };
    refused(transfer_changes(&mut subscription, &manifest, &overlay), "another base");
    assert!(subscription.takes_ask_for_whole() && !subscription.takes_ask_for_whole(), "once");
    take(&mut subscription, 5);
    assert_eq!(subscription.holds().base, from_hex(&Manifest::verify(&base.0, &root_of(&key(1))).unwrap().base_blake3));
    let (foreign, over_it) = changes(&publication(&key(1), 4), 6, 44);
    refused(transfer_changes(&mut subscription, &foreign, &over_it), "another base");
    let plain = publication(&key(1), 6);
    refused(subscription.handle_publication(plain.0.clone(), false, NOW), "another base");
    refused(transfer_changes(&mut subscription, &manifest, &overlay[..overlay.len() - 1]), "bytes where");
    refused(transfer_changes(&mut subscription, &manifest, &[&overlay[..], &[0]].concat()), "bytes where");
    let mut torn = overlay.clone();
    torn[20] ^= 1;
    refused(transfer_changes(&mut subscription, &manifest, &torn), "BLAKE3");
    let (few, fewer) = changes(&base, 6, 20);
    refused(transfer_changes(&mut subscription, &few, &fewer), "does not say that it shrinks");
    refused(transfer_changes(&mut subscription, &changes(&base, 5, 44).0, &overlay), "not newer");
    assert!(!subscription.takes_ask_for_whole(), "asked for only where the base is what is missing");
    let Step::Keep(arrived) = transfer_changes(&mut subscription, &manifest, &overlay) else { panic!("not kept") };
    assert_eq!((arrived.whole, &arrived.overlay, &arrived.signed), (false, &overlay, &manifest));
    subscription.handle_stored(&arrived.manifest, Timestamp(9));
    // The next changes are over the base, not over these; and a base where changes are announced ends the session.
    let (next, over_base) = changes(&base, 7, 45);
    assert!(matches!(transfer_changes(&mut subscription, &next, &over_base), Step::Keep(_)));
    assert_eq!(subscription.handle_publication(next.clone(), false, NOW), Step::Wait);
    assert!(matches!(subscription.handle_chunk(base.1), Step::Broken(_)));
    subscription.handle_session();
    assert!(matches!(subscription.handle_overlay_chunk(&[1]), Step::Broken(_)));
}

/// What is offered in one step of a story.
#[derive(Debug, Clone)]
struct Offered {
    channel: bool,
    revision: u64,
    count: u64,
    ours: bool,
    whole: bool,
    shrinks: bool,
    over: bool,
    /// As changes over the base in force, or over another one.
    changes: Option<bool>,
    /// The sensor is put into the channel first.
    placed: bool,
    /// It is started anew first, with what its disk holds.
    restarted: bool,
}

fn any_offer() -> impl Strategy<Value = Offered> {
    let first = (any::<bool>(), 0u64..12, prop::sample::select(vec![0u64, 10, 25, 30, 60]), prop::bool::weighted(0.8));
    let second = (prop::bool::weighted(0.8), any::<bool>(), prop::bool::weighted(0.1));
    let third =
        (prop::option::weighted(0.4, prop::bool::weighted(0.8)), prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (first, second, third).prop_map(|((channel, revision, count, ours), (whole, shrinks, over), third)| {
        let (changes, placed, restarted) = third;
        Offered { channel, revision, count, ours, whole, shrinks, over, changes, placed, restarted }
    })
}

proptest! {
    #[test]
    fn l2_whatever_is_offered_in_whatever_order_no_floor_falls_and_what_is_in_force_was_signed_whole_and_meant(
        offers in prop::collection::vec(any_offer(), 1..25)
    ) {
        let root = root_of(&key(1));
        let channel = |pilot: bool| if pilot { "pilot" } else { "all" };
        let mut floors = std::collections::BTreeMap::from([("all", 0u64), ("pilot", 0)]);
        let mut follows = "all";
        // The list in force as it was signed: its manifest, and its base.
        let mut in_force: Option<(Manifest, Vec<u8>)> = None;
        let mut subscription = Subscription::new(root.clone(), Revision(0), Revision(0));
        let mut at = 0;
        for offer in offers {
            if offer.restarted {
                let word = Placement { sensor: SensorId(0), channel: follows.parse().unwrap(), at: Timestamp(at) };
                let placed = Placed::new(SensorId(0)).with_word(word, true);
                let number = in_force.as_ref().map_or(Revision(0), |(manifest, _)| manifest.revision);
                subscription =
                    Subscription::new(root.clone(), Revision(0), number).with_channel(placed, Revision(floors[follows]));
                if let Some((manifest, _)) = &in_force {
                    subscription = subscription.with_list(manifest);
                }
            }
            let to = channel(offer.channel);
            if offer.placed && follows != to {
                at += 1;
                let word = Placement { sensor: SensorId(0), channel: to.parse().unwrap(), at: Timestamp(at) };
                subscription.handle_placed(word, Revision(floors[to]));
                follows = to;
            }
            let list = (0..offer.count).map(|n| Indicator::bare(IndicatorId(n), format!("evil{n}.no").parse().unwrap()));
            let (base, content) = write_base(list.collect(), Seed::from_octets([offer.revision as u8; 16])).unwrap();
            let expires = if offer.over { NOW } else { Timestamp::MAX };
            let manifest = Manifest::of(&base, &content, Revision(offer.revision), Timestamp(1), expires);
            let manifest = Manifest { channel: to.to_owned(), shrinks: offer.shrinks, ..manifest };
            let signer = key(if offer.ours { 1 } else { 2 });
            let held = in_force.as_ref().map_or(0, |(manifest, _)| manifest.count);
            let holds_this = in_force.as_ref().is_some_and(|(there, _)| there.channel == to);
            let newer = offer.revision > floors[to] || (!holds_this && in_force.is_some() && offer.revision == floors[to] && offer.revision > 0);
            let right = offer.ours && offer.whole && to == follows && newer
                && (offer.shrinks || !is_shrunken(held, offer.count))
                && (in_force.is_none() || !offer.over);
            let (step, kept_base, right) = match (offer.changes, &in_force) {
                (Some(over_ours), Some((there, there_base))) => {
                    let set = IndicatorSet::open(std::sync::Arc::new(there_base.clone())).unwrap();
                    let overlay = Overlay::between(&set, &manifest.open(base.clone()).unwrap()).unwrap().to_octets();
                    let mut manifest = manifest.over(there, &overlay);
                    if !over_ours {
                        manifest.base_blake3 = "ab".repeat(32);
                    }
                    let signed = manifest.sign(&[&signer]).unwrap();
                    let sent = if offer.whole { &overlay[..] } else { &overlay[..overlay.len() - 1] };
                    (transfer_changes(&mut subscription, &signed, sent), there_base.clone(), right && over_ours)
                }
                (Some(_) | None, _) => {
                    let signed = manifest.sign(&[&signer]).unwrap();
                    let sent = if offer.whole { &base[..] } else { &base[..base.len() / 2] };
                    (transfer(&mut subscription, &signed, sent).0, base, right)
                }
            };
            prop_assert_eq!(matches!(step, Step::Keep(_)), right, "{:?} after floors {:?} and {:?}", offer, floors, step);
            if let Step::Keep(arrived) = step {
                let signed = Manifest::verify(&arrived.signed, &root);
                prop_assert_eq!(signed.as_ref(), Ok(&arrived.manifest));
                let base = IndicatorSet::open(std::sync::Arc::new(kept_base.clone())).unwrap();
                let set = arrived.manifest.complete(&base, &arrived.overlay);
                prop_assert_eq!(set.map(|set| set.len() as u64), Ok(offer.count));
                subscription.handle_stored(&arrived.manifest, Timestamp(0));
                floors.insert(to, floors[to].max(offer.revision));
                in_force = Some((arrived.manifest, kept_base));
            }
            prop_assert_eq!(subscription.floor(), Revision(floors[follows]));
            let number = in_force.as_ref().map_or(Revision(0), |(manifest, _)| manifest.revision);
            prop_assert_eq!(subscription.in_force(), number);
        }
    }
}
