//! `varde-collector why`: what the word of a campaign, an incident or an alert stands on, and what holds it together.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::{listing, say};
use crate::limits::api::TRACES_MAX;
use crate::present::detail;
use crate::present::text::{Language, Texts};
use crate::present::why::WhyWord;
use crate::priority::{Term, Word};
use crate::store::bond::{Bond, Of, TraceRow};
use crate::store::gateway::GatewayView;
use crate::store::picture::Subject;
use crate::store::{Scope, Store, campaign, incident};

const HELP: &str = "\
A campaign, an incident or an alert, by its uuid; or by its kind and number: varde-collector why incident 3.
An alert has no word of its own: told are what is known of it, and the word of its incident.
Keys with --json: kind, id, uuid, title, alert (what is known of the alert, in sentences; null = it is none), incident (the alert's), word
(info, low, medium, high or critical; null = not weighed yet), why [{term, …}], sentences (the same in English), weights_version,
links [{kind, value, incidents, strength, links, reason}] (what the incidents of a campaign share), guards [{kind, value}] (keys that link
nothing any more), keys [{kind, value, incident, first_seen, last_seen, links}] (what its incidents may share with others),
gateways [{guard, member, joined}] (hosts that met too many things at once and so join nothing any more: the guard's number in noise guards, whose, and the incidents in which they had put
different things together before), too_connected_why, proposed_split.";

/// Arguments of `why`.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct WhyArguments {
    /// A uuid; or campaign, incident or alert, and its number.
    #[arg(num_args = 1..=2, required = true, value_names = ["KIND", "ID"])]
    pub what: Vec<String>,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Serialize)]
struct Key {
    kind: &'static str,
    value: String,
    incident: i64,
    first_seen: varde_common::time::Timestamp,
    last_seen: varde_common::time::Timestamp,
    links: bool,
}

#[derive(Debug, Serialize)]
struct Link {
    #[serde(flatten)]
    bond: Bond,
    reason: String,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Guard {
    kind: &'static str,
    value: String,
}

#[derive(Debug, Default, Serialize)]
struct Why {
    kind: &'static str,
    id: i64,
    uuid: String,
    title: String,
    alert: Option<Vec<String>>,
    incident: Option<i64>,
    word: Option<Word>,
    why: Vec<Term>,
    sentences: Vec<String>,
    weights_version: Option<String>,
    links: Vec<Link>,
    guards: Vec<Guard>,
    keys: Vec<Key>,
    gateways: Vec<GatewayView>,
    too_connected_why: Option<String>,
    proposed_split: Vec<Vec<i64>>,
}

/// What is asked about.
enum About {
    Campaign(i64),
    Incident(i64),
    Alert(i64),
}

/// Runs the command.
///
/// # Errors
/// There is no such thing; the database's own.
pub async fn run(data: &Path, arguments: WhyArguments) -> anyhow::Result<()> {
    let WhyArguments { what, json } = arguments;
    let store = Store::open(data).await?;
    let why = match about(&store, &what).await? {
        About::Campaign(id) => of_campaign(&store, id).await?,
        About::Incident(id) => of_incident(&store, id).await?,
        About::Alert(id) => of_alert(&store, id).await?,
    };
    store.close().await;
    if json {
        return say::result(&serde_json::to_string(&why)?);
    }
    listing::print(&in_words(&why))?;
    Ok(())
}

async fn about(store: &Store, what: &[String]) -> anyhow::Result<About> {
    let scope = Scope::Operator;
    let (kind, name) = match what {
        [name] => (None, name.as_str()),
        [kind, name] => (Some(kind.as_str()), name.as_str()),
        _ => bail!("name one thing: its uuid, or its kind and number"),
    };
    if kind.is_none() && name.parse::<i64>().is_ok() {
        bail!("{name} may be a campaign, an incident or an alert; say which: varde-collector why incident {name}");
    }
    let is = |asked: &str| kind.is_none_or(|kind| kind == asked);
    if !(is("campaign") || is("incident") || is("alert")) {
        bail!("\"{}\" is none of campaign, incident and alert", kind.unwrap_or_default());
    }
    if is("campaign")
        && let Some(id) = campaign::resolve(store, scope, name).await?
    {
        return Ok(About::Campaign(id));
    }
    if is("incident")
        && let Some(id) = store.incident_named(scope, name).await?
    {
        return Ok(About::Incident(id));
    }
    if is("alert")
        && let Some(found) = store.asked_alert(scope, name).await?
    {
        return Ok(About::Alert(found.view.id));
    }
    bail!(
        "there is no {} \"{name}\"; varde-collector campaign list, incident list and alert list show those there are",
        kind.unwrap_or("such thing")
    )
}

fn keys(rows: Vec<TraceRow>) -> (Vec<Key>, Vec<Guard>) {
    let keys: Vec<Key> = rows
        .into_iter()
        .map(|row| Key {
            kind: row.kind.as_str(),
            value: row.value,
            incident: row.incident,
            first_seen: row.span.first.clamped(),
            last_seen: row.span.last.clamped(),
            links: row.links,
        })
        .collect();
    let tripped = keys.iter().filter(|key| !key.links);
    let mut guards: Vec<Guard> = tripped.map(|key| Guard { kind: key.kind, value: key.value.clone() }).collect();
    guards.sort_unstable();
    guards.dedup();
    (keys, guards)
}

fn sentences(why: &[Term], version: Option<&str>) -> Vec<String> {
    let said = WhyWord::of(why, version, Texts::of(Language::English));
    said.terms.into_iter().chain([said.version]).collect()
}

async fn of_campaign(store: &Store, id: i64) -> anyhow::Result<Why> {
    let scope = Scope::Operator;
    let Some(view) = campaign::list(store, scope, Some(id)).await?.into_iter().next() else {
        bail!("campaign {id} has no incident any more")
    };
    let texts = Texts::of(Language::English);
    let link = |bond: Bond| Link { reason: detail::bond_words(&bond, texts).to_string(), bond };
    let (keys, guards) = keys(store.traces(scope, Of::Campaign(id), TRACES_MAX).await?);
    Ok(Why {
        kind: "campaign",
        id,
        uuid: view.uuid,
        title: view.title,
        alert: None,
        incident: None,
        word: view.word,
        sentences: sentences(&view.why, view.weights_version.as_deref()),
        why: view.why,
        weights_version: view.weights_version,
        links: store.bonds(scope, id).await?.into_iter().map(link).collect(),
        guards,
        keys,
        gateways: store.gateways(scope, Of::Campaign(id)).await?,
        too_connected_why: view.too_connected_why,
        proposed_split: store.proposed_split(scope, id).await?,
    })
}

async fn of_incident(store: &Store, id: i64) -> anyhow::Result<Why> {
    let Some(view) = incident::one(store, Scope::Operator, id).await? else {
        bail!("incident {id} is not there any more")
    };
    let (keys, guards) = keys(store.traces(Scope::Operator, Of::Incident(id), TRACES_MAX).await?);
    Ok(Why {
        kind: "incident",
        id,
        uuid: view.uuid,
        title: view.title,
        word: view.word,
        sentences: sentences(&view.why, view.weights_version.as_deref()),
        why: view.why,
        weights_version: view.weights_version,
        guards,
        keys,
        gateways: store.gateways(Scope::Operator, Of::Incident(id)).await?,
        ..Why::default()
    })
}

async fn of_alert(store: &Store, id: i64) -> anyhow::Result<Why> {
    let Some(found) = store.asked_alert(Scope::Operator, &id.to_string()).await? else {
        bail!("alert {id} is not there any more")
    };
    let view = &found.view;
    let title = format!("{} at {}", view.indicator, view.member.name);
    let Some(incident) = view.incident else {
        let alert =
            Some(vec!["It is in no incident: contact from outside that nobody answered is none by itself.".to_owned()]);
        return Ok(Why { kind: "alert", id, uuid: view.uuid.clone(), title, alert, ..Why::default() });
    };
    let detail = store.picture_of(Scope::Operator, Subject::Incident(incident)).await?.map(|(_, detail)| detail);
    let facts = detail.iter().flat_map(|detail| &detail.alerts).find(|facts| facts.id == id);
    let alert = facts.map(|facts| detail::why(facts, Texts::of(Language::English)));
    let why = of_incident(store, incident).await?;
    Ok(Why { kind: "alert", id, uuid: view.uuid.clone(), title, alert, incident: Some(incident), ..why })
}

fn in_words(why: &Why) -> String {
    let mut lines = vec![format!("{} {}: {}", why.kind, why.id, say::printable(why.title.clone()))];
    if let Some(alert) = &why.alert {
        lines.extend(alert.iter().map(|sentence| format!("  {sentence}")));
    }
    if let Some(incident) = why.incident {
        lines.push(format!("Its word is that of incident {incident}."));
    }
    lines.push(format!("Word: {}", why.word.map_or("not weighed yet", Word::as_str)));
    lines.extend(why.sentences.iter().map(|sentence| format!("  {sentence}")));
    if !why.links.is_empty() {
        lines.push("What its incidents share:".to_owned());
        lines.extend(why.links.iter().map(|link| format!("  {} (strength {})", link.reason, link.bond.strength)));
    }
    if !why.guards.is_empty() {
        lines.push("Links nothing any more:".to_owned());
        lines
            .extend(why.guards.iter().map(|guard| format!("  {} {}", guard.kind, say::printable(guard.value.clone()))));
    }
    let mut further: BTreeMap<&str, usize> = BTreeMap::new();
    for GatewayView { guard, member, joined } in &why.gateways {
        if joined.is_empty() {
            *further.entry(member).or_default() += 1;
            continue;
        }
        let (member, joined) = (say::printable(member.clone()), joined.iter().map(i64::to_string).collect::<Vec<_>>());
        lines.push(format!(
            "Guard {guard}, a host of {member}: it met too many things at once to be one machine, and joins nothing any more. Before that was known it had joined what is in incident {}.",
            joined.join(", ")
        ));
    }
    for (member, hosts) in further {
        let member = say::printable(member.to_owned());
        lines.push(format!(
            "Hosts of {member} that met too many things at once to be one machine, and had joined nothing: {hosts}."
        ));
    }
    if let Some(too) = &why.too_connected_why {
        lines.push(format!("Too connected: {too}"));
    }
    format!("{}\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fixture::Fixture;

    #[test]
    fn every_key_stands_in_the_help() {
        let value = serde_json::to_value(Why::default()).unwrap();
        assert!(value.as_object().unwrap().keys().all(|key| HELP.contains(key.as_str())), "{value}");
    }

    #[tokio::test]
    async fn a_number_alone_and_what_is_not_there_are_a_sentence() {
        let fixture = Fixture::new(1).await;
        let asked = async |what: &[&str]| {
            let what: Vec<String> = what.iter().map(|word| (*word).to_owned()).collect();
            about(&fixture.store, &what).await.err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(asked(&["3"]).await.contains("why incident 3"));
        assert!(asked(&["incident", "3"]).await.contains("there is no incident"));
        assert!(asked(&["sak", "3"]).await.contains("none of campaign"));
        assert!(asked(&["6f1c27d0-94be-4b0c-8a55-3e0d7b1fc2a9"]).await.contains("no such thing"));
    }
}
