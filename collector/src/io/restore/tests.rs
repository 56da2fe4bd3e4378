//! Backup and restore: what is made is whole, what is restored is the same, and nothing living is overwritten.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::audit::{Kept, On, Wrong};
use crate::command::init::{self, InitArguments};
use crate::departure;
use crate::io::backup::make;
use crate::io::clock;
use crate::io::keys::{LIST_KEY, ServerKeys};
use crate::store::Scope;

const NONE: &str = "/nonexistent/collector.toml";

async fn collector(data: &Path) {
    init::run(data, InitArguments { name: Some("CSIRT".into()), address: None }).await.unwrap();
    fs::write(data.join(SETTINGS_FILE), "web = \"127.0.0.1:1\"\n").unwrap();
    add(data, "3407", "Gjøvik").await;
}

async fn add(data: &Path, number: &str, name: &str) {
    let store = Store::open(data).await.unwrap();
    store.add_member(&number.parse().unwrap(), name, Timestamp(7)).await.unwrap();
    store.close().await;
}

async fn members(data: &Path) -> usize {
    let store = Store::open(data).await.unwrap();
    let members = store.member_rows(Scope::Operator).await.unwrap().len();
    store.close().await;
    members
}

async fn backup(data: &Path, to: &Path, with_keys: bool) -> PathBuf {
    make(data, to, with_keys, Path::new(NONE), clock::now(), |_, _| {}).await.unwrap().path
}

async fn back(from: &Path, data: &Path) -> Result<Restored, RestoreError> {
    let deed = Deed::new("kari".to_owned(), "restore", On::Collector, clock::now());
    restore(from, data, &deed, |_, _| {}).await
}

/// Every file below with its octets, the lock apart.
fn all(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(all(&path)),
            false if path.ends_with("lock") => {}
            false => found.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_backup_is_whole_and_the_owners_alone_and_is_restored_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let made = backup(&data, dir.path(), true).await;
    for (path, _) in all(&made) {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
    let names: Vec<String> =
        fs::read_dir(&made).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().all(|name| !name.contains("-wal") && !name.contains("journal")), "{names:?}");
    add(&data, "0301", "Oslo").await;

    let restored = back(&made, &data).await.unwrap();
    assert_eq!(
        (restored.keys, restored.carried),
        (
            Keys::Restored,
            Some(Carried { revocations: 0, quarantines: Some(0), departures: 0, places: 0, ..Carried::of_nobody() })
        )
    );
    assert_eq!(members(&data).await, 1, "as it was");
    let aside = restored.aside.unwrap();
    assert_eq!(members(&aside).await, 2, "what was there can still be opened");
    assert!(aside.join(LIST_KEY).exists() && !data.join(RESTORE_MOVING).exists() && !data.join(STAGING).exists());

    // A new machine.
    let new = dir.path().join("new");
    let restored = back(&made, &new).await.unwrap();
    assert_eq!((restored.aside, restored.carried), (None, None));
    assert_eq!(members(&new).await, 1);
    ServerKeys::read(&new, clock::now()).unwrap();
    assert_eq!(fs::read(new.join(SETTINGS_FILE)).unwrap(), fs::read(made.join(SETTINGS_FILE)).unwrap());
}

#[tokio::test]
async fn w2_a_head_of_before_a_restore_is_in_what_was_set_aside_and_that_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let made = backup(&data, dir.path(), true).await;
    let store = Store::open(&data).await.unwrap();
    let deed = Deed::new("kari".to_owned(), "sensor revoke", On::Collector, clock::now());
    let kept = Kept { hash: store.note(&deed).await.unwrap().hash, first: None };
    store.note(&deed).await.unwrap();
    store.close().await;
    let aside = back(&made, &data).await.unwrap().aside.unwrap();
    let verify = async |data: &Path| {
        let store = Store::open(data).await.unwrap();
        let verdict = store.verify_audit(Scope::Operator, Some(kept), clock::now(), |_| {}).await.unwrap();
        store.close().await;
        verdict
    };
    let Err(Wrong::HeadSetAside { restores, .. }) = verify(&data).await else { panic!("it is not told") };
    let named: Vec<PathBuf> = restores.iter().map(|of| aside_of(&data, of.at)).collect();
    assert_eq!(named, std::slice::from_ref(&aside));
    assert!(verify(&aside).await.unwrap().head_asked_for_at.is_some());
}

#[tokio::test]
async fn a_living_collector_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let made = backup(&data, &dir.path().join("b"), true).await;
    let running = Lock::take(&data).unwrap();
    let before = all(&data);
    let refused = back(&made, &data).await.unwrap_err();
    assert!(refused.to_string().contains("another varde-collector uses"), "{refused}");
    assert_eq!(all(&data), before, "not an octet was touched");
    drop(running);
    // A command that has the database open would take its log away when it ends.
    let command = Store::open(&data).await.unwrap();
    command.member_rows(Scope::Operator).await.unwrap();
    let refused = back(&made, &data).await.unwrap_err();
    assert!(refused.to_string().contains("still uses the database"), "{refused}");
    command.close().await;
    back(&made, &data).await.unwrap();
}

#[tokio::test]
async fn d9_what_is_no_sound_backup_is_refused_before_anything_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let before = all(&data);
    for (n, (file, place)) in
        [(DATABASE_FILE, 5000), (DATABASE_FILE, 40), ("keys/ca.crt", 40), (ROOT_FILE, 10), ("manifest.json", 2)]
            .into_iter()
            .enumerate()
    {
        let made = backup(&data, &dir.path().join(format!("b{n}")), true).await;
        let mut octets = fs::read(made.join(file)).unwrap();
        octets[place] ^= 0x20;
        fs::write(made.join(file), octets).unwrap();
        let refused = back(&made, &data).await.unwrap_err().to_string();
        assert!(refused.contains("use another backup") || refused.contains("is no backup"), "{file}: {refused}");
    }
    for wrong in [dir.path().to_owned(), dir.path().join("nowhere"), data.clone()] {
        let refused = back(&wrong, &data).await.unwrap_err().to_string();
        assert!(refused.contains("give the directory that varde-collector backup made"), "{refused}");
    }
    assert_eq!(all(&data), before, "not an octet was touched");
    assert!(make(&data, &data, true, Path::new(NONE), clock::now(), |_, _| {}).await.is_ok(), "in a directory");
    let taken = make(&data, &data.join(ROOT_FILE), true, Path::new(NONE), clock::now(), |_, _| {}).await;
    assert!(matches!(taken, Err(BackupError::Taken(_))));
}

#[tokio::test]
async fn keys_left_out_come_from_elsewhere_and_must_fit() {
    let dir = tempfile::tempdir().unwrap();
    let (data, other) = (dir.path().join("c"), dir.path().join("other"));
    collector(&data).await;
    collector(&other).await;
    let made = backup(&data, &dir.path().join("b"), false).await;
    assert!(!made.join(KEYS_DIRECTORY).exists());
    assert_eq!(back(&made, &data).await.unwrap().keys, Keys::Kept);
    assert!(data.join(LIST_KEY).exists());
    let refused = back(&made, &other).await.unwrap_err().to_string();
    assert!(refused.contains("another collector"), "{refused}");
    assert_eq!(back(&made, &dir.path().join("new")).await.unwrap().keys, Keys::Missing);
}

#[tokio::test]
async fn a_restore_cut_off_anywhere_is_seen_and_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let made = backup(&data, &dir.path().join("b"), true).await;
    add(&data, "0301", "Oslo").await;
    for cut in 0..4 {
        // What a kill would have left: some names already changed, the rest still in the moving directory.
        let moving = data.join(RESTORE_MOVING);
        fs::create_dir(&moving).unwrap();
        for name in [DATABASE_FILE, ROOT_FILE, KEYS_DIRECTORY].into_iter().take(cut) {
            fs::rename(data.join(name), moving.join(name)).unwrap();
        }
        let refused = Store::open(&data).await.unwrap_err();
        assert!(refused.to_string().contains("was cut off; run it again"), "{refused}");
        back(&made, &data).await.unwrap();
        assert_eq!(members(&data).await, 1);
        ServerKeys::read(&data, clock::now()).unwrap();
        // Names of what is set aside are made of seconds.
        let aside = fs::read_dir(&data).unwrap().map(|e| e.unwrap().path());
        for path in aside.filter(|path| path.to_string_lossy().contains(ASIDE_PREFIX)) {
            fs::remove_dir_all(path).unwrap();
        }
    }
}

#[tokio::test]
async fn p4_a_restore_cut_off_after_the_database_went_aside_still_knows_who_was_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let later = clock::now().plus(std::time::Duration::from_secs(3600));
    let store = Store::open(&data).await.unwrap();
    let sensor = store.add_token(1, &[2; 32], clock::now(), later).await.unwrap();
    assert!(store.consume_token(sensor, &[9; 32], clock::now(), "0.1.0", clock::now()).await.unwrap());
    store.close().await;
    let made = backup(&data, &dir.path().join("b"), true).await;
    let store = Store::open(&data).await.unwrap();
    store.revoke_sensor(sensor.0 as i64, clock::now()).await.unwrap();
    store.close().await;
    // An earlier restore's, and the one that was cut off: its own database has not come to its place.
    for (when, database) in [("20200101T000000Z", false), ("20261130T010000Z", true)] {
        let aside = data.join(format!("{ASIDE_PREFIX}{when}"));
        fs::create_dir(&aside).unwrap();
        match database {
            true => fs::rename(data.join(DATABASE_FILE), aside.join(DATABASE_FILE)).unwrap(),
            false => fs::copy(made.join(DATABASE_FILE), aside.join(DATABASE_FILE)).map(drop).unwrap(),
        }
    }
    fs::create_dir(data.join(RESTORE_MOVING)).unwrap();
    let carried = back(&made, &data).await.unwrap().carried;
    assert_eq!(carried.map(|carried| carried.revocations), Some(1));
    let store = Store::open(&data).await.unwrap();
    assert!(store.sensor_by_key(Scope::Operator, &[9; 32]).await.unwrap().unwrap().revoked);
}

#[tokio::test]
async fn what_happened_since_the_backup_is_neither_repeated_nor_forgiven() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let number = |store: Store| async move {
        let found = crate::intel::canonical::Found::bare("evil.example".parse().unwrap());
        assert_eq!(store.take_in("x", &[found], Timestamp(1)).await.unwrap().new, 1);
        let id = store.indicator_rows(Scope::Operator).await.unwrap().last().unwrap().id;
        let revision = store.last_revision(Scope::Operator).await.unwrap().0;
        store.close().await;
        (id, revision)
    };
    let later = clock::now().plus(std::time::Duration::from_secs(3600));
    let store = Store::open(&data).await.unwrap();
    let open = store.add_token(1, &[1; 32], clock::now(), later).await.unwrap();
    let shut_out = store.add_token(1, &[2; 32], clock::now(), later).await.unwrap();
    assert!(store.consume_token(shut_out, &[9; 32], clock::now(), "0.1.0", clock::now()).await.unwrap());
    store.close().await;
    let made = backup(&data, &dir.path().join("b"), true).await;
    let store = Store::open(&data).await.unwrap();
    store.revoke_sensor(shut_out.0 as i64, clock::now()).await.unwrap();
    assert_eq!(number(store).await, (1, 0));
    let carried = back(&made, &data).await.unwrap().carried;
    assert_eq!(
        carried,
        Some(Carried { revocations: 1, quarantines: Some(0), departures: 0, places: 0, ..Carried::of_nobody() })
    );
    let store = Store::open(&data).await.unwrap();
    assert!(store.sensor_by_key(Scope::Operator, &[9; 32]).await.unwrap().unwrap().revoked);
    assert!(
        !store.consume_token(open, &[8; 32], clock::now(), "0.1.0", clock::now()).await.unwrap(),
        "it may have been used since"
    );
    let (id, revision) = number(store).await;
    assert!(id > 1_000_000 && revision >= 1_000, "{id} {revision}");
}

#[tokio::test]
async fn p5_a_quarantine_since_the_backup_is_not_lifted_by_a_restore_and_a_release_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let later = clock::now().plus(std::time::Duration::from_secs(3600));
    let store = Store::open(&data).await.unwrap();
    let mut sensors = Vec::new();
    for key in [1, 2, 3] {
        let sensor = store.add_token(1, &[key; 32], clock::now(), later).await.unwrap();
        assert!(store.consume_token(sensor, &[key + 10; 32], later, "0.1.0", clock::now()).await.unwrap());
        sensors.push(sensor.0 as i64);
    }
    let quarantine = async |sensor: i64| {
        let mut tx = store.begin().await.unwrap();
        crate::store::mark::quarantine(&mut tx, sensor, Timestamp(77)).await.unwrap();
        tx.commit().await.unwrap();
    };
    let made = backup(&data, &dir.path().join("b"), true).await;
    quarantine(sensors[0]).await;
    quarantine(sensors[1]).await;
    assert!(store.release_sensor(sensors[1]).await.unwrap());
    store.close().await;
    let carried = back(&made, &data).await.unwrap().carried;
    assert_eq!(
        carried,
        Some(Carried { revocations: 0, quarantines: Some(1), departures: 0, places: 0, ..Carried::of_nobody() })
    );
    let store = Store::open(&data).await.unwrap();
    let heard =
        async |key: u8| !store.sensor_by_key(Scope::Operator, &[key + 10; 32]).await.unwrap().unwrap().quarantined;
    assert_eq!([heard(1).await, heard(2).await, heard(3).await], [false, true, true]);
    let mut tx = store.begin().await.unwrap();
    let mut renews = Vec::new();
    for sensor in &sensors {
        renews.push(crate::store::mark::must_renew(&mut tx, *sensor).await.unwrap());
    }
    assert_eq!(renews, [false, true, false], "whoever was released begins a new spool still");
}

#[tokio::test]
async fn e1_d9_a_key_renewed_since_the_backup_goes_on_and_one_that_ended_stays_ended() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let later = clock::now().plus(std::time::Duration::from_secs(3600));
    let store = Store::open(&data).await.unwrap();
    let sensor = store.add_token(1, &[1; 32], clock::now(), later).await.unwrap();
    assert!(store.consume_token(sensor, &[5; 32], later, "0.1.0", clock::now()).await.unwrap());
    store.close().await;
    let made = backup(&data, &dir.path().join("b"), true).await;
    let store = Store::open(&data).await.unwrap();
    let id = sensor.0 as i64;
    assert!(store.key_given(id, &[5; 32], &[6; 32], later, clock::now()).await.unwrap());
    store.key_used(id, &[6; 32], later).await.unwrap();
    assert!(store.key_given(id, &[6; 32], &[7; 32], later, clock::now()).await.unwrap());
    store.close().await;

    back(&made, &data).await.unwrap();
    let store = Store::open(&data).await.unwrap();
    let known = async |key: u8| store.sensor_by_key(Scope::Operator, &[key; 32]).await.unwrap().is_some();
    assert!(!known(5).await, "what had ended stays ended");
    assert!(known(6).await && known(7).await, "the newest goes on, and so does the one that was given and not used");
}

#[tokio::test]
async fn q3_a_member_that_has_left_is_not_back_after_a_restore_however_little_is_known() {
    let dir = tempfile::tempdir().unwrap();
    // What a restore sets aside is named after its second.
    let mut second = 1_000;
    let mut back = async |from: &Path, data: &Path| {
        second += 1;
        let deed = Deed::new("kari".to_owned(), "restore", On::Collector, Timestamp::from_unix(second, 0));
        restore(from, data, &deed, |_, _| {}).await
    };
    let data = dir.path().join("c");
    collector(&data).await;
    add(&data, "0301", "Oslo").await;
    let made = backup(&data, &dir.path().join("b"), true).await;
    let store = Store::open(&data).await.unwrap();
    let oslo = store.member_by_number(Scope::Operator, &"0301".parse().unwrap()).await.unwrap().unwrap();
    store.depart(oslo.id, Timestamp(50)).await.unwrap();
    let departed = store.departures(Scope::Operator).await.unwrap();
    store.close().await;
    directory::write_private(&data.join(departure::FILE), &serde_json::to_vec(&departed).unwrap()).unwrap();
    // No octet of the file that was the database tells it any more.
    let octets = fs::read(data.join(DATABASE_FILE)).unwrap();
    assert!(!octets.windows(4).any(|window| window == b"Oslo"), "what is deleted is overwritten");

    let restored = back(&made, &data).await.unwrap();
    assert_eq!((restored.departures, restored.carried.map(|carried| carried.departures)), (1, Some(1)));
    assert_eq!(members(&data).await, 1);
    let octets = fs::read(data.join(DATABASE_FILE)).unwrap();
    assert!(!octets.windows(4).any(|window| window == b"Oslo"));
    // Again, from the restored one, which knows it too.
    fs::remove_file(data.join(departure::FILE)).unwrap();
    assert_eq!(back(&made, &data).await.unwrap().departures, 1);

    // A database that cannot be read: the file beside it knows.
    directory::write_private(&data.join(departure::FILE), &serde_json::to_vec(&departed).unwrap()).unwrap();
    fs::write(data.join(DATABASE_FILE), b"no database").unwrap();
    let restored = back(&made, &data).await.unwrap();
    assert_eq!((restored.departures, restored.carried), (1, None));
    assert_eq!(members(&data).await, 1);
    // One that cannot be read itself is told, and nothing is touched.
    fs::write(data.join(departure::FILE), b"[{").unwrap();
    let before = all(&data);
    let refused = back(&made, &data).await.unwrap_err().to_string();
    assert!(refused.contains("which members have left") && refused.contains("--again"), "{refused}");
    assert!(all(&data) == before, "nothing was touched");
    // Of a machine that knows nothing it is back, until it is told by the certificate.
    let new = dir.path().join("new");
    assert_eq!(back(&made, &new).await.unwrap().departures, 0);
    let store = Store::open(&new).await.unwrap();
    assert_eq!(store.depart_again(&departed, "kari", Timestamp(60)).await.unwrap(), 1);
    assert_eq!(store.depart_again(&departed, "kari", Timestamp(60)).await.unwrap(), 0);
    store.close().await;
    assert_eq!(members(&new).await, 1);
}

async fn tamper(store: &Store, sql: &'static str) {
    let mut tx = store.begin().await.unwrap();
    sqlx::query(sql).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn q3_a_member_that_has_left_is_not_back_after_a_second_restore_of_a_backup_of_before_there_were_departures() {
    let dir = tempfile::tempdir().unwrap();
    let mut second = 1_000;
    let mut back = async |from: &Path, data: &Path| {
        second += 1;
        let deed = Deed::new("kari".to_owned(), "restore", On::Collector, Timestamp::from_unix(second, 0));
        restore(from, data, &deed, |_, _| {}).await.unwrap()
    };
    let data = dir.path().join("c");
    collector(&data).await;
    add(&data, "0301", "Oslo").await;
    let made = backup(&data, &dir.path().join("b"), true).await;
    let store = Store::open(&data).await.unwrap();
    let oslo = store.member_by_number(Scope::Operator, &"0301".parse().unwrap()).await.unwrap().unwrap();
    let gone = store.depart(oslo.id, Timestamp(50)).await.unwrap();
    let departed: Vec<Departed> = gone.rows.iter().map(|row| Departed { row: *row, left_at: Timestamp(50) }).collect();
    // As after a restore of such a backup: the database knows of none, the file does.
    tamper(&store, "DELETE FROM departure").await;
    directory::write_private(&data.join(departure::FILE), &serde_json::to_vec(&departed).unwrap()).unwrap();
    // Another leaves, or a certificate is shown: nobody is forgotten by that.
    assert_eq!(departures::remember(&data, &store, "kari", Timestamp(70)).await.unwrap(), 0);
    assert_eq!(store.departures(Scope::Operator).await.unwrap(), departed, "the database knows what the file did");
    store.close().await;
    fs::remove_file(data.join(departure::FILE)).unwrap();
    for _ in 0..2 {
        assert_eq!(back(&made, &data).await.departures, 1);
        assert_eq!(departures::read(&data).unwrap(), departed, "and the file what the one set aside did");
        let store = Store::open(&data).await.unwrap();
        tamper(&store, "DELETE FROM departure").await;
        // Its number is free, and what stands in the audit under it is not the next one's.
        store.add_member(&"0301".parse().unwrap(), "En annen", Timestamp(80)).await.unwrap();
        let part = store.audit_part_by_number(Scope::Operator, "0301").await.unwrap().unwrap();
        let of_it = store.audit_part_entries(&part, 0).await.unwrap();
        assert!(of_it.iter().all(|entry| entry.what != "member leave"), "{of_it:?}");
        store.close().await;
    }
}

#[tokio::test]
async fn d9_no_sensors_number_is_given_again_after_a_restore() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    let token = async |data: &Path, secret: u8| {
        let store = Store::open(data).await.unwrap();
        let given = store.add_token(1, &[secret; 32], Timestamp(1), Timestamp(2)).await.unwrap();
        store.close().await;
        given.0
    };
    assert_eq!(token(&data, 1).await, 1);
    let made = backup(&data, &dir.path().join("b"), true).await;
    assert_eq!((token(&data, 2).await, token(&data, 3).await), (2, 3));
    back(&made, &data).await.unwrap();
    assert_eq!(token(&data, 4).await, 4, "those of since are not given again");
    // Of a state that cannot be read it is not known how many there were.
    let new = dir.path().join("new");
    back(&made, &new).await.unwrap();
    assert!(token(&new, 5).await > 1_000);
}

#[tokio::test]
async fn d9_t5_a_restore_undoes_no_move_no_site_and_no_channel() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("c");
    collector(&data).await;
    add(&data, "0301", "Oslo").await;
    let site = varde_common::id::SiteId;
    let later = clock::now().plus(std::time::Duration::from_secs(3600));
    let store = Store::open(&data).await.unwrap();
    for secret in [1, 2, 3] {
        store.add_token(1, &[secret; 32], clock::now(), later).await.unwrap();
    }
    store.add_site(2, site(4), 2).await.unwrap();
    store.close().await;
    let made = backup(&data, &dir.path().join("b"), true).await;
    add(&data, "5001", "Trondheim").await;
    let store = Store::open(&data).await.unwrap();
    assert!(store.move_sensor(1, 2).await.unwrap());
    assert!(store.remove_site(2, site(4)).await.unwrap());
    store.add_site(2, site(5), 2).await.unwrap();
    store.add_site(3, site(6), 3).await.unwrap();
    let sql = "UPDATE sensor SET channel = 'pilot', channel_word = x'01', channel_at = 9 WHERE id = 3";
    tamper(&store, sql).await;
    store.close().await;
    let carried = back(&made, &data).await.unwrap().carried.unwrap();
    assert_eq!(carried.places, 3);
    let store = Store::open(&data).await.unwrap();
    let rows = store.site_rows(Scope::Operator, None).await.unwrap();
    let of: Vec<_> = rows.iter().map(|row| (row.sensor, row.site, row.member.as_str())).collect();
    // The member of site 6 is not in the backup: nobody is given its network.
    assert_eq!(of, [(1, 0, "0301"), (2, 0, "3407"), (2, 5, "0301"), (3, 0, "3407")]);
    let sensors = store.sensor_rows(Scope::Operator).await.unwrap();
    assert_eq!((sensors[0].member.as_str(), sensors[2].channel.as_str()), ("0301", "pilot"));
}
