//! A list on its way from the pilot group to all: when it goes on, and what stops it. Told how it stands and what it has hit; says
//! what to do.
//!
//! What stops it is one indicator that meets too many at once: a bad row (a resolver's address, a name everybody uses) hits
//! everywhere within minutes, and what is really bad seldom does. Only what the list brings anew is held against the limits: what
//! was looked for before is known to those who look at its alerts.

use std::time::Duration;

use crate::limits::rollout::{
    PILOT_HOSTS, PILOT_MEMBERS_LEAST, PILOT_MEMBERS_PERCENT, PILOT_WAIT, ROLLOUT_LOOK_COUNTS, ROLLOUT_SETTLES,
};

/// What is too much, and how long is waited for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At the pilot group, and as long again for all.
    pub wait: Duration,
    /// An indicator that hits more than so many of a hundred members stops the list.
    pub members_percent: u64,
    /// And one that hits more than so many hosts: of the pilot group together; later of one member, where others are hit too.
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
    /// In force at a sensor of the pilot group.
    Pilot,
    /// For all.
    All,
}

/// For how long a list was watched: time in which the collector ran and was connected with a sensor that has it in force. What passes
/// while nobody could be heard says nothing of what it hits, and a clock that is set nothing of what has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watched {
    /// In all.
    pub total: Duration,
    /// Since the collector began, or a sensor could be heard again: what sensors held back meanwhile comes first.
    pub unbroken: Duration,
}

impl Watched {
    /// So long after the look before, with whether a sensor can be heard.
    pub fn handle_look(&mut self, passed: Duration, is_heard: bool) {
        if !is_heard {
            self.unbroken = Duration::ZERO;
            return;
        }
        // A machine that slept between two looks was connected with nobody.
        let passed = passed.min(ROLLOUT_LOOK_COUNTS);
        self.total = self.total.saturating_add(passed);
        self.unbroken = self.unbroken.saturating_add(passed);
    }

    fn is_enough(&self, bounds: &Bounds) -> bool {
        self.total >= bounds.wait && self.unbroken >= bounds.wait.min(ROLLOUT_SETTLES)
    }
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
pub fn next(stage: Stage, hits: &[Hit], able: u64, bounds: &Bounds, watched: &Watched) -> Next {
    let at_pilot = match stage {
        Stage::Unsigned | Stage::Sent => return Next::Wait,
        Stage::Pilot => true,
        Stage::All => false,
    };
    // Before it goes on: what stands by then was found in time, however late somebody looks.
    if let Some(hit) = hits.iter().find(|hit| is_too_much(hit, at_pilot, able, bounds)) {
        return Next::Stop(TooMuch { hit: *hit, able, at_pilot });
    }
    // Where nobody could see it, that it has hit nobody says nothing.
    match (able > 0 && watched.is_enough(bounds), at_pilot) {
        (false, _) => Next::Wait,
        (true, true) => Next::ToAll,
        (true, false) => Next::Done,
    }
}

fn is_too_much(hit: &Hit, at_pilot: bool, able: u64, bounds: &Bounds) -> bool {
    let many = hit.members >= PILOT_MEMBERS_LEAST
        && hit.members.saturating_mul(100) > able.saturating_mul(bounds.members_percent);
    // What the group is there for is to stop a list. Among all, what one member says, or whoever has its sensor's key, takes nothing
    // away from the others: its own sensor tells of such an indicator together.
    let hosts = match at_pilot {
        true => hit.hosts > bounds.hosts,
        false => hit.members >= PILOT_MEMBERS_LEAST.min(able) && hit.hosts_at_one > bounds.hosts,
    };
    many || hosts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(members: u64, hosts: u64, hosts_at_one: u64) -> Hit {
        Hit { indicator: 7, members, hosts, hosts_at_one }
    }

    #[test]
    fn f2_a_list_goes_on_when_its_time_is_over_and_not_before() {
        let bounds = Bounds::default();
        let at = |after: Duration, stage| {
            next(stage, &[hit(2, 5, 3)], 10, &bounds, &Watched { total: after, unbroken: after })
        };
        let second = Duration::from_secs(1);
        for stage in [Stage::Unsigned, Stage::Sent] {
            assert_eq!(at(bounds.wait * 9, stage), Next::Wait, "nobody has it");
        }
        assert_eq!(at(bounds.wait - second, Stage::Pilot), Next::Wait);
        assert_eq!(at(bounds.wait, Stage::Pilot), Next::ToAll);
        assert_eq!(at(bounds.wait - second, Stage::All), Next::Wait);
        assert_eq!(at(bounds.wait, Stage::All), Next::Done);
        let watched = Watched { total: bounds.wait, unbroken: bounds.wait };
        assert_eq!(next(Stage::Pilot, &[], 0, &bounds, &watched), Next::Wait, "nobody could see it");
    }

    #[test]
    fn f2_only_time_in_which_a_sensor_with_the_list_could_be_heard_counts() {
        let (bounds, second) = (Bounds::default(), Duration::from_secs(1));
        let mut watched = Watched::default();
        let goes_on = |watched: &Watched| next(Stage::Pilot, &[], 1, &bounds, watched) == Next::ToAll;
        for _ in 0..10_000 {
            watched.handle_look(second, false);
        }
        watched.handle_look(bounds.wait * 100, true);
        assert_eq!(watched.total, ROLLOUT_LOOK_COUNTS, "a machine that slept");
        for _ in 0..bounds.wait.as_secs() {
            watched.handle_look(second, true);
        }
        assert!(goes_on(&watched));
        // Nobody can be heard; then what was held back has its time to come.
        watched.handle_look(second, false);
        assert!(!goes_on(&watched));
        for _ in 1..ROLLOUT_SETTLES.as_secs() {
            watched.handle_look(second, true);
        }
        assert!(!goes_on(&watched));
        watched.handle_look(second, true);
        assert!(goes_on(&watched));
    }

    #[test]
    fn f2_too_many_members_or_hosts_stop_it_however_late_that_is_seen() {
        let bounds = Bounds::default();
        let stops = |stage, one: Hit, able| {
            let watched = Watched { total: bounds.wait * 2, unbroken: bounds.wait };
            let said = next(stage, &[hit(0, 0, 0), one], able, &bounds, &watched);
            matches!(said, Next::Stop(TooMuch { hit, .. }) if hit == one)
        };
        let (pilot, all) = (Stage::Pilot, Stage::All);
        assert!(stops(pilot, hit(4, 4, 1), 13) && !stops(pilot, hit(4, 4, 1), 14), "30 in a hundred");
        assert!(!stops(pilot, hit(2, 2, 1), 2), "two say nothing of everybody");
        assert!(stops(pilot, hit(3, 3, 1), 3));
        assert!(stops(pilot, hit(1, 21, 21), 100) && !stops(pilot, hit(1, 20, 20), 100));
        assert!(stops(all, hit(5, 60, 21), 300) && !stops(all, hit(5, 60, 20), 300), "many members add up");
        let one_alone = (hit(1, 9_000, 9_000), hit(2, 9_000, 8_999));
        assert!(!stops(all, one_alone.0, 300) && !stops(all, one_alone.1, 300), "takes nothing away from others");
        assert!(stops(all, one_alone.0, 1) && stops(all, one_alone.1, 2), "where there are no others");
        assert!(stops(all, hit(108, 108, 1), 357) && !stops(all, hit(107, 107, 1), 357));
    }
}
