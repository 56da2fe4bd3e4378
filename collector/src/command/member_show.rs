//! `varde-collector member show`: everything known of a member.

use clap::Args;
use serde::Serialize;
use varde_common::id::MemberNumber;
use varde_common::time::Timestamp;

use super::{member, say};
use crate::day;
use crate::io::clock;
use crate::limits::CONTACT_CONFIRMED_WITHIN;
use crate::profile::{Profile, Role};
use crate::roster::written;
use crate::store::member::MemberRow;
use crate::store::site::SiteRow;
use crate::store::{Scope, Store};

const HELP: &str = "\
Keys with --json: those of member list, and: domains, networks, contacts {role: {name, telephone, out_of_hours, email,
confirmed_at}} (roles it, security, oncall, management, privacy; null = not known; confirmed_at is a day, given as its beginning by
UTC), watched_by [{sensor, site, member,
member_name, named, revoked}] (its sites; named = the sensor said in its last Hello that it watches it).";

/// Arguments of `member show`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct ShowArguments {
    /// Its number, or one it had.
    pub number: MemberNumber,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    member: &'a MemberRow,
    domains: &'a std::collections::BTreeSet<String>,
    networks: &'a std::collections::BTreeSet<ipnet::IpNet>,
    contacts: &'a std::collections::BTreeMap<Role, crate::profile::Contact>,
    watched_by: &'a [SiteRow],
}

/// Runs the command.
///
/// # Errors
/// There is no such member.
pub async fn run(store: &Store, arguments: &ShowArguments) -> anyhow::Result<()> {
    let member = member::find(store, &arguments.number).await?;
    let profile = store.profile(Scope::Operator, member.id).await?.unwrap_or_default();
    let sites = store.site_rows(Scope::Member(member.id), None).await?;
    if arguments.json {
        let Profile { domains, networks, contacts, .. } = &profile;
        let shown = Shown { member: &member, domains, networks, contacts, watched_by: &sites };
        return say::result(&serde_json::to_string(&shown)?);
    }
    for line in lines(&member, &profile, &sites, clock::now()) {
        say::result(&line)?;
    }
    Ok(())
}

/// The whole for people.
fn lines(member: &MemberRow, profile: &Profile, sites: &[SiteRow], now: Timestamp) -> Vec<String> {
    let mut lines = vec![format!("{} ({}), since {}", member.name, member.number, say::moment(Some(member.added_at)))];
    for former in &member.former_numbers {
        lines.push(format!("  was {} ({}) until {}", former.name, former.number, written(day::of(former.until))));
    }
    let covered = profile.covered.map_or("not known", |covered| if covered { "yes" } else { "no" });
    lines.push(format!("Written to in: {}", profile.language.norwegian()));
    lines.push(format!("Covered by digitalsikkerhetsloven: {covered}"));
    lines.push(format!("Shared network: {}", profile.supplier.as_deref().unwrap_or("none")));
    let list = |items: Vec<String>| if items.is_empty() { "none known".to_owned() } else { items.join(", ") };
    lines.push(format!("Domains: {}", list(profile.domains.iter().cloned().collect())));
    lines.push(format!(
        "Networks on the internet: {}",
        list(profile.networks.iter().map(ToString::to_string).collect())
    ));
    if profile.contacts.is_empty() {
        lines.push(format!(
            "Contacts: none known; add one with: varde-collector member set {} --contact it --name NAME",
            member.number
        ));
    }
    for (role, contact) in &profile.contacts {
        let mut said = vec![contact.name.clone()];
        said.extend(contact.telephone.as_ref().map(|number| format!("telephone {number}")));
        said.extend(contact.out_of_hours.as_ref().map(|number| format!("out of hours {number}")));
        said.extend(contact.email.clone());
        said.push(match contact.confirmed_at {
            None => "NEVER CONFIRMED".to_owned(),
            Some(at) if at < now.minus(CONTACT_CONFIRMED_WITHIN) => {
                format!("LAST CONFIRMED {}, over a year ago", written(at))
            }
            Some(at) => format!("confirmed {}", written(at)),
        });
        lines.push(format!("Contact {}: {}", role.as_str(), said.join(", ")));
    }
    if sites.is_empty() {
        lines.push("Sensors: none watches it".to_owned());
    }
    for site in sites {
        let of = if site.member == member.number { String::new() } else { format!(" of {}", site.member_name) };
        let how = match (site.revoked, site.watches()) {
            (true, _) => ", revoked",
            (false, true) => "",
            (false, false) => ", which does not name it in its agent.toml",
        };
        lines.push(format!("Watched by: sensor {}{of}, site {}{how}", site.sensor, site.site));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::profile::Contact;

    #[test]
    fn a_contact_that_nobody_has_looked_at_for_a_year_is_told() {
        let now = Timestamp(1_795_219_200_000_000);
        let member = MemberRow {
            id: 1,
            number: "3407".to_owned(),
            name: "Gjøvik".to_owned(),
            added_at: Timestamp(0),
            sensors: 0,
            language: "neutral".to_owned(),
            covered: None,
            supplier: None,
            former_numbers: Vec::new(),
        };
        let mut profile = Profile::default();
        for (role, confirmed_at) in [
            (Role::It, Some(now.minus(CONTACT_CONFIRMED_WITHIN + Duration::from_secs(1)))),
            (Role::OnCall, Some(now.minus(CONTACT_CONFIRMED_WITHIN))),
            (Role::Privacy, None),
        ] {
            profile.contacts.insert(role, Contact { name: "Kari".to_owned(), confirmed_at, ..Contact::default() });
        }
        let said = lines(&member, &profile, &[], now).join("\n");
        for part in [
            "Contact it: Kari, LAST CONFIRMED 2025-11-20, over a year ago",
            "Contact oncall: Kari, confirmed 2025-11-21",
            "Contact privacy: Kari, NEVER CONFIRMED",
            "Sensors: none watches it",
            "Covered by digitalsikkerhetsloven: not known",
        ] {
            assert!(said.contains(part), "{part}:\n{said}");
        }
    }
}
