//! The sensor's key in use and the next one: turns the crank of [`crate::renewal`], on the disk and towards the collector.

use std::sync::Arc;

use tokio::time::Instant;
use varde_common::message::{ToAgent, ToCollector};
use varde_common::time::Timestamp;
use varde_common::trust::sha256;

use super::LinkError;
use super::timed::{SharedTime, held, validity};
use super::tls::{SessionTls, Trust};
use crate::io::clock;
use crate::io::disk::keys::{Credentials, Keys};
use crate::renewal::{Certified, Next, Renewal};

/// The keys of a sensor, which of them is tried now, and when the next is asked for.
#[derive(Debug)]
pub struct Renewing {
    keys: Keys,
    line: Vec<Credentials>,
    place: usize,
    renewal: Renewal,
    trust: Arc<Trust>,
    time: SharedTime,
}

fn random() -> u64 {
    getrandom::u64().unwrap_or(u64::from(u32::MAX))
}

/// The life of a certificate; what is drawn of it is drawn from its own octets.
fn life(certificate_der: &[u8]) -> Result<Renewal, String> {
    let (from, until) = validity(certificate_der)?;
    let hash = sha256(certificate_der);
    let draw = hash.first_chunk::<8>().map_or(0, |octets| u64::from_be_bytes(*octets));
    Ok(Renewal::new(from, until, draw))
}

/// How a certificate is that lies on the disk; none where it cannot be read.
pub fn certified(certificate_der: &[u8]) -> Option<Certified> {
    life(certificate_der).ok().map(|renewal| renewal.certified().clone())
}

impl Renewing {
    /// As it lies on the disk; `trust` is what the collector is held against.
    ///
    /// # Errors
    /// A sentence when no key has a certificate that can be read.
    pub fn open(keys: Keys, trust: Arc<Trust>, time: SharedTime) -> Result<Renewing, String> {
        let line = keys.all();
        let first = line.first().ok_or("no key in the directory identity has its certificate beside it")?;
        let renewal = life(&first.certificate_der)?;
        Ok(Renewing { keys, line, place: 0, renewal, trust, time })
    }

    /// How the certificate is.
    pub fn certified(&self) -> Certified {
        self.renewal.certified().clone()
    }

    fn current(&self) -> Result<&Credentials, String> {
        self.line.get(self.place).ok_or_else(|| "there is no key to prove this sensor with".to_owned())
    }

    /// What proves this sensor now.
    ///
    /// # Errors
    /// A sentence when key or certificate cannot be used.
    pub fn tls(&self) -> Result<SessionTls, String> {
        SessionTls::new(self.current()?, &self.trust, &self.time)
    }

    /// The collector does not know the key that was tried. True = there is another, which is tried now; false = it knows
    /// none of them, and the first is tried again next time.
    pub fn handle_not_let_in(&mut self) -> bool {
        self.place += 1;
        if self.place < self.line.len() {
            return true;
        }
        self.place = 0;
        false
    }

    /// A session stands by the key that was tried: it is the one in use from now on.
    ///
    /// # Errors
    /// [`LinkError`]; what the disk does not do is none: it is tried again with the next session.
    pub async fn handle_stood(&mut self, spread_ms: u32) -> Result<(), LinkError> {
        let stood = self.current().map_err(LinkError::Broken)?.clone();
        let (keys, settled) = (self.keys.clone(), stood.clone());
        match on_disk(move || keys.settle(&settled)).await {
            Ok(()) => {
                if self.place > 0 {
                    tracing::warn!(
                        "the collector knows this sensor by an earlier key: it was restored from a backup; that one goes on"
                    );
                }
                let keys = self.keys.clone();
                self.line = tokio::task::spawn_blocking(move || keys.all()).await.unwrap_or_default();
                if self.line.is_empty() {
                    self.line.push(stood.clone());
                }
                self.place = 0;
            }
            Err(why) => tracing::error!("the key that this session stands by cannot be put in its place: {why}"),
        }
        self.renewal = life(&stood.certificate_der).map_err(LinkError::Broken)?;
        self.renewal.handle_session(clock::monotonic(), spread_ms, random());
        Ok(())
    }

    /// The collector of this session renews nothing.
    pub fn handle_cannot_ask(&mut self) {
        self.renewal.handle_cannot_ask(self.now());
    }

    /// By the collector's word, as far as there is one.
    fn now(&self) -> Timestamp {
        held(&self.time).by_word(clock::now(), clock::since_boot())
    }

    /// When to look again; none = it is time to ask.
    pub fn poll(&mut self) -> Option<Instant> {
        match self.renewal.poll(self.now(), clock::monotonic()) {
            Next::Ask => None,
            Next::Wait(wait) => Some((clock::monotonic() + wait).into()),
        }
    }

    /// What asks for the next certificate. None where the disk keeps no key for it: that is told, and tried again later.
    pub async fn ask(&mut self) -> Option<ToCollector> {
        self.renewal.handle_asked(clock::monotonic());
        let keys = self.keys.clone();
        match on_disk(move || keys.request()).await {
            Ok(csr_der) => Some(ToCollector::Renew { csr_der }),
            Err(why) => {
                self.failed(&why);
                None
            }
        }
    }

    /// What the collector said to it.
    ///
    /// # Errors
    /// [`LinkError::Renewed`] when there is a new certificate: the next session is to stand by it. Others where the
    /// message does not belong here.
    pub async fn hear(&mut self, message: ToAgent) -> Result<(), LinkError> {
        match message {
            ToAgent::Renewed { certificate_der } => self.take(certificate_der).await,
            ToAgent::RenewalRefused(why) => {
                self.failed(why.sentence());
                Ok(())
            }
            other => Err(super::session::unexpected(Some(&other))),
        }
    }

    async fn take(&mut self, certificate_der: Vec<u8>) -> Result<(), LinkError> {
        let read = validity(&certificate_der).and_then(|(from, _)| Ok((from, life(&certificate_der)?)));
        let (from, next) = match read {
            Ok(read) => read,
            Err(why) => {
                self.failed(&format!("the certificate that came cannot be read: {why}"));
                return Ok(());
            }
        };
        if !self.renewal.gives_way_to(&next, self.now()) || !held(&self.time).may_be_issued(from) {
            self.failed("the certificate that came is not of this time; the collector's clock may be wrong");
            return Ok(());
        }
        let keys = self.keys.clone();
        match on_disk(move || keys.keep(&certificate_der)).await {
            Ok(kept) => {
                self.line.insert(0, kept);
                self.place = 0;
                Err(LinkError::Renewed)
            }
            Err(why) => {
                self.failed(&why);
                Ok(())
            }
        }
    }

    fn failed(&mut self, why: &str) {
        tracing::warn!(until = %self.renewal.certified().until, "this sensor's certificate is not renewed: {why}");
        self.renewal.handle_failed(why, clock::monotonic(), random());
    }
}

/// Work on the disk, and in a sentence why it was not done. Records do not hang on it: it never ends the process.
async fn on_disk<T: Send + 'static, E: std::fmt::Display + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, String> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}
