//! Statements to records: an alert goes by the number of its first record, so somebody must remember which that was.
//!
//! When the record that opened an alert was lost (a full disk, a full spool), its next statement opens it again, with everything the
//! lost one said: an update of an alert nobody has heard of would help nobody.

use std::collections::BTreeMap;

use varde_common::alert::{AlertOpened, AlertUpdated, CrowdOpened, CrowdUpdated};
use varde_common::id::{Pseudonym, Seq};
use varde_common::indicator::Marks;
use varde_common::record::{RecordBody, SensorEvent};

use crate::limits::ALERTS_NUMBERED_MAX;
use crate::raise::frequent::{Demotion, TooOften};
use crate::raise::storm::Group;
use crate::sensor::{AlertId, Statement};

/// A record that opened an alert and was given up, so that the alert can be opened again when more is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct OpeningGivenUp {
    /// Its number.
    pub seq: Seq,
    /// What it said.
    pub body: RecordBody,
    /// Whether the collector may have it all the same, its word for that being lost.
    pub may_be_sent: bool,
}

#[derive(Debug)]
enum Entry {
    /// On disk, or about to be.
    Numbered(Seq),
    /// Its opening was lost; what it said.
    Lost(Box<Opened>),
}

/// What an opening said; of how many hosts, where it stands for many.
#[derive(Debug, Clone)]
struct Opened {
    body: AlertOpened,
    hosts: Option<u64>,
}

/// Which number each open alert goes by.
#[derive(Debug, Default)]
pub struct Ledger {
    alerts: BTreeMap<AlertId, Entry>,
    /// Opened since the last sync: lost if that fails.
    fresh: Vec<(AlertId, Opened)>,
    /// What closes an alert again that its last update has opened anew.
    closing: Option<RecordBody>,
    forgotten: u64,
}

impl Ledger {
    /// What to write for a statement, which will get the number `seq`; none for an update of an alert that is no longer
    /// known. `pseudonym` stands for the statement's client.
    pub fn handle_statement(
        &mut self,
        statement: Statement,
        pseudonym: Option<Pseudonym>,
        seq: Seq,
    ) -> Option<RecordBody> {
        match statement {
            Statement::Opened { alert, client: _, body } => {
                Some(self.open(alert, Opened { body: AlertOpened { client: pseudonym, ..body }, hosts: None }, seq))
            }
            Statement::CrowdOpened { alert, body: CrowdOpened { opened, hosts } } => {
                Some(self.open(alert, Opened { body: opened, hosts: Some(hosts) }, seq))
            }
            Statement::Updated { alert, body } => self.update(alert, body, None, seq),
            Statement::CrowdUpdated { alert, body: CrowdUpdated { updated, hosts } } => {
                self.update(alert, updated, Some(hosts), seq)
            }
            // Each says what has come since the last: none needs another to be understood.
            Statement::Braked(body) => Some(RecordBody::Braked(body)),
            Statement::Demotion(Demotion { group, revision, too_often }) => {
                let Group { site, indicator, direction: _, marks: Marks { exercise, retro: _ } } = group;
                Some(RecordBody::Event(match too_often {
                    Some(TooOften { hosts, matches, within_s }) => {
                        SensorEvent::IndicatorDemoted { site, indicator, exercise, revision, hosts, matches, within_s }
                    }
                    None => SensorEvent::IndicatorToldAgain { site, indicator, exercise, revision },
                }))
            }
        }
    }

    fn update(&mut self, alert: AlertId, body: AlertUpdated, hosts: Option<u64>, seq: Seq) -> Option<RecordBody> {
        match self.alerts.get(&alert) {
            Some(Entry::Numbered(number)) => {
                let updated = AlertUpdated { alert: *number, ..body };
                if updated.closed {
                    self.alerts.remove(&alert);
                }
                Some(match hosts {
                    None => RecordBody::Updated(updated),
                    Some(hosts) => RecordBody::CrowdUpdated(CrowdUpdated { updated, hosts }),
                })
            }
            Some(Entry::Lost(_)) => {
                let Some(Entry::Lost(lost)) = self.alerts.remove(&alert) else { return None };
                let Opened { body: opened, hosts: before } = *lost;
                let opened = AlertOpened {
                    evidence: body.evidence,
                    circumstances: body.circumstances,
                    seen_at: body.seen_at,
                    first_seen: body.first_seen,
                    last_seen: body.last_seen,
                    count: opened.count.saturating_add(body.count_increase),
                    ..opened
                };
                let hosts = hosts.max(before);
                let opening = self.open(alert, Opened { body: opened, hosts }, seq);
                if body.closed {
                    // Nothing more will be said of it.
                    self.alerts.remove(&alert);
                    let updated = AlertUpdated { alert: seq, count_increase: 0, ..body };
                    self.closing = Some(match hosts {
                        None => RecordBody::Updated(updated),
                        Some(hosts) => RecordBody::CrowdUpdated(CrowdUpdated { updated, hosts }),
                    });
                }
                Some(opening)
            }
            None => {
                self.forgotten = self.forgotten.saturating_add(1);
                None
            }
        }
    }

    fn open(&mut self, alert: AlertId, opened: Opened, seq: Seq) -> RecordBody {
        if self.alerts.len() >= ALERTS_NUMBERED_MAX {
            self.alerts.pop_first();
        }
        self.alerts.insert(alert, Entry::Numbered(seq));
        self.fresh.push((alert, opened.clone()));
        let Opened { body, hosts } = opened;
        match hosts {
            None => RecordBody::Opened(body),
            Some(hosts) => RecordBody::CrowdOpened(CrowdOpened { opened: body, hosts }),
        }
    }

    /// What is to be written behind the statement just handled: an alert whose opening was lost and that is told anew by its last
    /// update takes two records, or it would stand open at the collector for good.
    pub fn poll_closing(&mut self) -> Option<RecordBody> {
        self.closing.take()
    }

    /// What was written since the last call is on disk.
    pub fn handle_taken(&mut self) {
        self.fresh.clear();
    }

    /// What was written since the last call is lost.
    pub fn handle_lost(&mut self) {
        for (alert, body) in self.fresh.drain(..) {
            if let Some(entry) = self.alerts.get_mut(&alert) {
                *entry = Entry::Lost(Box::new(body));
            }
        }
    }

    /// These openings were on disk and are given up. What the collector may have all the same is not counted a second time.
    pub fn handle_given_up(&mut self, openings: Vec<OpeningGivenUp>) {
        if openings.is_empty() {
            return;
        }
        let mut said: BTreeMap<Seq, OpeningGivenUp> =
            openings.into_iter().map(|opening| (opening.seq, opening)).collect();
        for entry in self.alerts.values_mut() {
            let Entry::Numbered(seq) = entry else { continue };
            let Some(OpeningGivenUp { body, may_be_sent, .. }) = said.remove(seq) else { continue };
            let (body, hosts) = match body {
                RecordBody::Opened(body) => (body, None),
                RecordBody::CrowdOpened(CrowdOpened { opened, hosts }) => (opened, Some(hosts)),
                RecordBody::Updated(_)
                | RecordBody::CrowdUpdated(_)
                | RecordBody::Braked(_)
                | RecordBody::Loss { .. }
                | RecordBody::GivenUp { .. }
                | RecordBody::Event(_) => continue,
            };
            let count = if may_be_sent { 0 } else { body.count };
            *entry = Entry::Lost(Box::new(Opened { body: AlertOpened { count, ..body }, hosts }));
        }
    }

    /// Updates that could not be placed.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use varde_common::alert::{Circumstances, Direction, Evidence, Where, Zone};
    use varde_common::id::{IndicatorId, Revision, SiteId};
    use varde_common::indicator::{Indicator, Severity};
    use varde_common::observation::Protocol;
    use varde_common::time::Timestamp;

    const SEEN_AT: Where = Where { server: None, port: Some(53), protocol: Protocol::UDP };

    pub(crate) fn opened(alert: u64, client: Option<&str>) -> Statement {
        let indicator = Indicator::bare(IndicatorId(4), "evil.no".parse().unwrap());
        let body = AlertOpened {
            site: SiteId(0),
            indicator: IndicatorId(4),
            revision: Revision(2),
            severity: Severity::High,
            marks: indicator.marks,
            client: None,
            zone: Zone::default(),
            direction: Direction::Outbound,
            evidence: Evidence::LookedUp,
            circumstances: Circumstances::default(),
            labels_left: 1,
            seen_at: SEEN_AT,
            first_seen: Timestamp(10),
            last_seen: Timestamp(10),
            count: 1,
        };
        Statement::Opened { alert: AlertId(alert), client: client.map(|client| client.parse().unwrap()), body }
    }

    pub(crate) fn updated(alert: u64, closed: bool) -> Statement {
        let body = AlertUpdated {
            alert: Seq(0),
            count_increase: 5,
            first_seen: Timestamp(9),
            last_seen: Timestamp(30),
            evidence: Evidence::Contacted,
            circumstances: Circumstances::default(),
            seen_at: SEEN_AT,
            regularity: None,
            closed,
        };
        Statement::Updated { alert: AlertId(alert), body }
    }

    #[test]
    fn updates_name_the_record_that_opened_the_alert_until_it_closes() {
        let mut ledger = Ledger::default();
        let first = ledger.handle_statement(opened(7, None), Some(Pseudonym(3)), Seq(40));
        assert!(matches!(first, Some(RecordBody::Opened(AlertOpened { client: Some(Pseudonym(3)), .. }))));
        ledger.handle_taken();
        for closed in [false, true] {
            let update = ledger.handle_statement(updated(7, closed), None, Seq(41));
            assert!(matches!(update, Some(RecordBody::Updated(AlertUpdated { alert: Seq(40), .. }))));
        }
        assert_eq!(ledger.handle_statement(updated(7, false), None, Seq(43)), None);
        assert_eq!(ledger.forgotten(), 1);
    }

    #[test]
    fn d5_an_alert_whose_opening_was_lost_is_opened_again_with_its_counts() {
        let mut ledger = Ledger::default();
        ledger.handle_statement(opened(7, None), Some(Pseudonym(3)), Seq(40));
        ledger.handle_lost();
        match ledger.handle_statement(updated(7, false), None, Seq(50)) {
            Some(RecordBody::Opened(body)) => {
                assert_eq!((body.count, body.evidence, body.client), (6, Evidence::Contacted, Some(Pseudonym(3))));
                assert_eq!((body.first_seen, body.last_seen), (Timestamp(9), Timestamp(30)));
            }
            other => panic!("{other:?}"),
        }
        ledger.handle_taken();
        let update = ledger.handle_statement(updated(7, true), None, Seq(51));
        assert!(matches!(update, Some(RecordBody::Updated(AlertUpdated { alert: Seq(50), .. }))));
    }

    #[test]
    fn d5_d12_an_alert_of_many_hosts_keeps_its_number_and_when_its_opening_was_lost_its_counts_and_hosts() {
        let mut ledger = Ledger::default();
        let Statement::Opened { alert, body, .. } = opened(7, None) else { panic!() };
        let opening = Statement::CrowdOpened { alert, body: CrowdOpened { opened: body, hosts: 40 } };
        let more = |hosts, closed| {
            let Statement::Updated { alert, body } = updated(7, closed) else { panic!() };
            Statement::CrowdUpdated { alert, body: CrowdUpdated { updated: body, hosts } }
        };
        let first = ledger.handle_statement(opening, None, Seq(40));
        assert!(matches!(first, Some(RecordBody::CrowdOpened(CrowdOpened { hosts: 40, .. }))));
        ledger.handle_lost();
        match ledger.handle_statement(more(50, false), None, Seq(50)) {
            Some(RecordBody::CrowdOpened(CrowdOpened { opened, hosts: 50 })) => {
                assert_eq!((opened.count, opened.client), (6, None));
            }
            other => panic!("{other:?}"),
        }
        ledger.handle_taken();
        for (hosts, closed) in [(60, false), (61, true)] {
            match ledger.handle_statement(more(hosts, closed), None, Seq(51)) {
                Some(RecordBody::CrowdUpdated(told)) => assert_eq!((told.updated.alert, told.hosts), (Seq(50), hosts)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(ledger.handle_statement(more(62, false), None, Seq(53)), None);
    }

    #[test]
    fn i8_an_alert_told_anew_by_its_last_update_is_closed_behind_it() {
        let mut ledger = Ledger::default();
        ledger.handle_statement(opened(7, None), Some(Pseudonym(3)), Seq(40));
        assert_eq!(ledger.poll_closing(), None);
        ledger.handle_lost();
        match ledger.handle_statement(updated(7, true), None, Seq(50)) {
            Some(RecordBody::Opened(body)) => assert_eq!(body.count, 6),
            other => panic!("{other:?}"),
        }
        match ledger.poll_closing() {
            Some(RecordBody::Updated(AlertUpdated { alert: Seq(50), count_increase: 0, closed: true, .. })) => {}
            other => panic!("{other:?}"),
        }
        assert_eq!((ledger.poll_closing(), ledger.alerts.len()), (None, 0), "once, and nothing is left of it");
        ledger.handle_lost();
        assert_eq!(ledger.handle_statement(updated(7, false), None, Seq(52)), None);
    }

    #[test]
    fn the_ledger_is_bounded() {
        let mut ledger = Ledger::default();
        for alert in 0..ALERTS_NUMBERED_MAX as u64 + 5 {
            ledger.handle_statement(opened(alert, None), None, Seq(alert + 1));
            ledger.handle_taken();
        }
        assert_eq!(ledger.alerts.len(), ALERTS_NUMBERED_MAX);
    }
}
