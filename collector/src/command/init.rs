//! `varde-collector init`: makes keys and database, all or nothing; later, changes name and address.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;

use super::noted::deed;
use super::{DEFAULT_DIRECTORY, say};
use crate::address::DialAddress;
use crate::audit::On;
use crate::io::directory::{self, LOCK_FILE, Lock};
use crate::io::{clock, keys};
use crate::limits::NAME_MAX_CHARACTERS;
use crate::store::{DATABASE_FILE, RESTORE_MOVING, Store, StoreError, setting};

/// Everything is made in here and moved out when it is whole; while it stands, an init is unfinished.
const STAGING: &str = "init.tmp";

/// Arguments of `init`.
#[derive(Debug, Default, Args)]
pub struct InitArguments {
    /// The operator's name, as members see it.
    #[arg(long, value_name = "TEXT", value_parser = operator_name)]
    pub name: Option<String>,
    /// What sensors dial; goes into tokens. Can be changed.
    #[arg(long, value_name = "HOST[:PORT]")]
    pub address: Option<DialAddress>,
}

/// A name for people: something, not too long, without control characters.
///
/// # Errors
/// What would be right.
pub fn operator_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() || name.chars().any(char::is_control) || name.chars().count() > NAME_MAX_CHARACTERS {
        return Err(format!("a name has 1 to {NAME_MAX_CHARACTERS} characters on one line"));
    }
    Ok(name.to_owned())
}

/// Runs the command.
///
/// # Errors
/// Why nothing was made or changed.
pub async fn run(data: &Path, arguments: InitArguments) -> anyhow::Result<()> {
    if data.join(RESTORE_MOVING).exists() {
        bail!(StoreError::Unfinished(data.to_owned()));
    }
    if data.join(DATABASE_FILE).is_file() {
        return change(data, &arguments).await;
    }
    make(data, &arguments).await?;
    say::result(&format!(
        "Made a collector in {data}. Its keys are in {data}/keys:
  root.key       says who may sign what. Needed only to replace another key. Whoever has it is the collector.
  hunt.key       signs searches in members' history. Not needed yet.
  timestamp.key  says every hour which list is the newest, so that sensors see when lists are held back. Belongs here.
  brake.key      has single indicators counted only, for a day (indicator brake). Belongs here.
  list.key       signs lists. Here, publishing is one command (online list key), and whoever takes over this machine
                 can publish. Moved to the analyst on duty (duty key), lists wait here for a signature from there: varde-collector sign
  ca.key         lets sensors in. Needed here while sensors enrol and to renew certificates: a sensor's every ten days.
  collector.key  is this machine's own.

Now, before anything else: copy the whole directory {data}/keys to a place without network (a USB stick in a safe, two
copies). Then delete root.key and hunt.key here. The others may stay; the lines above say what that means.

Next:
  {program} run                        start it
  {program} member add NUMBER NAME     a municipality
  {program} sensor token NUMBER        a token for its sensor
  {program} indicator import FILE      what sensors look for; then: {program} publish",
        data = data.display(),
        program = program(data),
    ))?;
    if arguments.address.is_none() {
        say::aside(&format!(
            "Sensors do not know yet where to call: {} init --address HOST (a name or address the members can reach).",
            program(data)
        ));
    }
    Ok(())
}

/// The program as it must be called for this directory.
fn program(data: &Path) -> String {
    if data == Path::new(DEFAULT_DIRECTORY) {
        "varde-collector".to_owned()
    } else {
        format!("varde-collector --data {}", data.display())
    }
}

async fn change(data: &Path, arguments: &InitArguments) -> anyhow::Result<()> {
    // A leftover of the init that made this collector, if it was killed in its last moment.
    let _ = fs::remove_dir_all(data.join(STAGING));
    if arguments.name.is_none() && arguments.address.is_none() {
        bail!(
            "{} already holds a collector; nothing was changed. To change its name or address, say --name or --address",
            data.display()
        );
    }
    let store = Store::open(data).await?;
    save(&store, arguments).await?;
    store.close().await;
    if let Some(name) = &arguments.name {
        say::result(&format!("The operator's name is now {name}."))?;
    }
    if let Some(address) = &arguments.address {
        say::result(&format!("New tokens say that sensors dial {address}; tokens made before keep the old address."))?;
    }
    Ok(())
}

async fn save(store: &Store, arguments: &InitArguments) -> anyhow::Result<()> {
    if let Some(name) = &arguments.name {
        let naming = deed("init", On::Setting(setting::OPERATOR_NAME)).becomes(name.as_str());
        store.noting(naming).set_setting(setting::OPERATOR_NAME, name).await?;
    }
    if let Some(address) = &arguments.address {
        let address = address.to_string();
        let moving = deed("init", On::Setting(setting::ADDRESS)).becomes(address.as_str());
        store.noting(moving).set_setting(setting::ADDRESS, &address).await?;
    }
    Ok(())
}

async fn make(data: &Path, arguments: &InitArguments) -> anyhow::Result<()> {
    let empty = match fs::read_dir(data) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => true,
    };
    directory::make_private(data)?;
    if empty {
        directory::make_directory_private(data)?;
    }
    let _lock = Lock::take(data)?;
    let staging = data.join(STAGING);
    let moved = [data.join(keys::KEYS_DIRECTORY), data.join(keys::ROOT_FILE)];
    if staging.exists() {
        // What an unfinished init has moved out is nobody's: its database never was.
        remove(&moved[0])?;
        remove(&moved[1])?;
        remove(&staging)?;
    }
    if let Some(found) = moved.iter().find(|path| path.exists()) {
        bail!(
            "{} is there but no database: this was a collector. Restore it from a backup: varde-collector restore BACKUP, or give an empty directory with --data",
            found.display()
        );
    }
    directory::make_private(&staging)?;
    let store = Store::create(&staging).await?;
    // The first entry of all: an audit without one was emptied.
    store.note(&deed("init", On::Collector).was("nothing").becomes(format!("made in {}", data.display()))).await?;
    save(&store, arguments).await?;
    store.close().await;
    let database = staging.join(DATABASE_FILE);
    directory::make_file_private(&database)?;
    keys::make(&staging, clock::now())?;
    directory::sync_directory(&staging.join(keys::KEYS_DIRECTORY))?;
    directory::sync_directory(&staging)?;
    // The database last: where it is, all is.
    for name in [keys::KEYS_DIRECTORY, keys::ROOT_FILE, DATABASE_FILE] {
        fs::rename(staging.join(name), data.join(name))
            .with_context(|| format!("cannot move {name} into {}", data.display()))?;
        directory::sync_directory(data)?;
    }
    remove(&staging)?;
    remove(&data.join(LOCK_FILE))
}

fn remove(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        fs::remove_dir_all(path)
    } else if path.exists() {
        fs::remove_file(path)
    } else {
        Ok(())
    }
    .with_context(|| format!("cannot remove {}; see that this user owns the data directory", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Scope;
    use std::os::unix::fs::PermissionsExt;

    fn address(text: &str) -> InitArguments {
        InitArguments { name: None, address: Some(text.parse().unwrap()) }
    }

    #[tokio::test]
    async fn init_makes_all_once_and_later_changes_only_what_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("new/collector");
        make(&data, &address("varde.example")).await.unwrap();
        let mode = fs::metadata(&data).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700);
        assert!(!directory::others_may_read(&data.join(DATABASE_FILE)));
        let names = || {
            let mut names: Vec<_> =
                fs::read_dir(&data).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        assert_eq!(names(), ["keys", "root.json", DATABASE_FILE]);

        let before = fs::read(data.join(keys::ROOT_FILE)).unwrap();
        let said = run(&data, InitArguments::default()).await.unwrap_err().to_string();
        assert!(said.contains("already holds a collector"), "{said}");
        run(&data, address("other.example:1")).await.unwrap();
        run(&data, InitArguments { name: Some("CSIRT".into()), address: None }).await.unwrap();
        assert_eq!(fs::read(data.join(keys::ROOT_FILE)).unwrap(), before);
        let store = Store::open(&data).await.unwrap();
        let read = async |key: &str| store.setting(Scope::Operator, key).await.unwrap();
        assert_eq!(read(setting::ADDRESS).await.as_deref(), Some("other.example:1"));
        assert_eq!(read(setting::OPERATOR_NAME).await.as_deref(), Some("CSIRT"));
    }

    #[tokio::test]
    async fn an_init_cut_off_anywhere_looks_unfinished_and_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        for moved in 0..3 {
            let data = dir.path().join(format!("cut{moved}"));
            make(&data, &InitArguments::default()).await.unwrap();
            // Put back what a kill would have left in the staging directory.
            let staging = data.join(STAGING);
            fs::create_dir(&staging).unwrap();
            for name in [keys::KEYS_DIRECTORY, keys::ROOT_FILE, DATABASE_FILE].iter().skip(moved) {
                fs::rename(data.join(name), staging.join(name)).unwrap();
            }
            assert!(Store::open(&data).await.is_err(), "{moved} moved: it does not look done");
            make(&data, &InitArguments::default()).await.unwrap();
            assert!(Store::open(&data).await.is_ok() && !staging.exists());
            keys::ServerKeys::read(&data, clock::now()).unwrap();
        }
    }

    #[tokio::test]
    async fn a_collector_that_lost_its_database_keeps_its_keys() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), &InitArguments::default()).await.unwrap();
        fs::remove_file(dir.path().join(DATABASE_FILE)).unwrap();
        let said = run(dir.path(), InitArguments::default()).await.unwrap_err().to_string();
        assert!(said.contains("Restore"), "{said}");
        assert!(dir.path().join("keys/root.key").exists());
    }

    #[test]
    fn names_are_for_one_line() {
        assert_eq!(operator_name(" Kommune-CSIRT "), Ok("Kommune-CSIRT".to_owned()));
        for bad in ["", "  ", "a\nb", &"x".repeat(121)] {
            assert!(operator_name(bad).is_err());
        }
    }
}
