//! Fragments in any order, twice, contradicting, never finished, too many.

use std::collections::BTreeMap;

use super::*;
use crate::limits::FRAGMENTS_EACH_MAX;
use proptest::prelude::*;

const SRC: [u8; 4] = [10, 0, 0, 1];
const DST: [u8; 4] = [192, 0, 2, 1];

#[test]
fn s4_all_fragmented_packets_together_take_no_more_than_the_limit_says() {
    let octets = Table::<Key, Fragmented, 2>::octets_for(FRAGMENTED_MAX);
    assert!(octets <= crate::limits::FRAGMENTED_MAX_OCTETS, "{octets} octets");
}

fn piece(id: u32, offset: usize, more: bool, data: &[u8]) -> Piece<'_> {
    Piece { src: SRC.into(), dst: DST.into(), id, protocol: Protocol::UDP, offset, more, data }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_unix(second, 0)
}

fn take(fragments: &mut Fragments, at: i64, piece: Piece<'_>) -> Option<Vec<u8>> {
    fragments.handle_piece(&piece, true, (second(at), 3), second(at)).map(|datagram| datagram.data)
}

fn given_up(fragments: &mut Fragments, at: i64) -> Vec<(i64, Vec<u8>)> {
    std::iter::from_fn(|| fragments.poll_given_up(second(at)))
        .map(|datagram| (datagram.time.as_micros() / 1_000_000, datagram.data))
        .collect()
}

#[test]
fn fragments_in_any_order_and_twice_make_the_packet_once() {
    let parts = [(0, true, [1u8; 16]), (16, true, [2; 16]), (32, false, [3; 16])];
    let whole = [[1u8; 16], [2; 16], [3; 16]].concat();
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut fragments = Fragments::new();
        let mut made = Vec::new();
        for place in order {
            let (offset, more, data) = &parts[place];
            // Another packet of the same ends between each two.
            take(&mut fragments, 1, piece(8, *offset + 8, true, data));
            made.extend(take(&mut fragments, 1, piece(7, *offset, *more, data)));
            if made.is_empty() {
                assert_eq!(take(&mut fragments, 1, piece(7, *offset, *more, data)), None, "the same again");
            }
        }
        assert_eq!(made, std::slice::from_ref(&whole), "{order:?}");
        let FragmentCounts { rejoined, contradicting, .. } = fragments.counts();
        assert_eq!((fragments.len(), rejoined, contradicting), (2, 1, 0), "the other waits, this is remembered");
        // Copies that come later are nothing that waits for its rest.
        take(&mut fragments, 2, piece(7, 16, true, &[2; 16]));
        fragments.give_up_all();
        let begun: Vec<_> = given_up(&mut fragments, 2);
        assert!(begun.iter().all(|(_, data)| *data != whole), "{begun:?}");
        assert_eq!((fragments.counts().unfinished, fragments.counts().contradicting), (1, 0));
    }
}

/// Everything that is handed out of these fragments in this order.
fn all_of(pieces: &[Piece<'_>]) -> (Vec<Vec<u8>>, FragmentCounts) {
    let mut fragments = Fragments::new();
    let mut told: Vec<Vec<u8>> = Vec::new();
    for piece in pieces {
        told.extend(take(&mut fragments, 1, *piece));
        told.extend(given_up(&mut fragments, 1).into_iter().map(|(_, data)| data));
    }
    fragments.give_up_all();
    told.extend(given_up(&mut fragments, 1).into_iter().map(|(_, data)| data));
    assert!(fragments.is_empty() && fragments.held_octets() == 0);
    (told, fragments.counts())
}

#[test]
fn s3_a_fragment_that_contradicts_is_left_out_whole_of_one_reading_and_believed_in_the_other() {
    let (first, second, third) =
        (piece(7, 0, true, &[1; 16]), piece(7, 16, true, &[2; 16]), piece(7, 32, false, &[3; 8]));
    let whole = [&[1; 16][..], &[2; 16], &[3; 8]].concat();
    for (what, poison, other) in [
        ("the first again, other", piece(7, 0, true, &[9; 16]), [&[9; 16][..], &[2; 16], &[3; 8]].concat()),
        // In its reading nothing of the true first fragment counts, so what lies behind it has no beginning to follow.
        ("the first again, shorter", piece(7, 0, true, &[9; 8]), vec![9; 8]),
        ("a hole in the first", piece(7, 8, true, &[9; 8]), Vec::new()),
        ("over two", piece(7, 8, true, &[9; 16]), Vec::new()),
        ("an end within", piece(7, 16, false, &[9; 8]), [&[1; 16][..], &[9; 8]].concat()),
    ] {
        let (told, counts) = all_of(&[first, second, poison, third]);
        let expected: Vec<_> = [whole.clone(), other].into_iter().filter(|data| !data.is_empty()).collect();
        let mut sorted = (told.clone(), expected);
        sorted.0.sort();
        sorted.1.sort();
        assert_eq!(sorted.0, sorted.1, "{what}");
        assert_eq!((counts.contradicting, counts.unfinished, counts.dropped), (1, 0, 0), "{what}");
    }
}

#[test]
fn s3_another_protocol_in_front_of_the_same_octets_is_another_reading() {
    let (src, dst) = ([0xfd; 16].into(), [0xfc; 16].into());
    let v6 = |protocol, offset, more, data| Piece { src, dst, id: 7, protocol, offset, more, data };
    let pieces = [
        v6(Protocol(99), 0, true, &[1; 8][..]),
        v6(Protocol::UDP, 0, true, &[1; 8]),
        v6(Protocol::UDP, 8, false, &[2; 8]),
    ];
    let mut fragments = Fragments::new();
    let mut protocols = Vec::new();
    for piece in pieces {
        protocols.extend(fragments.handle_piece(&piece, true, (second(1), 0), second(1)));
    }
    protocols.extend(std::iter::from_fn(|| fragments.poll_given_up(second(1))));
    let protocols: Vec<_> = protocols.iter().map(|datagram| datagram.protocol).collect();
    assert_eq!(protocols, [Protocol(99), Protocol::UDP]);
    assert_eq!(fragments.counts().contradicting, 1);
}

/// A decoy that is as long as a packet can be still leaves room for the longest packet.
#[test]
fn s3_the_longest_decoy_drives_out_nothing_of_the_longest_packet() {
    let whole: Vec<u8> = (0..65_528usize).map(|at| (at / 8) as u8).collect();
    let mut true_ones: Vec<Piece<'_>> = whole
        .chunks(1_232)
        .enumerate()
        .map(|(n, data)| piece(7, n * 1_232, (n + 1) * 1_232 < whole.len(), data))
        .collect();
    let decoy = vec![9; 65_528];
    true_ones.insert(0, piece(7, 0, true, &decoy));
    let (told, counts) = all_of(&true_ones);
    assert!(told.contains(&whole), "{counts:?}");
    assert_eq!((counts.contradicting, counts.dropped), (1, 0));
}

#[test]
fn s3_a_false_fragment_that_came_first_and_made_the_packet_whole_hides_nothing() {
    let whole = [[1u8; 16], [3; 16]].concat();
    let mut fragments = Fragments::new();
    take(&mut fragments, 1, piece(7, 0, true, &[1; 16]));
    assert_eq!(take(&mut fragments, 1, piece(7, 16, false, &[9; 16])), Some([[1u8; 16], [9; 16]].concat()));
    assert_eq!(take(&mut fragments, 2, piece(7, 16, false, &[3; 16])), None, "perhaps of another packet");
    assert_eq!(given_up(&mut fragments, 61), []);
    assert_eq!(given_up(&mut fragments, 62), [(2, whole)]);
    assert_eq!((fragments.counts().contradicting, fragments.counts().unfinished), (1, 0));
    assert!(fragments.is_empty() && fragments.held_octets() == 0);
}

#[test]
fn a_number_used_again_is_another_packet() {
    let mut fragments = Fragments::new();
    for turn in 0..5u8 {
        let at = i64::from(turn);
        assert_eq!(take(&mut fragments, at, piece(7, 16, false, &[turn; 8])), None);
        let made = take(&mut fragments, at, piece(7, 0, true, &[turn; 16]));
        assert_eq!(made, Some(vec![turn; 24]));
    }
    assert_eq!(given_up(&mut fragments, 100), []);
    let FragmentCounts { rejoined, contradicting, unfinished, .. } = fragments.counts();
    assert_eq!((rejoined, contradicting, unfinished, fragments.len()), (5, 0, 0, 0));
}

#[test]
fn s4_what_was_told_makes_room_before_anything_that_waits() {
    let mut fragments = Fragments::with_limits(4, 1 << 20);
    take(&mut fragments, 1, piece(1, 0, true, &[1; 8]));
    for id in 2..20 {
        take(&mut fragments, 1, piece(id, 0, true, &[2; 8]));
        assert!(take(&mut fragments, 1, piece(id, 8, false, &[2; 8])).is_some());
        assert!(fragments.len() <= 4);
    }
    assert_eq!(fragments.counts().evicted, 0);
    assert_eq!(take(&mut fragments, 1, piece(1, 8, false, &[1; 8])), Some(vec![1; 16]), "it has waited all the time");
    assert!(!fragments.is_due(second(100)), "nothing waits");
    assert_eq!(given_up(&mut fragments, 100), []);
    assert!(fragments.is_empty() && fragments.held_octets() == 0);
}

#[test]
fn s3_lengths_that_lie_are_dropped_or_taken_as_receivers_take_them() {
    let mut fragments = Fragments::new();
    for bad in [piece(1, 8, true, &[1; 7]), piece(1, 65_528, false, &[1; 8]), piece(1, 8, true, &[])] {
        assert_eq!(take(&mut fragments, 1, bad), None);
    }
    assert_eq!((fragments.counts().dropped, fragments.len()), (3, 0));
    assert_eq!(take(&mut fragments, 1, piece(1, 65_520, false, &[1; 15])), None, "the last octet there can be");
    assert_eq!(fragments.len(), 1);
    // Linux cuts what is no multiple of eight.
    assert_eq!(take(&mut fragments, 1, piece(2, 0, true, &[1; 12])), None);
    assert_eq!(take(&mut fragments, 1, piece(2, 8, false, &[2; 8])), Some([[1; 8], [2; 8]].concat()));
    assert_eq!(fragments.counts().dropped, 4);
}

#[test]
fn s3_a_fragment_that_is_longer_than_what_came_of_it_hides_nothing() {
    let mut fragments = Fragments::new();
    for (offset, more, octets, is_complete) in [
        (0, true, &[1u8; 8][..], true),
        (8, false, &[2; 3], false),
        (8, true, &[2; 8], true),
        (16, false, &[3; 8], true),
    ] {
        let made = fragments.handle_piece(&piece(1, offset, more, octets), is_complete, (second(1), 3), second(1));
        let whole = (offset == 16).then(|| [[1; 8], [2; 8], [3; 8]].concat());
        assert_eq!(made.map(|datagram| datagram.data), whole);
    }
    // Cut by the snapshot length: as far as there is something.
    let cut = piece(2, 0, true, &[1; 11]);
    assert_eq!(fragments.handle_piece(&cut, false, (second(2), 3), second(2)), None);
    assert_eq!(take(&mut fragments, 2, piece(2, 16, false, &[2; 8])), None);
    assert_eq!(given_up(&mut fragments, 90), [(2, vec![1; 11])]);
    assert_eq!((fragments.counts().unfinished, fragments.counts().contradicting), (1, 0));
}

#[test]
fn s4_what_is_never_finished_goes_by_age_and_its_beginning_is_read() {
    let mut fragments = Fragments::with_limits(4, 1 << 20);
    for id in 0..6 {
        take(&mut fragments, i64::from(id), piece(id, 0, true, &[id as u8; 8]));
        assert!(fragments.len() <= 4);
    }
    assert_eq!(given_up(&mut fragments, 6), [(0, vec![0; 8]), (1, vec![1; 8])]);
    assert_eq!(fragments.counts().evicted, 2);
    assert!(!fragments.is_due(second(61)) && fragments.is_due(second(62)));
    assert_eq!(given_up(&mut fragments, 63), [(2, vec![2; 8]), (3, vec![3; 8])]);
    assert_eq!((fragments.counts().unfinished, fragments.len()), (2, 2));
    take(&mut fragments, 63, piece(9, 8, true, &[9; 8]));
    fragments.give_up_all();
    assert_eq!(given_up(&mut fragments, 63), [(4, vec![4; 8]), (5, vec![5; 8])], "without a beginning nothing");
    assert!(fragments.is_empty() && fragments.held_octets() == 0);
}

#[test]
fn s4_the_memory_for_all_is_bounded_and_tiny_fragments_are_too() {
    let mut fragments = Fragments::with_limits(1 << 16, 100_000);
    for id in 0..1000 {
        take(&mut fragments, 1, piece(id, 0, true, &[7; 1480]));
        assert!(fragments.held_octets() <= 100_000 + 8192);
        given_up(&mut fragments, 1);
    }
    assert!(fragments.counts().evicted > 900);
    let mut fragments = Fragments::new();
    for at in 1..=FRAGMENTS_EACH_MAX * 2 {
        assert_eq!(take(&mut fragments, 1, piece(1, 16 * at, true, &[9; 8])), None);
    }
    assert_eq!(fragments.counts().dropped, FRAGMENTS_EACH_MAX as u64, "too many");
    assert!(fragments.held_octets() <= 8192);
    assert_eq!(take(&mut fragments, 1, piece(1, 0, true, &[1; 8])), None);
    let whole = take(&mut fragments, 1, piece(1, 8, false, &[1; 8]));
    assert_eq!(whole.map(|whole| whole[..16].to_vec()), Some(vec![1; 16]), "what is too much stands in nobody's way");
}

proptest! {
    #[test]
    fn s3_nothing_is_put_together_but_what_was_sent(
        steps in prop::collection::vec(
            (0u32..3, 0usize..6, 1usize..4, any::<bool>(), 0i64..20, prop::bool::weighted(0.9)), 0..200,
        ),
    ) {
        let mut fragments = Fragments::with_limits(2, 4096);
        let mut now = 0;
        for (id, offset, length, more, pause, is_complete) in steps {
            now += pause;
            // Octets say where they belong, so a packet put together must count up.
            let data: Vec<u8> = (offset * 8..(offset + length) * 8).map(|at| at as u8).collect();
            let piece = piece(id, offset * 8, more, &data);
            if let Some(made) = fragments.handle_piece(&piece, is_complete, (second(now), 0), second(now)) {
                prop_assert!(made.data.iter().enumerate().all(|(at, &octet)| octet == at as u8));
            }
            while let Some(part) = fragments.poll_given_up(second(now)) {
                prop_assert!(!part.data.is_empty());
                prop_assert!(part.data.iter().enumerate().all(|(at, &octet)| octet == at as u8));
            }
            prop_assert!(fragments.len() <= 2 && fragments.held_octets() <= 4096 + 8192);
        }
        fragments.give_up_all();
        prop_assert!(fragments.is_empty() && fragments.held_octets() == 0);
    }

    /// The promise: whatever one false fragment says, wherever it lies and whenever it comes, the truth is told.
    #[test]
    fn s3_one_false_fragment_at_any_place_and_of_any_length_hides_nothing(
        whole in prop::collection::vec(any::<u8>(), 9..400),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        order in any::<prop::sample::Index>(),
        turned in any::<bool>(),
        place in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        says in prop::collection::vec(any::<u8>(), 1..200),
        like in 0u8..3,
        more in any::<bool>(),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| (cut.index(whole.len() - 1) / 8 * 8).max(8)).collect();
        cuts.extend([0, whole.len()]);
        cuts.sort_unstable();
        cuts.dedup();
        let mut pieces: Vec<Piece<'_>> = cuts
            .windows(2)
            .map(|ends| piece(7, ends[0], ends[1] < whole.len(), &whole[ends[0]..ends[1]]))
            .collect();
        let turn = order.index(pieces.len());
        pieces.rotate_left(turn);
        if turned { pieces.reverse() }
        let offset = at.index(whole.len() + 32) / 8 * 8;
        // Something else, or the truth up to its last octet, or the truth as far as it goes and then something else.
        let mut decoy = says.clone();
        if like > 0 {
            decoy.iter_mut().zip(whole.iter().skip(offset)).for_each(|(decoy, truth)| *decoy = *truth);
        }
        if like > 1 && let Some(last) = decoy.last_mut() { *last ^= 1 }
        if more { decoy.truncate(decoy.len() / 8 * 8) }
        let is_fragment = !decoy.is_empty() && (more || offset > 0);
        if is_fragment {
            let place = place.index(pieces.len() + 1);
            pieces.insert(place, piece(7, offset, more, &decoy));
        }
        let (told, counts) = all_of(&pieces);
        prop_assert!(told.contains(&whole), "{counts:?}: {pieces:?}");
        prop_assert_eq!(counts.dropped, 0);
    }

    #[test]
    fn s3_fragments_that_came_first_make_the_packet_and_those_that_came_last_its_other_reading(
        steps in prop::collection::vec((0usize..8, 1usize..6, prop::bool::weighted(0.8), 0u8..3), 0..60),
    ) {
        /// The simplest that can be said of it: octet by octet.
        fn reading<'a>(order: impl Iterator<Item = &'a (usize, Vec<u8>, bool)>) -> Option<Vec<u8>> {
            let (mut octets, mut total) = (BTreeMap::new(), None);
            for (offset, data, more) in order {
                let end = offset + data.len();
                let furthest = octets.last_key_value().map_or(0, |(at, _)| at + 1);
                let agrees = (*offset..).zip(data).all(|(at, octet)| octets.get(&at).is_none_or(|known| known == octet))
                    && total.is_none_or(|total| if *more { end <= total } else { end == total })
                    && (*more || furthest <= end);
                if agrees {
                    octets.extend((*offset..).zip(data.iter().copied()));
                    total = total.or((!more).then_some(end));
                }
            }
            let run: Vec<u8> = (0..).map_while(|at| octets.get(&at).copied()).collect();
            total.filter(|total| run.len() >= *total).map(|_| run)
        }
        let mut fragments = Fragments::new();
        let mut came: Vec<(usize, Vec<u8>, bool)> = Vec::new();
        for (offset, length, more, variant) in steps {
            let data: Vec<u8> = (offset * 8..(offset + length) * 8).map(|at| at as u8 ^ variant << 6).collect();
            let made = take(&mut fragments, 1, piece(7, offset * 8, more, &data));
            let new = (offset * 8, data, more);
            if !came.contains(&new) { came.push(new) }
            let mut expected: Vec<_> = [reading(came.iter()), reading(came.iter().rev())].into_iter().flatten().collect();
            expected.dedup();
            let told: Vec<_> = made.into_iter().chain(given_up(&mut fragments, 1).into_iter().map(|(_, data)| data)).collect();
            prop_assert_eq!(&told, &expected);
            if !told.is_empty() { came.clear() }
        }
    }
}
