//! A CSIRT's and a member's Debian 12 with the packages in them, and a desk at the member whose traffic the sensor sees.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::machine::Machine;
use crate::namespaces::{End, Namespace, cable};
use crate::programs::{PATIENCE, eventually, said};

/// The interface at the member that a switch mirrors to.
pub const MIRROR: &str = "speil";
/// The desk's, at the other end of that cable.
pub const DESK: &str = "desk";

/// Two machines that run, with a cable between.
#[derive(Debug)]
pub struct Installed {
    /// Where the collector is installed, at 192.0.2.10.
    pub csirt: Machine,
    /// Where the sensor is.
    pub member: Machine,
    /// Whose traffic the sensor sees on [`MIRROR`].
    pub desk: Namespace,
    /// The network of the member's machine.
    pub network: Namespace,
    _networks: [Namespace; 1],
}

impl Installed {
    /// Boots both, with nothing of ours in them.
    ///
    /// # Errors
    /// No rights in a container, or no Debian to be had.
    pub fn boot(folder: &Path) -> Result<Installed> {
        let [csirt, member] = [Namespace::new("csirt")?, Namespace::new("member")?];
        let desk = Namespace::new("desk")?;
        let end = |namespace, interface, addresses| End { namespace, interface, addresses };
        cable(end(&csirt, "out", &["192.0.2.10/24"]), end(&member, "out", &["192.0.2.20/24"]))?;
        cable(end(&desk, DESK, &["10.7.0.2/24"]), end(&member, MIRROR, &["10.7.0.1/24"]))?;
        let (first, second) = std::thread::scope(|scope| {
            let first = scope.spawn(|| Machine::boot(&folder.join("csirt"), &csirt));
            (first.join(), Machine::boot(&folder.join("member"), &member))
        });
        let first = first.map_err(|_| anyhow::anyhow!("booting panicked"))??;
        Ok(Installed { csirt: first, member: second?, desk, network: member, _networks: [csirt] })
    }

    /// Installs the collector from answers alone, with a member of number 3407 and these indicators in its first list.
    ///
    /// # Errors
    /// What dpkg or the collector said.
    pub fn begin_collecting(&self, deb: &Path, indicators: &str) -> Result<()> {
        let answers = "varde-collector varde-collector/name string Prøve-CSIRT\nvarde-collector varde-collector/address string 192.0.2.10\n";
        install(&self.csirt, deb, answers)?;
        self.csirt.until("varde-collector", "active")?;
        self.collector(&["member", "add", "3407", "Gjøvik"])?;
        fs::write(self.csirt.root().join("var/lib/list.txt"), indicators)?;
        self.collector(&["indicator", "import", "/var/lib/list.txt"])?;
        self.collector(&["publish"]).map(drop)
    }

    /// A command of the collector, as its user.
    ///
    /// # Errors
    /// What it said.
    pub fn collector(&self, words: &[&str]) -> Result<String> {
        let line = ["runuser", "-u", "varde-collector", "--", "varde-collector"];
        self.csirt.ask(line.iter().chain(words).copied())
    }

    /// A token for a sensor of the member.
    ///
    /// # Errors
    /// What the collector said.
    pub fn token(&self) -> Result<String> {
        let said = self.collector(&["sensor", "token", "3407"])?;
        Ok(said.split_whitespace().find(|word| word.starts_with("varde1-")).context("no token")?.to_owned())
    }

    /// Has the desk ask for a name. Nobody answers: the question is enough.
    ///
    /// # Errors
    /// When dig cannot be started.
    pub fn look_up(&self, name: &str) -> Result<()> {
        let mut dig = self.desk.command("dig");
        said(dig.args(["@10.7.0.1", name, "+tries=1", "+time=1"])).map(drop)
    }

    /// How often a name was met, by what the collector has: none or one alert.
    ///
    /// # Errors
    /// What the collector said.
    pub fn met(&self, name: &str) -> Result<Vec<u64>> {
        let listed = self.collector(&["alert", "list", "--json"])?;
        let alerts = listed.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<Value>, _>>()?;
        let of = alerts.iter().filter(|alert| alert["indicator"].as_str().is_some_and(|own| own.contains(name)));
        Ok(of.filter_map(|alert| alert["count"].as_u64()).collect())
    }

    /// What the sensor says of itself; null where it does not.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn status(&self) -> Result<Value> {
        let told = self.member.run(["varde-agent", "status", "--json"])?;
        Ok(serde_json::from_str(&told.out).unwrap_or_default())
    }

    /// Waits for what the running sensor says of itself.
    ///
    /// # Errors
    /// With the machine's log, when it does not say so.
    pub fn until(&self, what: &str, so: impl Fn(&Value) -> bool) -> Result<Value> {
        let mut last = Value::Null;
        eventually(what, PATIENCE, || {
            last = self.status()?;
            Ok(so(&last).then(|| last.clone()))
        })
        .with_context(|| {
            let journal = self.member.run(["journalctl", "--no-pager", "--lines", "60"]);
            journal.map(|said| said.out).unwrap_or_default()
        })
    }
}

fn put(deb: &Path, machine: &Machine, name: &str) -> Result<String> {
    fs::copy(deb, machine.root().join("var").join(name))?;
    Ok(format!("/var/{name}"))
}

/// `dpkg --install`, after these answers; gives what it said.
///
/// # Errors
/// The same, when it fails.
pub fn install(machine: &Machine, deb: &Path, answers: &str) -> Result<String> {
    let file = put(deb, machine, "package.deb")?;
    if !answers.is_empty() {
        machine.tell(["debconf-set-selections"], answers)?;
    }
    let told = machine.run(["dpkg", "--install", &file])?;
    fs::remove_file(machine.root().join("var/package.deb"))?;
    let told = told.ok().context("dpkg --install")?;
    Ok(told.out + &told.err)
}
