//! Settings read anew while the agent runs (SIGHUP): what can be is taken up at once, what needs a new start is named, and a file
//! that cannot be used changes nothing.

use std::io;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{self, watch};
use varde_common::time::Timestamp;

use super::run_args::RunArgs;
use crate::io::clock;
use crate::io::disk::identity::site_key;
use crate::io::disk::keeper::Order;
use crate::io::link::session::Desk;
use crate::io::settings::read;
use crate::sensor::SensorSettings;
use crate::settings::Settings;
use crate::settings::changes::Changes;
use crate::timeline::Timekeeper;

/// A running agent's settings, as `status` shows them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SettingsReport {
    /// When they were last read anew; null = at the start.
    pub read_at: Option<Timestamp>,
    /// Why what was read then is not in force; null = it is.
    pub refused: Option<String>,
    /// Keys whose new value counts from the next start on.
    pub at_restart: Vec<String>,
}

impl SettingsReport {
    /// Lines for people; none where there is nothing to say.
    pub(super) fn in_words(&self) -> Vec<String> {
        let at = self.read_at.map(|at| at.to_string()).unwrap_or_default();
        let mut lines = Vec::new();
        if let Some(why) = &self.refused {
            lines.push(format!("settings   NOT TAKEN at {at}: {why}; the ones from before are in force"));
        }
        if !self.at_restart.is_empty() {
            lines.push(format!(
                "settings   changed, and in force from the next start on: {}",
                self.at_restart.join(", ")
            ));
        }
        lines
    }
}

/// From now on a word to read settings anew (SIGHUP) ends no process that is still starting; it waits until somebody listens.
///
/// # Errors
/// The system's own, where it tells of no signals.
pub(super) fn hangups() -> io::Result<Signal> {
    // Rights are given up thread by thread: this one runs on the caller's own and is gone before that. The handler stays.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let _inside = runtime.enter();
    signal(SignalKind::hangup())
}

/// What is in force, and who is told of what comes.
#[derive(Debug)]
pub(super) struct Reloading {
    hangups: sync::Mutex<Signal>,
    args: RunArgs,
    timekeeper: Timekeeper,
    sensor: watch::Sender<SensorSettings>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    in_force: Settings,
    report: SettingsReport,
}

impl Reloading {
    /// With what the agent was started with; the other end is the sensor's thread's.
    pub(super) fn new(
        hangups: Signal,
        settings: Settings,
        timekeeper: Timekeeper,
        args: RunArgs,
    ) -> (Reloading, watch::Receiver<SensorSettings>) {
        let (sensor, seen) = watch::channel(SensorSettings { timekeeper, ..settings.sensor() });
        let state = Mutex::new(State { in_force: settings, report: SettingsReport::default() });
        let hangups = sync::Mutex::new(hangups);
        (Reloading { hangups, args, timekeeper, sensor, state }, seen)
    }

    /// How it stands.
    pub(super) fn report(&self) -> SettingsReport {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).report.clone()
    }

    /// Reads them anew each time somebody says so; what the system says where it tells of no signals.
    pub(super) async fn when_told(&self, desk: &Desk) -> io::Error {
        let mut hangup = self.hangups.lock().await;
        loop {
            if hangup.recv().await.is_none() {
                return io::Error::other("no more signals are told");
            }
            let data = desk.data.clone();
            let read = tokio::task::spawn_blocking(move || {
                let layers = read(&data).map_err(|error| error.to_string())?;
                let key = site_key(&data).map_err(|error| error.to_string())?;
                Ok((layers.settings().clone(), key))
            });
            match read.await.unwrap_or_else(|error| Err(error.to_string())) {
                Err(why) => self.refuse(why),
                Ok((settings, key)) => {
                    let settings = self.take(&settings);
                    desk.exclusions.send_replace(self.args.exclusions(&settings, &key));
                    let (octets, unacknowledged_s) = (settings.spool_max_octets(), settings.spool_unacknowledged_s());
                    // A spool that is gone means the process is ending.
                    let _ = desk.orders.send(Order::Keep { octets, unacknowledged_s }).await;
                }
            }
        }
    }

    fn refuse(&self, why: String) {
        tracing::error!("settings read anew are not taken; the ones from before are in force: {why}");
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.report.read_at = Some(clock::now());
        state.report.refused = Some(why);
    }

    /// Takes up what can be; gives what is in force then.
    fn take(&self, read: &Settings) -> Settings {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Changes { live, at_restart } = Changes::between(&state.in_force, read);
        tracing::info!(
            taken_up = live.join(", "),
            from_the_next_start_on = at_restart.join(", "),
            "settings were read anew"
        );
        state.in_force = Changes::in_force(&state.in_force, read);
        state.report = SettingsReport {
            read_at: Some(clock::now()),
            refused: None,
            at_restart: at_restart.into_iter().map(str::to_owned).collect(),
        };
        if !live.is_empty() {
            self.sensor.send_replace(SensorSettings { timekeeper: self.timekeeper, ..state.in_force.sensor() });
        }
        state.in_force.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::run_args::tests::parse;

    #[test]
    fn a_good_file_is_taken_up_a_bad_one_is_told_and_what_needs_a_start_is_named_until_then() {
        let read = |text: &str| Settings::read(text, "agent.toml").unwrap();
        let (reloading, mut seen) =
            Reloading::new(hangups().unwrap(), read("metrics = \"127.0.0.1:9\""), Timekeeper::Caller, parse(&["x"]));
        let in_force = reloading.take(&read("metrics = \"127.0.0.1:9\"\nfrequent_hosts = 7"));
        assert_eq!(in_force.frequent_hosts, Some(7));
        let told = seen.borrow_and_update().clone();
        assert_eq!((told.frequent_hosts, told.timekeeper), (Some(7), Timekeeper::Caller));
        assert_eq!(reloading.report().in_words(), Vec::<String>::new());

        reloading.refuse("agent.toml, line 1: no".to_owned());
        let lines = reloading.report().in_words();
        assert!(
            lines[0].contains("NOT TAKEN at ") && lines[0].contains("agent.toml, line 1: no; the ones"),
            "{lines:?}"
        );
        assert!(!seen.has_changed().unwrap(), "what cannot be used changes nothing");

        for _ in 0..2 {
            let in_force = reloading.take(&read("metrics = \"127.0.0.1:8\"\nfrequent_hosts = 7"));
            assert_eq!(in_force.metrics.map(|address| address.port()), Some(9));
            let report = reloading.report();
            assert_eq!((report.refused, report.at_restart), (None, vec!["metrics".to_owned()]), "also when read twice");
        }
        assert!(!seen.has_changed().unwrap(), "nothing that the sensor goes by has changed");
    }
}
