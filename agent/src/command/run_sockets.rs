//! The sockets that others ask a running agent over, opened while it may open any.

use std::os::unix::net::UnixListener;
use std::path::Path;

use super::Failure;
use crate::io::{control, metrics};
use crate::settings::Settings;

/// What others ask over, opened before the rights were given up.
pub(super) struct Sockets {
    /// The local status socket.
    pub(super) control: UnixListener,
    /// Numbers for Prometheus, where `agent.toml` wants them told.
    pub(super) metrics: Option<std::net::TcpListener>,
}

impl Sockets {
    /// Opens them.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn open(data: &Path, settings: &Settings) -> Result<Sockets, Failure> {
        let control = control::listen(data).map_err(|error| Failure::new(&error, error.remedy()))?;
        let Some(address) = settings.metrics else { return Ok(Sockets { control, metrics: None }) };
        let refused = |error| {
            Failure::new(
                format!("cannot listen on {address}: {error}"),
                "choose another port for metrics in agent.toml, or stop what uses it",
            )
        };
        Ok(Sockets { control, metrics: Some(metrics::listen(address).map_err(refused)?) })
    }
}
