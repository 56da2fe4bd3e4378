//! `varde-collector sensor site`: which networks of other members a sensor may report for (decision 4).

use std::path::Path;

use anyhow::bail;
use clap::Subcommand;
use varde_common::id::{MemberNumber, SiteId};
use varde_common::limits::SITES_MAX;

use super::noted::deed;
use super::{member, say};
use crate::audit::On;
use crate::control::Poke;
use crate::io::control::poke;
use crate::store::site::{SiteAdded, SiteRow};
use crate::store::{Scope, Store};

/// Subcommands of `sensor site`.
#[derive(Debug, Subcommand)]
pub enum SiteCommand {
    /// Let a sensor report for a network of a member's; which addresses belong to it stands in the sensor's agent.toml.
    Add {
        /// The sensor's number, as listed.
        id: u32,
        /// The site's number on that sensor, from 1: the id in its agent.toml.
        #[arg(value_parser = clap::value_parser!(u16).range(1..))]
        site: u16,
        /// Whose network it is.
        #[arg(long, value_name = "NUMBER")]
        member: MemberNumber,
    },
    /// A sensor may not report for a site any more: a session that named it ends at once. What is stored stays its member's.
    Remove {
        /// The sensor's number, as listed.
        id: u32,
        /// The site's number on that sensor.
        #[arg(value_parser = clap::value_parser!(u16).range(1..))]
        site: u16,
    },
    /// List the sites sensors may report for.
    #[command(
        after_help = "Keys with --json: sensor, site (0 = its home, which came with its token), member (number), member_name, named (the sensor named it in its last Hello, so that it watches it), revoked (the sensor is)."
    )]
    List {
        /// Only this sensor's.
        id: Option<u32>,
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, store: &Store, command: SiteCommand) -> anyhow::Result<()> {
    match command {
        SiteCommand::Add { id, site, member } => {
            let member = member::find_or_add(store, &member).await?;
            let whose = format!("{} ({})", member.name, member.number);
            let adding = deed("sensor site add", On::Sensor(i64::from(id)))
                .becomes(format!("may report for site {site}, which belongs to {whose}"))
                .concerns([member.number.clone()]);
            let said = match store.noting(adding).add_site(i64::from(id), SiteId(site), member.id).await? {
                SiteAdded::Now => format!("Sensor {id} may report for site {site}, which belongs to {whose}."),
                SiteAdded::Before => format!("Site {site} of sensor {id} belongs to {whose} already."),
                SiteAdded::Another => bail!(
                    "site {site} of sensor {id} is another member's (varde-collector sensor site list {id}); take another number, or remove that one first"
                ),
                SiteAdded::NoSensor => {
                    bail!("there is no sensor {id}, or it was revoked; see: varde-collector sensor list")
                }
                SiteAdded::TooMany => bail!("sensor {id} has {SITES_MAX} sites, and no sensor has more"),
            };
            poke(data, Poke::Sensors).await;
            say::result(&said)?;
            say::aside(&format!(
                "On the sensor, in agent.toml: [[site]] with id = {site} and the networks that belong to {whose}; then restart varde-agent. Until its Hello names the site, nobody is counted as watched by it."
            ));
        }
        SiteCommand::Remove { id, site } => {
            // The member whose network it was is concerned by it: the audit finds it among those the sensor watches.
            let removing = deed("sensor site remove", On::Sensor(i64::from(id)))
                .becomes(format!("may not report for site {site}"));
            if !store.noting(removing).remove_site(i64::from(id), SiteId(site)).await? {
                bail!("sensor {id} has no site {site}; see: varde-collector sensor site list")
            }
            poke(data, Poke::Sensors).await;
            say::result(&format!("Sensor {id} may not report for site {site} any more."))?;
            say::aside(&format!(
                "Take site {site} out of its agent.toml and restart varde-agent: as long as it is named there, the sensor is not let in, and keeps what it finds."
            ));
        }
        SiteCommand::List { id, json } => {
            let sites = store.site_rows(Scope::Operator, id.map(i64::from)).await?;
            let row = |site: &SiteRow| {
                let state = match (site.revoked, site.site, site.named) {
                    (true, _, _) => "sensor revoked",
                    (false, 0, _) => "home",
                    (false, _, true) => "watched",
                    (false, _, false) => "NOT NAMED in its agent.toml",
                };
                let whose = format!("{} {}", site.member, site.member_name);
                vec![site.sensor.to_string(), site.site.to_string(), whose, state.to_owned()]
            };
            say::rows(&sites, json, &["SENSOR", "SITE", "MEMBER", "STATE"], row, "No sensor has a site.")?;
        }
    }
    Ok(())
}
