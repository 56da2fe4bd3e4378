//! Data out, and the flows that are watched for it.

use varde_common::observation::HelloTransport;

use super::named::{JA4, NO_JA4};
use super::*;

const NONE: Volume = Volume { initiator: false, responder: false };
const OUT: Volume = Volume { initiator: true, responder: false };
const BACK: Volume = Volume { initiator: false, responder: true };

impl Bench {
    /// An answered TCP flow, the steps from `Answered` on with what they find sent.
    fn sends(&mut self, initiator: &str, responder: &str, steps: &[(FlowStep, Volume)], sni: Option<&str>, ja4: &str) {
        self.flow += 1;
        let contact = Contact::Unanswered;
        let mut so_far = SoFar { flow: FlowId(self.flow), began: self.now, contact, volume: NONE };
        self.step(FlowStep::Opened, initiator, responder, Protocol::TCP, so_far);
        so_far.contact = Contact::Answered;
        for (step, volume) in steps {
            so_far.volume = *volume;
            self.step(*step, initiator, responder, Protocol::TCP, so_far);
            if *step == FlowStep::Answered {
                self.hello(so_far.flow, Contact::Answered, HelloTransport::Tls, (initiator, responder), sni, ja4);
            }
        }
    }
}

const STEPS: [(FlowStep, Volume); 3] = [(FlowStep::Answered, NONE), (FlowStep::Volume, OUT), (FlowStep::Closed, OUT)];
const RETRO: [(FlowStep, Volume); 2] = [(FlowStep::Answered, NONE), (FlowStep::Reported, OUT)];
const EARLY: [(FlowStep, Volume); 2] = [(FlowStep::Answered, OUT), (FlowStep::Closed, OUT)];
const DOWN: [(FlowStep, Volume); 3] = [(FlowStep::Answered, NONE), (FlowStep::Volume, BACK), (FlowStep::Closed, BACK)];

#[test]
fn much_sent_from_inside_is_data_out_where_a_name_or_a_rare_address_says_to_whom() {
    for (what, list, look_up, sni, steps, expected) in [
        ("by name", "evil.no", None, Some("evil.no"), &STEPS[..], "evil.no 10.0.0.5 data_out 1"),
        ("by name, found later", "evil.no", None, Some("evil.no"), &RETRO, "evil.no 10.0.0.5 data_out 1"),
        ("by name, said after it was sent", "evil.no", None, Some("evil.no"), &EARLY, "evil.no 10.0.0.5 data_out 1"),
        ("by name, sent by the other", "evil.no", None, Some("evil.no"), &DOWN, "evil.no 10.0.0.5 contacted 1"),
        ("to a listed address", "203.0.113.9", None, None, &STEPS, "203.0.113.9 10.0.0.5 data_out 1"),
        ("by a listed address", "203.0.113.9", None, None, &DOWN, "203.0.113.9 10.0.0.5 contacted 1"),
        ("after a look-up", "evil.no", Some("evil.no"), None, &STEPS, "evil.no 10.0.0.5 data_out 1"),
        ("after a look-up, sent by the other", "evil.no", Some("evil.no"), None, &DOWN, "evil.no 10.0.0.5 contacted 1"),
        ("to nobody listed", "evil.no", None, Some("notevil.no"), &STEPS, ""),
    ] {
        let mut bench = Bench::new(&[list]);
        if let Some(name) = look_up {
            bench.dns(H, UPSTREAM, name, Some(0), &[(name, "203.0.113.9")]);
        }
        bench.sends(H, BAD, steps, sni, NO_JA4);
        let expected: Vec<&str> = Some(expected).filter(|line| !line.is_empty()).into_iter().collect();
        assert_eq!(bench.alerts(), expected, "{what}");
    }
}

#[test]
fn much_sent_to_a_shared_address_is_data_out_only_by_name() {
    for (sni, evidence) in [(None, "answered"), (Some("evil.no"), "data_out")] {
        let mut bench = Bench::new(&["evil.no"]);
        bench.dns(H, UPSTREAM, "evil.no", Some(0), &[("evil.no", "203.0.113.9")]);
        bench.dns(H2, UPSTREAM, "innocent.no", Some(0), &[("innocent.no", "203.0.113.9")]);
        bench.sends(H, BAD, &STEPS, sni, NO_JA4);
        let alerts = bench.whole();
        assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), [format!("evil.no 10.0.0.5 {evidence} 1")]);
        assert_eq!(alerts[0].circumstances.possible_contact, sni.is_none());
    }
}

#[test]
fn what_a_listed_address_fetches_from_a_server_of_ours_is_inbound_contact_and_no_data_out() {
    let mut bench = Bench::new(&["203.0.113.9"]);
    bench.sends(BAD, H, &DOWN, None, NO_JA4);
    let alerts = bench.whole();
    assert_eq!(alerts.iter().map(line).collect::<Vec<_>>(), ["203.0.113.9 10.0.0.5 contacted 1"]);
    assert_eq!(alerts[0].key.direction, Direction::Inbound);
    let mut bench = Bench::new(&["203.0.113.9"]);
    bench.sends(BAD, H, &STEPS, None, NO_JA4);
    assert_eq!(bench.alerts(), ["203.0.113.9 10.0.0.5 contacted 1"], "an upload to us is none");
}

#[test]
fn much_sent_by_a_listed_program_or_to_a_sinkhole_or_a_proxy_is_none() {
    let mut bench = Bench::new(&[&format!("ja4:{JA4}")]);
    bench.sends(H, BAD, &STEPS, None, JA4);
    assert_eq!(bench.alerts(), [format!("ja4:{JA4} 10.0.0.5 contacted 1")]);
    for (server, evidence) in [("146.112.61.104:443", "blocked"), ("10.0.0.80:3128", "attempted")] {
        let mut bench = Bench::new(&["evil.no"]);
        bench.sends(H, server, &STEPS, Some("evil.no"), NO_JA4);
        assert_eq!(bench.alerts(), [format!("evil.no 10.0.0.5 {evidence} 1")], "{server}");
    }
}

#[test]
fn a_list_that_comes_later_meets_flows_that_are_open() {
    let mut bench = Bench::new(&["evil.no"]);
    let so_far = SoFar { flow: FlowId(1), began: second(0), contact: Contact::Unanswered, volume: NONE };
    bench.step(FlowStep::Opened, H, BAD, Protocol::TCP, so_far);
    let list = vec![Indicator::bare(IndicatorId(1), "203.0.113.9".parse().unwrap())];
    bench.raise.handle_set(Arc::new(IndicatorSet::build(list)), Revision(2));
    bench.step(FlowStep::Closed, H, BAD, Protocol::TCP, SoFar { contact: Contact::Answered, volume: OUT, ..so_far });
    assert_eq!(bench.alerts(), ["203.0.113.9 10.0.0.5 data_out 1"]);
}

#[test]
fn d20_a_flow_whose_number_was_given_before_another_s_that_was_let_go_counts_for_its_address() {
    let mut bench = Bench::new(&["evil.no", "203.0.113.9"]);
    for number in 0..=crate::limits::WATCHED_FLOWS_MAX as u64 {
        let flow = FlowId(1_000 + number);
        bench.hello(flow, Contact::Unanswered, HelloTransport::Tls, (H, "203.0.113.80:443"), Some("evil.no"), NO_JA4);
    }
    assert_eq!(bench.raise.evicted().watched, 1);
    for flow in [5, 6] {
        let contact = Contact::Unanswered;
        let so_far = SoFar { flow: FlowId(flow), began: bench.now, contact, volume: NONE };
        bench.step(FlowStep::Opened, H, BAD, Protocol::TCP, so_far);
        bench.step(FlowStep::Closed, H, BAD, Protocol::TCP, so_far);
    }
    assert!(bench.alerts().contains(&"203.0.113.9 10.0.0.5 attempted 2".to_owned()));
}
