//! `varde-collector publish`: all valid indicators as a signed list, to the pilot group and then to every sensor.

use std::path::{Path, PathBuf};

use clap::Args;
use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::list::{Manifest, is_shrunken};
use varde_common::time::Timestamp;

use super::not_published::NotPublished;
use super::noted::as_said;
use super::release::{self, Draft, Release, Released};
use super::{duty, held, say, staged};
use crate::control::Poke;
use crate::intel::compile::{self, Compiled};
use crate::io::control::{Poked, poke};
use crate::io::{clock, keys, trust};
use crate::store::onward::Onward;
use crate::store::pending::PendingFacts;
use crate::store::{Scope, Store};

/// Arguments of `publish`.
#[derive(Debug, Default, Args)]
pub struct PublishArguments {
    /// The list key, where it is not DIR/keys/list.key.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["export", "accept", "status"])]
    pub key: Option<PathBuf>,
    /// For the sensors that follow this channel, and no others, at once: all, pilot. Which those are: varde-collector sensor
    /// channel. Without it a list goes to the pilot group first, where there is one, and then to all.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["export", "accept", "status", "now"])]
    pub channel: Option<ChannelName>,
    /// Publish this draft, as varde-collector draft show has named it, or nothing: where its content has changed since.
    #[arg(long, value_name = "ID", conflicts_with_all = ["export", "accept", "status"])]
    pub draft: Option<String>,
    /// Urgently: to everybody at once, with no pilot group first and no second person. Lint and brakes stay in force.
    #[arg(long, requires = "reason", conflicts_with_all = ["export", "accept", "status"])]
    pub now: bool,
    /// Why it is urgent: it stands in the audit and is shown.
    #[arg(long, value_name = "TEXT", value_parser = say::reason, requires = "now")]
    pub reason: Option<String>,
    /// Publish it although it is empty, or holds a half or less of what the newest list does: whatever else it held is no
    /// longer looked for anywhere.
    #[arg(long, conflicts_with_all = ["export", "accept", "status"])]
    pub allow_shrink: bool,
    /// Publish what is marked TLP:RED too, as keyed hashes: the originator must have agreed. It holds for this list; the next
    /// one is without, unless it is said again.
    #[arg(long, conflicts_with_all = ["export", "accept", "status"])]
    pub include_red: bool,
    /// Write what waits for a signature into a small file, to be signed where the list key is (varde-collector sign).
    #[arg(long, value_name = "FILE", conflicts_with_all = ["accept", "status"])]
    pub export: Option<PathBuf>,
    /// Take the signed file back: the list that waits is published.
    #[arg(long, value_name = "FILE", conflicts_with = "status")]
    pub accept: Option<PathBuf>,
    /// Say which mode this collector is in, what waits for a signature, and which lists are on their way from the pilot group
    /// to all; publish nothing.
    #[arg(long, visible_alias = "pending")]
    pub status: bool,
    /// With --status: one JSON object: list_key (online or duty), pending {revision, count, added, removed, prepared_at} or
    /// null, pilot {sensors, members}, rollouts (the newest first: id, draft, count, added, who, prepared_at, urgent_why,
    /// pilot_revision, pilot_at, pilot_heard (sensors of the group that have it in force and are connected), all_revision, all_at, ended_at, ended_why: done, stopped, superseded or unwatched, stopped_on,
    /// stopped_why, passed_at (since when somebody has published after one that was stopped, or has lifted what stopped it)).
    #[arg(long, requires = "status")]
    pub json: bool,
}

/// What a publication came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A new list.
    Published {
        /// Its number.
        revision: Revision,
        /// What it holds and leaves out.
        compiled: Compiled,
    },
    /// A new list that waits for its signature.
    Waits {
        /// What waits.
        facts: PendingFacts,
        /// What waited before, and no longer does.
        before: Option<PendingFacts>,
        /// What it holds and leaves out.
        compiled: Compiled,
    },
    /// The newest list says the same.
    Unchanged {
        /// Its number; 0 = there is none, and nothing to put into one.
        revision: Revision,
        /// What it holds and leaves out.
        compiled: Compiled,
    },
}

/// Runs the command.
///
/// # Errors
/// Why nothing was published.
pub async fn run(data: &Path, arguments: PublishArguments) -> anyhow::Result<()> {
    let store = Store::open(data).await?;
    if let Some(file) = &arguments.export {
        return duty::export(&store, file).await;
    }
    if let Some(file) = &arguments.accept {
        let (revision, count) = duty::accept(data, &store, file).await?;
        store.close().await;
        return published(data, revision, count).await;
    }
    if arguments.status {
        return duty::status(data, &store, arguments.json).await;
    }
    let outcome = staged::publish(data, &store, &arguments, clock::now()).await?;
    let marked = match &outcome {
        Some(
            Outcome::Published { compiled, .. } | Outcome::Waits { compiled, .. } | Outcome::Unchanged { compiled, .. },
        ) => marked_away(&store, &compiled.withheld_published).await?,
        None => None,
    };
    store.close().await;
    let Some(outcome) = outcome else { return Ok(()) };
    let (Outcome::Published { compiled, .. } | Outcome::Waits { compiled, .. } | Outcome::Unchanged { compiled, .. }) =
        &outcome;
    for line in held::Beside::from(compiled).lines() {
        say::aside(&line);
    }
    marked.iter().for_each(|marked| say::aside(marked));
    held::say_of_list(&compiled.held);
    match outcome {
        Outcome::Unchanged { revision: Revision(0), .. } => {
            say::result("There is nothing to publish. Load a list first: varde-collector indicator import FILE")
        }
        Outcome::Unchanged { revision, .. } => {
            say::result(&format!("Nothing has changed since list {revision}; it stays the newest."))
        }
        Outcome::Waits { facts, before, .. } => {
            poke(data, Poke::List).await;
            if let Some(before) = before {
                say::aside(&format!(
                    "The list that has waited since {} for a signature does not any more: this one takes its place.",
                    before.prepared_at
                ));
            }
            say::result(&waiting(&facts))?;
            say::aside(
                "Next: varde-collector publish --export FILE, then where the list key is: varde-collector sign FILE --key KEY, then here: varde-collector publish --accept FILE",
            );
            Ok(())
        }
        Outcome::Published { revision, compiled } => published(data, revision, compiled.content.count).await,
    }
}

/// That sensors have looked for something which somebody has marked TLP:RED since: whoever feeds a source can take away so what others
/// say, and a person is to see who did.
async fn marked_away(store: &Store, indicators: &[i64]) -> anyhow::Result<Option<String>> {
    if indicators.is_empty() {
        return Ok(None);
    }
    let sources = store.marking_red(Scope::Operator, indicators).await?;
    Ok(Some(format!(
        "{} of those marked TLP:RED have been in a list before, and are looked for no more: {}. Marked so by: {}. Were that wrong: say how it is marked as that source (varde-collector indicator import FILE --source NAME --tlp amber), or take back all that it has said: varde-collector source remove NAME --withdraw",
        indicators.len(),
        release::numbered(&indicators.iter().copied().collect()),
        sources.join(", ")
    )))
}

/// What waits for a signature, in a sentence.
pub(super) fn waiting(pending: &PendingFacts) -> String {
    let PendingFacts { revision, count, added, removed, prepared_at } = pending;
    format!(
        "List {revision} waits for a signature since {prepared_at}: {count} indicators, {added} of them new, {removed} that are in force would be gone. No sensor has it."
    )
}

pub(super) async fn published(data: &Path, revision: Revision, count: u64) -> anyhow::Result<()> {
    let sent = match poke(data, Poke::List).await {
        Poked::Done => "It is on its way to every connected sensor.",
        Poked::NotRunning => "The collector does not run; sensors get it when it does.",
        Poked::Late => "The running collector has not answered yet; it looks by itself within seconds.",
    };
    say::result(&format!("Published list {revision} with {count} indicators. {sent}"))
}

/// What is asked of a publication.
#[derive(Debug, Clone, Default)]
pub struct Wanted<'a> {
    /// The list key, where it is not the collector's own.
    pub key: Option<&'a Path>,
    /// For whom.
    pub channel: ChannelName,
    /// It may hold much less than the one before.
    pub allow_shrink: bool,
    /// And what is marked TLP:RED, as keyed hashes.
    pub include_red: bool,
}

/// That a list with `count` indicators is meant to take the place of one with `held`.
pub(super) fn guard(newest: Revision, held: u64, count: u64) -> anyhow::Result<()> {
    if !is_shrunken(held, count) {
        return Ok(());
    }
    Err(NotPublished::Shrinks { newest: newest.0, held, count }.into())
}

/// Compiles, signs and keeps a list, unless it would say what the newest one says. Without a list key here it waits for a
/// signature.
///
/// # Errors
/// Why nothing was published.
pub async fn publish(data: &Path, store: &Store, wanted: Wanted<'_>, now: Timestamp) -> anyhow::Result<Outcome> {
    let Wanted { key, channel, allow_shrink, include_red } = wanted;
    let draft = release::compile(store, include_red, now).await?;
    let said = as_said(allow_shrink, include_red);
    let release = Release { channel, allow_shrink, said, what: "publish", by: None, onward: Onward::Ends };
    put_out(data, store, draft, &release, key, now).await
}

/// Publishes a draft for a channel, unless it would say what the newest list there says.
///
/// # Errors
/// Why nothing was published.
pub(super) async fn put_out(
    data: &Path,
    store: &Store,
    draft: Draft,
    release: &Release<'_>,
    key: Option<&Path>,
    now: Timestamp,
) -> anyhow::Result<Outcome> {
    let Release { channel, allow_shrink, .. } = release;
    let (_, root) = keys::read_root(data)?;
    trust::note_mode(data, store).await?;
    let key = release::list_key(data, key)?;
    let compiled = &draft.compiled;
    let newest = store.newest_manifest(Scope::Operator, channel).await?;
    let newest_revision = newest.as_ref().map_or(Revision(0), |(revision, _)| *revision);
    let last = store.last_revision(Scope::Operator).await?;
    // A manifest that this root no longer stands for is replaced, whatever it says.
    let manifest = newest.and_then(|(_, octets)| Manifest::verify(&octets, &root).ok());
    let empty_and_first = last == Revision(0) && compiled.content.count == 0;
    // After a restore sensors may hold lists that this database knows nothing of: the next one goes out whatever it says.
    let restored = newest_revision < store.restored_above(Scope::Operator).await?;
    let is_said_anew = |last: &Manifest| *allow_shrink && !last.shrinks;
    let news = !empty_and_first
        && (restored
            || manifest.as_ref().is_some_and(is_said_anew)
            || compile::is_news(&compiled.content, manifest.as_ref(), now));
    if news && !allow_shrink {
        // Whoever signed it: what sensors have they go on matching against when its key is lost. The first list of a channel
        // takes the place of what its sensors follow until then.
        let before = match store.newest_count(Scope::Operator, channel).await? {
            Some(before) => Some(before),
            None => store.newest_count(Scope::Operator, &ChannelName::default()).await?,
        };
        let (revision, held) = before.unwrap_or_default();
        guard(revision, held, compiled.content.count)?;
    }
    if !news {
        // A wrong key is told at once, not at the next change.
        if let Some(key) = &key {
            compile::sign(&compile::manifest_of(compiled, channel, last, false, now), key, &root)?;
        }
        return Ok(Outcome::Unchanged { revision: newest_revision, compiled: draft.compiled });
    }
    Ok(match release::release(data, store, &draft, release, key.as_ref(), now).await? {
        Released::Published(revision) => Outcome::Published { revision, compiled: draft.compiled },
        Released::Waits(facts, before) => Outcome::Waits { facts, before, compiled: draft.compiled },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::init::{self, InitArguments};
    use crate::intel::canonical::About;
    use crate::store::fixture;
    use varde_common::list::CHANNEL_ALL;
    use varde_common::tlp::Tlp;
    use varde_common::trust::read_unverified;

    const NOW: Timestamp = Timestamp(1_795_000_000_000_000);

    async fn import(store: &Store, list: &str, tlp: Tlp) {
        fixture::import(store, list, &About { tlp: Some(tlp), ..About::default() }, NOW).await;
    }

    #[tokio::test]
    async fn l2_publish_makes_what_a_sensor_accepts_and_a_new_number_only_for_news() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("c");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        let publish = async |at: Timestamp| publish(&data, &store, Wanted::default(), at).await.unwrap();
        let number = |outcome: Outcome| match outcome {
            Outcome::Published { revision, compiled } => (true, revision.0, compiled.content.count, compiled.withheld),
            Outcome::Unchanged { revision, compiled } => (false, revision.0, compiled.content.count, compiled.withheld),
            Outcome::Waits { .. } => panic!("the key is here"),
        };
        assert_eq!(number(publish(NOW).await), (false, 0, 0, 0));
        import(&store, "evil.example\n192.0.2.0/24\n", Tlp::Amber).await;
        import(&store, "secret.example\n", Tlp::Red).await;
        assert_eq!(number(publish(NOW).await), (true, 1, 2, 1));
        assert_eq!(number(publish(NOW).await), (false, 1, 2, 1));
        import(&store, "worse.example\n", Tlp::Green).await;
        assert_eq!(number(publish(NOW).await), (true, 2, 3, 1));

        let (_, root) = keys::read_root(&data).unwrap();
        let list = store.newest_list(Scope::Operator, &ChannelName::default()).await.unwrap().unwrap();
        let manifest = Manifest::accept(&list.manifest, &root, CHANNEL_ALL, Revision(1)).unwrap();
        let names: Vec<_> =
            manifest.open(list.base).unwrap().indicators().map(|indicator| indicator.pattern.to_plain()).collect();
        assert_eq!(names.len(), 3);
        assert!(!names.contains(&"secret.example".to_owned()));
    }

    #[tokio::test]
    async fn f1_whoever_takes_something_out_of_the_list_by_marking_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("c");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        import(&store, "evil.example\nworse.example\n", Tlp::Amber).await;
        let publish = async || publish(&data, &store, Wanted::default(), NOW).await.unwrap();
        assert!(matches!(publish().await, Outcome::Published { .. }));
        let mark = About { tlp: Some(Tlp::Red), ..About::default() };
        fixture::import_of(&store, "gratisfeed", "evil.example\nsecret.example\n", &mark, NOW).await;
        let Outcome::Published { compiled, .. } = publish().await else { panic!("one is out") };
        assert_eq!((compiled.withheld, compiled.withheld_published.len()), (2, 1), "secret.example was in no list");
        let said = marked_away(&store, &compiled.withheld_published).await.unwrap().unwrap();
        assert!(said.starts_with("1 of those") && said.contains("Marked so by: gratisfeed."), "{said}");
        assert!(!said.contains("evil.example"), "what is for few stands in no sentence: {said}");
        assert_eq!(marked_away(&store, &[]).await.unwrap(), None);
    }

    fn by(key: &Path) -> Wanted<'_> {
        Wanted { key: Some(key), ..Wanted::default() }
    }

    #[tokio::test]
    async fn l2_an_empty_or_much_shrunken_list_is_not_published_unless_that_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("c");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        let until = |names: std::ops::Range<u32>, days: i64| {
            let list: String = names.map(|n| format!("n{n}.example\n")).collect();
            (list, About { valid_until: Some(Timestamp(NOW.0 + days * 86_400_000_000)), ..About::default() })
        };
        for (list, about) in [until(0..20, 300), until(20..40, 3), until(40..60, 2)] {
            fixture::import(&store, &list, &about, NOW).await;
        }
        let at = |days: i64| Timestamp(NOW.0 + days * 86_400_000_000);
        let plain = async |day| publish(&data, &store, Wanted::default(), at(day)).await;
        let newest = async || store.newest_list(Scope::Operator, &ChannelName::default()).await.unwrap().unwrap();
        let says = |octets: &[u8]| read_unverified::<Manifest>(octets).unwrap().0;
        assert!(matches!(plain(0).await.unwrap(), Outcome::Published { .. }));
        assert!(newest().await.older_manifest.is_none());
        assert!(matches!(plain(2).await.unwrap(), Outcome::Published { .. }), "a third less");
        // 20 of 40 are left.
        let said = plain(3).await.unwrap_err().to_string();
        assert!(said.contains("list 2 has 40 indicators, and only 20") && said.contains("--allow-shrink"), "{said}");
        assert_eq!(newest().await.revision, Revision(2), "nothing is published");
        let allow = Wanted { allow_shrink: true, ..Wanted::default() };
        assert!(matches!(publish(&data, &store, allow.clone(), at(3)).await.unwrap(), Outcome::Published { .. }));
        let list = newest().await;
        assert!(says(&list.manifest).shrinks);
        let older = says(list.older_manifest.as_deref().unwrap());
        assert_eq!((older.shrinks, older.count, older.base_blake3), (false, 20, says(&list.manifest).base_blake3));
        // Whoever was away has 60 or 40 of them: the next one says it too, and no guard asks again.
        let (list, about) = until(60..62, 300);
        fixture::import(&store, &list, &about, NOW).await;
        assert!(matches!(plain(4).await.unwrap(), Outcome::Published { .. }));
        assert!(says(&newest().await.manifest).shrinks);
        // None is left at all; and where no key is here, nothing waits for one either.
        let said = plain(301).await.unwrap_err().to_string();
        assert!(said.contains("list 4 has 22 indicators, and none"), "{said}");
        std::fs::rename(data.join("keys/list.key"), dir.path().join("duty.key")).unwrap();
        assert!(plain(301).await.is_err() && store.pending_facts(Scope::Operator).await.unwrap().is_none());
        let outcome = publish(&data, &store, allow.clone(), at(301)).await.unwrap();
        assert!(matches!(outcome, Outcome::Waits { .. }), "{outcome:?}");
        let older = store.pending(Scope::Operator).await.unwrap().unwrap().older_manifest;
        assert!(older.is_some_and(|older| says(&older).count == 0));
    }

    #[tokio::test]
    async fn l2_only_the_list_key_publishes() {
        let dir = tempfile::tempdir().unwrap();
        let (data, other) = (dir.path().join("c"), dir.path().join("other"));
        for data in [&data, &other] {
            init::run(data, InitArguments::default()).await.unwrap();
        }
        let store = Store::open(&data).await.unwrap();
        import(&store, "evil.example\n", Tlp::Amber).await;
        for wrong in [data.join("keys/hunt.key"), data.join("keys/root.key"), other.join("keys/list.key")] {
            let said = publish(&data, &store, by(&wrong), NOW).await.unwrap_err().to_string();
            assert!(said.contains("no list key"), "{said}");
        }
        for (wrong, said) in [("keys/ca.key", "no Ed25519 private key"), ("keys/gone.key", "is not there")] {
            let error = publish(&data, &store, by(&data.join(wrong)), NOW).await.unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        // The duty key: away from the collector, given by hand.
        let away = dir.path().join("duty.key");
        std::fs::rename(data.join("keys/list.key"), &away).unwrap();
        assert!(matches!(
            publish(&data, &store, Wanted::default(), NOW).await.unwrap(),
            Outcome::Waits { before: None, .. }
        ));
        assert!(matches!(publish(&data, &store, by(&away), NOW).await.unwrap(), Outcome::Published { .. }));
        assert!(store.pending_facts(Scope::Operator).await.unwrap().is_none(), "what waited is in force");
    }

    #[tokio::test]
    async fn l2_a_list_whose_key_was_lost_guards_the_next_one_and_the_audit_says_what_was_allowed() {
        let dir = tempfile::tempdir().unwrap();
        let (data, other) = (dir.path().join("c"), dir.path().join("other"));
        for data in [&data, &other] {
            init::run(data, InitArguments::default()).await.unwrap();
        }
        let store = Store::open(&data).await.unwrap();
        let list: String = (0..60).map(|n| format!("n{n}.example\n")).collect();
        let until = Some(Timestamp(NOW.0 + 86_400_000_000));
        fixture::import(&store, &list, &About { valid_until: until, ..About::default() }, NOW).await;
        import(&store, "stays.example\n", Tlp::Amber).await;
        assert!(matches!(publish(&data, &store, Wanted::default(), NOW).await.unwrap(), Outcome::Published { .. }));
        // Other keys, and a root document that names them: nothing that was published verifies any more.
        for name in ["root.json", "keys/list.key"] {
            std::fs::copy(other.join(name), data.join(name)).unwrap();
        }
        let later = Timestamp(NOW.0 + 2 * 86_400_000_000);
        let pilot: ChannelName = "pilot".parse().unwrap();
        for channel in [ChannelName::default(), pilot.clone()] {
            let said = publish(&data, &store, Wanted { channel, ..Wanted::default() }, later).await.unwrap_err();
            assert!(said.to_string().contains("list 1 has 61 indicators, and only 1"), "{said}");
        }
        let wanted = Wanted { channel: pilot, allow_shrink: true, include_red: true, key: None };
        assert!(matches!(publish(&data, &store, wanted, later).await.unwrap(), Outcome::Published { .. }));
        let sql = "SELECT was || ' / ' || became FROM audit WHERE what = 'publish' ORDER BY seq DESC LIMIT 1";
        let said: String = sqlx::query_scalar(sql).fetch_one(store.readers()).await.unwrap();
        let begins =
            "no list of channel pilot in force / published for channel pilot: 1 indicators, may take the place";
        assert!(said.starts_with(begins) && said.ends_with(" (--allow-shrink --include-red)"), "{said}");
    }
}
