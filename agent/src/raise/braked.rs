//! Matches of indicators that are braked: no alert, but one count for all hosts of a group, told now and then as an alert's would
//! be. Nothing is left out of it; when the brake ends what has not been told is told, and all is as before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use varde_common::alert::{BrakedCount, Evidence};
use varde_common::id::{IndicatorId, Revision};
use varde_common::indicator::Indicator;
use varde_common::time::Timestamp;

use super::bearing::{Bearing, Count, Key};
use super::crowd::Crowd;
use super::frequent::DemotedIndicator;
use super::storm::Group;
use crate::keyed::RandomState;
use crate::limits::{BRAKED_GROUPS_MAX, UPDATE_FIRST_S, UPDATE_LATER_S, UPDATE_SECOND_S};
use crate::sensor::Statement;

/// What is braked, as it is at this moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Braking {
    /// By which order.
    pub order: u64,
    /// Indicators, each with whether it is part of an exercise: one of an exercise and a real one are two.
    pub indicators: BTreeSet<(IndicatorId, bool)>,
}

impl Braking {
    /// Whether matches of this indicator are counted only.
    pub fn holds(&self, indicator: &Indicator) -> bool {
        !self.indicators.is_empty() && self.indicators.contains(&(indicator.id, indicator.marks.exercise))
    }
}

/// Sightings of an indicator that were counted only, since the start or since it was braked, whichever is later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BrakedTotal {
    /// Which.
    pub indicator: IndicatorId,
    /// Whether it is part of an exercise.
    pub exercise: bool,
    /// How many.
    pub matches: u64,
}

/// What is counted of one group.
#[derive(Debug)]
struct Counting {
    key: Key,
    indicator: Arc<Indicator>,
    revision: Revision,
    crowd: Crowd,
    evidence: Evidence,
    first_seen: Timestamp,
    last_seen: Timestamp,
    /// Not told yet.
    untold: u64,
    /// Until when contact may follow from a look-up that was counted here.
    answer_until: Option<Timestamp>,
    begun_at: Timestamp,
    statements: u32,
}

impl Counting {
    /// When it is told next, if there is news.
    fn due(&self) -> Timestamp {
        let after_s = match self.statements {
            0 => 0,
            1 => UPDATE_FIRST_S,
            2 => UPDATE_SECOND_S,
            later => UPDATE_SECOND_S + UPDATE_LATER_S * u64::from(later.saturating_sub(2)),
        };
        self.begun_at.plus(Duration::from_secs(after_s))
    }

    fn state(&mut self, order: u64) -> Statement {
        self.statements = self.statements.saturating_add(1);
        Statement::Braked(BrakedCount {
            order,
            site: self.key.site,
            indicator: self.key.indicator,
            revision: self.revision,
            severity: self.indicator.severity,
            marks: self.indicator.marks,
            direction: self.key.direction,
            evidence: self.evidence,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            count_increase: std::mem::take(&mut self.untold),
            hosts: self.crowd.estimate(),
        })
    }
}

/// All that is counted only.
#[derive(Debug, Default)]
pub struct Braked {
    braking: Arc<Braking>,
    /// At most [`BRAKED_GROUPS_MAX`].
    groups: HashMap<Group, Box<Counting>, RandomState>,
    next_due: Option<Timestamp>,
    totals: BTreeMap<(IndicatorId, bool), u64>,
}

/// What else is known of the host whose match it is.
#[derive(Debug, Clone, Copy)]
pub struct Circumstance {
    /// It has an open alert for this indicator, in which what this follows from was counted.
    pub has_alert: bool,
    /// The match follows from a look-up that its alert has counted.
    pub follows_its_alert: bool,
    /// It is a resolver, which asks for others.
    pub is_resolver: bool,
}

impl Braked {
    /// Whether matches of this indicator are counted here.
    pub fn holds(&self, indicator: &Indicator) -> bool {
        self.braking.holds(indicator)
    }

    /// Another order, or the same with less in it: what was counted by the one before is told by its number.
    pub fn handle_braking(&mut self, braking: Arc<Braking>, told: &mut VecDeque<Statement>) {
        let before = std::mem::replace(&mut self.braking, braking);
        let (groups, braking) = (&mut self.groups, &self.braking);
        groups.retain(|_, counting| {
            if counting.untold > 0 {
                told.push_back(counting.state(before.order));
            }
            braking.holds(&counting.indicator)
        });
        self.totals.retain(|named, _| braking.indicators.contains(named));
        self.set_next_due();
    }

    /// Whether the host is among those counted.
    pub(super) fn knows(&self, key: &Key, hash: &RandomState) -> bool {
        let counting = self.groups.get(&Group::of(key));
        key.client.zip(counting).is_some_and(|(client, counting)| counting.crowd.contains(client, hash))
    }

    /// Takes in one match of an indicator that is braked.
    pub(super) fn count(
        &mut self,
        key: &Key,
        seen: Bearing,
        circumstance: Circumstance,
        (revision, now): (Revision, Timestamp),
        hash: &RandomState,
        told: &mut VecDeque<Statement>,
    ) {
        let Circumstance { has_alert, follows_its_alert, is_resolver } = circumstance;
        let group = Group::of(key);
        if !self.groups.contains_key(&group) {
            self.make_room(told);
        }
        let order = self.braking.order;
        let counting = self.groups.entry(group).or_insert_with(|| {
            Box::new(Counting {
                key: Key { client: None, ..*key },
                indicator: Arc::clone(&seen.indicator),
                revision,
                crowd: Crowd::default(),
                evidence: seen.evidence,
                first_seen: seen.start,
                last_seen: seen.end,
                untold: 0,
                answer_until: None,
                begun_at: now,
                statements: 0,
            })
        });
        // What a resolver asks for others makes it no host.
        let host = seen.client.filter(|_| !(seen.lookup && is_resolver));
        let is_new = host.is_some_and(|host| counting.crowd.insert(host, hash)) && !has_alert;
        let follows = follows_its_alert || counting.answer_until.is_some_and(|until| seen.start <= until);
        let counts = match seen.count {
            Count::Own => true,
            Count::OwnUnlessLookedUp => is_new || !follows,
            // A host stands for one match at least, as an alert of its own would.
            Count::More => is_new,
        };
        counting.untold = counting.untold.saturating_add(u64::from(counts));
        counting.evidence = counting.evidence.max(seen.evidence);
        counting.first_seen = counting.first_seen.min(seen.start);
        counting.last_seen = counting.last_seen.max(seen.end);
        counting.answer_until = counting.answer_until.max(seen.answer_until);
        counting.revision = revision;
        if counts {
            let total = self.totals.entry((key.indicator, key.marks.exercise)).or_default();
            *total = total.saturating_add(1);
            if counting.due() <= now {
                told.push_back(counting.state(order));
            }
        }
        self.set_next_due();
    }

    /// The table is full: what was seen longest ago is told and let go of; more of it begins anew.
    fn make_room(&mut self, told: &mut VecDeque<Statement>) {
        if self.groups.len() < BRAKED_GROUPS_MAX {
            return;
        }
        let order = self.braking.order;
        let oldest = self.groups.iter().min_by_key(|(_, counting)| counting.last_seen).map(|(group, _)| *group);
        if let Some(mut counting) = oldest.and_then(|group| self.groups.remove(&group))
            && counting.untold > 0
        {
            told.push_back(counting.state(order));
        }
    }

    fn set_next_due(&mut self) {
        let news = self.groups.values().filter(|counting| counting.untold > 0);
        self.next_due = news.map(|counting| counting.due()).min();
    }

    /// Tells what is due.
    pub fn handle_time(&mut self, now: Timestamp, told: &mut VecDeque<Statement>) {
        if self.next_due.is_none_or(|due| now < due) {
            return;
        }
        let order = self.braking.order;
        for counting in self.groups.values_mut().filter(|counting| counting.untold > 0 && counting.due() <= now) {
            told.push_back(counting.state(order));
            // After a long silence of the clock one statement stands for all that were not due.
            while counting.due() <= now && counting.statements < STATEMENTS_MAX {
                counting.statements += 1;
            }
        }
        self.set_next_due();
    }

    /// The sources have ended: tells what has not been told.
    pub fn tell_all(&mut self, told: &mut VecDeque<Statement>) {
        let order = self.braking.order;
        told.extend(self.groups.values_mut().filter(|counting| counting.untold > 0).map(|one| one.state(order)));
        self.set_next_due();
    }

    /// What was counted of each indicator that is braked.
    pub fn totals(&self) -> Vec<BrakedTotal> {
        let total = |(&(indicator, exercise), &matches): (&(IndicatorId, bool), &u64)| BrakedTotal {
            indicator,
            exercise,
            matches,
        };
        self.totals.iter().map(total).collect()
    }
}

impl super::Raise {
    /// Matches of these indicators are counted only from now on, those of others no more.
    pub fn handle_braking(&mut self, braking: Arc<Braking>) {
        self.fold.handle_braking(braking, &self.hosts);
    }

    /// What was counted of each indicator that is braked.
    pub fn braked(&self) -> Vec<BrakedTotal> {
        self.fold.braked()
    }

    /// Whose hosts are told together, because there are too many.
    pub fn demoted(&self) -> Vec<DemotedIndicator> {
        self.fold.demoted()
    }
}

/// More than come about in a day.
const STATEMENTS_MAX: u32 = 48;
