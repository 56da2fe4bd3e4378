//! The thread that owns the spool: everything that is written or read there is an order to it.

use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot, watch};
use varde_common::id::Seq;
use varde_common::record::{Record, RecordBody, SensorEvent};
use varde_common::time::Timestamp;

use super::hosts::Hosts;
use super::spool::{Figures, Spool, Synced};
use super::{DiskError, adopt};
use crate::io::clock;
use crate::ledger::Ledger;
use crate::limits::SPOOL_GROUP_MAX_RECORDS;
use crate::pseudonym::SiteKey;
use crate::sensor::Statement;

/// What others want of the spool.
#[derive(Debug)]
pub enum Order {
    /// Write this down.
    Statement(Statement),
    /// Write this down.
    Event(SensorEvent),
    /// Write down that the sensor tries itself out, and say which record that is once it is on disk; none where it is lost.
    Test {
        /// As the collector will say it.
        number: u64,
        /// Where to.
        written: oneshot::Sender<Option<Seq>>,
    },
    /// Give records from this number on, as many as fit a batch.
    Read {
        /// The first.
        from: Seq,
        /// Where to.
        reply: oneshot::Sender<Vec<Vec<u8>>>,
    },
    /// The collector has committed everything up to here.
    Acknowledged(Seq),
    /// A session is over; nothing from this number on was sent in it or before.
    SendingEnded(Seq),
    /// The collector knows more of this spool than the spool itself, up to this number: set it aside and end.
    SetAside(Seq),
    /// Something is about to be removed for good: write down what is told of it.
    Ended {
        /// What is told.
        events: Vec<SensorEvent>,
        /// Whether it is on disk, with all before it; if not, nothing may be removed.
        reply: oneshot::Sender<bool>,
    },
    /// The spool keeps so much from now on.
    Keep {
        /// Octets of its files.
        octets: u64,
        /// What is not acknowledged, seconds.
        unacknowledged_s: u64,
    },
    /// Time has passed: what could not be noted before may find room now.
    Tick,
    /// Everything ordered before this is on disk when the answer comes.
    Flush(oneshot::Sender<Figures>),
}

/// Why the spool's thread ended other than because nobody needs it any more.
#[derive(Debug, thiserror::Error)]
pub enum KeeperEnded {
    /// The disk failed.
    #[error("{0}")]
    Disk(#[from] DiskError),
    /// The spool was set aside.
    #[error("{0}")]
    SetAside(Aside),
}

/// A spool that was set aside, in words.
#[derive(Debug, thiserror::Error)]
pub enum Aside {
    /// The collector has numbers that this spool has never given.
    #[error("the collector has more of this spool than the spool itself: the disk was copied or restored; it is kept in {}", .0.display())]
    Outrun(PathBuf),
    /// The collector orders a new one.
    #[error("the collector orders a new spool, because this sensor was released from quarantine or because an older state of its disk came; the one it had is kept in {}", .0.display())]
    Ordered(PathBuf),
}

impl KeeperEnded {
    /// What a person can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            KeeperEnded::Disk(error) => error.remedy(),
            KeeperEnded::SetAside(_) => {
                "start it again: it begins a new spool and takes over what certainly nobody has sent; the rest stays there, tell the CSIRT"
            }
        }
    }
}

/// What the clocks say: the one that people read, for records, and the one that nobody can set, for ages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// The system's time of day.
    pub day: Timestamp,
    /// As [`clock::steady`].
    pub steady: Timestamp,
}

impl Clocks {
    /// What they say now.
    pub fn read() -> Clocks {
        Clocks { day: clock::now(), steady: clock::steady() }
    }
}

/// Orders that share an fsync.
#[derive(Debug, Default)]
pub struct Group {
    records: usize,
    questions: Vec<Question>,
}

impl Group {
    /// Whether what is in it should be on disk before anything more.
    pub fn is_full(&self) -> bool {
        self.records >= SPOOL_GROUP_MAX_RECORDS
    }
}

/// An order that is answered once everything before it is on disk.
#[derive(Debug)]
enum Question {
    Read { from: Seq, reply: oneshot::Sender<Vec<Vec<u8>>> },
    Flush(oneshot::Sender<Figures>),
    Test(Seq, oneshot::Sender<Option<Seq>>),
}

/// The spool and what belongs to writing in it.
#[derive(Debug)]
pub struct Keeper {
    spool: Spool,
    hosts: Hosts,
    key: SiteKey,
    ledger: Ledger,
    figures: watch::Sender<Figures>,
}

impl Keeper {
    /// With an opened spool; the figures tell others what is on disk.
    pub fn new(spool: Spool, hosts: Hosts, key: SiteKey) -> (Keeper, watch::Receiver<Figures>) {
        let (figures, seen) = watch::channel(spool.figures());
        (Keeper { spool, hosts, key, ledger: Ledger::default(), figures }, seen)
    }

    /// Carries out orders until nobody can give any.
    ///
    /// # Errors
    /// [`KeeperEnded`]: the process must end.
    pub fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Result<(), KeeperEnded> {
        while let Some(first) = orders.blocking_recv() {
            let mut group = Group::default();
            let mut next = Some(first);
            while let Some(order) = next {
                if matches!(order, Order::SetAside(_)) {
                    self.take_the_last(&mut orders, &mut group)?;
                }
                self.handle_order(order, &mut group, Clocks::read())?;
                next = if group.is_full() { None } else { orders.try_recv().ok() };
            }
            self.close_group(group, Clocks::read())?;
        }
        self.end(Clocks::read())
    }

    /// The spool is about to be set aside: what was found meanwhile, and stands behind that order, is written before it.
    fn take_the_last(&mut self, orders: &mut mpsc::Receiver<Order>, group: &mut Group) -> Result<(), KeeperEnded> {
        orders.close();
        while let Ok(order) = orders.try_recv() {
            match order {
                Order::Statement(_) | Order::Event(_) => self.handle_order(order, group, Clocks::read())?,
                // They mean a spool that goes on.
                Order::Read { .. }
                | Order::Test { .. }
                | Order::Acknowledged(_)
                | Order::SendingEnded(_)
                | Order::SetAside(_)
                | Order::Ended { .. }
                | Order::Keep { .. }
                | Order::Tick
                | Order::Flush(_) => {}
            }
        }
        Ok(())
    }

    /// Carries out an order as far as it can be before the group's one fsync.
    ///
    /// # Errors
    /// [`KeeperEnded`]: the process must end.
    pub fn handle_order(&mut self, order: Order, group: &mut Group, now: Clocks) -> Result<(), KeeperEnded> {
        match order {
            Order::Statement(statement) => group.records += usize::from(self.write_statement(statement, now.day)),
            Order::Event(event) => group.records += usize::from(self.write(now.day, RecordBody::Event(event))),
            Order::Test { number, written } => {
                let seq = self.spool.next();
                group.records += usize::from(self.write(now.day, RecordBody::Event(SensorEvent::SelfTest { number })));
                group.questions.push(Question::Test(seq, written));
            }
            Order::Acknowledged(seq) => {
                self.spool.handle_acknowledged(seq, now.steady)?;
                self.ledger.handle_given_up(self.spool.poll_openings());
            }
            Order::Keep { octets, unacknowledged_s } => self.spool.handle_caps(octets, unacknowledged_s),
            Order::SendingEnded(unsent) => self.spool.handle_sending_ended(unsent)?,
            Order::SetAside(committed) => {
                // What was found so far lies in it then, and can be taken over.
                self.sync(now)?;
                let outrun = committed >= self.spool.next();
                match adopt::allow(self.spool.volume().as_ref(), self.spool.directory(), committed) {
                    // What only it holds then stays there; the end of the process is the same.
                    Err(error) if error.is_full() => tracing::error!("nothing can be taken over from it: {error}"),
                    allowed => allowed?,
                }
                let aside = self.spool.set_aside()?;
                return Err(KeeperEnded::SetAside(if outrun { Aside::Outrun(aside) } else { Aside::Ordered(aside) }));
            }
            Order::Ended { events, reply } => {
                // Whoever asked may have gone: then it is told, and once more before it is removed.
                let _ = reply.send(self.tell_ended(events, now)?);
            }
            // The end of the group tries again.
            Order::Tick => {}
            Order::Read { from, reply } => group.questions.push(Question::Read { from, reply }),
            Order::Flush(reply) => group.questions.push(Question::Flush(reply)),
        }
        Ok(())
    }

    /// One fsync for all of a group; what was asked meanwhile is answered after it.
    ///
    /// # Errors
    /// [`KeeperEnded`]: the process must end.
    pub fn close_group(&mut self, group: Group, now: Clocks) -> Result<Synced, KeeperEnded> {
        let synced = self.sync(now)?;
        for question in group.questions {
            match question {
                Question::Read { from, reply } => {
                    // Whoever asked may have gone (a lost connection): nothing to tell then.
                    let _ = reply.send(self.spool.read(from, now.day)?);
                }
                Question::Flush(reply) => {
                    let _ = reply.send(self.spool.figures());
                }
                Question::Test(seq, reply) => {
                    let is_lost = synced.lost.is_some_and(|(first, last)| (first..=last).contains(&seq));
                    let _ = reply.send((!is_lost).then_some(seq));
                }
            }
        }
        Ok(synced)
    }

    /// Nobody gives orders any more.
    ///
    /// # Errors
    /// [`KeeperEnded`]: the process ends with it.
    pub fn end(mut self, now: Clocks) -> Result<(), KeeperEnded> {
        self.sync(now)?;
        let unnoted = self.spool.unnoted();
        if unnoted > 0 {
            tracing::error!(
                records = unnoted,
                "the disk is too full even to note what was lost on it: these records are counted nowhere else; make room"
            );
        }
        Ok(self.spool.write_hint(now.steady)?)
    }

    fn write_statement(&mut self, statement: Statement, now: Timestamp) -> bool {
        let pseudonym = match &statement {
            Statement::Opened { client: Some(address), body, .. } => {
                let pseudonym = self.key.pseudonym(*address, body.first_seen);
                self.hosts.remember(pseudonym, *address, body.first_seen);
                Some(pseudonym)
            }
            Statement::Opened { client: None, .. }
            | Statement::Updated { .. }
            | Statement::CrowdOpened { .. }
            | Statement::CrowdUpdated { .. }
            | Statement::Braked(_)
            | Statement::Demotion(_) => None,
        };
        let seq = self.spool.next();
        let written = match self.ledger.handle_statement(statement, pseudonym, seq) {
            Some(body) => self.write(now, body),
            None => false,
        };
        if let Some(body) = self.ledger.poll_closing() {
            self.write(now, body);
        }
        written
    }

    fn write(&mut self, time: Timestamp, body: RecordBody) -> bool {
        match (Record { time, body }).to_octets() {
            Ok(octets) => {
                self.spool.append(&octets);
                true
            }
            Err(error) => {
                tracing::error!("a record cannot be encoded: {error}");
                false
            }
        }
    }

    /// Writes down what is told of something that is about to be removed for good; whether it is on disk.
    ///
    /// # Errors
    /// [`KeeperEnded`]: the process must end.
    pub fn tell_ended(&mut self, events: Vec<SensorEvent>, now: Clocks) -> Result<bool, KeeperEnded> {
        self.sync(now)?;
        let is_told = self.note(events, now)?;
        self.sync(now)?;
        Ok(is_told)
    }

    /// The same where nothing else waits to be written: what finds no room is given back, for what it tells of is still there.
    fn note(&mut self, events: Vec<SensorEvent>, now: Clocks) -> Result<bool, KeeperEnded> {
        let first = self.spool.next();
        for event in events {
            self.write(now.day, RecordBody::Event(event));
        }
        let last = Seq(self.spool.next().0.saturating_sub(1));
        let is_told = self.spool.sync_note(now.steady)?;
        self.ledger.handle_given_up(self.spool.poll_openings());
        if is_told {
            self.tell_taken(first, last);
        }
        Ok(is_told)
    }

    fn tell_taken(&self, first: Seq, last: Seq) {
        let epoch = self.spool.figures().epoch;
        for seq in first.0..=last.0 {
            tracing::info!(target: "varde::taken", "taken seq={seq} epoch={epoch}");
        }
    }

    /// One fsync for everything since the last; then it is taken, and told so.
    fn sync(&mut self, now: Clocks) -> Result<Synced, KeeperEnded> {
        self.hosts.handle_time(now.steady)?;
        if self.spool.has_pending() {
            // The table that undoes a pseudonym before the record that carries it.
            self.hosts.sync()?;
        }
        let synced = self.spool.sync(now.steady)?;
        if let Some((first, last)) = synced.taken {
            self.ledger.handle_taken();
            self.tell_taken(first, last);
        }
        if let Some((first, last)) = synced.lost {
            self.ledger.handle_lost();
            tracing::error!(%first, %last, "the disk is full: records are lost; make room");
        }
        self.ledger.handle_given_up(self.spool.poll_openings());
        let torn = self.spool.ended_torn();
        if !torn.is_empty() {
            let is_told = self.note(torn, now)?;
            self.spool.end_torn(is_told)?;
        }
        let figures = self.spool.figures();
        self.figures.send_if_modified(|told| {
            let news = *told != figures;
            *told = figures;
            news
        });
        Ok(synced)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use super::*;
    use crate::io::disk::spool::{Caps, survey};
    use crate::io::disk::volume::RealVolume;
    use crate::ledger::tests::{opened, updated};
    use crate::pseudonym::SITE_KEY_OCTETS;

    fn keeper(data: &Path) -> Keeper {
        let (spool, _) = Spool::open(Arc::new(RealVolume), &data.join("spool"), Caps::default(), clock::now()).unwrap();
        Keeper::new(spool, Hosts::open(data).unwrap(), SiteKey::new([7; SITE_KEY_OCTETS])).0
    }

    #[test]
    fn p5_what_was_found_and_not_yet_written_goes_with_the_spool_that_is_set_aside() {
        let directory = tempfile::tempdir().unwrap();
        let (orders, taken) = mpsc::channel(8);
        for order in [
            Order::Statement(opened(1, None)),
            Order::SetAside(Seq(9)),
            Order::Statement(updated(1, false)),
            Order::SetAside(Seq(9)),
            Order::Statement(opened(2, None)),
        ] {
            orders.try_send(order).unwrap();
        }
        match keeper(directory.path()).run(taken) {
            Err(KeeperEnded::SetAside(Aside::Outrun(aside))) => {
                assert_eq!(survey(&aside).unwrap().next, Seq(4), "three are found")
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn p5_a_sensor_that_was_released_is_not_told_that_its_disk_was_copied() {
        let words = |committed: u64| {
            let data = tempfile::tempdir().unwrap();
            let now = Clocks::read();
            let opened = Spool::open(Arc::new(RealVolume), &data.path().join("spool"), Caps::default(), now.day);
            let mut spool = opened.unwrap().0;
            for _ in 0..3 {
                spool.append(b"a record");
            }
            spool.sync(now.steady).unwrap();
            let key = crate::io::disk::identity::site_key(data.path()).unwrap();
            let (mut keeper, _) = Keeper::new(spool, Hosts::open(data.path()).unwrap(), key);
            let mut group = Group::default();
            keeper.handle_order(Order::SetAside(Seq(committed)), &mut group, now).unwrap_err().to_string()
        };
        let released = words(3);
        assert!(released.contains("released from quarantine") && !released.contains("has more"), "{released}");
        assert!(words(4).contains("has more of this spool than the spool itself"));
    }

    #[test]
    fn i8_an_alert_whose_opening_was_given_up_for_room_is_opened_again_with_its_counts() {
        for may_be_sent in [false, true] {
            let directory = tempfile::tempdir().unwrap();
            let caps = Caps { octets: 3_000, segment_octets: 1_000, ..Caps::default() };
            let path = directory.path().join("spool");
            let (spool, _) = Spool::open(Arc::new(RealVolume), &path, caps, clock::now()).unwrap();
            let hosts = Hosts::open(directory.path()).unwrap();
            let mut keeper = Keeper::new(spool, hosts, SiteKey::new([7; SITE_KEY_OCTETS])).0;
            let mut say = |statement| {
                let mut group = Group::default();
                keeper.handle_order(Order::Statement(statement), &mut group, Clocks::read()).unwrap();
                keeper.close_group(group, Clocks::read()).unwrap();
                if may_be_sent {
                    keeper.spool.read(Seq(1), clock::now()).unwrap();
                }
                keeper.spool.figures()
            };
            let mut alert = 0;
            while say(opened(alert, None)).lost == 0 {
                alert += 1;
                assert!(alert < 1_000, "no room is made");
            }
            let seq = say(updated(0, false)).next.0 - 1;
            let read = keeper.spool.read(Seq(seq), clock::now()).unwrap();
            match Record::from_octets(&read[0]).unwrap().body {
                // What the collector may have is not counted a second time.
                RecordBody::Opened(body) => assert_eq!(body.count, if may_be_sent { 5 } else { 6 }),
                other => panic!("{other:?}"),
            }
        }
    }
}
