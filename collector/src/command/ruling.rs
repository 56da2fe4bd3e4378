//! `campaign split` and `campaign merge`: what a person says of campaigns, and what later alerts obey.

use std::collections::BTreeSet;

use anyhow::{anyhow, bail};
use clap::Args;
use serde::Serialize;

use super::noted::deed;
use super::say;
use crate::audit::On;
use crate::io::{clock, user};
use crate::store::ruling::{Split, Word};
use crate::store::{Scope, Store, campaign};

pub(super) const SPLIT_HELP: &str = "\
Which incidents a campaign has, and the parts it would fall into by what links still: varde-collector campaign show ID.
What links the two from now on makes them no longer one: a later alert goes to the one it has the stronger link to, at equal strength to
the older. The mark that it is too connected goes. What is split off is a campaign of its own where two independent members are in it;
otherwise its incidents are in none, until others come to them.
Keys with --json: kept (the campaign that goes on), other (the campaign that was split off; null = it is none), incidents (those taken out).";

pub(super) const MERGE_HELP: &str = "\
The older one goes on; the number of the other leads there. Neither is an exercise where the other is real. A split that put them apart is
over with that.
Keys with --json: kept (the campaign that goes on), merged (the one that leads there now).";

/// Arguments of `campaign split`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["incidents", "by_indicator"])))]
pub struct SplitArguments {
    /// Its id or uuid.
    pub id: String,
    /// The incidents to take out, by number, with commas between.
    #[arg(long, value_name = "NUMBER,…", value_delimiter = ',')]
    pub incidents: Vec<i64>,
    /// The incidents to take out: those with an alert of this indicator, by its number or itself.
    #[arg(long, value_name = "INDICATOR")]
    pub by_indicator: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = say::reason)]
    pub reason: String,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `campaign merge`.
#[derive(Debug, Args)]
pub struct MergeArguments {
    /// One: its id or uuid.
    pub one: String,
    /// The other.
    pub other: String,
    /// Why.
    #[arg(long, value_name = "TEXT", value_parser = say::reason)]
    pub reason: String,
    /// One JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Serialize)]
struct Apart {
    kept: i64,
    other: Option<i64>,
    incidents: Vec<i64>,
}

#[derive(Debug, Serialize)]
struct Merged {
    kept: i64,
    merged: i64,
}

/// The campaign that a name means today.
pub(super) async fn named(store: &Store, name: &str) -> anyhow::Result<i64> {
    let none = || anyhow!("there is no campaign \"{name}\"; varde-collector campaign list shows those there are");
    campaign::resolve(store, Scope::Operator, name).await?.ok_or_else(none)
}

/// Numbers of the members that campaigns are about.
async fn members(store: &Store, ids: &[i64]) -> anyhow::Result<BTreeSet<String>> {
    let found = campaign::views(store, Scope::Operator, campaign::Chosen::These(ids)).await?;
    Ok(found.into_iter().flat_map(|campaign| campaign.members).map(|part| part.number).collect())
}

/// Splits one.
///
/// # Errors
/// Why it is not split.
pub(super) async fn split(store: &Store, arguments: SplitArguments) -> anyhow::Result<()> {
    let SplitArguments { id, incidents, by_indicator, reason, json } = arguments;
    let campaign = named(store, &id).await?;
    let out: BTreeSet<i64> = match by_indicator {
        None => incidents.into_iter().collect(),
        Some(named) => {
            let Some(indicator) = store.indicator_named(Scope::Operator, &named).await? else {
                bail!("there is no such indicator; varde-collector indicator list shows those there are, by ID")
            };
            let met = store.incidents_with(Scope::Operator, campaign, indicator.id).await?;
            if met.is_empty() {
                bail!("no incident of campaign {campaign} has an alert of indicator {}", indicator.id);
            }
            met
        }
    };
    let listed: Vec<String> = out.iter().map(i64::to_string).collect();
    let splitting = deed("campaign split", On::Thing(format!("campaign {campaign}")))
        .concerns(members(store, &[campaign]).await?)
        .was("one campaign")
        .becomes(format!("incidents {} are apart from it: {reason}", listed.join(", ")));
    let word = Word { who: &user::who(), reason: &reason };
    let split = store.noting(splitting).split_campaign(campaign, &out, word, clock::now()).await?;
    let Split { kept, other } = split.map_err(|not| anyhow!("{not}; see: varde-collector campaign show {campaign}"))?;
    if json {
        return say::result(&serde_json::to_string(&Apart { kept, other, incidents: out.into_iter().collect() })?);
    }
    say::result(&format!(
        "{}; campaign {kept} goes on with what is left. Later alerts go to one or the other.",
        taken_out(&listed, other)
    ))
}

/// Makes two one.
///
/// # Errors
/// Why they are not made one.
pub(super) async fn merge(store: &Store, arguments: MergeArguments) -> anyhow::Result<()> {
    let MergeArguments { one, other, reason, json } = arguments;
    let (one, other) = (named(store, &one).await?, named(store, &other).await?);
    let (kept, old) = (one.min(other), one.max(other));
    let merging = deed("campaign merge", On::Thing(format!("campaign {kept}")))
        .concerns(members(store, &[kept, old]).await?)
        .was(format!("campaigns {kept} and {old}"))
        .becomes(format!("campaign {kept}: {reason}"));
    let word = Word { who: &user::who(), reason: &reason };
    let merged = store.noting(merging).merge_campaigns((kept, old), word, clock::now()).await?;
    let kept = merged.map_err(|not| anyhow!("{not}; see: varde-collector campaign list"))?;
    if json {
        return say::result(&serde_json::to_string(&Merged { kept, merged: old })?);
    }
    say::result(&format!("Campaign {kept} goes on with what campaign {old} had; the number {old} leads there."))
}

/// Where what was taken out is now.
fn taken_out(incidents: &[String], other: Option<i64>) -> String {
    let (what, is, them) = match incidents {
        [one] => (format!("Incident {one}"), "is", "it"),
        many => (format!("Incidents {}", many.join(", ")), "are", "them"),
    };
    match other {
        Some(other) => format!("{what} {is} campaign {other}"),
        None => format!("{what} {is} in no campaign, for too few members are in {them}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_in_the_help() {
        let apart = serde_json::to_value(Apart { kept: 1, other: None, incidents: vec![2] }).unwrap();
        assert!(apart.as_object().unwrap().keys().all(|key| SPLIT_HELP.contains(key.as_str())));
        let merged = serde_json::to_value(Merged { kept: 1, merged: 2 }).unwrap();
        assert!(merged.as_object().unwrap().keys().all(|key| MERGE_HELP.contains(key.as_str())));
    }

    #[test]
    fn n_one_incident_and_several_are_told_as_such() {
        let told = |ids: &[&str], other| taken_out(&ids.iter().map(ToString::to_string).collect::<Vec<_>>(), other);
        assert_eq!(told(&["2"], None), "Incident 2 is in no campaign, for too few members are in it");
        assert_eq!(told(&["2"], Some(3)), "Incident 2 is campaign 3");
        assert_eq!(told(&["2", "5"], None), "Incidents 2, 5 are in no campaign, for too few members are in them");
        assert_eq!(told(&["2", "5"], Some(3)), "Incidents 2, 5 are campaign 3");
    }
}
