//! `varde-agent config`: whether the settings can be used, and where each value comes from.

use std::path::Path;

use serde::Serialize;

use super::Failure;
use crate::io::disk::identity::Identity;
use crate::io::settings::{place, read};
use crate::limits::{
    DATA_OUT_OCTETS, FREQUENT_HOSTS, QUIC_AGAIN_S, RING_BLOCKS, SPOOL_MAX_OCTETS, SPOOL_UNACKNOWLEDGED_KEEP_S,
};
use crate::raise::place::inside_by_default;
use crate::route::detour_address;
use crate::sensor::SensorSettings;
use crate::settings::layers::{Layers, keys};

/// Looks at the settings.
///
/// They stand in DIR/agent.toml and DIR/conf.d/*.toml, or, where neither is there, in /etc/varde-agent/agent.toml and
/// /etc/varde-agent/conf.d/*.toml. Drop-ins are read in the order of their names; the later one wins, key by key. Over them goes
/// the environment: VARDE_AGENT_ and the key in capitals, for keys that hold one value.
#[derive(Debug, clap::Subcommand)]
pub enum ConfigCommand {
    /// Says whether the settings can be used: exit 0, or 1 with file, line, key and what would be right.
    ///
    /// Fit for ExecStartPre and before a reload.
    Check,
    /// Prints each setting and where its value comes from.
    ///
    /// --json prints one object: files, and settings [{key, value (as in TOML; null = not set), origin (default, or a file with
    /// its line, or a variable)}].
    Show {
        /// Also what is not set: the defaults that are in force.
        #[arg(long)]
        effective: bool,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Serialize)]
struct Shown {
    files: Vec<String>,
    settings: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    key: &'static str,
    value: Option<String>,
    origin: String,
}

/// Looks at them.
///
/// # Errors
/// [`Failure`].
pub fn run(data: &Path, command: &ConfigCommand) -> Result<(), Failure> {
    let layers = read(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    match command {
        ConfigCommand::Check => {
            match layers.files() {
                [] => println!("There is no file in {}: all settings are defaults.", place(data).display()),
                files => println!("All settings can be used. Read: {}", files.join(", ")),
            }
            Ok(())
        }
        ConfigCommand::Show { effective, json } => {
            let shown = shown(data, &layers, *effective);
            if *json {
                let text = serde_json::to_string(&shown);
                println!("{}", text.map_err(|error| Failure::new(error, "report this to the makers of Varde"))?);
            } else {
                for Line { key, value, origin } in &shown.settings {
                    println!("{key} = {}  # {origin}", value.as_deref().unwrap_or("(none)"));
                }
            }
            Ok(())
        }
    }
}

fn shown(data: &Path, layers: &Layers, effective: bool) -> Shown {
    let line = |key: &'static str| match (layers.value(key), layers.origin(key)) {
        (Some(value), Some(origin)) => Some(Line { key, value: Some(value), origin: origin.to_string() }),
        _ => effective.then(|| Line { key, value: default_of(key, data, layers), origin: "default".to_owned() }),
    };
    Shown { files: layers.files().to_vec(), settings: keys().filter_map(line).collect() }
}

/// What counts where nothing is set, as in TOML; none = nothing does.
fn default_of(key: &str, data: &Path, layers: &Layers) -> Option<String> {
    let quoted = |text: String| toml::Value::String(text).to_string();
    let card = || Identity::read(data).ok().map(|identity| identity.card);
    match key {
        "collector" => card().map(|card| quoted(card.collector)),
        "fallback" => {
            let card = card()?;
            let address = layers.settings().collector.clone().unwrap_or(card.collector);
            detour_address(card.fallback.as_deref(), &address).map(quoted)
        }
        "quic_again_s" => Some(QUIC_AGAIN_S.to_string()),
        "inside" => {
            let networks = inside_by_default().into_iter().map(|network| quoted(network.to_string()));
            Some(format!("[{}]", networks.collect::<Vec<_>>().join(", ")))
        }
        "dns_ports" => Some(format!("{:?}", SensorSettings::default().dns_ports)),
        "interfaces" | "sinkholes" | "site" | "zone" => Some("[]".to_owned()),
        "data_out_octets" => Some(DATA_OUT_OCTETS.to_string()),
        "frequent_hosts" => Some(FREQUENT_HOSTS.to_string()),
        "capture_backend" => Some(quoted("ring".to_owned())),
        "capture_ring_mib" => Some(RING_BLOCKS.to_string()),
        "spool_max_mib" => Some((SPOOL_MAX_OCTETS / (1024 * 1024)).to_string()),
        "spool_max_days" => Some((SPOOL_UNACKNOWLEDGED_KEEP_S / 86_400).to_string()),
        // No proxy, resolvers recognised by what they do, no group, no port that is listened on.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn every_value_is_shown_with_where_it_stands_and_defaults_are_those_in_force() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("agent.toml"), "frequent_hosts = 7\n").unwrap();
        let layers = read(directory.path()).unwrap();
        let set = shown(directory.path(), &layers, false).settings;
        assert_eq!(set.len(), 1);
        assert_eq!((set[0].key, set[0].value.as_deref()), ("frequent_hosts", Some("7")));
        assert!(set[0].origin.ends_with("agent.toml, line 1"), "{}", set[0].origin);
        let all = shown(directory.path(), &layers, true).settings;
        assert_eq!(all.len(), keys().count());
        // Written down as they are shown, they change nothing.
        let lines = all.iter().filter_map(|line| Some(format!("{} = {}\n", line.key, line.value.as_ref()?)));
        let again = Settings::read(&lines.collect::<String>(), "shown").unwrap();
        assert_eq!(format!("{:?}", again.sensor()), format!("{:?}", layers.settings().sensor()));
        assert_eq!(again.ring_blocks(), layers.settings().ring_blocks());
        assert_eq!(again.spool_max_octets(), layers.settings().spool_max_octets());
        assert_eq!(again.spool_unacknowledged_s(), layers.settings().spool_unacknowledged_s());
        assert_eq!(
            (again.quic_again(), again.capture_backend),
            (layers.settings().quic_again(), layers.settings().capture_backend)
        );
    }
}
