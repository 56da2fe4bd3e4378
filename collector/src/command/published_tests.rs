//! What is published by whom after what, by the database alone: lists on their way, stops, recalls, what people said meanwhile.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use varde_common::channel::ChannelName;
use varde_common::id::Revision;
use varde_common::tlp::Tlp;
use varde_common::trust::{Domain, add_signature};

use super::conductor::{Watch, look};
use super::init::{self, InitArguments};
use super::noted::deed;
use super::publish::{Outcome, PublishArguments};
use super::{draft, duty, recall, release, staged};
use crate::audit::On;
use crate::intel::canonical::About;
use crate::io::{clock, keys};
use crate::rollout::Bounds;
use crate::store::recall::{NotRecalled, Said};
use crate::store::rollout::RolloutFacts;
use crate::store::{Scope, Store, fixture};

/// A collector with sensor 1 of the pilot group and sensor 2 of none, at a member each.
struct Town {
    dir: tempfile::TempDir,
    data: PathBuf,
    store: Store,
    watch: Watch,
    bounds: Bounds,
}

impl Town {
    async fn new() -> Town {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("c");
        init::run(&data, InitArguments::default()).await.unwrap();
        let store = Store::open(&data).await.unwrap();
        let bounds = Bounds { wait: Duration::ZERO, ..Bounds::default() };
        let town = Town { dir, data, store, watch: Watch::default(), bounds };
        town.run("INSERT INTO member (id, number, name, added_at) VALUES (1, '1001', 'A', 0), (2, '1002', 'B', 0)")
            .await;
        town.run(
            "INSERT INTO sensor (id, member_id, token_created_at, token_expires_at, token_secret_sha256, enrolled_at, revision,
                last_seen_at, channel, connected) VALUES (1, 1, 0, 0, x'00', 0, 1, 0, 'pilot', 1), (2, 2, 0, 0, x'01', 0, 1, 0, 'all', 1)",
        )
        .await;
        town.run("INSERT INTO site (sensor_id, site, member_id) VALUES (1, 0, 1), (2, 0, 2)").await;
        town
    }

    async fn run(&self, sql: &str) {
        let mut tx = self.store.begin().await.unwrap();
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The indicator has stopped a list: the collector has braked and recalled it.
    async fn stopped_on(&self, indicator: i64) {
        let said = Said { who: "varde-collector", reason: "hit 30 hosts", by_itself: true };
        self.store.recall(&[indicator], said, clock::now()).await.unwrap();
        let reason = format!("liste 3 {}", recall::STOPPED_BY_ITSELF);
        recall::brake_at_once(&self.data, &self.store, &[indicator], &reason).await.unwrap();
    }

    async fn import(&self, list: &str) {
        fixture::import(&self.store, list, &About::default(), clock::now()).await;
    }

    /// `publish`, urgently where a reason is given.
    async fn publish(&self, reason: Option<&str>) -> Option<Outcome> {
        let arguments = PublishArguments { reason: reason.map(str::to_owned), ..PublishArguments::default() };
        staged::publish(&self.data, &self.store, &arguments, clock::now()).await.unwrap()
    }

    /// Both sensors have every list in force that there is for them.
    async fn have_them(&self) {
        self.run("INSERT INTO in_force SELECT s.id, l.revision, 1, 1 FROM sensor s JOIN list_revision l ON l.channel = s.channel WHERE 1 ON CONFLICT DO NOTHING").await;
    }

    /// Looks after so many seconds.
    async fn look_after(&mut self, at: &mut Instant, seconds: u64) {
        *at += Duration::from_secs(seconds);
        look(&self.data, &self.store, &self.bounds, &mut self.watch, (clock::now(), *at)).await.unwrap();
    }

    async fn look(&mut self) -> anyhow::Result<()> {
        self.have_them().await;
        look(&self.data, &self.store, &self.bounds, &mut self.watch, (clock::now(), clock::monotonic())).await
    }

    /// The newest list's number and the numbers of what it holds.
    async fn newest(&self, channel: &str) -> (u64, Vec<u64>) {
        let channel: ChannelName = channel.parse().unwrap();
        let Some(list) = self.store.newest_list(Scope::Operator, &channel).await.unwrap() else {
            return (0, Vec::new());
        };
        let mut held: Vec<u64> = list.set().unwrap().indicators().map(|one| one.id.0).collect();
        held.sort_unstable();
        (list.revision.0, held)
    }

    async fn rollout(&self) -> RolloutFacts {
        self.store.rollouts(Scope::Operator).await.unwrap().remove(0)
    }

    /// So many hosts of the pilot group's member meet an indicator.
    async fn hit(&self, indicator: i64, list: i64, hosts: i64) {
        for host in 0..hosts {
            self.run(&format!(
                "INSERT INTO alert (uuid, sensor_id, epoch, seq, member_id, site, indicator_id, revision, client, exercise, zone,
                    zone_levels, direction, evidence, by_resolver, looked_up_by_other, possible_contact, labels_left, protocol,
                    severity, retro, first_seen, last_seen, count, arrived_at, updated_at)
                 VALUES ('{indicator}-{host}', 1, 'e', {indicator}{host:03}, 1, 0, {indicator}, {list}, 'H-{host}', 0, 0, '000', 'outbound',
                    2, 0, 0, 0, 0, 17, 2, 0, 0, 0, 1, 0, 0)"
            ))
            .await;
        }
    }

    fn key(&self) -> PathBuf {
        self.data.join(keys::LIST_KEY)
    }

    /// What waits, signed by the key that lies there.
    async fn signed(&self, key: &Path) -> PathBuf {
        let file = self.dir.path().join("waiting");
        let _ = std::fs::remove_file(&file);
        duty::export(&self.store, &file).await.unwrap();
        let unsigned = std::fs::read(&file).unwrap();
        let parts = super::sign::apart(&unsigned);
        let key = keys::read_signing_key(key).unwrap();
        let signed: Vec<Vec<u8>> = parts.iter().map(|part| add_signature(Domain::List, part, &key).unwrap()).collect();
        let signed: Vec<&[u8]> = signed.iter().map(Vec::as_slice).collect();
        std::fs::write(&file, super::sign::together(&signed)).unwrap();
        file
    }

    async fn waits(&self) -> Option<(i64, String)> {
        let pending = self.store.pending(Scope::Operator).await.unwrap();
        pending.map(|pending| (pending.facts.revision, pending.channel.to_string()))
    }
}

#[tokio::test]
async fn f2_a_list_on_its_way_never_takes_the_place_of_one_that_was_published_past_it() {
    let mut town = Town::new().await;
    town.import("a.example\n").await;
    town.publish(None).await;
    assert_eq!((town.newest("pilot").await, town.newest("all").await.0), ((1, vec![1]), 0));
    // The last sensor leaves the group, so that the next list is for everybody.
    town.run("UPDATE sensor SET channel = 'all' WHERE id = 1").await;
    town.import("b.example\n").await;
    town.publish(None).await;
    assert_eq!(town.newest("all").await, (2, vec![1, 2]));
    assert_eq!(town.rollout().await.ended_why.as_deref(), Some("superseded"), "in the same moment");
    for _ in 0..3 {
        town.look().await.unwrap();
    }
    assert_eq!(town.newest("all").await, (2, vec![1, 2]));

    // And where its end was not noted: a copy of the database from before, or a program of before.
    town.run("UPDATE sensor SET channel = 'pilot' WHERE id = 1").await;
    town.import("c.example\n").await;
    town.publish(None).await;
    let arguments = PublishArguments { channel: Some(ChannelName::default()), ..PublishArguments::default() };
    town.import("d.example\n").await;
    staged::publish(&town.data, &town.store, &arguments, clock::now()).await.unwrap();
    town.run("UPDATE rollout SET ended_at = NULL, ended_why = NULL WHERE id = 2").await;
    town.look().await.unwrap();
    assert_eq!(town.newest("all").await, (4, vec![1, 2, 3, 4]));
    assert_eq!(town.rollout().await.ended_why.as_deref(), Some("superseded"));
}

#[tokio::test]
async fn f2_going_back_a_list_brings_back_nothing_that_was_recalled_withdrawn_or_held_back() {
    let town = Town::new().await;
    town.run("UPDATE sensor SET channel = 'all'").await;
    town.import("a.example\nw.example\n").await;
    town.publish(None).await;
    town.import("bad.example\n").await;
    town.publish(None).await;
    recall::recall(&town.data, &town.store, &["3".to_owned()], "falsk").await.unwrap();
    assert_eq!(town.newest("all").await, (3, vec![1, 2]));
    let back = async || recall::recall_list(&town.data, &town.store, None, "feil kilde").await;
    assert!(back().await.unwrap_err().to_string().contains("what a recall has left"));
    assert_eq!(town.newest("all").await, (3, vec![1, 2]));
    // Another bad list, and twice; one of what the list before held is withdrawn meanwhile.
    town.import("worse.example\n").await;
    town.publish(None).await;
    // Somebody has looked at the one before: this one is recalled by nobody who has not, nor where it comes while the recall is written.
    let of = async |shown| recall::recall_list(&town.data, &town.store, Some(Revision(shown)), "feil kilde").await;
    assert!(matches!(of(3).await.unwrap_err().downcast_ref(), Some(NotRecalled::Newer(Revision(4)))));
    let said = Said { who: "kari", reason: "feil", by_itself: false };
    let late = town.store.recall_of(Some(Revision(3)), &[4], said, clock::now()).await;
    assert!(matches!(late, Err(NotRecalled::Newer(Revision(4)))), "{late:?}");
    assert_eq!(town.newest("all").await.0, 4);
    assert_eq!(town.store.standing_recalls(Scope::Operator).await.unwrap().len(), 1);
    town.run("UPDATE indicator SET withdrawn_at = 1 WHERE id = 2").await;
    back().await.unwrap();
    assert_eq!(town.newest("all").await, (5, vec![1]));
    assert!(back().await.is_err(), "it is what a recall has left");
    assert_eq!(town.newest("all").await, (5, vec![1]));
    let lists = town.store.publications(Scope::Operator).await.unwrap();
    let told: Vec<(i64, bool)> = lists.iter().map(|list| (list.revision, list.by_recall)).collect();
    assert_eq!(told, [(5, true), (4, false), (3, true), (2, false), (1, false)]);
    assert!(lists.iter().all(|list| list.who.is_some()), "each by whom: {lists:?}");
}

#[tokio::test]
async fn f2_with_a_duty_key_what_stops_a_list_is_in_none_that_waits_and_none_that_waits_brings_what_is_held_back() {
    let mut town = Town::new().await;
    let away = town.dir.path().join("list.key");
    std::fs::rename(town.key(), &away).unwrap();
    let accept = async |town: &Town| duty::accept(&town.data, &town.store, &town.signed(&away).await).await;
    town.import("a.example\nb.example\n").await;
    town.publish(None).await;
    accept(&town).await.unwrap();
    town.look().await.unwrap();
    assert_eq!(town.waits().await, Some((2, "all".to_owned())), "its time is over, and it waits for all");
    let signed = town.signed(&away).await;
    town.hit(1, 1, 21).await;
    town.look().await.unwrap();
    assert_eq!(town.rollout().await.ended_why.as_deref(), Some("stopped"));
    assert_eq!(town.waits().await, None);
    assert!(duty::accept(&town.data, &town.store, &signed).await.is_err());
    assert_eq!(town.newest("all").await.0, 0, "it is at nobody but the group");

    // What waits, and of which somebody says meanwhile that it is not to go out: recalled, withdrawn, held back by lint.
    for (n, said) in [
        "INSERT INTO recall (indicator_id, reason, who, at, by_itself) VALUES (2, 'x', 'kari', 1, 0)",
        "UPDATE indicator SET withdrawn_at = 1 WHERE id = 2",
        "INSERT INTO allowed (pattern, reason, author, given_at) VALUES ('b.example', 'x', 'kari', 1)",
    ]
    .into_iter()
    .enumerate()
    {
        town.import(&format!("other-{n}.example\n")).await;
        let urgent = town.publish(Some("haster")).await;
        assert!(matches!(urgent, Some(Outcome::Waits { .. })), "{urgent:?}");
        let signed = town.signed(&away).await;
        town.run(said).await;
        let refused = duty::accept(&town.data, &town.store, &signed).await.unwrap_err().to_string();
        assert!(refused.contains("indicators 2)") && refused.contains("publish"), "{refused}");
        assert_eq!(town.waits().await, None);
        town.run("DELETE FROM recall WHERE indicator_id = 2").await;
        town.run("UPDATE indicator SET withdrawn_at = NULL").await;
        town.run("DELETE FROM allowed").await;
    }
    assert_eq!(town.newest("all").await.0, 0);
    town.publish(Some("haster")).await;
    accept(&town).await.unwrap();
    assert_eq!(town.newest("all").await, (2, vec![2, 3, 4, 5]));
    town.look().await.unwrap();
    assert_eq!(town.rollout().await.all_revision, Some(2));
}

#[tokio::test]
async fn f2_a_stop_or_a_recall_that_failed_half_way_is_finished_once_it_can_be() {
    let mut town = Town::new().await;
    town.import("a.example\nb.example\nc.example\n").await;
    town.publish(None).await;
    town.have_them().await;
    town.hit(1, 1, 21).await;
    let key = std::fs::read(town.key()).unwrap();
    std::fs::write(town.key(), b"no key").unwrap();
    assert!(town.look().await.is_err());
    assert_eq!(town.rollout().await.ended_why.as_deref(), Some("stopped"));
    assert_eq!(town.newest("pilot").await, (1, vec![1, 2, 3]));
    assert!(town.look().await.is_err(), "and it is said again");
    std::fs::write(town.key(), &key).unwrap();
    town.look().await.unwrap();
    assert_eq!(town.newest("pilot").await, (2, vec![2, 3]));
    // The command is given its time; then its work is done.
    town.publish(Some("haster")).await;
    assert_eq!((town.newest("all").await.1, town.newest("pilot").await.1), (vec![2, 3], vec![2, 3]));
    let now = clock::now().0;
    town.run(&format!(
        "INSERT INTO recall (indicator_id, reason, who, at, by_itself) VALUES (2, 'x', 'kari', {now}, 0)"
    ))
    .await;
    town.look().await.unwrap();
    assert_eq!(town.newest("all").await.1, [2, 3]);
    town.run("UPDATE recall SET at = 1").await;
    town.look().await.unwrap();
    assert_eq!((town.newest("all").await.1, town.newest("pilot").await.1), (vec![3], vec![3]));
    let newest = town.newest("pilot").await.0;
    town.look().await.unwrap();
    assert_eq!(town.newest("pilot").await.0, newest, "once");
}

#[tokio::test]
async fn f2_what_people_say_of_it_at_the_pilot_group_holds_for_what_goes_to_all() {
    let mut town = Town::new().await;
    town.import("a.example\n").await;
    town.publish(Some("haster")).await;
    town.look().await.unwrap();
    town.import("b.example\nc.example\nd.example\ne.example\n").await;
    town.publish(None).await;
    assert_eq!(town.newest("pilot").await.1, [1, 2, 3, 4, 5]);
    // Allowed, a false positive, recalled; marked more strictly than it is in there.
    town.run("INSERT INTO allowed (pattern, reason, author, given_at) VALUES ('b.example', 'x', 'kari', 1)").await;
    town.run("UPDATE indicator SET withdrawn_at = 1, refuted_at = 1 WHERE id = 3").await;
    town.run("UPDATE indicator SET tlp = 'TLP:AMBER+STRICT' WHERE id = 4").await;
    town.look().await.unwrap();
    assert_eq!((town.newest("all").await.1, town.newest("pilot").await.1), (vec![1, 5], vec![1, 5]));
    assert_eq!(town.rollout().await.all_revision, Some(4));
    town.look().await.unwrap();
    assert_eq!(town.rollout().await.ended_why.as_deref(), Some("done"));
}

#[tokio::test]
async fn f2_what_says_what_all_have_already_calls_back_what_is_on_its_way_and_what_waits() {
    let mut town = Town::new().await;
    town.import("a.example\n").await;
    town.publish(Some("haster")).await;
    town.look().await.unwrap();
    let newest = town.newest("all").await;
    town.import("bad.example\n").await;
    let allow = "INSERT INTO allowed (pattern, reason, author, given_at) VALUES ('bad.example', 'x', 'kari', 1)";
    for (is_duty, reason) in [(false, Some("haster")), (false, None), (true, Some("haster")), (true, None)] {
        let away = town.dir.path().join("list.key");
        if is_duty && !away.exists() {
            std::fs::rename(town.key(), &away).unwrap();
        }
        town.run("DELETE FROM allowed").await;
        town.publish(None).await;
        town.run(allow).await;
        let said = town.publish(reason).await;
        assert!(is_duty || reason.is_none() || matches!(said, Some(Outcome::Unchanged { .. })), "{said:?}");
        assert_eq!(town.rollout().await.ended_why.as_deref(), Some("superseded"), "{is_duty} {reason:?}");
        for _ in 0..3 {
            town.look().await.unwrap();
        }
        assert_eq!(town.newest("all").await, newest, "{is_duty} {reason:?}");
        assert_eq!(town.newest("pilot").await.1, [1]);
        assert_eq!(town.waits().await, None);
    }
}

#[tokio::test]
async fn f2_only_time_in_which_the_collector_heard_the_pilot_group_counts_over_a_start_and_whatever_the_clock_says() {
    let mut town = Town::new().await;
    town.bounds.wait = Duration::from_secs(100);
    town.import("a.example\n").await;
    town.publish(None).await;
    // In force long ago by a clock that was wrong: it says nothing.
    town.have_them().await;
    let mut at = clock::monotonic();
    town.look_after(&mut at, 0).await;
    for _ in 0..24 {
        town.look_after(&mut at, 4).await;
    }
    assert_eq!(town.newest("all").await.0, 0, "96 s");
    // The collector is away for a day, and comes before its sensors do.
    town.watch = Watch::default();
    town.run("UPDATE sensor SET connected = 0").await;
    at += Duration::from_secs(86_400);
    for _ in 0..100 {
        town.look_after(&mut at, 4).await;
    }
    assert_eq!((town.newest("all").await.0, town.rollout().await.pilot_heard), (0, 0), "nobody is there");
    town.run("UPDATE sensor SET connected = 1 WHERE id = 2").await;
    town.look_after(&mut at, 4).await;
    // The group's sensor comes, and has a minute to bring what it held back; what was watched before counts.
    town.run("UPDATE sensor SET connected = 1").await;
    for _ in 0..14 {
        town.look_after(&mut at, 4).await;
    }
    assert_eq!(town.newest("all").await.0, 0, "56 s");
    town.look_after(&mut at, 4).await;
    assert_eq!(town.newest("all").await, (2, vec![1]));
    // For all the same: nobody else has it in force, so that it is not done.
    for _ in 0..30 {
        town.look_after(&mut at, 4).await;
    }
    assert_eq!(town.rollout().await.ended_why, None);
    town.have_them().await;
    for _ in 0..25 {
        town.look_after(&mut at, 4).await;
    }
    assert_eq!(town.rollout().await.ended_why.as_deref(), Some("done"));
}

#[tokio::test]
async fn f2_a_second_person_is_another_than_who_brought_in_what_is_new_whatever_was_published_or_recalled_since() {
    let town = Town::new().await;
    town.run("UPDATE sensor SET channel = 'all'").await;
    town.import("a.example\nb.example\n").await;
    town.publish(None).await;
    let compiled = async || release::compile(&town.store, false, clock::now()).await.unwrap();
    let as_kari = async |what: &'static str, words: &str| {
        let who = "kari".to_owned();
        let entry = crate::audit::Deed { who, ..deed(what, On::Thing("x".to_owned())).becomes(words) };
        town.store.note(&entry).await.unwrap();
    };
    let review = async |who: &str| {
        town.store.review_draft(compiled().await.name(), who, "sett på", clock::now()).await.unwrap();
        draft::is_reviewed(&town.store, &compiled().await).await
    };
    // Nobody is known to have brought it in.
    town.import("c.example\n").await;
    assert!(review("ola").await.is_err());
    // A recall of something else makes a new list, and nobody another.
    as_kari("indicator import", "1 indicators").await;
    recall::recall(&town.data, &town.store, &["2".to_owned()], "falsk").await.unwrap();
    assert_eq!(town.newest("all").await, (2, vec![1]));
    assert!(review("kari").await.unwrap_err().to_string().contains("kari"));
    review("ola").await.unwrap();
    town.publish(None).await;
    for (what, words) in [
        ("recall lift", "let into lists again"),
        ("lint override", "goes out"),
        ("allow remove", "goes out again"),
        ("lint list remove", "out of use"),
        ("lint lifetime", "9"),
        ("alert verdict", "none"),
    ] {
        town.import(&format!("{}.example\n", what.replace(' ', "-"))).await;
        as_kari(what, words).await;
        assert!(review("kari").await.is_err(), "{what}");
        review("ola").await.unwrap();
        town.publish(None).await;
    }
    // What a list's recall has gone back behind was brought in by the same person still.
    recall::recall_list(&town.data, &town.store, None, "feil").await.unwrap();
    town.store.lift(&[9], "ola", "likevel", clock::now()).await.unwrap();
    let (authors, _) = draft::authors(&town.store).await.unwrap();
    assert_eq!(authors, ["kari"]);
}

#[tokio::test]
async fn f2_what_is_let_in_again_is_told_again_unless_a_person_has_braked_it() {
    let town = Town::new().await;
    town.import("a.example\nb.example\n").await;
    let lift = async |indicator: &str| {
        recall::lift(&town.data, &town.store, &[indicator.to_owned()], "ekte").await.unwrap();
        town.store.braked_now(Scope::Operator, clock::now()).await.unwrap()
    };
    town.stopped_on(1).await;
    assert_eq!(town.store.braked_now(Scope::Operator, clock::now()).await.unwrap().len(), 1);
    assert_eq!(lift("1").await, [], "it was braked because it stopped a list");
    // Somebody looks into it and has sensors be quiet meanwhile: that is no word of the collector's.
    town.stopped_on(2).await;
    recall::brake_at_once(&town.data, &town.store, &[2], "under etterforskning").await.unwrap();
    assert_eq!(lift("2").await, [(2, "under etterforskning".to_owned())]);
}

#[tokio::test]
async fn w1_a_member_is_told_what_it_is_sent_without_what_is_for_few() {
    let town = Town::new().await;
    for (source, list, tlp) in [
        ("Felles", "a.example\nb.example\n", Tlp::Green),
        ("For noen", "c.example\n", Tlp::AmberStrict),
        ("For en", "d.example\n", Tlp::Red),
    ] {
        let about = About { tlp: Some(tlp), ..About::default() };
        fixture::import_of(&town.store, source, list, &about, clock::now()).await;
    }
    let reason = Some("haster".to_owned());
    let arguments = PublishArguments { reason, include_red: true, ..PublishArguments::default() };
    staged::publish(&town.data, &town.store, &arguments, clock::now()).await.unwrap();
    assert_eq!(town.newest("all").await.1.len(), 4, "sensors look for all of it");
    for scope in [Scope::Operator, Scope::Member(1)] {
        let sent = town.store.sent(scope).await.unwrap().unwrap();
        let of = |counts: &[(String, i64)]| format!("{counts:?}");
        assert_eq!(sent.total, 2);
        assert_eq!(of(&sent.sources), r#"[("Felles", 2)]"#);
        assert_eq!(of(&sent.kinds), r#"[("domain", 2)]"#);
        assert_eq!(of(&sent.tlps), r#"[("TLP:GREEN", 2)]"#);
    }
}
