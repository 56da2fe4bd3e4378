//! What a sensor has seen in the last minutes: totals since the start hide that a mirror was set otherwise an hour ago.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_common::time::Timestamp;

use crate::health::Health;
use crate::limits::{CLOCK_LEAP_TOLD_MS, RECENT_MARK_EVERY_S, RECENT_MARKS_MAX};

/// Totals, of which differences are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Totals {
    packets: u64,
    duplicates: u64,
    dropped: u64,
    dns_messages: u64,
    both_ends: u64,
    one_end: u64,
    by_resolvers: u64,
    by_others: u64,
    untagged: u64,
    tagged: u64,
    flows_out: u64,
    encrypted_dns: u64,
}

impl Totals {
    fn of(health: &Health) -> Totals {
        let (heard, blind) = (&health.heard, &health.blind);
        Totals {
            packets: health.packets,
            duplicates: health.duplicates,
            dropped: health.dropped,
            dns_messages: health.dns_messages,
            both_ends: heard.both,
            one_end: heard.inside_alone.saturating_add(heard.outside_alone).saturating_add(heard.other_alone),
            by_resolvers: health.asked.by_resolvers,
            by_others: health.asked.by_others,
            untagged: health.tags.untagged,
            tagged: health.tags.tagged,
            flows_out: blind.flows,
            encrypted_dns: blind.dot_flows.saturating_add(blind.doq_flows).saturating_add(blind.doh_flows),
        }
    }
}

/// The last minutes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recent {
    marks: VecDeque<(Duration, Totals)>,
    latest: (Duration, Totals),
    vlans: u16,
    dns_at: Option<Duration>,
    /// By how much the clock of the wall is ahead of the one nobody can set, microseconds.
    wall_ahead_us: Option<i64>,
    clock_leaps: u64,
    clock_leapt_ms: i64,
}

/// The same as numbers. Those of traffic are of the last `span_s` seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RecentReport {
    /// How long that is: ten minutes, or since the start.
    pub span_s: u64,
    /// Packets read.
    pub packets: u64,
    /// Second copies left out.
    pub duplicates: u64,
    /// Frames lost before they were read.
    pub dropped: u64,
    /// DNS messages.
    pub dns_messages: u64,
    /// How long ago the last of them came; null = none since the start.
    pub dns_age_s: Option<u64>,
    /// TCP connections of which both ends were heard.
    pub both_ends: u64,
    /// And of which one was.
    pub one_end: u64,
    /// DNS questions of hosts that were known as resolvers.
    pub by_resolvers: u64,
    /// And of others.
    pub by_others: u64,
    /// Frames without a VLAN's tag.
    pub untagged: u64,
    /// And with one.
    pub tagged: u64,
    /// VLANs seen since the start.
    pub vlans: u16,
    /// Flows that left the network.
    pub flows_out: u64,
    /// Encrypted DNS among them.
    pub encrypted_dns: u64,
    /// How often the clock was set since the start.
    pub clock_leaps: u64,
    /// By how much the last time, milliseconds; negative = back.
    pub clock_leapt_ms: i64,
}

impl Recent {
    /// How the sensor is when the clock of the wall says `wall`, so long after the machine's start.
    pub fn handle_health(&mut self, health: &Health, wall: Timestamp, since_boot: Duration) {
        let totals = Totals::of(health);
        if totals.dns_messages > self.latest.1.dns_messages {
            self.dns_at = Some(since_boot);
        }
        self.vlans = health.tags.vlans;
        self.latest = (since_boot, totals);
        let every = Duration::from_secs(RECENT_MARK_EVERY_S);
        if self.marks.back().is_none_or(|(at, _)| since_boot.saturating_sub(*at) >= every) {
            if self.marks.len() >= RECENT_MARKS_MAX {
                self.marks.pop_front();
            }
            self.marks.push_back((since_boot, totals));
        }
        let ahead = wall.0.saturating_sub(i64::try_from(since_boot.as_micros()).unwrap_or(i64::MAX));
        let leapt_ms = self.wall_ahead_us.map_or(0, |was| ahead.saturating_sub(was) / 1000);
        if leapt_ms.saturating_abs() > CLOCK_LEAP_TOLD_MS {
            self.clock_leaps = self.clock_leaps.saturating_add(1);
            self.clock_leapt_ms = leapt_ms;
        }
        self.wall_ahead_us = Some(ahead);
    }

    /// What was seen since the oldest mark.
    pub fn report(&self) -> RecentReport {
        let (now, totals) = self.latest;
        let (since, before) = self.marks.front().copied().unwrap_or(self.latest);
        let lately = |of: fn(&Totals) -> u64| of(&totals).saturating_sub(of(&before));
        RecentReport {
            span_s: now.saturating_sub(since).as_secs(),
            packets: lately(|totals| totals.packets),
            duplicates: lately(|totals| totals.duplicates),
            dropped: lately(|totals| totals.dropped),
            dns_messages: lately(|totals| totals.dns_messages),
            dns_age_s: self.dns_at.map(|at| now.saturating_sub(at).as_secs()),
            both_ends: lately(|totals| totals.both_ends),
            one_end: lately(|totals| totals.one_end),
            by_resolvers: lately(|totals| totals.by_resolvers),
            by_others: lately(|totals| totals.by_others),
            untagged: lately(|totals| totals.untagged),
            tagged: lately(|totals| totals.tagged),
            vlans: self.vlans,
            flows_out: lately(|totals| totals.flows_out),
            encrypted_dns: lately(|totals| totals.encrypted_dns),
            clock_leaps: self.clock_leaps,
            clock_leapt_ms: self.clock_leapt_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::EndsHeard;

    #[test]
    fn what_was_ten_minutes_ago_no_longer_counts_and_dns_has_an_age() {
        let mut recent = Recent::default();
        let (mut health, mut up) = (Health::default(), Duration::from_secs(100));
        let mut look = |health: &Health, seconds: u64| {
            up += Duration::from_secs(seconds);
            recent.handle_health(health, Timestamp(1_000_000_000_000_000).plus(up), up);
            recent.report()
        };
        assert_eq!(look(&health, 0), RecentReport::default());
        health.heard = EndsHeard { both: 50, ..EndsHeard::default() };
        health.dns_messages = 3;
        let told = look(&health, 1);
        assert_eq!((told.both_ends, told.dns_messages, told.dns_age_s, told.span_s), (50, 3, Some(0), 1));
        // The mirror shows one direction from now on.
        for _ in 0..RECENT_MARKS_MAX {
            health.heard.inside_alone += 1;
            look(&health, RECENT_MARK_EVERY_S);
        }
        let told = look(&health, 0);
        assert_eq!((told.both_ends, told.one_end), (0, RECENT_MARKS_MAX as u64 - 1), "{told:?}");
        assert_eq!((told.span_s, told.dns_age_s), (570, Some(600)));
        assert_eq!(told.clock_leaps, 0);
    }

    #[test]
    fn a_clock_that_is_set_has_leapt_and_one_that_is_slewed_has_not() {
        let mut recent = Recent::default();
        let second = Duration::from_secs(1);
        for (looks, wall_ms) in [0_i64, 1_000, 2_400, 3_400, 63_400, 64_400, 4_400].into_iter().enumerate() {
            let wall = Timestamp(1_000_000_000_000_000 + wall_ms * 1000);
            recent.handle_health(&Health::default(), wall, second * looks as u32);
        }
        let told = recent.report();
        assert_eq!((told.clock_leaps, told.clock_leapt_ms), (2, -61_000));
    }
}
