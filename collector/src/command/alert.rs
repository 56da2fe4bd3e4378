//! `alert list`: what the sensors have reported, as they reported it.

use std::path::Path;

use super::noted::{deed, reading};
use super::verdict::{self, VerdictArguments};
use super::{listing, say};
use crate::audit::On;
use crate::store::alert::{self, AlertView, Which};
use crate::store::{Scope, Store};

/// Alerts read at a time, and shown in a table: more than fits a screen many times over.
const PAGE: usize = 1_000;

pub(crate) const LIST_KEYS: &str = "\
KEYS of --json (one object a line, in the order of id; absent = null; times RFC 3339 UTC):
  id, uuid               its number here; its name outside
  member                 {number, name}: whose
  sensor, site           the sensor's number; which of its sites
  indicator, kind        what matched (confidential indicator N where it is marked TLP:AMBER+STRICT or TLP:RED); domain, host,
                         ipv4, ipv6 or network
  client                 pseudonym of the host (H-…); null = no host, or many
  hosts                  of an alert that a sensor told of many hosts together: about how many the indicator met at its
                         site, those with an alert of their own included; null = one host, or none
  direction              outbound or inbound
  evidence               blocked, looked_up, answered, attempted, contacted or data_out
  by_resolver            the client is a resolver that asked for somebody: a trace, no victim
  looked_up_by_other     the host was found by its flow; another looked the name up
  possible_contact       contact with an address that unlisted names share
  labels_left            how many labels stood left of the listed name; 0 where it is confidential
  server, port, protocol the outside server (null where the indicator is confidential), its port; udp, tcp, icmp or the number
  severity               info, low, medium, high or critical, as the list says
  revision               the list in force when it was opened
  first_seen, last_seen, count   of its sightings
  zone                   the member's number for the zone; 0 = none named
  regularity             {contacts, median_interval_ms, spread_ms}
  closed                 no more updates will come
  incident               the incident it is in
  exercise, retro        part of an exercise; found in history
  verdict                what a person concluded: false-positive, legitimate or confirmed
  verdict_reason, verdict_at   why, and when that was said";

const VERDICT_HELP: &str = "\
false-positive  the indicator is wrong: it is withdrawn, whatever source names it now or later, until this is taken back; counts
                against the sources that name it, and MISP servers that are told of sightings hear of it; what it names goes on the
                allow-list, so that nothing below or within it goes out either (not in an exercise)
legitimate      the indicator is right and this traffic is wanted (a test, a researcher): nothing follows but that it is said
confirmed       it is what the indicator says: counts for its sources, and MISP servers that are told of sightings hear of it
none            what was said is taken back, and what followed from it: the indicator stands again where a source names it,
                and what the verdict put on the allow-list is off it; what a person put there stays
Sensors drop a withdrawn indicator with the next list: varde-collector publish. Until then: varde-collector indicator brake.
The reason stands in the audit, on the page, by the indicator's claims, on the allow-list, and in what a member is handed over when it leaves.
Keys with --json: alert, indicator, verdict (null = none), before, withdrawn, reinstated (by this), sightings (queued), allowed (its pattern
by this), allow_list_full (it could not be), allow_removed (it is off the allow-list by this), sources (source,
shown: its indicators that were published; hits: those that made alerts; confirmed, false_positives: verdicts).";

/// What can be done with alerts.
#[derive(Debug, clap::Subcommand)]
pub enum AlertCommand {
    /// List alerts.
    #[command(after_help = LIST_KEYS)]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Say what an alert was.
    #[command(after_help = VERDICT_HELP)]
    Verdict(VerdictArguments),
}

/// Runs it on the data directory `data`.
///
/// # Errors
/// A sentence for the person at the keyboard.
pub async fn run(data: &Path, command: AlertCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let json = match command {
        AlertCommand::List { json } => json,
        AlertCommand::Verdict(arguments) => return verdict::run(&store, arguments).await,
    };
    reading(&store, deed("alert list", On::Everybody).becomes("hosts shown by their pseudonyms")).await?;
    let limit = i64::try_from(PAGE)?;
    let mut which = Which::default();
    loop {
        let page = alert::list(&store, Scope::Operator, which, limit).await?;
        let full = page.len() == PAGE;
        if page.is_empty() && which.after == 0 && !json {
            say::aside("No alerts. Whether the sensors can see: varde-collector sensor list");
            return Ok(());
        }
        which.after = page.last().map_or(which.after, |alert| alert.id);
        let read_on = if json { listing::print_json(&page)? } else { listing::print(&table(&page))? };
        if !full || !read_on {
            return Ok(());
        }
    }
}

/// Alerts as a table.
pub(super) fn table(alerts: &[AlertView]) -> String {
    let mut table = listing::table(&[
        "ID",
        "MEMBER",
        "INDICATOR",
        "HOST",
        "EVIDENCE",
        "FIRST SEEN",
        "LAST SEEN",
        "COUNT",
        "INCIDENT",
        "VERDICT",
    ]);
    for alert in alerts {
        let host = match (&alert.client, alert.hosts, alert.by_resolver) {
            (Some(client), _, true) => format!("{client} (resolver)"),
            (Some(client), _, false) => client.clone(),
            (None, Some(hosts), _) => format!("many (about {hosts})"),
            (None, None, _) => "-".to_owned(),
        };
        table.add_row([
            alert.id.to_string(),
            format!("{} {}", alert.member.number, alert.member.name),
            format!("{}{}", alert.indicator, if alert.exercise { " (exercise)" } else { "" }),
            host,
            alert.evidence.to_string(),
            listing::moment(alert.first_seen),
            listing::moment(alert.last_seen),
            alert.count.to_string(),
            alert.incident.map_or("-".to_owned(), |incident| incident.to_string()),
            alert.verdict.map_or("-".to_owned(), |verdict| verdict.to_string()),
        ]);
    }
    format!("{table}\n")
}
