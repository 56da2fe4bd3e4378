//! `varde-collector sensor`: tokens for new sensors, how the sensors are, and revocation.

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Subcommand;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;
use varde_common::token::Token;

use super::channel::{self, ChannelArguments};
use super::noted::{by, deed};
use super::sensor_events::{self, EventsArguments};
use super::sensor_site::{self, SiteCommand};
use super::{member, say, sensor_list};
use crate::address::{Bound, TCP_PORT};
use crate::audit::On;
use crate::control::Poke;
use crate::deed::By;
use crate::io::control::{Poked, poke};
use crate::io::enrolling::{self, Word};
use crate::io::{clock, directory};
use crate::store::member::MemberRow;
use crate::store::sensor::Revoked;
use crate::store::{Scope, Store};

/// Subcommands of `sensor`.
#[derive(Debug, Subcommand)]
pub enum SensorCommand {
    /// Make a one-time token for a new sensor of a member; the token alone goes to standard output.
    Token {
        /// The member's number.
        number: MemberNumber,
        /// The new sensor takes the place of this one of the member's, with its sites; that one is revoked once the new one has
        /// enrolled.
        #[arg(long, value_name = "ID")]
        replaces: Option<u32>,
    },
    /// List the sensors.
    #[command(after_help = sensor_list::KEYS)]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// What a sensor said about itself and what was noted about it: losses, restarts, refused lists, copies.
    Events(EventsArguments),
    /// Let a sensor out of quarantine, once the copy of it is stopped: it begins a new spool when it comes.
    Release {
        /// The sensor's number, as listed.
        id: u32,
    },
    /// Approve of a sensor that waits, once the eight words at its own end were found to be the same.
    Approve {
        /// The sensor's number, as listed.
        id: u32,
    },
    /// Refuse a sensor that waits: its token is good for nothing any more.
    Refuse {
        /// The sensor's number, as listed.
        id: u32,
    },
    /// Give a sensor to another member: its alerts from now on are that member's, what is stored stays where it is.
    Move {
        /// The sensor's number, as listed.
        id: u32,
        /// The member's number.
        #[arg(long, value_name = "NUMBER")]
        member: MemberNumber,
    },
    /// Which networks of other members a sensor may report for.
    #[command(subcommand)]
    Site(SiteCommand),
    /// Which lists a sensor follows: those of channel all, or of another that few follow first.
    Channel(ChannelArguments),
    /// Revoke a sensor, or a token not used yet: its session ends at once and it stays out.
    Revoke {
        /// The sensor's number, as listed.
        id: u32,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: SensorCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    match command {
        SensorCommand::Token { number, replaces } => {
            if let Some(replaced) = replaces {
                may_replace(&store, replaced, &number).await?;
            }
            let (token, member) = make_token(&store, &number, clock::now()).await?;
            if let Some(replaced) = replaces {
                let words = format!("its place is for sensor {}, once that has enrolled", token.sensor);
                let replacing = store.noting(deed("sensor token", On::Sensor(i64::from(replaced))).becomes(words));
                replacing.set_replaces(token.sensor, i64::from(replaced)).await?;
                say::aside(&format!(
                    "It takes the place of sensor {replaced}, which is revoked as soon as it has enrolled."
                ));
                let (sensors, placed) =
                    (store.sensor_rows(Scope::Operator).await?, store.placements(Scope::Operator).await?);
                let new = i64::try_from(token.sensor.0).unwrap_or(i64::MAX);
                if let Some((old, channel)) = channel::left_behind(&sensors, &placed).get(&new) {
                    say::aside(&format!(
                        "Sensor {old} follows channel {channel}, and the new one follows all until you say otherwise, which you can do now: varde-collector sensor channel {new} {channel}"
                    ));
                }
            }
            say::result(&token.to_text())?;
            say::aside(&format!(
                "Token for sensor {} of {} ({}). It works once, until {}. It is a secret: hand it over in person or by an encrypted message.
On the sensor: varde-agent enroll --token-file FILE (a file with the token, or - to paste it)
Sensors will dial {} (sessions) and {} (enrolment), both UDP.{}",
                token.sensor, member.name, member.number, say::moment(Some(token.expires)), token.quic.as_str(), token.enroll.as_str(),
                over_tcp(directory::read_bound(data).as_ref(), token.quic.as_str())
            ));
            poke(data, Poke::Sensors).await;
        }
        SensorCommand::List { json } => {
            sensor_list::run(data, &store, json).await?;
        }
        SensorCommand::Events(arguments) => sensor_events::run(&store, &arguments).await?,
        SensorCommand::Release { id } => {
            let released = deed("sensor release", On::Sensor(i64::from(id))).becomes("heard again, with a new spool");
            if !store.noting(released).release_sensor(i64::from(id)).await? {
                bail!("sensor {id} is not in quarantine; see: varde-collector sensor list")
            }
            poke(data, Poke::Sensors).await;
            say::result(&format!(
                "Sensor {id} is released. Whichever machine comes next with its identity is heard and begins a new spool: within ten minutes, or at once when varde-agent is restarted there. Should the copy live on, both are put in quarantine again."
            ))?;
        }
        SensorCommand::Move { id, member: number } => {
            let member = member::find_or_add(&store, &number).await?;
            let moved = deed("sensor move", On::Sensor(i64::from(id)))
                .becomes(format!("of {} {} from now on", member.number, member.name))
                .concerns([member.number.clone()]);
            if !store.noting(moved).move_sensor(i64::from(id), member.id).await? {
                bail!("there is no sensor {id}, or it was revoked; see: varde-collector sensor list")
            }
            for (new, old) in store.places_lost(Scope::Operator, i64::from(id)).await? {
                say::aside(&format!(
                    "Sensor {new} was to take the place of sensor {old} once it has enrolled, and will not: they are of two members now. Then: varde-collector sensor revoke {old}, and sensor site add {new} for each site it is to have."
                ));
            }
            poke(data, Poke::Sensors).await;
            say::result(&format!(
                "Sensor {id} is {}'s ({number}) from now on. Its alerts until now stay where they are; one that goes on stays with the member it began with. The networks it watches must be that member's: look at its agent.toml.",
                member.name
            ))?;
        }
        SensorCommand::Approve { id } => {
            let said = enrolling::say(&store, i64::from(id), Word::Approve, &by()).await?;
            let words = said.ok_or_else(|| waits_not(id))?;
            say::result(&format!(
                "Sensor {id} ({words}) is approved. It gets its certificate when varde-agent enroll asks next: within a minute while it waits, else when it is started again."
            ))?;
        }
        SensorCommand::Refuse { id } => {
            let said = enrolling::say(&store, i64::from(id), Word::Refuse, &by()).await?;
            let words = said.ok_or_else(|| waits_not(id))?;
            say::result(&format!("Sensor {id} ({words}) is refused; its token is good for nothing any more."))?;
        }
        SensorCommand::Site(command) => sensor_site::run(data, &store, command).await?,
        SensorCommand::Channel(arguments) => channel::run(data, &store, arguments).await?,
        SensorCommand::Revoke { id } => {
            let (revoked, poked) = enrolling::revoke(&store, i64::from(id), None, &by()).await?;
            let said = match revoked {
                Revoked::Now => format!("Sensor {id} is revoked."),
                Revoked::Before => format!("Sensor {id} was revoked before."),
                Revoked::NoSuchSensor => {
                    bail!("there is no sensor {id}; see their numbers with: varde-collector sensor list")
                }
            };
            say::result(&match poked {
                Poked::Done => format!("{said} No session of it stands any more."),
                Poked::NotRunning => format!("{said} The collector does not run; it will not be let in."),
                Poked::Late => {
                    format!("{said} The running collector has not answered yet; it looks by itself within seconds.")
                }
            })?;
        }
    }
    store.close().await;
    Ok(())
}

/// That a sensor may be replaced by a new one of this member.
async fn may_replace(store: &Store, replaced: u32, number: &MemberNumber) -> anyhow::Result<()> {
    let member = member::find_or_add(store, number).await?;
    if !store.may_be_replaced(i64::from(replaced), member.id).await? {
        bail!("{number} has no enrolled sensor {replaced}; see: varde-collector sensor list")
    }
    Ok(())
}

/// What is said of one that does not wait.
fn waits_not(id: u32) -> anyhow::Error {
    anyhow!("no sensor {id} waits for approval; those that do are shown by: varde-collector sensor list")
}

/// What the one who enrols must know where UDP is blocked: nothing, on the usual port.
fn over_tcp(bound: Option<&Bound>, quic: &str) -> String {
    let host = quic.rsplit_once(':').map_or(quic, |(host, _)| host);
    match bound.map(|bound| bound.tcp.map(|tcp| tcp.port())) {
        None => String::new(),
        Some(Some(TCP_PORT)) => format!("\nWhere UDP is blocked they dial {host}:{TCP_PORT}, TCP."),
        Some(Some(port)) => format!(
            "\nWhere UDP is blocked they can dial {host}:{port}, TCP, if they are told: varde-agent enroll --fallback {host}:{port} …"
        ),
        Some(None) => "\nWhere UDP is blocked they cannot come in: the collector does not listen on TCP.".to_owned(),
    }
}

/// A new sensor of a member, and its token, as whoever runs this makes it.
///
/// # Errors
/// Why there is none.
pub async fn make_token(store: &Store, number: &MemberNumber, now: Timestamp) -> anyhow::Result<(Token, MemberRow)> {
    // Says whose an old number is now.
    member::find_or_add(store, number).await?;
    Ok(enrolling::make_token(store, number, &By { at: now, ..by() }).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::init::{self, InitArguments};
    use crate::io::keys;
    use varde_common::token::secret_hash;
    use varde_common::trust::sha256;

    #[tokio::test]
    async fn e1_a_token_says_where_to_dial_whom_to_trust_and_holds_a_secret_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("c");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        let number: MemberNumber = "3407".parse().unwrap();
        let token = async || make_token(&store, &number, Timestamp(1)).await;
        let said = token().await.unwrap_err().to_string();
        assert!(said.contains("member add 3407"), "{said}");
        store.add_member(&number, "Gjøvik", Timestamp(1)).await.unwrap();
        let said = token().await.unwrap_err().to_string();
        assert!(said.contains("init --address"), "{said}");
        assert!(store.sensor_rows(Scope::Operator).await.unwrap().is_empty(), "no half-made sensor");

        init::run(&data, InitArguments { name: None, address: Some("varde.example".parse().unwrap()) }).await.unwrap();
        let (one, member) = token().await.unwrap();
        let (two, _) = token().await.unwrap();
        assert_eq!(member.name, "Gjøvik");
        assert_eq!(Token::from_text(&one.to_text()), Ok(one.clone()));
        assert_eq!((one.quic.as_str(), one.enroll.as_str()), ("varde.example:7843", "varde.example:7844"));
        assert_eq!(one.expires, Timestamp(1 + 72 * 3_600_000_000));
        assert_eq!(one.root_sha256, sha256(&std::fs::read(data.join(keys::ROOT_FILE)).unwrap()));
        assert!(one.secret != two.secret && one.sensor != two.sensor);
        let row = store.token_row(Scope::Operator, one.sensor).await.unwrap().unwrap();
        assert_eq!(row.secret_sha256, secret_hash(&one.secret), "only its hash is kept");
    }
}
