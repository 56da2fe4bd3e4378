//! What a spool holds and a batch carries. A record is (sensor, epoch, seq) and is ordered by seq, never by clock.

use crate::alert::{AlertOpened, AlertUpdated, BrakedCount, CrowdOpened, CrowdUpdated};
use crate::codec::{self, Decode, Encode, EncodeError, Malformed, Text};
use crate::id::{Epoch, IndicatorId, Revision, Seq, SiteId};
use crate::indicator::Severity;
use crate::limits::RECORD_MAX_OCTETS;
use crate::time::Timestamp;

/// Something that happened to the sensor itself.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum SensorEvent {
    /// The program started; updates that had not been written before are lost, at most one interval of them.
    Started {
        /// Program version.
        version: Text,
    },
    /// A list came into force.
    ListInForce {
        /// Its number.
        revision: Revision,
        /// Indicators in it.
        indicators: u64,
    },
    /// A list was refused; the old one stays in force.
    ListRefused {
        /// The number it claimed, 0 if it could not be read.
        revision: Revision,
        /// Why, in a sentence.
        why: Text,
    },
    /// The spool was found damaged; what could not be read was set aside.
    SpoolDamaged {
        /// Bytes set aside.
        octets: u64,
    },
    /// Records of a spool that was set aside, not known to be delivered: their time on the sensor's disk is over.
    RecordsEnded {
        /// The lifetime that their numbers are of, seldom this one's.
        epoch: Epoch,
        /// First of them.
        from: Seq,
        /// Last of them.
        to: Seq,
        /// Whether they may have been sent all the same, the word for that being lost.
        may_be_sent: bool,
        /// What they were; all of them `other` where they are another member's.
        counts: LossCounts,
    },
    /// What could not be read as records and was kept for a person to look at: its time on the sensor's disk is over.
    UnreadEnded {
        /// The first 64 bits of the SHA-256 of where it lay: told twice, it is one all the same.
        place: u64,
        /// Its bytes; zero where nobody can say.
        octets: u64,
    },
    /// An indicator met too many hosts of a site: further ones are told together, in one alert that names none. By no order of the
    /// brake.
    IndicatorDemoted {
        /// At which of the sensor's sites.
        site: SiteId,
        /// Which.
        indicator: IndicatorId,
        /// Whether it is part of an exercise.
        exercise: bool,
        /// The list that had it.
        revision: Revision,
        /// Hosts that it had met, about.
        hosts: u64,
        /// Matches of them.
        matches: u64,
        /// Within so long, seconds.
        within_s: u64,
    },
    /// Its hosts are told one by one again, unless an order of the brake says otherwise.
    IndicatorToldAgain {
        /// At which of the sensor's sites.
        site: SiteId,
        /// Which.
        indicator: IndicatorId,
        /// Whether it is part of an exercise.
        exercise: bool,
        /// The list that had it.
        revision: Revision,
    },
    /// The sensor tried itself out: a packet that nobody sent met an indicator that no list holds. No alert, and nothing that was seen.
    SelfTest {
        /// Drawn for this one, so that its answer is known.
        number: u64,
    },
}

/// Why records are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, Decode)]
pub enum LossReason {
    /// The spool was full.
    SpoolFull,
    /// The spool was damaged.
    SpoolDamaged,
    /// Nobody fetched them for as long as the member keeps them.
    SpoolAged,
}

/// Lost records by what they said of their severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
pub struct LossCounts {
    /// Alerts of severity info, with their updates; so for the others.
    pub info: u64,
    /// Low.
    pub low: u64,
    /// Medium.
    pub medium: u64,
    /// High.
    pub high: u64,
    /// Critical.
    pub critical: u64,
    /// Records that are no alert, or of which that is not known any more.
    pub other: u64,
}

impl LossCounts {
    /// So many records of one severity, or of none.
    pub fn of(severity: Option<Severity>, records: u64) -> LossCounts {
        let mut counts = LossCounts::default();
        match severity {
            Some(Severity::Info) => counts.info = records,
            Some(Severity::Low) => counts.low = records,
            Some(Severity::Medium) => counts.medium = records,
            Some(Severity::High) => counts.high = records,
            Some(Severity::Critical) => counts.critical = records,
            None => counts.other = records,
        }
        counts
    }

    /// All together.
    pub fn total(&self) -> u64 {
        let LossCounts { info, low, medium, high, critical, other } = *self;
        [info, low, medium, high, critical, other].into_iter().fold(0, u64::saturating_add)
    }

    /// These and those.
    pub fn plus(&self, more: &LossCounts) -> LossCounts {
        LossCounts {
            info: self.info.saturating_add(more.info),
            low: self.low.saturating_add(more.low),
            medium: self.medium.saturating_add(more.medium),
            high: self.high.saturating_add(more.high),
            critical: self.critical.saturating_add(more.critical),
            other: self.other.saturating_add(more.other),
        }
    }

    /// These without those.
    pub fn less(&self, those: &LossCounts) -> LossCounts {
        LossCounts {
            info: self.info.saturating_sub(those.info),
            low: self.low.saturating_sub(those.low),
            medium: self.medium.saturating_sub(those.medium),
            high: self.high.saturating_sub(those.high),
            critical: self.critical.saturating_sub(those.critical),
            other: self.other.saturating_sub(those.other),
        }
    }

    /// The highest severity among them; none if none of them had one.
    pub fn highest(&self) -> Option<Severity> {
        let LossCounts { info, low, medium, high, critical, other: _ } = *self;
        let counts = [
            (critical, Severity::Critical),
            (high, Severity::High),
            (medium, Severity::Medium),
            (low, Severity::Low),
            (info, Severity::Info),
        ];
        counts.into_iter().find(|(count, _)| *count > 0).map(|(_, severity)| severity)
    }
}

/// A unit of the spool.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Record {
    /// The sensor's clock when it was taken.
    pub time: Timestamp,
    /// What it says.
    pub body: RecordBody,
}

/// What a record says. The variant number on the wire is the record's kind: variants are only ever added at the end.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum RecordBody {
    /// A new alert.
    Opened(AlertOpened),
    /// More of an alert.
    Updated(AlertUpdated),
    /// Records that will never come.
    Loss {
        /// First missing.
        from: Seq,
        /// Last missing.
        to: Seq,
        /// Why.
        reason: LossReason,
    },
    /// Something about the sensor.
    Event(SensorEvent),
    /// Records the sensor gave up itself, knowing what they were.
    GivenUp {
        /// First given up.
        from: Seq,
        /// Last given up.
        to: Seq,
        /// Why.
        reason: LossReason,
        /// What they were.
        counts: LossCounts,
    },
    /// A new alert of many hosts, told of together.
    CrowdOpened(CrowdOpened),
    /// More of such an alert.
    CrowdUpdated(CrowdUpdated),
    /// Matches of an indicator that is braked, which make no alert.
    Braked(BrakedCount),
}

impl Record {
    /// As the spool and a batch hold it.
    ///
    /// # Errors
    /// None for our own records; the codec's type demands it.
    pub fn to_octets(&self) -> Result<Vec<u8>, EncodeError> {
        codec::encode(self)
    }

    /// Reads one record that fills `octets`.
    ///
    /// # Errors
    /// [`Malformed`], among others over [`RECORD_MAX_OCTETS`].
    pub fn from_octets(octets: &[u8]) -> Result<Record, Malformed> {
        if octets.len() > RECORD_MAX_OCTETS {
            return Err(Malformed::TooLarge { size: octets.len(), max: RECORD_MAX_OCTETS });
        }
        codec::decode(octets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Circumstances, Direction, Evidence, Regularity, Where, Zone};
    use crate::id::Pseudonym;
    use crate::indicator::Marks;
    use crate::observation::Protocol;
    use crate::trust::hex;

    fn opened() -> AlertOpened {
        AlertOpened {
            site: SiteId(0),
            indicator: IndicatorId(300),
            revision: Revision(2),
            severity: Severity::High,
            marks: Marks { exercise: true, retro: false },
            client: Some(Pseudonym(0x0123_4567_89ab_cdef)),
            zone: Zone { id: 7, ..Zone::default() },
            direction: Direction::Outbound,
            evidence: Evidence::Contacted,
            circumstances: Circumstances { looked_up_by_other: true, ..Circumstances::default() },
            labels_left: 1,
            seen_at: Where {
                server: Some(std::net::Ipv4Addr::new(203, 0, 113, 9).into()),
                port: Some(443),
                protocol: Protocol::TCP,
            },
            first_seen: Timestamp(1_000_000),
            last_seen: Timestamp(2_000_000),
            count: 3,
        }
    }

    fn updated() -> AlertUpdated {
        AlertUpdated {
            alert: Seq(1),
            count_increase: 250,
            first_seen: Timestamp(-1),
            last_seen: Timestamp(2_000_000),
            evidence: Evidence::DataOut,
            circumstances: Circumstances::default(),
            seen_at: Where { server: None, port: None, protocol: Protocol::ICMPV6 },
            regularity: Some(Regularity { contacts: 10, median_interval_ms: 300_000, spread_ms: 0 }),
            closed: true,
        }
    }

    fn braked() -> BrakedCount {
        let AlertOpened { site, indicator, revision, severity, marks, direction, evidence, .. } = opened();
        let (first_seen, last_seen) = (Timestamp(1_000_000), Timestamp(2_000_000));
        let (order, count_increase, hosts) = (7, 300, 251);
        BrakedCount {
            order,
            site,
            indicator,
            revision,
            severity,
            marks,
            direction,
            evidence,
            first_seen,
            last_seen,
            count_increase,
            hosts,
        }
    }

    /// The layout as it stands: a record in a spool on some disk must still be readable after an update. A difference
    /// here is a new variant of [`RecordBody`], never a new golden text.
    #[test]
    fn golden_records_are_what_they_were() {
        let bodies = [
            RecordBody::Opened(opened()),
            RecordBody::Updated(updated()),
            RecordBody::Loss { from: Seq(4), to: Seq(300), reason: LossReason::SpoolDamaged },
            RecordBody::Event(SensorEvent::ListRefused { revision: Revision(9), why: Text::cut("nei") }),
            RecordBody::GivenUp {
                from: Seq(4),
                to: Seq(300),
                reason: LossReason::SpoolAged,
                counts: LossCounts { info: 251, low: 1, medium: 0, high: 2, critical: 0, other: 43 },
            },
            RecordBody::CrowdOpened(CrowdOpened { opened: AlertOpened { client: None, ..opened() }, hosts: 2_000 }),
            RecordBody::CrowdUpdated(CrowdUpdated { updated: updated(), hosts: 70_000 }),
            RecordBody::Braked(braked()),
            RecordBody::Event(SensorEvent::RecordsEnded {
                epoch: Epoch(1 << 90 | 7),
                from: Seq(4),
                to: Seq(300),
                may_be_sent: true,
                counts: LossCounts { info: 251, low: 1, medium: 0, high: 2, critical: 0, other: 43 },
            }),
            RecordBody::Event(SensorEvent::UnreadEnded { place: 0x0123_4567_89ab_cdef, octets: 77 }),
            RecordBody::Event(SensorEvent::IndicatorDemoted {
                site: SiteId(5),
                indicator: IndicatorId(300),
                exercise: true,
                revision: Revision(2),
                hosts: 257,
                matches: 1_001,
                within_s: 60,
            }),
            RecordBody::Event(SensorEvent::IndicatorToldAgain {
                site: SiteId(5),
                indicator: IndicatorId(300),
                exercise: false,
                revision: Revision(3),
            }),
            RecordBody::Event(SensorEvent::SelfTest { number: 0x0123_4567_89ab_cdef }),
        ];
        let golden = include_str!("golden_records.txt").lines();
        let mut seen = 0;
        for (body, golden) in bodies.into_iter().zip(golden) {
            let record = Record { time: Timestamp(1_763_733_900_000_000), body };
            let octets = record.to_octets().unwrap();
            assert_eq!(hex(&octets), golden, "{record:?}");
            assert_eq!(Record::from_octets(&octets), Ok(record));
            seen += 1;
        }
        assert_eq!(seen, 13);
    }

    #[test]
    fn what_is_lost_is_counted_by_severity() {
        let lost = LossCounts::of(Some(Severity::Low), 3).plus(&LossCounts::of(None, 4));
        assert_eq!((lost.total(), lost.highest(), lost.low), (7, Some(Severity::Low), 3));
        assert_eq!(LossCounts::of(None, 1).highest(), None);
        assert_eq!(lost.less(&LossCounts::of(None, 4)), LossCounts::of(Some(Severity::Low), 3));
    }
}
