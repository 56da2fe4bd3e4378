//! What was published: the lists, how far each channel's newest has come, what waits or is on its way, and what is recalled.

use super::draft::Waits;
use super::person;
use crate::present::shown::{Moment, Shown, number};
use crate::present::trust::on_its_way;
use crate::present::view::Reader;
use crate::store::pending::PendingFacts;
use crate::store::publication::{ChannelReach, PublicationRow};
use crate::store::recall::RecallRow;
use crate::store::rollout::RolloutFacts;

/// A published list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListLine {
    /// Its number.
    pub revision: i64,
    /// For whom.
    pub channel: String,
    /// How many, and how many more or fewer than the one before.
    pub count: String,
    /// When.
    pub at: Moment,
    /// By whom.
    pub who: Shown,
    /// It is what a recall has left.
    pub by_recall: bool,
}

/// How far a channel's newest list has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachLine {
    /// Which channel.
    pub channel: String,
    /// Its newest list.
    pub revision: i64,
    /// At how many sensors of how many it is in force.
    pub words: String,
    /// The first of those that have not: number, words.
    pub lacking: Vec<(i64, Shown)>,
}

/// What is recalled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecallLine {
    /// The indicator's number.
    pub id: i64,
    /// What it is.
    pub shown: Shown,
    /// Why.
    pub why: Shown,
    /// By whom.
    pub who: Shown,
    /// Since when.
    pub at: Moment,
    /// It stands; else it was lifted.
    pub stands: bool,
}

/// The page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListsView {
    /// What waits for a signature.
    pub waits: Option<Waits>,
    /// The newest list on its way: words, since when, why, whether it has stopped.
    pub rollout: Option<(String, Moment, Option<Shown>, bool)>,
    /// By channel.
    pub reach: Vec<ReachLine>,
    /// The lists.
    pub rows: Vec<ListLine>,
    /// What is recalled and was.
    pub recalls: Vec<RecallLine>,
    /// The number of the newest list for all, which may be recalled.
    pub newest: Option<i64>,
    /// What was wrong.
    pub wrong: Option<String>,
}

/// What the page is made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// What waits.
    pub pending: Option<PendingFacts>,
    /// On their way, the newest first.
    pub rollouts: Vec<RolloutFacts>,
    /// By channel.
    pub reach: Vec<ChannelReach>,
    /// Lists.
    pub lists: Vec<PublicationRow>,
    /// Recalls.
    pub recalls: Vec<RecallRow>,
}

impl ListsView {
    /// From facts.
    pub fn of(facts: &Facts, reader: &Reader) -> ListsView {
        let texts = reader.texts;
        let at = |at| reader.calendar.moment(at);
        let channel = |name: &str| match name {
            "all" => texts.say("lists-channel-all"),
            "pilot" => texts.say("lists-channel-pilot"),
            other => Shown::of(other).to_string(),
        };
        let rows = facts.lists.iter().map(|row| ListLine {
            revision: row.revision,
            channel: channel(&row.channel),
            count: match row.before.map(|before| row.count.saturating_sub(before)) {
                None | Some(0) => texts.count("intel-total", row.count),
                Some(more) if more > 0 => {
                    format!("{} (+{})", texts.count("intel-total", row.count), number(more))
                }
                Some(fewer) => {
                    format!("{} (−{})", texts.count("intel-total", row.count), number(fewer.saturating_neg()))
                }
            },
            at: at(row.published_at),
            who: match &row.who {
                Some(who) => person(who, texts),
                None => Shown::of(&texts.say("unknown")),
            },
            by_recall: row.by_recall,
        });
        let reach = facts.reach.iter().map(|reached| {
            let lacking = reached.lacking.iter().map(|one| {
                let has = match one.revision {
                    Some(revision) => texts.numbers("lists-has", &[("list", revision)]),
                    None => texts.say("lists-has-none"),
                };
                let off = if one.connected { String::new() } else { format!(", {}", texts.say("lists-off")) };
                (one.sensor, Shown::of(&format!("{}: {has}{off}", one.member)))
            });
            ReachLine {
                channel: channel(&reached.channel),
                revision: reached.revision,
                words: match reached.sensors {
                    0 => texts.say("lists-reach-none"),
                    sensors => texts.numbers("lists-reach", &[("have", reached.have), ("sensors", sensors)]),
                },
                lacking: lacking.collect(),
            }
        });
        let recalls = facts.recalls.iter().map(|row| {
            let is_named = row.indicator.parse::<varde_common::indicator::Pattern>().is_ok();
            RecallLine {
                id: row.indicator_id,
                shown: match is_named {
                    true => Shown::defanged(row.indicator.strip_prefix('=').unwrap_or(&row.indicator)),
                    false => Shown::of(&texts.numbers("indicator-confidential", &[("id", row.indicator_id)])),
                },
                why: Shown::of(&row.reason),
                who: match row.by_itself {
                    true => Shown::of(&texts.say("lists-by-itself")),
                    false => person(&row.who, texts),
                },
                at: at(row.at),
                stands: row.lifted_at.is_none(),
            }
        });
        let newest = facts.lists.iter().find(|row| row.channel == "all").map(|row| row.revision);
        let is_unsigned =
            |one: &RolloutFacts| facts.pending.is_some_and(|pending| pending.revision == one.pilot_revision);
        ListsView {
            waits: facts.pending.as_ref().map(|facts| Waits::of(facts, reader)),
            rollout: facts.rollouts.first().and_then(|one| on_its_way(one, is_unsigned(one), reader)),
            reach: reach.collect(),
            rows: rows.collect(),
            recalls: recalls.collect(),
            newest,
            wrong: None,
        }
    }
}
