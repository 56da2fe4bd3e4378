//! What its receiver does not take begins no connection and ends none: forged SYNs, RSTs and FINs (RFC 9293, RFC 5961).

use super::*;

/// Where the client's stream stands.
const AT: u32 = 1_001;

/// A connection that stands, with 100 octets of the client acknowledged.
fn standing() -> Bench {
    let mut bench = Bench::new(10);
    stand(&mut bench);
    bench
}

fn stand(bench: &mut Bench) {
    bench.segment(0, A, B, SYN, AT - 1, 0, &[]);
    bench.segment(0, B, A, SYNACK, 9_000, AT, &[]);
    bench.segment(0, A, B, ACK, AT, 9_001, &[]);
    bench.segment(0, A, B, ACK, AT, 9_001, &[7; 100]);
    bench.segment(0, B, A, ACK, 9_001, AT + 100, &[]);
}

#[test]
fn a_forged_syn_in_a_connection_that_stands_begins_no_other() {
    use FlowStep::{Answered, Opened};
    let mut bench = standing();
    for (seconds, seq) in [(1, 500_000), (2, AT - 1), (3, AT + 100), (4, 0), (5, AT + 3_000)] {
        bench.segment(seconds, A, B, SYN, seq, 0, &[]);
        bench.segment(seconds, B, A, ACK, 9_001, AT + 100, &[]);
    }
    assert_eq!(bench.steps(), [(0, Opened), (0, Answered)]);
    // Nor does it hide how much was sent.
    let mut bench = Bench::new(10);
    bench.flows.data_out_octets = 20_000;
    stand(&mut bench);
    for number in 0..300u32 {
        let at = AT + 100 + 100 * number;
        if number % 60 == 59 {
            bench.segment(1, A, B, SYN, 500_000 + number, 0, &[]);
        }
        bench.segment(1, A, B, ACK, at, 9_001, &[7; 100]);
        bench.segment(1, B, A, ACK, 9_001, at + 100, &[]);
    }
    assert_eq!(bench.steps(), [(0, Opened), (0, Answered), (0, FlowStep::Volume)]);
}

#[test]
fn a_syn_that_is_answered_begins_another_flow_with_its_answer() {
    use FlowStep::{Answered, Closed, Opened};
    let mut bench = standing();
    bench.segment(60, A, B, SYN, 700_000, 0, &[]);
    // The answer to the first one, sent again, is none to this.
    bench.segment(60, B, A, SYNACK, 9_000, AT, &[]);
    assert_eq!(bench.steps(), [(0, Opened), (0, Answered)]);
    bench.segment(60, B, A, SYNACK, 44_000, 700_001, &[]);
    bench.segment(60, A, B, ACK, 700_001, 44_001, &[]);
    bench.segment(61, A, B, SYN, 700_000, 0, &[]);
    assert_eq!(bench.steps(), [(0, Opened), (0, Answered), (0, Closed), (1, Opened), (1, Answered)]);
    assert!(bench.records().iter().all(|record| record.initiator.to_string() == A));
}

#[test]
fn a_reset_ends_a_connection_only_where_its_receiver_stands() {
    // So much is under way at most (RFC 7323).
    let window = crate::limits::TCP_WINDOW_SCALED_MAX_OCTETS;
    let near = [AT + 101, AT + 5_000, AT + (1 << 21), AT + 99 + window];
    let far = [0, AT, AT + 99, AT + 100 + window, AT.wrapping_add(1 << 31), AT.wrapping_sub(1 << 30)];
    for (seqs, quiet_s) in [(&[AT + 100][..], 5), (&near, 120), (&far, 3_600)] {
        for seq in seqs {
            let mut bench = standing();
            bench.segment(1, A, B, RST, *seq, 0, &[]);
            bench.wait(quiet_s);
            assert_eq!(bench.flows.len(), 1, "{seq}");
            bench.wait(1 + quiet_s);
            assert_eq!(bench.flows.len(), 0, "{seq}");
        }
    }
    // What was under way when it was sent, the receiver has taken in truth.
    let mut bench = standing();
    bench.segment(1, A, B, ACK, AT + 100, 9_001, &[7; 50]);
    bench.segment(1, A, B, RST, AT + 100, 0, &[]);
    bench.segment(1, B, A, ACK, 9_001, AT + 150, &[]);
    bench.wait(3_600);
    assert_eq!(bench.flows.len(), 1);
    // A RST before the answer to the SYN is taken back by that.
    let mut bench = Bench::new(10);
    bench.segment(0, A, B, SYN, AT - 1, 0, &[]);
    bench.segment(0, A, B, RST, 77, 0, &[]);
    bench.segment(0, B, A, SYNACK, 9_000, AT, &[]);
    bench.segment(0, A, B, ACK, AT, 9_001, &[]);
    bench.wait(3_599);
    assert_eq!(bench.flows.len(), 1);
}

#[test]
fn a_fin_far_away_is_half_of_no_end() {
    let window = crate::limits::TCP_WINDOW_SCALED_MAX_OCTETS;
    for (seq, ends) in [
        (AT + 100, true),
        (AT + 99, true),
        (AT + (1 << 21), true),
        (AT + 99 + window, true),
        (AT + 100 + window, false),
        (AT.wrapping_add(1 << 31), false),
        (AT.wrapping_sub(1 << 29), false),
    ] {
        let mut bench = standing();
        bench.segment(1, A, B, FIN | ACK, seq, 9_001, &[]);
        bench.segment(1, B, A, FIN | ACK, 9_001, AT + 100, &[]);
        bench.wait(6);
        assert_eq!(bench.flows.is_empty(), ends, "{seq}");
    }
}

#[test]
fn who_began_a_connection_whose_end_was_not_seen_has_begun_what_goes_on_in_it() {
    // A RST in doubt and a pause: the server speaks first.
    let mut bench = standing();
    bench.segment(1, A, B, RST, AT + 5_000, 0, &[]);
    bench.segment(200, B, A, ACK, 9_001, AT + 100, b"x");
    bench.segment(201, A, B, ACK, AT + 100, 9_002, &[7; 100]);
    bench.segment(201, B, A, ACK, 9_002, AT + 200, &[]);
    let records = bench.records();
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|record| record.initiator.to_string() == A && record.contact == Contact::Answered));
    // Of one that ended for certain nothing is remembered.
    let mut bench = standing();
    bench.segment(1, A, B, RST, AT + 100, 0, &[]);
    bench.segment(200, B, A, ACK, 9_001, AT + 100, b"x");
    assert_eq!(bench.records()[1].initiator.to_string(), B);
}

/// SYN of the new connection, which ends the old one only with what the server says of it.
const ANEW: u32 = 900_000_000;

#[test]
fn a_port_used_again_begins_another_flow_though_the_answer_to_its_syn_was_not_seen() {
    use FlowStep::{Answered, Closed, Opened};
    let mut bench = standing();
    bench.segment(60, A, B, SYN, ANEW, 0, &[]);
    bench.segment(60, A, B, ACK, ANEW + 1, 44_001, &[]);
    bench.segment(60, A, B, ACK, ANEW + 1, 44_001, &[7; 100]);
    assert_eq!(bench.steps(), [(0, Opened), (0, Answered)], "nobody else has spoken");
    bench.segment(61, B, A, ACK, 44_001, ANEW + 101, b"x");
    bench.segment(61, A, B, ACK, ANEW + 101, 44_002, &[]);
    bench.segment(62, A, B, FIN | ACK, ANEW + 101, 44_002, &[]);
    bench.segment(62, B, A, FIN | ACK, 44_002, ANEW + 102, &[]);
    bench.wait(67);
    let steps = [(0, Opened), (0, Answered), (0, Closed), (1, Opened), (1, Answered), (1, Closed)];
    assert_eq!(bench.steps(), steps);
    assert!(bench.records().iter().all(|record| record.initiator.to_string() == A));
}

#[test]
fn s4_a_forged_syn_and_what_is_forged_behind_it_end_no_connection_and_move_none() {
    use FlowStep::{Answered, Opened};
    for forged in [ANEW, AT + (2 << 20), AT.wrapping_sub(2 << 20)] {
        let mut bench = standing();
        for number in 0..20u32 {
            bench.segment(1, A, B, SYN, forged, 0, &[]);
            for flags in [ACK, FIN | ACK] {
                bench.segment(1, A, B, flags, forged + 1 + 500 * number, 77, &[7; 500]);
            }
            bench.segment(1, A, B, ACK, AT + 100 + 10 * number, 9_001, &[7; 10]);
            bench.segment(1, B, A, ACK, 9_001, AT + 110 + 10 * number, &[]);
        }
        // The server says no more, and listens on: of the client's end none was real.
        bench.segment(1, B, A, FIN | ACK, 9_001, AT + 300, &[]);
        bench.wait(3_600);
        assert_eq!(bench.steps(), [(0, Opened), (0, Answered)], "{forged}");
    }
}

#[test]
fn attempts_that_are_answered_and_broken_off_are_a_flow_each() {
    let mut bench = Bench::new(10);
    for (number, seq) in [1_000u32, 100_001_000, 200_001_000].into_iter().enumerate() {
        let (seconds, theirs) = (number as i64, 5_000 + 7_777_777 * number as u32);
        bench.segment(seconds, A, B, SYN, seq, 0, &[]);
        bench.segment(seconds, B, A, SYNACK, theirs, seq + 1, &[]);
        let flags = if number < 2 { RST } else { ACK };
        bench.segment(seconds, A, B, flags, seq + 1, theirs + 1, &[]);
    }
    use Contact::{Answered, Unanswered};
    let contacts: Vec<_> = bench.records().iter().map(|record| record.contact).collect();
    assert_eq!(contacts, [Unanswered, Unanswered, Answered]);
}

#[test]
fn s4_syns_in_doubt_in_any_number_of_connections_take_bounded_memory_and_the_last_are_known() {
    use crate::limits::DOUBTS_MAX;
    let mut bench = Bench::new(3 * DOUBTS_MAX);
    let client = |number: usize| format!("10.{}.{}.1:40000", number / 250, number % 250);
    for number in 0..2 * DOUBTS_MAX {
        let client = client(number);
        bench.segment(0, &client, B, SYN, AT - 1, 0, &[]);
        bench.segment(0, B, &client, SYNACK, 9_000, AT, &[]);
        bench.segment(0, &client, B, ACK, AT, 9_001, &[]);
        bench.segment(1, &client, B, SYN, ANEW, 0, &[]);
    }
    assert_eq!(bench.flows.len(), 2 * DOUBTS_MAX);
    assert_eq!(bench.counts.doubts_evicted, DOUBTS_MAX as u64);
    let opened = bench.counts.opened;
    for (number, is_known) in [(0, false), (2 * DOUBTS_MAX - 1, true)] {
        bench.segment(2, B, &client(number), ACK, 44_001, ANEW + 101, b"x");
        assert_eq!(bench.counts.opened, opened + u64::from(is_known), "{number}");
    }
}

#[test]
fn s4_of_syns_in_doubt_only_what_belongs_behind_one_keeps_it() {
    use crate::limits::DOUBTS_MAX;
    let client = |number: usize| format!("10.{}.{}.1:40000", number / 250, number % 250);
    for (at, is_kept) in [(ANEW + 1, true), (ANEW + (1 << 29), false)] {
        let mut bench = Bench::new(3 * DOUBTS_MAX);
        for number in 0..=DOUBTS_MAX {
            let client = client(number);
            bench.segment(0, &client, B, SYN, AT - 1, 0, &[]);
            bench.segment(0, B, &client, SYNACK, 9_000, AT, &[]);
            bench.segment(0, &client, B, ACK, AT, 9_001, &[]);
        }
        for number in 0..DOUBTS_MAX {
            bench.segment(1, &client(number), B, SYN, ANEW, 0, &[]);
        }
        bench.segment(2, &client(0), B, ACK, at, 9_001, &[7; 10]);
        bench.segment(3, &client(DOUBTS_MAX), B, SYN, ANEW, 0, &[]);
        assert_eq!(bench.counts.doubts_evicted, 1);
        let opened = bench.counts.opened;
        // What is acknowledged behind its SYN begins a flow where that is remembered.
        bench.segment(4, B, &client(0), ACK, 44_001, ANEW + 11, b"x");
        assert_eq!(bench.counts.opened, opened + u64::from(is_kept), "{at}");
    }
}
