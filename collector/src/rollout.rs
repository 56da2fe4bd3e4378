//! A list on its way from the pilot group to all: when it goes on, and what stops it. Told how it stands and what it has hit; says
//! what to do.
//!
//! What stops it is one indicator that meets too many at once: a bad row (a resolver's address, a name everybody uses) hits
//! everywhere within minutes, and what is really bad seldom does. Only what the list brings anew is held against the limits: what
//! was looked for before is known to those who look at its alerts.

use std::time::Duration;

use varde_common::time::Timestamp;

use crate::limits::rollout::{PILOT_HOSTS, PILOT_MEMBERS_LEAST, PILOT_MEMBERS_PERCENT, PILOT_WAIT};

/// What is too much, and how long is waited for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At the pilot group, and as long again for all.
    pub wait: Duration,
    /// An indicator that hits more than so many of a hundred members stops the list.
    pub members_percent: u64,
    /// And one that hits more than so many hosts: of the pilot group together, later of one member.
    pub hosts: u64,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds { wait: PILOT_WAIT, members_percent: PILOT_MEMBERS_PERCENT, hosts: PILOT_HOSTS }
    }
}

/// Where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It waits for a signature, for the pilot group or for all.
    Unsigned,
    /// At the pilot group, and no sensor there has it in force.
    Sent,
    /// In force at the first sensor of the pilot group since then.
    Pilot(Timestamp),
    /// For all since then.
    All(Timestamp),
}

/// What one indicator that the list brings has hit since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hit {
    /// `indicator.id`.
    pub indicator: i64,
    /// Members with a host that it met.
    pub members: u64,
    /// Such hosts, about.
    pub hosts: u64,
    /// The most of them at one member.
    pub hosts_at_one: u64,
}

/// What stops a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMuch {
    /// What it hit.
    pub hit: Hit,
    /// Of so many members that could see it.
    pub able: u64,
    /// Whether that was at the pilot group.
    pub at_pilot: bool,
}

impl TooMuch {
    /// In words, for people here and at members.
    pub fn words(&self) -> String {
        let TooMuch { hit: Hit { members, hosts, hosts_at_one, .. }, able, at_pilot } = self;
        match at_pilot {
            true => format!("hit {hosts} hosts of {members} of {able} members in the pilot group"),
            false => format!("hit {hosts} hosts of {members} of {able} members, {hosts_at_one} at one of them"),
        }
    }
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing yet.
    Wait,
    /// Let it go to all.
    ToAll,
    /// Stop it, and take the indicator out.
    Stop(TooMuch),
    /// It has been for all long enough.
    Done,
}

/// What to do with a list, by what it has hit of `able` members.
pub fn next(stage: Stage, hits: &[Hit], able: u64, bounds: &Bounds, now: Timestamp) -> Next {
    let (since, at_pilot) = match stage {
        Stage::Unsigned | Stage::Sent => return Next::Wait,
        Stage::Pilot(since) => (since, true),
        Stage::All(since) => (since, false),
    };
    // Before it goes on: what stands by then was found in time, however late somebody looks.
    if let Some(hit) = hits.iter().find(|hit| is_too_much(hit, at_pilot, able, bounds)) {
        return Next::Stop(TooMuch { hit: *hit, able, at_pilot });
    }
    match (now.since(since) >= bounds.wait && now >= since, at_pilot) {
        (false, _) => Next::Wait,
        (true, true) => Next::ToAll,
        (true, false) => Next::Done,
    }
}

fn is_too_much(hit: &Hit, at_pilot: bool, able: u64, bounds: &Bounds) -> bool {
    let hosts = if at_pilot { hit.hosts } else { hit.hosts_at_one };
    let many = hit.members >= PILOT_MEMBERS_LEAST
        && hit.members.saturating_mul(100) > able.saturating_mul(bounds.members_percent);
    many || hosts > bounds.hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: Timestamp = Timestamp(1_795_000_000_000_000);

    fn hit(members: u64, hosts: u64, hosts_at_one: u64) -> Hit {
        Hit { indicator: 7, members, hosts, hosts_at_one }
    }

    #[test]
    fn f2_a_list_goes_on_when_its_time_is_over_and_not_before() {
        let bounds = Bounds::default();
        let at = |after: Duration, stage| next(stage, &[hit(2, 5, 3)], 10, &bounds, THEN.plus(after));
        let second = Duration::from_secs(1);
        for stage in [Stage::Unsigned, Stage::Sent] {
            assert_eq!(at(bounds.wait * 9, stage), Next::Wait, "nobody has it");
        }
        assert_eq!(at(bounds.wait - second, Stage::Pilot(THEN)), Next::Wait);
        assert_eq!(at(bounds.wait, Stage::Pilot(THEN)), Next::ToAll);
        assert_eq!(at(bounds.wait - second, Stage::All(THEN)), Next::Wait);
        assert_eq!(at(bounds.wait, Stage::All(THEN)), Next::Done);
        assert_eq!(
            next(Stage::Pilot(THEN), &[], 10, &bounds, THEN.minus(bounds.wait * 2)),
            Next::Wait,
            "a clock set back"
        );
    }

    #[test]
    fn f2_too_many_members_or_hosts_stop_it_however_late_that_is_seen() {
        let bounds = Bounds::default();
        let stops = |stage, one: Hit, able| {
            let said = next(stage, &[hit(0, 0, 0), one], able, &bounds, THEN.plus(bounds.wait * 2));
            matches!(said, Next::Stop(TooMuch { hit, .. }) if hit == one)
        };
        let (pilot, all) = (Stage::Pilot(THEN), Stage::All(THEN));
        assert!(stops(pilot, hit(4, 4, 1), 13) && !stops(pilot, hit(4, 4, 1), 14), "30 in a hundred");
        assert!(!stops(pilot, hit(2, 2, 1), 2), "two say nothing of everybody");
        assert!(stops(pilot, hit(3, 3, 1), 3));
        assert!(stops(pilot, hit(1, 21, 21), 100) && !stops(pilot, hit(1, 20, 20), 100));
        assert!(stops(all, hit(5, 60, 21), 300) && !stops(all, hit(5, 60, 20), 300), "many members add up");
        assert!(stops(all, hit(108, 108, 1), 357) && !stops(all, hit(107, 107, 1), 357));
    }
}
