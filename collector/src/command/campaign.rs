//! `varde-collector campaign`: what several members share, and where the work on it stands; [`ruling`] splits and merges.

use std::path::Path;

use anyhow::bail;
use serde::Serialize;

use super::noted::{deed, reading};
use super::work::{self, AssignArguments, NoteArguments, ReopenArguments};
use super::{alert as alert_command, incident as incident_command, listing, ruling, say};
use crate::audit::On;
use crate::io::clock;
use crate::present::text::{Language, Texts};
use crate::present::why::WhyWord;
use crate::priority::Word;
use crate::store::alert::{self, AlertView, Which};
use crate::store::bond::Bond;
use crate::store::campaign::{self, CampaignView};
use crate::store::incident::{self, IncidentView};
use crate::store::workflow::Work;
use crate::store::{Scope, Store};
use crate::workflow::{Closing, Matter, State, Step};

/// Alerts shown with a campaign: `alert list --json` has them all.
const ALERTS_MAX: i64 = 100_000;

const LIST_KEYS: &str = "\
KEYS of --json (one object a line, those not closed first, then the latest seen; absent = null; times RFC 3339 UTC):
  id, uuid               its number here; its name outside
  title                  in words
  link_kind, link        what its incidents share: an indicator or a threat, and which
  indicators             [{indicator, kind}] that were met
  members                [{number, name, supplier, first_seen, evidence, human, word}], the first hit first; supplier: the
                         shared network it is behind; human: a person reported it, and no sensor saw it; word: the worst
                         of its incidents in it
  member_count           how many members it hit
  independent            the same, those behind one shared network counted once: what makes a campaign
  reported               of which so many people alone have said it: no sensor there shows that it could see
  departed               how many members it hit that have left since; nothing else of them is kept
  able_to_see            how many members could have seen it: a sensor of theirs did, or was heard from since it
                         began and holds a list that shows it; the others cannot
  members_total          how many members there are
  others_at_least        null here: what a member is told in place of these numbers
  evidence               how far it got at most: blocked, looked_up, answered, attempted, contacted or data_out;
                         null = people say so, and nobody how far it got
  hosts                  how many hosts; about, where a sensor told of many together; resolvers are none
  alerts, sightings      how many
  first_seen, last_seen  of its sightings
  opened_at              when it was concluded
  exercise               part of an exercise
  word                   how much it matters: info, low, medium, high or critical; null = not weighed yet
  why                    [{term, …}]: what the word stands on
  weights_version        by which weights
  scale                  one_site, several or sector_wide, by what sensors saw; null = people alone have said it
  half_within_s          seconds from the first member hit until half of those hit were
  persistent             how many members have contact as regular as a program's
  in_history             some of it was found in history
  too_connected          it holds more together than it should, and a split is proposed
  too_connected_why      the key that links nothing any more, or topics: it is about too many things
  too_connected_guard    the guard's number in noise guards; null = it is about too many things
  too_connected_lift     the command that lifts it, where it is wrong; two of them where it is said to be a false positive
  too_connected_upheld_by who says that the guard holds (of an indicator: that it is noise); null = nobody, it tripped by itself
  state                  where the work on it stands: new or closed
  closed_as              confirmed, false-positive, legitimate, duplicate or exercise; null = it is not closed
  duplicate_of           of a duplicate, the campaign that is worked on
  owner                  whose it is
  came_back              how often what sensors saw opened it again
  grown_since_closed     more has come to be known that the closing covers";

const SHOW_KEYS: &str = "\
KEYS of --json: those of campaign list, and
  links                  [{kind, value, incidents, strength, links}]: what its incidents share, and whether that links still
  proposed_split         [[incident, …], …]: the parts it would fall into by what links still; one part = no split
  incidents              [{…}] as incident list
  alert_list             [{…}] as alert list
  timeline               as incident show; also: concluded (it came to be a campaign), member_hit {number, name, incident}
  measures, duties       none: measures and legal clocks are of incidents";

const CLOSE_HELP: &str = "\
As incident close: confirmed, false-positive and legitimate (all alerts behind it get that verdict), duplicate of another campaign (--of),
exercise. Its incidents stay as they are, unless --with-incidents closes those that are open as the same.
It opens again by itself when another member joins or something further happens: one of its incidents opens again or gets further than was
known. As a false positive it stays closed over members that are met by the same wrong indicators; as a duplicate as long as the other is open.
Exit: 0 it is closed, 1 it is not, and why, 2 wrong usage.";

/// Arguments of `campaign close`.
#[derive(Debug, clap::Args)]
pub struct CampaignCloseArguments {
    /// Its id or uuid; one that has become part of another leads there.
    pub id: String,
    /// confirmed, false-positive, legitimate, duplicate or exercise.
    #[arg(long = "as", value_name = "WHAT")]
    pub closing: Closing,
    /// The campaign that is worked on instead.
    #[arg(long, value_name = "NUMBER")]
    pub of: Option<i64>,
    /// Why, on one line. Members read it beside verdicts on their alerts, and on incidents that are closed along: name nobody in it.
    #[arg(long, value_name = "TEXT", value_parser = super::verdict::reason)]
    pub reason: String,
    /// Close its incidents that are open too.
    #[arg(long)]
    pub with_incidents: bool,
    /// Print what was done as one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What can be done with campaigns.
#[derive(Debug, clap::Subcommand)]
pub enum CampaignCommand {
    /// List campaigns.
    #[command(after_help = LIST_KEYS)]
    List {
        /// One JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// Close it, and say as what.
    #[command(after_help = CLOSE_HELP)]
    Close(CampaignCloseArguments),
    /// Open it again.
    Reopen(ReopenArguments),
    /// Say whose it is.
    Assign(AssignArguments),
    /// Write something down, for the CSIRT alone or for all members concerned too.
    Note(NoteArguments),
    /// Take incidents out of a campaign for good.
    #[command(after_help = ruling::SPLIT_HELP)]
    Split(ruling::SplitArguments),
    /// Make two campaigns one.
    #[command(after_help = ruling::MERGE_HELP)]
    Merge(ruling::MergeArguments),
    /// Show one campaign with its incidents and alerts.
    #[command(after_help = SHOW_KEYS)]
    Show {
        /// Its id or uuid; one that has become part of another leads there.
        id: String,
        /// One JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    campaign: &'a CampaignView,
    links: &'a [Bond],
    proposed_split: &'a [Vec<i64>],
    incidents: &'a [IncidentView],
    alert_list: &'a [AlertView],
    #[serde(flatten)]
    work: &'a Work,
}

/// Runs it on the data directory `data`.
///
/// # Errors
/// A sentence for the person at the keyboard.
pub async fn run(data: &Path, command: CampaignCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    match command {
        CampaignCommand::List { json } => {
            let campaigns = campaign::list(&store, Scope::Operator, None).await?;
            if json {
                listing::print_json(&campaigns)?;
            } else if campaigns.is_empty() {
                say::aside(
                    "No campaigns: no two independent members share an indicator or a threat. See also: varde-collector incident list",
                );
            } else {
                listing::print(&table(&campaigns))?;
            }
        }
        CampaignCommand::Close(arguments) => {
            let CampaignCloseArguments { id, closing, of, reason, with_incidents, json } = arguments;
            let case = Matter::Campaign(work::campaign_named(&store, &id).await?);
            if with_incidents && closing == Closing::Duplicate {
                bail!("its incidents are duplicates of none of that campaign's; close it without --with-incidents");
            }
            let step = (Step::Close(closing, of), Some(reason), None);
            work::take(&store, "campaign close", case, step, (with_incidents, json)).await?;
        }
        CampaignCommand::Reopen(ReopenArguments { id, reason, json }) => {
            let case = Matter::Campaign(work::campaign_named(&store, &id).await?);
            work::take(&store, "campaign reopen", case, (Step::Reopen, Some(reason), None), (false, json)).await?;
        }
        CampaignCommand::Assign(arguments) => {
            let case = Matter::Campaign(work::campaign_named(&store, &arguments.id).await?);
            work::assign(&store, "campaign assign", case, arguments).await?;
        }
        CampaignCommand::Note(arguments) => {
            let case = Matter::Campaign(work::campaign_named(&store, &arguments.id).await?);
            work::add_note(&store, "campaign note", case, arguments).await?;
        }
        CampaignCommand::Split(arguments) => ruling::split(&store, arguments).await?,
        CampaignCommand::Merge(arguments) => ruling::merge(&store, arguments).await?,
        CampaignCommand::Show { id, json } => {
            let text = show(&store, &id, json).await?;
            listing::print(&text)?;
        }
    }
    Ok(())
}

async fn show(store: &Store, name: &str, json: bool) -> anyhow::Result<String> {
    let found = campaign::resolve(store, Scope::Operator, name).await?;
    let campaigns = match found {
        Some(id) => campaign::list(store, Scope::Operator, Some(id)).await?,
        None => Vec::new(),
    };
    let (Some(id), Some(shown)) = (found, campaigns.first()) else {
        bail!("there is no campaign \"{name}\"; varde-collector campaign list shows those there are");
    };
    let showing = deed("campaign show", On::Thing(format!("campaign {id}")))
        .becomes("hosts shown by their pseudonyms")
        .concerns(shown.members.iter().map(|part| part.number.clone()));
    reading(store, showing).await?;
    let incidents = incident::list(store, Scope::Operator, Some(id)).await?;
    let which = Which { after: 0, campaign: Some(id) };
    let alerts = alert::list(store, Scope::Operator, which, ALERTS_MAX).await?;
    let bonds = store.bonds(Scope::Operator, id).await?;
    let split = store.proposed_split(Scope::Operator, id).await?;
    let work = store.work(Scope::Operator, Matter::Campaign(id)).await?.unwrap_or_default();
    if json {
        let line = serde_json::to_string(&Shown {
            campaign: shown,
            links: &bonds,
            proposed_split: &split,
            incidents: &incidents,
            alert_list: &alerts,
            work: &work,
        })?;
        return Ok(format!("{line}\n"));
    }
    let members: Vec<String> = shown
        .members
        .iter()
        .map(|part| {
            let shared = part.supplier.as_ref().map_or(String::new(), |supplier| format!("  behind {supplier}"));
            let since = listing::moment(part.first_seen);
            let word = part.word.map_or("-", Word::as_str);
            let said = if part.human { "  reported by a person" } else { "" };
            format!("  {} {}  {since}  {word}  {}{shared}{said}", part.number, part.name, say::how_far(part.evidence))
        })
        .collect();
    let indicators: Vec<String> =
        shown.indicators.iter().map(|listed| format!("  {} ({})", listed.indicator, listed.kind)).collect();
    let why = WhyWord::of(&shown.why, shown.weights_version.as_deref(), Texts::of(Language::English));
    let links: Vec<String> = bonds.iter().map(link).collect();
    Ok(format!(
        "{}{}\nWhy this word:\n  {}\n  {}\nWhat its incidents share:\n{}\nIndicators:\n{}\nMembers, the first hit first:\n{}\nIncidents:\n{}\nAlerts:\n{}{}",
        table(&campaigns),
        too_connected(shown, &split),
        why.terms.join("\n  "),
        why.version,
        links.join("\n"),
        indicators.join("\n"),
        members.join("\n"),
        incident_command::table(&incidents),
        alert_command::table(&alerts),
        work::words(&work, clock::now()),
    ))
}

/// Something that the incidents of a campaign share.
fn link(bond: &Bond) -> String {
    let off = if bond.links { "" } else { ", which links nothing any more" };
    format!("  {} {}: {} incidents{off}", bond.kind, bond.value, bond.incidents)
}

/// That it holds more together than it should, and the parts it would fall into.
fn too_connected(campaign: &CampaignView, split: &[Vec<i64>]) -> String {
    if campaign.too_connected != Some(true) {
        return String::new();
    }
    let why = campaign.too_connected_why.as_deref().unwrap_or_default();
    let part = |part: &Vec<i64>| part.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    let parts: Vec<String> = split.iter().map(part).collect();
    let lift = match &campaign.too_connected_lift {
        Some(lift) => format!("If that guard is wrong, it is lifted by: {lift}\n"),
        None => String::new(),
    };
    let said = match &campaign.too_connected_upheld_by {
        Some(who) if why.starts_with("indicator ") => format!(" is noise, says {}", say::printable(who.clone())),
        Some(who) => format!(" holds, says {}", say::printable(who.clone())),
        None => String::new(),
    };
    format!("Too connected ({why}{said}). By what links still its incidents are: {}\n{lift}", parts.join(" | "))
}

/// Campaigns as a table.
fn table(campaigns: &[CampaignView]) -> String {
    let mut table = listing::table(&[
        "ID",
        "TITLE",
        "WORD",
        "STATE",
        "MEMBERS HIT",
        "EVIDENCE",
        "HOSTS",
        "FIRST SEEN",
        "LAST SEEN",
    ]);
    for campaign in campaigns {
        table.add_row([
            campaign.id.to_string(),
            format!("{}{}", campaign.title, if campaign.exercise { " (exercise)" } else { "" }),
            campaign.word.map_or("-", Word::as_str).to_owned(),
            campaign.state.map_or("-", State::as_str).to_owned(),
            spread(campaign),
            say::how_far(campaign.evidence),
            campaign.hosts.to_string(),
            listing::moment(campaign.first_seen),
            listing::moment(campaign.last_seen),
        ]);
    }
    format!("{table}\n")
}

/// A number never stands without its denominator (decision 29).
fn spread(campaign: &CampaignView) -> String {
    match (campaign.member_count, campaign.able_to_see, campaign.members_total) {
        (Some(hit), Some(able), Some(total)) => {
            let alone = match campaign.independent {
                Some(independent) if independent < hit => format!(" ({independent} independent)"),
                Some(_) | None => String::new(),
            };
            let departed = match campaign.departed {
                Some(departed) if departed > 0 => format!("; {departed} more have left"),
                Some(_) | None => String::new(),
            };
            let reported = campaign.reported.unwrap_or(0);
            let said = format!("{hit}{alone}, {reported} reported by people");
            let cannot = total.saturating_sub(able);
            match (reported, hit - reported) {
                (0, seen) => format!("{seen}{alone} of {able} that could see it; {cannot} cannot{departed}"),
                (_, 0) if able == 0 => format!("{said}; no sensor could see it{departed}"),
                (_, seen) => {
                    format!("{said}; seen at {seen} of {able} that could see it; {cannot} cannot{departed}")
                }
            }
        }
        _ => "too few to count".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::store::fixture::Fixture;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(subcommand)]
        command: CampaignCommand,
    }

    #[test]
    fn help_names_the_keys() {
        let mut line = Line::command();
        for (name, word) in [("list", "able_to_see"), ("show", "alert_list")] {
            let help = line.find_subcommand_mut(name).unwrap().render_help().to_string();
            assert!(help.contains(word), "{help}");
        }
    }

    #[test]
    fn every_key_is_documented() {
        let seen = varde_common::time::Timestamp::default();
        let view = CampaignView {
            id: 1,
            uuid: String::new(),
            title: String::new(),
            link_kind: String::new(),
            link: String::new(),
            indicators: Vec::new(),
            members: Vec::new(),
            member_count: None,
            independent: None,
            reported: None,
            departed: None,
            able_to_see: None,
            members_total: None,
            others_at_least: None,
            evidence: Some(varde_common::alert::Evidence::Blocked),
            hosts: 0,
            alerts: 0,
            sightings: 0,
            first_seen: seen,
            last_seen: seen,
            opened_at: Some(seen),
            exercise: false,
            word: None,
            why: Vec::new(),
            weights_version: None,
            scale: None,
            half_within_s: None,
            persistent: None,
            in_history: None,
            too_connected: None,
            too_connected_why: None,
            too_connected_guard: None,
            too_connected_lift: None,
            too_connected_upheld_by: None,
            state: None,
            closed_as: None,
            duplicate_of: None,
            owner: None,
            came_back: None,
            grown_since_closed: None,
        };
        let line = serde_json::to_value(&view).unwrap();
        for key in line.as_object().unwrap().keys() {
            assert!(LIST_KEYS.contains(key.as_str()), "{key}");
        }
        assert!(line["member_count"].is_null(), "absent is null, never left out");
        let said = |hit: i64, reported: i64, able: i64| {
            let (member_count, independent, departed) = (Some(hit), Some(hit), Some(0));
            let (reported, able_to_see, members_total) = (Some(reported), Some(able), Some(12));
            let view = view.clone();
            spread(&CampaignView { member_count, independent, departed, reported, able_to_see, members_total, ..view })
        };
        assert_eq!(said(2, 0, 9), "2 of 9 that could see it; 3 cannot");
        assert_eq!(said(11, 11, 0), "11, 11 reported by people; no sensor could see it");
        assert_eq!(said(3, 1, 9), "3, 1 reported by people; seen at 2 of 9 that could see it; 3 cannot");
    }

    #[tokio::test]
    async fn an_unknown_campaign_is_one_sentence_and_the_remedy() {
        let fixture = Fixture::new(1).await;
        for name in ["1", "nonsense", "-1", ""] {
            let error = show(&fixture.store, name, true).await.unwrap_err().to_string();
            assert!(error.contains("there is no campaign") && error.contains("campaign list"), "{error}");
        }
    }
}
