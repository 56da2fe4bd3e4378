//! `varde-collector run`: until it is told to stop.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{conductor, say};
use crate::address::{Bound, ENROLL_PORT, Listen, QUIC_PORT, TCP_PORT, WEB_PORT};
use crate::io::feed_tls::Own;
use crate::io::serve::{self, Conduct, StartError, Web};
use crate::io::{beat, clock, cut_off, directory, secret};
use crate::limits::{BEAT_EVERY, SETTINGS_MAX_OCTETS};
use crate::settings::Settings;
use crate::store::account::LinkKind;
use crate::store::{Scope, Store, StoreError};

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
    /// Where the pages are served, TCP; without the setting web_name on a loopback address [default: 127.0.0.1:8443].
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
        accessibility_statement: statement,
        telephone,
        web_name,
        web_certificate,
        web_key,
        mail,
        oidc,
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
    let web = match (web_name, web_certificate, web_key) {
        (Some(name), None, None) => Some(Web { name, certificate: None }),
        (Some(name), Some(certificate), Some(key)) => Some(Web { name, certificate: Some(Own { certificate, key }) }),
        (None, None, None) => None,
        (None, _, _) => bail!("web_certificate is for the pages under a name; set web_name too"),
        (Some(_), _, _) => bail!("web_certificate and web_key belong together: set both, or neither"),
    };
    let mail = mail.server().map_err(anyhow::Error::msg)?;
    let oidc = oidc.provider().map_err(anyhow::Error::msg)?;
    let conduct =
        Conduct { approve_sensors, heartbeat, web, feed_certificate, metrics, statement, telephone, mail, oidc };
    let running = match serve::start_as(data, wanted, conduct.clone()).await {
        Err(error @ StartError::Tcp { .. }) if !asked => {
            tracing::warn!("sensors whose network drops UDP cannot come in: {error}");
            serve::start_as(data, Bound { tcp: None, ..wanted }, conduct).await?
        }
        started => started?,
    };
    let Bound { quic, enroll, web, tcp } = running.bound();
    let tcp = tcp.map_or_else(|| "not over TCP".to_owned(), |tcp| format!("both on TCP {tcp} too"));
    tracing::info!(
        "running: sessions on UDP {quic}, enrolment on UDP {enroll}, {tcp}, the page at {}/",
        page(data, web)
    );
    invite_first(data, running.store()).await;
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

/// As long as nobody has an account, whoever started the collector is told how to come in.
async fn invite_first(data: &Path, store: &Store) {
    let invited = async {
        if store.has_accounts(Scope::Operator).await? {
            return Ok(());
        }
        // What stands on standard output may be kept in a journal that others read, and this opens everything.
        if std::env::var_os("JOURNAL_STREAM").is_some() {
            tracing::info!(
                "nobody has an account at the pages; make one: varde-collector user add NAME --role administrator"
            );
            return Ok(());
        }
        let secret = secret::draw()?;
        store.make_link(LinkKind::First, None, &secret, clock::now()).await?;
        say::aside(
            "Nobody has an account at the pages yet. This link makes the first, an administrator, once, within 72 hours:",
        );
        say::result(&format!("{}/lenke/{}", page_address(data), secret.text()))
    };
    let invited: anyhow::Result<()> = invited.await;
    if let Err(error) = invited {
        // A disk that fails here fails.
        if let Some(error) = error.downcast_ref::<StoreError>() {
            store.handle_error(error);
        }
        tracing::warn!("no link for the first account could be made: {error}");
    }
}

/// Where the pages are.
fn page(data: &Path, web: SocketAddr) -> String {
    match read_settings(data).unwrap_or_default().web_name {
        Some(name) if web.port() == 443 => format!("https://{name}"),
        Some(name) => format!("https://{name}:{}", web.port()),
        None => format!("http://{web}"),
    }
}

/// The same, as the collector that runs here says it; where they would be, if none runs.
pub(super) fn page_address(data: &Path) -> String {
    let usual = read_settings(data).unwrap_or_default().web.unwrap_or(SocketAddr::from(([127, 0, 0, 1], WEB_PORT)));
    page(data, directory::read_bound(data).map_or(usual, |bound| bound.web))
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
