//! The thread that owns the spool: everything that is written or read there is an order to it.

use std::path::PathBuf;

use tokio::sync::{mpsc, oneshot, watch};
use varde_common::id::Seq;
use varde_common::record::{Record, RecordBody, SensorEvent};
use varde_common::time::Timestamp;

use super::hosts::Hosts;
use super::spool::{Figures, Spool};
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
    #[error("the collector has more of this spool than the spool itself: the disk was copied or restored; it is kept in {}", .0.display())]
    SetAside(PathBuf),
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
            let mut questions = Vec::new();
            let mut next = Some(first);
            let mut records = 0;
            while let Some(order) = next {
                match order {
                    Order::Statement(statement) => records += usize::from(self.write_statement(statement)),
                    Order::Event(event) => records += usize::from(self.write(clock::now(), RecordBody::Event(event))),
                    Order::Acknowledged(seq) => self.spool.handle_acknowledged(seq, clock::steady())?,
                    Order::SendingEnded(unsent) => self.spool.handle_sending_ended(unsent)?,
                    Order::SetAside(committed) => {
                        let aside = self.spool.set_aside()?;
                        adopt::allow(&aside, committed)?;
                        return Err(KeeperEnded::SetAside(aside));
                    }
                    question @ (Order::Read { .. } | Order::Flush(_)) => questions.push(question),
                }
                next = if records < SPOOL_GROUP_MAX_RECORDS { orders.try_recv().ok() } else { None };
            }
            self.sync()?;
            for question in questions {
                match question {
                    Order::Read { from, reply } => {
                        // Whoever asked may have gone (a lost connection): nothing to tell then.
                        let _ = reply.send(self.spool.read(from, clock::now())?);
                    }
                    Order::Flush(reply) => {
                        let _ = reply.send(self.spool.figures());
                    }
                    Order::Statement(_)
                    | Order::Event(_)
                    | Order::Acknowledged(_)
                    | Order::SendingEnded(_)
                    | Order::SetAside(_) => {}
                }
            }
        }
        self.sync()?;
        Ok(self.spool.write_hint(clock::steady())?)
    }

    fn write_statement(&mut self, statement: Statement) -> bool {
        let pseudonym = match &statement {
            Statement::Opened { client: Some(address), body, .. } => {
                let pseudonym = self.key.pseudonym(*address, body.first_seen);
                self.hosts.remember(pseudonym, *address, body.first_seen);
                Some(pseudonym)
            }
            Statement::Opened { client: None, .. }
            | Statement::Updated { .. }
            | Statement::CrowdOpened { .. }
            | Statement::CrowdUpdated { .. } => None,
        };
        let seq = self.spool.next();
        match self.ledger.handle_statement(statement, pseudonym, seq) {
            Some(body) => self.write(clock::now(), body),
            None => false,
        }
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

    /// One fsync for everything since the last; then it is taken, and told so.
    fn sync(&mut self) -> Result<(), KeeperEnded> {
        if self.spool.has_pending() {
            // The table that undoes a pseudonym before the record that carries it.
            self.hosts.sync()?;
        }
        let synced = self.spool.sync(clock::steady())?;
        let figures = self.spool.figures();
        if let Some((first, last)) = synced.taken {
            self.ledger.handle_taken();
            for seq in first.0..=last.0 {
                tracing::info!(target: "varde::taken", "taken seq={seq} epoch={}", figures.epoch);
            }
        }
        if let Some((first, last)) = synced.lost {
            self.ledger.handle_lost();
            tracing::error!(%first, %last, "the disk is full: records are lost; make room");
        }
        self.figures.send_if_modified(|told| {
            let news = *told != figures;
            *told = figures;
            news
        });
        Ok(())
    }
}
