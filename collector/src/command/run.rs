//! `varde-collector run`: until it is told to stop.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::conductor;
use crate::address::{Bound, ENROLL_PORT, Listen, QUIC_PORT, TCP_PORT, WEB_PORT};
use crate::io::feed_tls::Own;
use crate::io::serve::{self, Conduct, StartError};
use crate::io::{beat, cut_off, directory};
use crate::limits::{BEAT_EVERY, SETTINGS_MAX_OCTETS};
use crate::settings::Settings;

/// Where settings are looked for when the data directory has none.
pub(super) const SYSTEM_SETTINGS: &str = "/etc/varde-collector/collector.toml";

/// Arguments of `run`. Port 0 takes any free port; what was taken stands in DIR/run.json.
#[derive(Debug, Default, Args)]
pub struct RunArguments {
    /// Where sessions are listened for, UDP [default: [::]:7843].
    #[arg(long, value_name = "ADDR")]
    pub quic: Option<SocketAddr>,
    /// Where enrolment is listened for, UDP [default: [::]:7844].
    #[arg(long, value_name = "ADDR")]
    pub enroll: Option<SocketAddr>,
    /// Where the page is served, TCP, on a loopback address [default: 127.0.0.1:8443].
    #[arg(long, value_name = "ADDR")]
    pub web: Option<SocketAddr>,
    /// Where sessions and enrolment are listened for where UDP is blocked, TCP, or none [default: [::]:443, where it can be
    /// had].
    #[arg(long, value_name = "ADDR")]
    pub tcp: Option<Listen>,
}

/// Runs the command.
///
/// # Errors
/// Why the collector could not start.
pub async fn run(data: &Path, arguments: RunArguments) -> anyhow::Result<()> {
    // Before anything is bound: a stop that comes early is a clean stop too.
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let settings = read_settings(data)?;
    let asked = arguments.tcp.or(settings.tcp).is_some();
    let wanted = wanted(&arguments, &settings);
    let every = settings.heartbeat_every_s.map_or(BEAT_EVERY, Duration::from_secs);
    let bounds = settings.bounds();
    let Settings {
        heartbeat,
        heartbeat_ca: authorities,
        approve_sensors,
        feed_certificate,
        feed_key,
        metrics,
        mail,
        ..
    } = settings;
    let feed_certificate = match (feed_certificate, feed_key) {
        (Some(certificate), Some(key)) => Some(Own { certificate, key }),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => {
            bail!("feed_certificate and feed_key belong together: set both, or neither")
        }
    };
    let heartbeat = heartbeat.map(|to| beat::Wanted { to, every, authorities });
    let mail = mail.server().map_err(anyhow::Error::msg)?;
    let conduct = Conduct { approve_sensors, heartbeat, feed_certificate, metrics, mail };
    let running = match serve::start_as(data, wanted, conduct.clone()).await {
        Err(error @ StartError::Tcp { .. }) if !asked => {
            tracing::warn!("sensors whose network drops UDP cannot come in: {error}");
            serve::start_as(data, Bound { tcp: None, ..wanted }, conduct).await?
        }
        started => started?,
    };
    let Bound { quic, enroll, web, tcp } = running.bound();
    let tcp = tcp.map_or_else(|| "not over TCP".to_owned(), |tcp| format!("both on TCP {tcp} too"));
    tracing::info!("running: sessions on UDP {quic}, enrolment on UDP {enroll}, {tcp}, the page at http://{web}/");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = conductor::go_on(data, running.store().clone(), bounds) => {}
        () = cut_off::go_on(data, running.store()) => {}
        () = running.failing() => {
            // Nothing more is written, not even in closing: what the disk holds is known only after reading it anew.
            tracing::error!("ending, so that the database is checked before anything is stored again");
            std::process::exit(1);
        }
    }
    tracing::info!("stopping");
    running.stop().await?;
    tracing::info!("stopped");
    Ok(())
}

fn wanted(arguments: &RunArguments, settings: &Settings) -> Bound {
    let everywhere = |port| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    Bound {
        quic: arguments.quic.or(settings.quic).unwrap_or(everywhere(QUIC_PORT)),
        enroll: arguments.enroll.or(settings.enroll).unwrap_or(everywhere(ENROLL_PORT)),
        web: arguments.web.or(settings.web).unwrap_or(SocketAddr::from(([127, 0, 0, 1], WEB_PORT))),
        tcp: arguments.tcp.or(settings.tcp).unwrap_or(Listen::At(everywhere(TCP_PORT))).address(),
    }
}

pub(super) fn read_settings(data: &Path) -> anyhow::Result<Settings> {
    let own = data.join("collector.toml");
    for path in [own.as_path(), Path::new(SYSTEM_SETTINGS)] {
        if path.exists() {
            let text = directory::read(path, SETTINGS_MAX_OCTETS)?;
            return Ok(Settings::read(&String::from_utf8_lossy(&text), &path.display().to_string())?);
        }
    }
    Ok(Settings::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = "quic = \"127.0.0.1:1\"\nenroll = \"127.0.0.1:2\"\n";
        std::fs::write(dir.path().join("collector.toml"), file).unwrap();
        let flags = RunArguments { quic: Some("127.0.0.1:9".parse().unwrap()), ..RunArguments::default() };
        let wanted = wanted(&flags, &read_settings(dir.path()).unwrap());
        assert_eq!(wanted.quic.to_string(), "127.0.0.1:9");
        assert_eq!(wanted.enroll.to_string(), "127.0.0.1:2");
        assert_eq!(wanted.web.to_string(), "127.0.0.1:8443");
        assert_eq!(wanted.tcp, Some("[::]:443".parse().unwrap()));
        let none = RunArguments { tcp: Some("none".parse().unwrap()), ..RunArguments::default() };
        assert_eq!(super::wanted(&none, &Settings::default()).tcp, None);
        assert!("soon".parse::<Listen>().unwrap_err().contains("[::]:443, or none"));
        std::fs::write(dir.path().join("collector.toml"), "\nqick = 1").unwrap();
        let said = read_settings(dir.path()).unwrap_err().to_string();
        assert!(said.contains("collector.toml line 2") && said.contains("\"quic\""), "{said}");
    }
}
