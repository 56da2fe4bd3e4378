//! The sensor's test of itself, run: through the sensor's thread, the spool, the session and the collector's database, and back.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::{Mutex as AsyncMutex, Notify, mpsc, oneshot, watch};
use tokio::time::timeout;
use varde_common::id::Seq;
use varde_common::time::Timestamp;

use super::clock;
use super::disk::self_test;
use super::disk::spool::Figures;
use super::link::session::{Desk, Uplink};
use crate::limits::{
    SELF_TEST_ACKNOWLEDGED_WITHIN_S, SELF_TEST_MATCHED_WITHIN_S, SELF_TEST_TAKEN_WITHIN_S, SELF_TEST_WRITTEN_WITHIN_S,
};
use crate::selftest::{NotMatched, Turns};

/// A step of the way, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// A session stands with a collector that takes tests.
    Session,
    /// Read and matched by the sensor's stages.
    Matched,
    /// On the sensor's disk.
    Written,
    /// To the collector and back, what the collector took left out.
    Sent,
    /// Committed to the collector's database, and read back.
    Stored,
}

/// What a step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Took {
    /// Which.
    pub step: Step,
    /// Microseconds.
    pub us: u64,
}

/// Where it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stuck {
    /// The step that was not done.
    pub step: Step,
    /// One sentence of cause.
    pub why: String,
    /// One of remedy.
    pub remedy: String,
}

/// What came of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether it came the whole way and back.
    pub passed: bool,
    /// When it began.
    pub at: Timestamp,
    /// The steps that were done.
    pub steps: Vec<Took>,
    /// Where it ended; null = it passed.
    pub failed: Option<Stuck>,
}

/// What is known of tests, for whoever asks how the sensor is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Known {
    /// When one last came the whole way and back; null = none has.
    pub good_at: Option<Timestamp>,
    /// Why the last one since the start that had a session did not; null = it did, or none was tried.
    pub failed: Option<String>,
    /// Whether the collector of the session that stands takes them.
    pub taken: bool,
}

/// A test on its way into the sensor's thread.
#[derive(Debug)]
pub struct Trial {
    /// Drawn for this one.
    pub number: u64,
    /// Where the sensor's thread says what came of it.
    pub matched: oneshot::Sender<Result<(), NotMatched>>,
    /// Where the spool says which record it is; none = it was lost at once.
    pub written: oneshot::Sender<Option<Seq>>,
}

/// Tests of one sensor.
#[derive(Debug)]
pub struct SelfTests {
    trials: mpsc::Sender<Trial>,
    /// The collector of the session that stands has said that it takes tests.
    takes: watch::Sender<bool>,
    /// The collector's last word: the number, and what it took, microseconds.
    tested: watch::Sender<Option<(u64, u64)>>,
    known: watch::Sender<Known>,
    /// When the last one ended, since boot.
    tried: Mutex<Option<Duration>>,
    /// One at a time.
    turn: AsyncMutex<()>,
    waiting: Mutex<Vec<UnixStream>>,
    come: Notify,
}

/// Who waits for one by hand, at most: a person, and a watcher or two.
const WAITING_MAX: usize = 4;

impl SelfTests {
    /// With what the data directory knows, and the end that the sensor's thread listens at.
    pub fn new(data: &Path) -> (SelfTests, mpsc::Receiver<Trial>) {
        let (trials, arriving) = mpsc::channel(1);
        let known = Known { good_at: self_test::read(data), ..Known::default() };
        let tests = SelfTests {
            trials,
            takes: watch::Sender::new(false),
            tested: watch::Sender::new(None),
            known: watch::Sender::new(known),
            tried: Mutex::default(),
            turn: AsyncMutex::default(),
            waiting: Mutex::default(),
            come: Notify::new(),
        };
        (tests, arriving)
    }

    /// The collector takes tests.
    pub fn handle_takes(&self) {
        self.takes.send_replace(true);
    }

    /// The session is over.
    pub fn handle_session_over(&self) {
        self.takes.send_replace(false);
    }

    /// The collector has one in its database.
    pub fn handle_tested(&self, number: u64, took_us: u64) {
        self.tested.send_replace(Some((number, took_us)));
    }

    /// What is known.
    pub fn known(&self) -> Known {
        Known { taken: *self.takes.borrow(), ..self.known.borrow().clone() }
    }

    /// Somebody asks for one and waits for the answer; given back where too many do.
    ///
    /// # Errors
    /// The stream itself.
    pub fn hand_in(&self, stream: UnixStream) -> Result<(), UnixStream> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING_MAX {
            return Err(stream);
        }
        waiting.push(stream);
        self.come.notify_one();
        Ok(())
    }

    fn next_waiting(&self) -> Option<UnixStream> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        (!waiting.is_empty()).then(|| waiting.remove(0))
    }
}

/// What a test needs of the rest of the process.
#[derive(Debug)]
pub struct Around {
    /// The data directory.
    pub data: PathBuf,
    /// What is on disk.
    pub figures: watch::Receiver<Figures>,
    /// How the uplink is.
    pub uplink: watch::Receiver<Uplink>,
}

impl Around {
    /// As a session shares it.
    pub fn of(desk: &Desk) -> Around {
        let Desk { data, figures, uplink, .. } = desk;
        Around { data: data.clone(), figures: figures.clone(), uplink: uplink.subscribe() }
    }
}

impl SelfTests {
    /// Tests for whoever asks, and once a day by itself, for as long as it is polled.
    pub async fn serve(&self, around: &Around) {
        tokio::join!(self.on_demand(around), self.daily(around));
    }

    async fn on_demand(&self, around: &Around) {
        loop {
            self.come.notified().await;
            while let Some(mut stream) = self.next_waiting() {
                let outcome = self.run(around).await;
                let said = serde_json::to_string(&outcome).unwrap_or_default();
                let write = async {
                    let _ = stream.write_all(said.as_bytes()).await;
                    let _ = stream.shutdown().await;
                };
                let _ = timeout(Duration::from_secs(1), write).await;
            }
        }
    }

    async fn daily(&self, around: &Around) {
        let random = getrandom::u64().unwrap_or(0);
        let started = clock::since_boot();
        loop {
            let Known { good_at, failed, .. } = self.known.borrow().clone();
            let tried = *self.tried.lock().unwrap_or_else(PoisonError::into_inner);
            let tried = tried.map(|at| at.saturating_sub(started));
            let turns = Turns { good_at, tried, failed: failed.is_some() };
            let up = clock::since_boot().saturating_sub(started);
            let wait = turns.wait(clock::now(), up, random);
            if wait.is_zero() && *self.takes.borrow() {
                let outcome = self.run(around).await;
                match &outcome.failed {
                    None => tracing::info!("the sensor's test of itself passed"),
                    Some(Stuck { why, remedy, .. }) => {
                        tracing::warn!("the sensor's test of itself failed: {why}; {remedy}");
                    }
                }
                continue;
            }
            // A clock may be set, and a session begun: looked at again before long.
            tokio::time::sleep(wait.clamp(Duration::from_secs(5), Duration::from_secs(60))).await;
        }
    }

    /// One test.
    pub async fn run(&self, around: &Around) -> Outcome {
        let _turn = self.turn.lock().await;
        let at = clock::now();
        let mut steps = Vec::new();
        let failed = self.way(around, &mut steps).await.err();
        // The wait for the next is counted from here, whoever asked for this one.
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock::since_boot());
        self.known.send_modify(|known| match &failed {
            // Without a session nothing was tried, and that there is none is told by itself.
            Some(Stuck { step: Step::Session, .. }) => {}
            Some(stuck) => known.failed = Some(stuck.why.clone()),
            None => (known.good_at, known.failed) = (Some(at), None),
        });
        if failed.is_none() {
            let data = around.data.clone();
            let kept = tokio::task::spawn_blocking(move || self_test::keep(&data, at)).await;
            if let Ok(Err(error)) = kept {
                tracing::warn!("when the sensor's test of itself passed cannot be kept: {error}");
            }
        }
        Outcome { passed: failed.is_none(), at, steps, failed }
    }

    async fn way(&self, around: &Around, steps: &mut Vec<Took>) -> Result<(), Stuck> {
        let stuck = |step, why: String, remedy: &str| Stuck { step, why, remedy: remedy.to_owned() };
        self.session(around).await?;
        let number = getrandom::u64().unwrap_or_default();
        let mut tested = self.tested.subscribe();
        let (tell_matched, matched) = oneshot::channel();
        let (tell_written, written) = oneshot::channel();
        let begun = clock::monotonic();

        let trial = Trial { number, matched: tell_matched, written: tell_written };
        let limit = Duration::from_secs(SELF_TEST_MATCHED_WITHIN_S);
        let heard = timeout(limit, async {
            self.trials.send(trial).await.ok()?;
            matched.await.ok()
        });
        match heard.await {
            Ok(Some(Ok(()))) => {}
            Ok(Some(Err(why))) => {
                return Err(stuck(
                    Step::Matched,
                    why.to_string(),
                    "restart the service; if that does not help, tell the CSIRT",
                ));
            }
            Ok(None) => {
                return Err(stuck(Step::Matched, "the sensor reads nothing any more".to_owned(), "look at its log"));
            }
            Err(_) => {
                let why = format!("the sensor's thread has not answered within {SELF_TEST_MATCHED_WITHIN_S} s");
                return Err(stuck(Step::Matched, why, "restart the service, and tell the makers of Varde"));
            }
        }
        steps.push(took(Step::Matched, begun));

        let begun = clock::monotonic();
        let limit = Duration::from_secs(SELF_TEST_WRITTEN_WITHIN_S);
        let seq = match timeout(limit, written).await {
            Ok(Ok(Some(seq))) => seq,
            Ok(Ok(None)) => {
                let why = "the spool could not keep it: the disk is full".to_owned();
                return Err(stuck(Step::Written, why, "make room on the disk; varde-agent doctor says where"));
            }
            Ok(Err(_)) => {
                return Err(stuck(Step::Written, "the spool has not taken it".to_owned(), "look at the agent's log"));
            }
            Err(_) => {
                let why = format!("the disk has not taken it within {SELF_TEST_WRITTEN_WITHIN_S} s");
                return Err(stuck(Step::Written, why, "look at the disk and the system's log (journalctl -k)"));
            }
        };
        steps.push(took(Step::Written, begun));

        let begun = clock::monotonic();
        let mut figures = around.figures.clone();
        let limit = Duration::from_secs(SELF_TEST_ACKNOWLEDGED_WITHIN_S);
        match timeout(limit, figures.wait_for(|figures| figures.acknowledged >= seq)).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) => return Err(stuck(Step::Sent, "the agent is ending".to_owned(), "start it again")),
            Err(_) => return Err(self.not_acknowledged(around)),
        }
        let there_and_back = took(Step::Sent, begun);
        // The collector says so in front of its acknowledgement.
        match *tested.borrow_and_update() {
            Some((said, us)) if said == number => {
                steps.push(Took { us: there_and_back.us.saturating_sub(us), ..there_and_back });
                steps.push(Took { step: Step::Stored, us });
                Ok(())
            }
            _ => {
                steps.push(there_and_back);
                let why = "the collector acknowledged the record and has not the test in its database".to_owned();
                Err(stuck(Step::Stored, why, "try again; if it stays so, tell the CSIRT: its collector loses records"))
            }
        }
    }

    /// A session stands, and its collector takes tests.
    async fn session(&self, around: &Around) -> Result<(), Stuck> {
        let Uplink { connected, last_error, revoked, .. } = around.uplink.borrow().clone();
        let stuck = |why: String, remedy: &str| Err(Stuck { step: Step::Session, why, remedy: remedy.to_owned() });
        if revoked {
            return stuck("the CSIRT has revoked this sensor".to_owned(), "call the CSIRT");
        }
        if !connected {
            let why = last_error.unwrap_or_else(|| "it is still connecting".to_owned());
            return stuck(
                format!("the sensor has no connection to its collector: {why}"),
                "run varde-agent doctor, which looks at the way there",
            );
        }
        let mut takes = self.takes.subscribe();
        let limit = Duration::from_secs(SELF_TEST_TAKEN_WITHIN_S);
        match timeout(limit, takes.wait_for(|takes| *takes)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => stuck(
                "the collector is of a version that takes no self-tests; the sensor is connected and works as before"
                    .to_owned(),
                "ask the CSIRT to update its collector",
            ),
        }
    }

    fn not_acknowledged(&self, around: &Around) -> Stuck {
        let waiting = around.figures.borrow().waiting();
        let Uplink { connected, last_error, .. } = around.uplink.borrow().clone();
        let (why, remedy) = match (connected, last_error) {
            (false, why) => (
                format!("the connection was lost: {}", why.unwrap_or_else(|| "it is still connecting".to_owned())),
                "run varde-agent doctor; the record is kept and delivered later",
            ),
            (true, _) => (
                format!(
                    "the collector has not acknowledged it within {SELF_TEST_ACKNOWLEDGED_WITHIN_S} s; {waiting} records wait"
                ),
                "wait until what waits is delivered (varde-agent status), and try again",
            ),
        };
        Stuck { step: Step::Sent, why, remedy: remedy.to_owned() }
    }
}

fn took(step: Step, begun: Instant) -> Took {
    let passed = clock::monotonic().saturating_duration_since(begun);
    Took { step, us: u64::try_from(passed.as_micros()).unwrap_or(u64::MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_failed_is_kept_with_when_it_was_tried_and_want_of_a_session_is_no_failure() {
        let directory = tempfile::tempdir().unwrap();
        let (tests, arriving) = SelfTests::new(directory.path());
        let (figures, uplink) = (watch::Sender::new(Figures::default()), watch::Sender::new(Uplink::default()));
        let around =
            Around { data: directory.path().to_owned(), figures: figures.subscribe(), uplink: uplink.subscribe() };
        let outcome = tests.run(&around).await;
        assert_eq!(outcome.failed.map(|stuck| stuck.step), Some(Step::Session));
        assert_eq!(tests.known().failed, None, "there was no session, which is told by itself");

        uplink.send_modify(|uplink| uplink.connected = true);
        tests.handle_takes();
        *tests.tried.lock().unwrap() = None;
        drop(arriving);
        let outcome = tests.run(&around).await;
        assert_eq!(outcome.failed.map(|stuck| stuck.step), Some(Step::Matched));
        assert!(tests.known().failed.is_some_and(|why| why.contains("reads nothing any more")));
        assert!(tests.tried.lock().unwrap().is_some(), "so that the next is not a day away");

        tests.handle_session_over();
        uplink.send_modify(|uplink| uplink.connected = false);
        tests.run(&around).await;
        assert!(tests.known().failed.is_some(), "and it stays what it was");
    }
}
