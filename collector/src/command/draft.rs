//! `varde-collector draft`: what the next list would add, change and remove, what that would have hit, and that somebody has looked it
//! through.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Subcommand;
use serde::Serialize;
use varde_common::channel::ChannelName;
use varde_common::time::Timestamp;

use super::not_published::NotPublished;
use super::noted::{deed, reading};
use super::release::{self, Draft};
use super::run::read_settings;
use super::{held, say, staged};
use crate::audit::On;
use crate::eyes;
use crate::intel::difference::{Difference, Hindsight, WouldHit};
use crate::intel::hidden::is_secret;
use crate::intel::lint::{Finding, Held};
use crate::io::{clock, user};
use crate::limits::rollout::DRAFT_SHOWN;
use crate::store::draft::{Review, Shown};
use crate::store::{Scope, Store};

/// Subcommands of `draft`.
#[derive(Debug, Subcommand)]
pub enum DraftCommand {
    /// What the next list would add, change and remove beside the one in force, and what each new indicator would have hit among
    /// the alerts that are stored.
    #[command(
        after_help = "One JSON object with --json: draft (its name: it is of what it holds, so that what was looked at is what is published), list (the one in force), count, authors (who changed what lists are made of since), since (when that was first done), reviews (who, reason, at), left_out {expired, red, fingerprints}, held (what lint holds back: by_rule, of each rule {count, first (a few of them), can_be_overridden}, were_published, first_published), added, changed, removed. Each of the last three: total, kinds (how many of which kind), shown (at most 200: id, indicator, which is confidential indicator N where it is marked TLP:AMBER+STRICT or TLP:RED, kind, tlp, exercise, sources; of what is added also would_hit {members, hosts, alerts} and warnings (what lint says of it though it goes out)). What would have hit most comes first. Times are RFC 3339 UTC; what is not is null.
Would have hit: alerts that are kept (13 months) are held against the draft by the matcher that sensors have, by the name, address or fingerprint they met and the server they reached. What met no indicator then left nothing here, so it is at least so much. Exercises are left out."
    )]
    Show {
        /// One JSON object.
        #[arg(long)]
        json: bool,
        /// With what is marked TLP:RED, as publish --include-red.
        #[arg(long)]
        include_red: bool,
    },
    /// Note that you have looked a draft through. Where the setting four_eyes is true, nothing is published without one by somebody
    /// else than those who imported; people are told apart by their users on this machine.
    Review {
        /// The draft, as draft show names it.
        #[arg(value_name = "ID")]
        draft: String,
        /// What you looked at.
        #[arg(long, value_name = "TEXT", value_parser = say::reason)]
        reason: String,
        /// It holds what is marked TLP:RED, as publish --include-red.
        #[arg(long)]
        include_red: bool,
    },
}

/// A draft as it is shown.
#[derive(Debug, Serialize)]
pub struct DraftView {
    /// Its name: of what it holds.
    pub draft: String,
    /// The list in force for all; 0 = there is none.
    pub list: u64,
    /// Indicators in it.
    pub count: u64,
    /// Who changed what it is made of since that list.
    pub authors: Vec<String>,
    /// When that was first done.
    pub since: Option<Timestamp>,
    /// Who has looked it through.
    pub reviews: Vec<Review>,
    /// Somebody else has to look through it before it is published.
    #[serde(skip)]
    pub lacks_eyes: bool,
    /// What is left out for what it is.
    pub left_out: LeftOut,
    #[serde(skip)]
    beside: held::Beside,
    /// What lint holds back.
    pub held: Held,
    /// What is new in it.
    pub added: Part,
    /// What is said otherwise in it.
    pub changed: Part,
    /// What is not in it any more.
    pub removed: Part,
}

/// How many are left out for what they are.
#[derive(Debug, Serialize)]
pub struct LeftOut {
    /// Over.
    pub expired: u64,
    /// Marked TLP:RED, of which nobody said that they go out.
    pub red: u64,
    /// Confidential fingerprints, of which there is no keyed hash.
    pub fingerprints: u64,
}

/// What is added, changed or removed.
#[derive(Debug, Serialize)]
pub struct Part {
    /// How many.
    pub total: usize,
    /// How many of which kind.
    pub kinds: BTreeMap<String, u64>,
    /// The first of them, what would have hit most first.
    pub shown: Vec<One>,
}

/// An indicator of a draft.
#[derive(Debug, Serialize)]
pub struct One {
    /// What it is.
    #[serde(flatten)]
    pub indicator: Shown,
    /// What it would have hit; of what is new alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would_hit: Option<Hits>,
    /// What lint says of it though it goes out; of what is new alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
}

/// What something would have hit, among the alerts that are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hits {
    /// At so many members.
    pub members: u64,
    /// So many hosts.
    pub hosts: u64,
    /// In so many alerts.
    pub alerts: u64,
}

impl Hits {
    fn of(hit: Option<&WouldHit>) -> Hits {
        hit.map_or(Hits { members: 0, hosts: 0, alerts: 0 }, |hit| Hits {
            members: hit.members.len() as u64,
            hosts: hit.hosts(),
            alerts: hit.alerts,
        })
    }
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done.
pub async fn run(data: &Path, command: DraftCommand) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    let done = match command {
        DraftCommand::Show { json, include_red } => show(&store, json, include_red).await,
        DraftCommand::Review { draft, reason, include_red } => review(&store, &draft, &reason, include_red).await,
    };
    store.close().await;
    done
}

/// Since when what is done to indicators is not in force yet, and who did it.
pub(super) async fn authors(store: &Store) -> anyhow::Result<(Vec<String>, Option<Timestamp>)> {
    let since = store.made_since(Scope::Operator).await?;
    Ok(store.draft_authors(Scope::Operator, since).await?)
}

/// Whether somebody has looked a draft through who has brought in nothing of it.
///
/// # Errors
/// That nobody has.
pub(super) async fn is_reviewed(store: &Store, draft: &Draft) -> anyhow::Result<()> {
    let (authors, since) = authors(store).await?;
    let reviews = store.draft_reviews(Scope::Operator, draft.name()).await?;
    let in_force = staged::in_force(store, &ChannelName::default()).await?;
    let Difference { added, changed, removed: _ } = Difference::between(&in_force, &draft.set()?);
    // Somebody has brought in what is new, also where the audit does not go back to it: who that was is not known, so nobody is another.
    let is_unknown = authors.is_empty() && !(added.is_empty() && changed.is_empty());
    if is_unknown {
        return Err(NotPublished::NobodyKnown { draft: draft.name().to_owned() }.into());
    }
    let by_itself = store.only_fetched(Scope::Operator, since.unwrap_or(Timestamp::MIN)).await?;
    let reviewers: Vec<&str> = reviews.iter().map(|review| review.who.as_str()).collect();
    if !eyes::are_four(&authors, &reviewers, by_itself) {
        return Err(NotPublished::Unreviewed { draft: draft.name().to_owned(), authors }.into());
    }
    Ok(())
}

pub(super) async fn review(store: &Store, named: &str, reason: &str, include_red: bool) -> anyhow::Result<()> {
    let draft = release::compile(store, include_red, clock::now()).await?;
    if draft.name() != named {
        return Err(NotPublished::Changed { draft: draft.name().to_owned(), named: named.to_owned() }.into());
    }
    let who = user::who();
    let (authors, _) = authors(store).await?;
    let reviewing =
        deed("draft review", On::Thing(format!("draft {named}"))).becomes(format!("looked through: {reason}"));
    store.noting(reviewing).review_draft(named, &who, reason, clock::now()).await?;
    say::result(&format!("Noted: {who} has looked draft {named} through."))?;
    if authors.contains(&who) {
        say::aside("You have brought in some of it yourself; where four_eyes is set, another person must look too.");
    }
    Ok(())
}

/// Alerts held against what is added.
async fn hindsight(store: &Store, draft: &Draft, difference: &Difference) -> anyhow::Result<BTreeMap<i64, WouldHit>> {
    let set = draft.set()?;
    let mut hindsight = Hindsight::new(&set, &difference.added);
    let mut after = 0;
    loop {
        let alerts = store.alerts_met(Scope::Operator, after).await?;
        for (_, met) in &alerts {
            hindsight.handle_alert(met);
        }
        match alerts.last() {
            Some((last, _)) => after = *last,
            None => return Ok(hindsight.finish()),
        }
    }
}

async fn part(store: &Store, ids: &[i64], hits: Option<&BTreeMap<i64, WouldHit>>) -> anyhow::Result<Part> {
    let mut first: Vec<i64> = ids.to_vec();
    if let Some(hits) = hits {
        // Most hosts first, else by number.
        first.sort_by_key(|id| (std::cmp::Reverse(hits.get(id).map_or(0, WouldHit::hosts)), *id));
    }
    first.truncate(DRAFT_SHOWN);
    let shown = store.shown_of(Scope::Operator, &first).await?;
    let one = |indicator: Shown| One {
        would_hit: hits.map(|hits| Hits::of(hits.get(&indicator.id))),
        indicator,
        warnings: None,
    };
    Ok(Part {
        total: ids.len(),
        kinds: store.kinds_of(Scope::Operator, ids).await?,
        shown: shown.into_iter().map(one).collect(),
    })
}

/// What lint says of those that are shown, though they go out: it warns, or somebody has overridden it.
async fn warn(store: &Store, part: &mut Part, now: Timestamp) -> anyhow::Result<()> {
    let linter = store.linter(Scope::Operator, now).await?;
    for one in &mut part.shown {
        let Some(named) = store.indicator_named(Scope::Operator, &one.indicator.id.to_string()).await? else {
            continue;
        };
        // What lint met may be all of the indicator.
        let say = |finding: Finding| if is_secret(named.tlp) { finding.key() } else { finding.to_string() };
        one.warnings = Some(linter.findings(&named.pattern, named.of_url).into_iter().map(say).collect());
    }
    Ok(())
}

pub(super) async fn view(store: &Store, include_red: bool, now: Timestamp) -> anyhow::Result<DraftView> {
    let draft = release::compile(store, include_red, now).await?;
    let all = ChannelName::default();
    let newest = store.newest_manifest(Scope::Operator, &all).await?.map_or(0, |(revision, _)| revision.0);
    let difference = Difference::between(&staged::in_force(store, &all).await?, &draft.set()?);
    let hits = hindsight(store, &draft, &difference).await?;
    let (authors, since) = authors(store).await?;
    let compiled = &draft.compiled;
    let lacks_eyes = match read_settings(store.directory())?.four_eyes {
        true => match is_reviewed(store, &draft).await {
            Ok(()) => false,
            Err(error) if error.is::<NotPublished>() => true,
            Err(error) => return Err(error),
        },
        false => false,
    };
    let mut added = part(store, &difference.added, Some(&hits)).await?;
    warn(store, &mut added, now).await?;
    Ok(DraftView {
        draft: draft.name().to_owned(),
        list: newest,
        count: compiled.content.count,
        authors,
        since,
        lacks_eyes,
        reviews: store.draft_reviews(Scope::Operator, draft.name()).await?,
        left_out: LeftOut { expired: compiled.expired, red: compiled.withheld, fingerprints: compiled.unhidable },
        beside: compiled.into(),
        held: compiled.held.clone(),
        added,
        changed: part(store, &difference.changed, None).await?,
        removed: part(store, &difference.removed, None).await?,
    })
}

/// The draft, noted as shown: what it would have hit is of members' hosts, in numbers.
pub(super) async fn shown(store: &Store, include_red: bool, now: Timestamp) -> anyhow::Result<DraftView> {
    let view = view(store, include_red, now).await?;
    reading(
        store,
        deed("draft show", On::Thing(format!("draft {}", view.draft))).becomes("shown, with what it would have hit"),
    )
    .await?;
    Ok(view)
}

async fn show(store: &Store, json: bool, include_red: bool) -> anyhow::Result<()> {
    let view = shown(store, include_red, clock::now()).await?;
    if json {
        return say::result(&serde_json::to_string(&view)?);
    }
    in_words(&view)
}

/// What it is, beside which list, and who has done something to what it is made of.
fn head(view: &DraftView) -> String {
    let beside = match view.list {
        0 => "no list is published yet".to_owned(),
        list => format!("held against list {list}, the newest for all"),
    };
    let by = match (view.authors.as_slice(), view.since) {
        ([], _) if view.list == 0 => "Nobody is known to have changed what it is made of.".to_owned(),
        ([], _) => "Nobody is known to have changed what it is made of since that list.".to_owned(),
        (authors, None) => format!("What it is made of was changed by {}.", authors.join(", ")),
        (authors, Some(since)) => {
            format!("What it is made of was changed by {}, first {}.", authors.join(", "), say::moment(Some(since)))
        }
    };
    format!("Draft {}: {} indicators; {beside}. {by}", view.draft, view.count)
}

fn in_words(view: &DraftView) -> anyhow::Result<()> {
    say::result(&head(view))?;
    for review in &view.reviews {
        let Review { who, reason, at } = review;
        say::result(&format!(
            "Looked through by {who}, {}: {}",
            say::moment(Some(*at)),
            say::printable(reason.clone())
        ))?;
    }
    for (what, part) in [("Added", &view.added), ("Changed", &view.changed), ("Removed", &view.removed)] {
        let kinds: Vec<String> = part.kinds.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        let kinds = if kinds.is_empty() { String::new() } else { format!(" ({})", kinds.join(", ")) };
        say::result(&format!("{what}: {}{kinds}", part.total))?;
        if part.shown.is_empty() {
            continue;
        }
        let row = |one: &One| {
            let hit = one
                .would_hit
                .map_or_else(|| "-".to_owned(), |hit| format!("{} hosts at {} members", hit.hosts, hit.members));
            let Shown { id, indicator, kind, tlp, exercise, sources } = &one.indicator;
            let exercise = if *exercise { " (exercise)" } else { "" };
            vec![id.to_string(), format!("{indicator}{exercise}"), kind.clone(), tlp.clone(), sources.join(", "), hit]
        };
        say::rows(&part.shown, false, &["ID", "INDICATOR", "KIND", "TLP", "SOURCE", "WOULD HAVE HIT"], row, "")?;
        let warned = part.shown.iter().filter_map(|one| Some((&one.indicator.indicator, one.warnings.as_ref()?)));
        for (indicator, warning) in warned.flat_map(|(indicator, all)| all.iter().map(move |one| (indicator, one))) {
            say::aside(&say::printable(format!("Goes out, though lint says of {indicator}: {warning}")));
        }
        if part.shown.len() < part.total {
            say::aside(&format!("{} are shown of {}.", part.shown.len(), part.total));
        }
    }
    for line in view.beside.lines() {
        say::aside(&line);
    }
    held::say_of_list(&view.held);
    say::aside(&format!("To publish this and nothing else: varde-collector publish --draft {}", view.draft));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::init::{self, InitArguments};
    use crate::intel::canonical::About;
    use crate::store::fixture;
    use crate::store::lint::Override;
    use varde_common::tlp::Tlp;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    #[tokio::test]
    async fn l3_a_draft_names_what_it_leaves_out_and_says_in_sentences_who_made_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("c");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        let about = |tlp| About { tlp: Some(tlp), ..About::default() };
        fixture::import(&store, "evil.example\n", &about(Tlp::Green), NOW).await;
        fixture::import(&store, "red.example\n", &about(Tlp::Red), NOW).await;
        fixture::import(&store, "ja4:t13d1516h2_8daaf6152771_e5627efa2ab1\n", &about(Tlp::AmberStrict), NOW).await;
        let old = About { valid_until: Some(Timestamp(NOW.0 - 1)), ..about(Tlp::Green) };
        fixture::import(&store, "old.example\n", &old, NOW).await;
        let mut view = view(&store, false, NOW).await.unwrap();
        let said = view.beside.lines().join("\n");
        for part in [
            "1 indicators marked TLP:RED are left out",
            "1 fingerprints (ja4)",
            "1 indicators are left out because they are no longer valid",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let begin = format!("Draft {}: 1 indicators; ", view.draft);
        assert_eq!(
            head(&view),
            format!("{begin}no list is published yet. Nobody is known to have changed what it is made of.")
        );
        view.list = 3;
        assert_eq!(
            head(&view),
            format!(
                "{begin}held against list 3, the newest for all. Nobody is known to have changed what it is made of since that list."
            )
        );
        (view.authors, view.since) = (vec!["kari".to_owned(), "ola".to_owned()], Some(NOW));
        let by = head(&view);
        assert!(
            by.ends_with(&format!("What it is made of was changed by kari, ola, first {}.", say::moment(Some(NOW)))),
            "{by}"
        );
        store.close().await;
    }

    #[tokio::test]
    async fn l3_a_draft_says_what_lint_holds_back_and_what_goes_out_in_spite_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("c");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        let import = async |list: &str, tlp: Tlp| {
            fixture::import(&store, list, &About { tlp: Some(tlp), ..About::default() }, NOW).await;
        };
        import("evil.example\nskatteetaten.no\naltinn.no\n", Tlp::Green).await;
        import("nav.no\n", Tlp::Red).await;
        let rules = ["list norwegian-services".to_owned()];
        let pattern = "altinn.no".parse().unwrap();
        let until = Timestamp(NOW.0 + 1);
        let given = Override { pattern: &pattern, rules: &rules, reason: "drill", author: "kari", until };
        store.give_override(&given, NOW).await.unwrap();
        let view = view(&store, true, NOW).await.unwrap();
        let json = serde_json::to_value(&view).unwrap();
        let held = &json["held"]["by_rule"]["list norwegian-services"];
        assert_eq!((&held["count"], &held["can_be_overridden"]), (&2.into(), &true.into()), "{json}");
        assert!(held["first"][0].as_str().unwrap().starts_with("skatteetaten.no: "), "{held}");
        assert!(!held.to_string().contains("nav.no"), "{held}");
        let shown = json["added"]["shown"].as_array().unwrap();
        let warned = |name: &str| {
            let one = shown.iter().find(|one| one["indicator"] == name);
            one.unwrap_or_else(|| panic!("{name} in {json}"))["warnings"].as_array().unwrap().len()
        };
        assert_eq!((shown.len(), warned("evil.example"), warned("altinn.no")), (2, 0, 1));
        store.close().await;
    }
}
