//! What a sensor has counted: totals, by reason, by source.

use std::collections::BTreeMap;

use super::Sensor;
use crate::dns::BadMessage;
use crate::health::{Evictions, Health, SourceHealth};
use crate::hello::BadHello;
use crate::packet::NotRead;
use crate::raise::Evicted;

/// Refusals that no one message or frame is to blame for, in the order of [`Sensor::other_refusals`].
const OTHER_REFUSALS: [&str; 10] = [
    "answers_beyond_limit",
    "answers_broken",
    "stream_given_up",
    "stream_gaps",
    "fragments_contradict",
    "fragments_unfinished",
    "fragment_dropped",
    "greeting_given_up",
    "transport_header_cut",
    "tunnel_unread",
];

/// Every key that [`Sensor::refused`] may ever hold: each is explained to whoever reads it.
pub fn refusal_keys() -> impl Iterator<Item = &'static str> {
    let frames = NotRead::ALL.into_iter().filter(|reason| *reason != NotRead::NotIp).map(NotRead::as_str);
    let messages = BadMessage::ALL.into_iter().map(BadMessage::key);
    frames.chain(messages).chain(BadHello::ALL.into_iter().map(BadHello::key)).chain(OTHER_REFUSALS)
}

impl Sensor {
    /// Totals.
    pub fn health(&self) -> Health {
        let seen = self.observer.counts();
        let not_ip = self.not_read.get(&NotRead::NotIp).copied().unwrap_or_default();
        let refusals: Vec<(&'static str, u64)> = self.refused().into_iter().collect();
        let raise = self.consequences.raise.evicted();
        Health {
            packets: self.packets,
            octets: self.octets,
            duplicates: self.intake.duplicates(),
            tunnelled: self.tunnelled().into_iter().collect(),
            rejoined: self.intake.fragments().rejoined,
            dropped: 0,
            drops_unknown: 0,
            refused: refusals.iter().map(|(_, count)| count).sum(),
            refusals,
            not_ip,
            dns_messages: seen.dns_messages,
            flows: seen.flows.opened,
            evictions: Evictions {
                flows: seen.flows.evicted + seen.flows.doubts_evicted,
                streams: seen.streams.evicted + seen.greetings.evicted,
                pairings: seen.transactions.evicted,
                fragments: self.intake.fragments().evicted,
                folding: raise.alerts,
                answers: raise.answered + raise.shared + raise.aliases,
                other: raise.watched + raise.unfetched + raise.resolvers + raise.not_demoted,
            },
            blind: self.consequences.blind.counts(),
            heard: self.consequences.blind.heard(&seen.transactions),
            sightings: self.consequences.raise.matches().total(),
            matches: self.consequences.raise.matches(),
            alerts: self.consequences.raise.alerts_total(),
            braked: self.consequences.raise.braked(),
            demoted: self.consequences.raise.demoted(),
            together: self.consequences.raise.together(),
            asked: self.consequences.raise.asked(),
            tags: self.vlans.tags(),
            last_packet: self.last_packet,
        }
    }

    /// What the matching stage let go because a table was full, table by table.
    pub fn raise_evicted(&self) -> Evicted {
        self.consequences.raise.evicted()
    }

    /// Totals of one source; all zero for one that has brought nothing.
    pub fn source_health(&self, source: u16) -> SourceHealth {
        self.sources.get(usize::from(source)).copied().unwrap_or_default()
    }

    /// Packets that came in tunnels, by kind; only kinds that came.
    pub fn tunnelled(&self) -> BTreeMap<&'static str, u64> {
        self.intake.tunnelled().filter(|(_, count)| *count > 0).map(|(kind, count)| (kind.as_str(), count)).collect()
    }

    /// What was refused, by reason. Frames without IP are no refusal: see [`Health::not_ip`].
    pub fn refused(&self) -> BTreeMap<&'static str, u64> {
        let frames = self.not_read.iter().filter(|(reason, _)| **reason != NotRead::NotIp);
        let mut refused: BTreeMap<&'static str, u64> =
            frames.map(|(reason, &count)| (reason.as_str(), count)).collect();
        let seen = self.observer.counts();
        for (reason, count) in seen.dns_refused.iter() {
            *refused.entry(reason.key()).or_default() += count;
        }
        for (reason, count) in seen.greetings.refused.iter() {
            *refused.entry(reason.key()).or_default() += count;
        }
        for (reason, count) in OTHER_REFUSALS.into_iter().zip(self.other_refusals()) {
            *refused.entry(reason).or_default() += count;
        }
        refused.retain(|_, count| *count > 0);
        refused
    }

    fn other_refusals(&self) -> [u64; OTHER_REFUSALS.len()] {
        let (seen, fragments) = (self.observer.counts(), self.intake.fragments());
        [
            seen.transactions.answers_beyond,
            seen.transactions.answers_broken,
            seen.streams.given_up,
            seen.streams.gaps,
            fragments.contradicting,
            fragments.unfinished,
            fragments.dropped,
            seen.greetings.given_up,
            seen.flows.cut_headers,
            self.intake.unread_tunnels(),
        ]
    }
}
