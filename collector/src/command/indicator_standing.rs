//! Whether sensors look for an indicator, by which list and until when, and what becomes of it with the next publish: as `indicator list`
//! and `indicator show` say it. What a list holds is read in the list itself, what the next one would hold is what a list made now has.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use serde::Serialize;
use varde_common::channel::ChannelName;
use varde_common::id::IndicatorId;
use varde_common::indicator::{Indicator, Marks, Severity};
use varde_common::time::{Timestamp, Validity};
use varde_common::tlp::Tlp;

use super::say;
use crate::intel::compile::{Fate, fate};
use crate::intel::hidden::is_secret;
use crate::intel::lint::Linter;
use crate::store::indicator::IndicatorRow;
use crate::store::{Scope, Store};

/// The newest list that has an indicator.
#[derive(Debug, Clone, PartialEq, Eq)]
struct InList {
    revision: u64,
    /// For whom it is; none = for all.
    channel: Option<ChannelName>,
    validity: Validity,
}

/// What the next list does with it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Next {
    Withdrawn,
    Recalled,
    /// It is no indicator that could be read.
    Unreadable,
    Decided(Fate),
}

/// How it stands with one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The newest list for all that has it, where that is the newest there is; else that of another channel.
    pub in_list: Option<u64>,
    /// The channel of that list, where it is not for all.
    pub in_channel: Option<String>,
    /// Until when sensors look for it by that list.
    pub expires_at: Option<Timestamp>,
    /// Until when they would by a list that is made now.
    pub next_expires_at: Option<Timestamp>,
    /// Why it would not be in that.
    pub left_out: Option<String>,
    /// Until when it is counted only, by an order of the brake.
    pub braked_until: Option<Timestamp>,
    /// Sensors that tell further hosts of it together by their own decision now.
    pub told_together_by: usize,
    #[serde(skip)]
    listed: Option<InList>,
    #[serde(skip)]
    next: Next,
    #[serde(skip)]
    was_published: bool,
    #[serde(skip)]
    tlp: Tlp,
    #[serde(skip)]
    now: Timestamp,
}

/// What is to be known of the newest lists, of lint and of brakes, to say how it stands with some.
#[derive(Debug)]
pub(super) struct Standings {
    listed: HashMap<u64, InList>,
    linter: Linter,
    braked: HashMap<i64, Timestamp>,
    together: HashMap<i64, usize>,
    now: Timestamp,
}

fn number(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0)
}

impl Standings {
    /// What there is to know of these.
    ///
    /// # Errors
    /// The database's own, and that a list in it is not what was signed.
    pub(super) async fn of_rows(store: &Store, rows: &[IndicatorRow], now: Timestamp) -> anyhow::Result<Standings> {
        let wanted: HashSet<u64> = rows.iter().map(|row| number(row.id)).collect();
        let mut listed = HashMap::new();
        let mut channels = store.newest_revisions(Scope::Operator).await?;
        channels.sort_by_key(|(channel, _)| !channel.is_all());
        for (channel, revision) in channels.into_iter().filter(|_| !wanted.is_empty()) {
            let Some(list) = store.newest_list(Scope::Operator, &channel).await? else { continue };
            let set = list.set().with_context(|| {
                format!("list {revision} in the database is not what was signed; publish again, or restore a backup")
            })?;
            for one in set.indicators().filter(|one| wanted.contains(&one.id.0)) {
                let channel = Some(channel.clone()).filter(|channel| !channel.is_all());
                listed.entry(one.id.0).or_insert(InList { revision: revision.0, channel, validity: one.validity });
            }
        }
        let braked = store.brake_rows(Scope::Operator, now).await?.into_iter().filter(|row| row.in_force);
        let demoted = store.demoted_rows(Scope::Operator, now).await?;
        Ok(Standings {
            listed,
            linter: store.linter(Scope::Operator, now).await?,
            braked: braked.map(|row| (row.indicator_id, row.until)).collect(),
            together: demoted.into_iter().map(|row| (row.indicator_id, row.still)).collect(),
            now,
        })
    }

    /// What lint goes by.
    pub(super) fn linter(&self) -> &Linter {
        &self.linter
    }

    /// How it stands with one of them.
    pub(super) fn of(&self, row: &IndicatorRow) -> Standing {
        // A marking that cannot be read counts as the strictest.
        let tlp = row.tlp.parse().unwrap_or(Tlp::Red);
        let listed = self.listed.get(&number(row.id)).cloned();
        let next = match (row.recalled_at, row.withdrawn_at, row.indicator.parse()) {
            (Some(_), _, _) => Next::Recalled,
            (None, Some(_), _) => Next::Withdrawn,
            (None, None, Err(_)) => Next::Unreadable,
            (None, None, Ok(pattern)) => {
                let validity = Validity { from: row.valid_from, until: row.lives_until };
                let (id, marks) = (IndicatorId(number(row.id)), Marks::default());
                let indicator =
                    Indicator { id, pattern, validity, confidence: 0, severity: Severity::Info, tlp, marks };
                Next::Decided(fate(&indicator, row.of_url, &self.linter, false, self.now))
            }
        };
        let next_expires_at = match &next {
            Next::Decided(Fate::Goes { until, .. }) => *until,
            Next::Withdrawn | Next::Recalled | Next::Unreadable | Next::Decided(_) => None,
        };
        Standing {
            in_list: listed.as_ref().map(|listed| listed.revision),
            in_channel: listed.as_ref().and_then(|listed| Some(listed.channel.as_ref()?.to_string())),
            expires_at: listed.as_ref().and_then(|listed| listed.validity.until),
            next_expires_at,
            left_out: next.rule(),
            braked_until: self.braked.get(&row.id).copied(),
            told_together_by: self.together.get(&row.id).copied().unwrap_or(0),
            listed,
            next,
            was_published: row.published_in.is_some(),
            tlp,
            now: self.now,
        }
    }
}

impl Next {
    /// Why it would be in no list, as programs are told: a word, or the rule of lint.
    fn rule(&self) -> Option<String> {
        match self {
            Next::Recalled => Some("recalled".to_owned()),
            Next::Withdrawn => Some("withdrawn".to_owned()),
            Next::Unreadable => Some("unreadable".to_owned()),
            Next::Decided(Fate::Expired) => Some("expired".to_owned()),
            Next::Decided(Fate::Held(finding)) => Some(format!("lint: {}", finding.key())),
            Next::Decided(Fate::Withheld) => Some("tlp-red".to_owned()),
            Next::Decided(Fate::Unhidable) => Some("fingerprint".to_owned()),
            Next::Decided(Fate::Goes { .. }) => None,
        }
    }

    /// In one or two words, for a table.
    fn word(&self) -> Option<&'static str> {
        match self {
            Next::Recalled => Some("RECALLED"),
            Next::Withdrawn => Some("withdrawn"),
            Next::Unreadable => Some("unreadable"),
            Next::Decided(Fate::Expired) => Some("over"),
            Next::Decided(Fate::Held(_)) => Some("held"),
            Next::Decided(Fate::Withheld) => Some("TLP:RED"),
            Next::Decided(Fate::Unhidable) => Some("no hash"),
            Next::Decided(Fate::Goes { .. }) => None,
        }
    }

    /// In words; of what not everybody may read what lint met may be all of it, so the rule alone is told.
    fn why(&self, tlp: Tlp) -> Option<String> {
        Some(match self {
            Next::Recalled => "recalled".to_owned(),
            Next::Withdrawn => "withdrawn".to_owned(),
            Next::Unreadable => "it cannot be read; import it again".to_owned(),
            Next::Decided(Fate::Expired) => "its end has come".to_owned(),
            Next::Decided(Fate::Held(finding)) if is_secret(tlp) => format!("held back by lint: {}", finding.key()),
            Next::Decided(Fate::Held(finding)) => format!("held back by lint: {finding}"),
            Next::Decided(Fate::Withheld) => {
                "TLP:RED goes out only by: varde-collector publish --include-red".to_owned()
            }
            Next::Decided(Fate::Unhidable) => format!("of a fingerprint marked {tlp} there is no keyed hash"),
            Next::Decided(Fate::Goes { .. }) => return None,
        })
    }
}

fn until(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "without an end".to_owned(), |at| format!("until {}", say::moment(Some(at))))
}

impl Standing {
    /// What the next publish changes, if anything.
    fn changes(&self) -> bool {
        match (&self.listed, &self.next) {
            (Some(listed), Next::Decided(Fate::Goes { until, .. })) => listed.validity.until != *until,
            (Some(_), _) | (None, Next::Decided(Fate::Goes { .. })) => true,
            (None, _) => false,
        }
    }

    /// In sentences: what sensors do now, and what the next publish changes.
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let why = self.next.why(self.tlp);
        let in_none = if self.was_published { "in no list any more" } else { "in no list yet" };
        let mut said = match &self.listed {
            None => in_none.to_owned(),
            Some(InList { revision, channel, validity }) => {
                let list = match channel {
                    None => format!("list {revision}"),
                    Some(channel) => format!("list {revision} (channel {channel})"),
                };
                match (validity.from, validity.until) {
                    (_, Some(end)) if end <= self.now => {
                        format!("no more since {}, by {list}", say::moment(Some(end)))
                    }
                    (Some(from), end) if from > self.now => {
                        format!("from {} {}, by {list}", say::moment(Some(from)), until(end))
                    }
                    (_, end) => format!("{}, by {list}", until(end)),
                }
            }
        };
        match (&self.listed, why) {
            (None, Some(why)) => said = format!("{said}: {why}"),
            (Some(_), Some(why)) => said = format!("{said}; after the next publish: in no list ({why})"),
            (_, None) if self.changes() => {
                said = format!("{said}; after the next publish: {}", until(self.next_expires_at));
            }
            (_, None) => {}
        }
        let mut lines = vec![("looked for", said)];
        if let Some(at) = self.braked_until {
            let at = say::moment(Some(at));
            lines.push(("counted", format!("only, without alerts, until {at}: varde-collector indicator brakes")));
        }
        if self.told_together_by > 0 {
            let sensors = self.told_together_by;
            lines.push((
                "told",
                format!("of further hosts together, by {sensors} sensors, for it met too many: varde-collector indicator brakes"),
            ));
        }
        lines
    }

    /// The cells of a table: until when, and by which list.
    pub(super) fn cells(&self) -> [String; 2] {
        let mut ends = say::moment(self.expires_at);
        let next = self.next.word();
        if self.changes() && next.is_none() {
            ends = format!(
                "{ends}, next: {}",
                self.next_expires_at.map_or("no end".to_owned(), |at| say::moment(Some(at)))
            );
        }
        let mut list = match (&self.listed, next) {
            (None, Some(next)) => next.to_owned(),
            (None, None) => "not yet".to_owned(),
            (Some(InList { revision, channel, .. }), next) => {
                let channel = channel.as_ref().map_or(String::new(), |channel| format!(" ({channel})"));
                let next = next.map_or(String::new(), |next| format!(", next: {next}"));
                format!("{revision}{channel}{next}")
            }
        };
        if self.braked_until.is_some() {
            list.push_str(", counted only");
        }
        [ends, list]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::init::{self, InitArguments};
    use crate::command::publish::{Wanted, publish};
    use crate::intel::canonical::About;
    use crate::intel::lifetime::Life;
    use crate::store::brake::Wish;
    use crate::store::fixture;
    use crate::store::recall::Said;
    use std::path::Path;
    use std::time::Duration;
    use varde_common::brake::Order;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);
    const DAY_US: i64 = 86_400_000_000;

    fn day(days: i64) -> Timestamp {
        Timestamp(NOW.0 + days * DAY_US)
    }

    async fn import(store: &Store, list: &str, about: About) {
        fixture::import(store, list, &about, NOW).await;
    }

    async fn standings(store: &Store, now: Timestamp) -> HashMap<String, Standing> {
        let rows = store.indicator_rows(Scope::Operator).await.unwrap();
        let standings = Standings::of_rows(store, &rows, now).await.unwrap();
        rows.iter().map(|row| (row.indicator.clone(), standings.of(row))).collect()
    }

    async fn begin(folder: &Path) -> (std::path::PathBuf, Store) {
        let data = folder.join("c");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        (data, store)
    }

    fn words(standing: &Standing) -> String {
        standing.lines().into_iter().map(|(what, said)| format!("{what} {said}\n")).collect()
    }

    #[tokio::test]
    async fn l4_what_no_sensor_looks_for_has_no_end_and_says_why() {
        let dir = tempfile::tempdir().unwrap();
        let (data, store) = begin(dir.path()).await;
        import(&store, "evil.example\naltinn.no\n", About::default()).await;
        import(&store, "old.example\n", About { valid_until: Some(day(-1)), ..About::default() }).await;
        import(&store, "red.example\nnav.no\n", About { tlp: Some(Tlp::Red), ..About::default() }).await;
        let before = standings(&store, NOW).await;
        assert!(before.values().all(|one| one.in_list.is_none() && one.expires_at.is_none()), "{before:?}");
        let evil = words(&before["evil.example"]);
        assert!(evil.contains("in no list yet; after the next publish: until "), "{evil}");
        assert_eq!(before["evil.example"].cells()[1], "not yet");
        publish(&data, &store, Wanted::default(), NOW).await.unwrap();
        import(&store, "late.example\n", About::default()).await;
        let after = standings(&store, NOW).await;
        let evil = &after["evil.example"];
        assert_eq!(
            (evil.in_list, evil.expires_at, evil.left_out.as_deref()),
            (Some(1), before["evil.example"].next_expires_at, None)
        );
        assert!(evil.expires_at.is_some() && !words(evil).contains("next publish"), "{}", words(evil));
        for (name, word, said, cell) in [
            (
                "altinn.no",
                Some("lint: list norwegian-services"),
                "in no list yet: held back by lint: it is on the list",
                "held",
            ),
            ("old.example", Some("expired"), "in no list yet: its end has come", "over"),
            ("red.example", Some("tlp-red"), "in no list yet: TLP:RED goes out only by", "TLP:RED"),
            ("nav.no", Some("lint: list norwegian-services"), "held back by lint: list norwegian-services\n", "held"),
            ("late.example", None, "in no list yet; after the next publish: until", "not yet"),
        ] {
            let one = &after[name];
            assert_eq!((one.in_list, one.expires_at, one.left_out.as_deref()), (None, None, word), "{name}");
            let lines = words(one);
            assert!(lines.contains(said) && !lines.contains("looked for until"), "{name}: {lines}");
            assert_eq!((one.cells()[1].as_str(), one.cells()[0].starts_with('-')), (cell, true), "{name}");
        }
        store.close().await;
    }

    #[tokio::test]
    async fn l4_the_end_that_is_shown_is_the_newest_lists_and_beside_it_what_the_next_one_says() {
        let dir = tempfile::tempdir().unwrap();
        let (data, store) = begin(dir.path()).await;
        import(&store, "a.example\nb.example\nc.example\nd.example\n", About::default()).await;
        publish(&data, &store, Wanted::default(), NOW).await.unwrap();
        let listed = standings(&store, NOW).await["a.example"].expires_at;
        let shorter = store.lifetimes(Scope::Operator).await.unwrap().with(Life::Name, 2);
        store.set_lifetimes(&shorter).await.unwrap();
        let lists = "INSERT INTO warninglist (name, description, version, kind, level, entries, entry_count, unread, author, added_at)
            VALUES ('own', '', '', 'plain', 'quarantine', 'c.example', 1, 0, 'kari', 1)";
        let sign = |order: &Order| Ok(order.number.to_string().into_bytes());
        let lasting = Duration::from_secs(3600);
        store
            .give_brake(&Wish::Hold { indicators: vec![2], lasting, reason: "falsk".to_owned() }, NOW, sign)
            .await
            .unwrap();
        store.recall(&[4], Said { who: "kari", reason: "falsk", by_itself: false }, NOW).await.unwrap();
        let now = standings(&store, NOW).await;
        let a = &now["a.example"];
        assert_eq!((a.in_list, a.expires_at), (Some(1), listed), "what sensors have");
        assert!(a.next_expires_at < listed && a.next_expires_at > Some(NOW), "{a:?}");
        let said = words(a);
        let want = format!(
            "looked for until {}, by list 1; after the next publish: until {}\n",
            say::moment(listed),
            say::moment(a.next_expires_at)
        );
        assert_eq!(said, want);
        assert!(a.cells()[0].contains(", next: "), "{:?}", a.cells());
        let b = words(&now["b.example"]);
        assert!(b.contains("counted only, without alerts, until ") && b.contains("by list 1"), "{b}");
        assert_eq!(now["b.example"].cells()[1], "1, counted only");
        let d = words(&now["d.example"]);
        assert!(d.contains("by list 1; after the next publish: in no list (recalled)"), "{d}");
        assert_eq!(now["d.example"].cells()[1], "1, next: RECALLED");
        // Its end in the list comes, without another list.
        let over = words(&standings(&store, day(400)).await["a.example"]);
        assert!(over.contains("looked for no more since ") && over.contains("in no list (its end has come)"), "{over}");
        let mut tx = store.begin().await.unwrap();
        sqlx::query(lists).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        let held = words(&standings(&store, NOW).await["c.example"]);
        assert!(
            held.contains("by list 1; after the next publish: in no list (held back by lint: it is on the list own"),
            "{held}"
        );
        publish(&data, &store, Wanted { allow_shrink: true, ..Wanted::default() }, NOW).await.unwrap();
        let next = standings(&store, NOW).await;
        assert_eq!((next["a.example"].in_list, next["a.example"].expires_at), (Some(2), a.next_expires_at));
        assert!(words(&next["c.example"]).contains("in no list any more: held back by lint"), "{next:?}");
        assert_eq!(next["d.example"].cells()[1], "RECALLED");
        store.close().await;
    }
}
