//! Network namespaces and the cables between them: a kernel's worth of network for each machine of a scenario.

use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, anyhow, ensure};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::programs::said;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// Whether this process may make namespaces. Says loudly what is left out if not.
pub fn allowed() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !root {
        eprintln!("SKIPPED: this scenario lays real cables and needs root; run tests/run, which uses sudo");
    }
    root
}

#[derive(Debug)]
struct Made {
    name: String,
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).output();
    }
}

/// A namespace; deleted when the last that holds it lets go.
#[derive(Debug, Clone)]
pub struct Namespace {
    made: Arc<Made>,
}

impl Namespace {
    /// Makes one with a name no other process uses, its loopback up.
    ///
    /// # Errors
    /// When the kernel or our rights refuse.
    pub fn new(purpose: &str) -> Result<Namespace> {
        let name = format!("varde-{}-{}-{purpose}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        said(Command::new("ip").args(["netns", "add", &name]))?.ok().context("cannot make a network namespace")?;
        let namespace = Namespace { made: Arc::new(Made { name }) };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.made.name
    }

    /// `ip -netns NAME` and the words of `arguments`.
    ///
    /// # Errors
    /// What `ip` said.
    pub fn ip(&self, arguments: &str) -> Result<()> {
        let mut command = Command::new("ip");
        command.args(["-netns", self.name()]).args(arguments.split_whitespace());
        said(&mut command)?.ok().with_context(|| format!("ip {arguments}")).map(drop)
    }

    /// A command line that runs inside.
    pub fn command(&self, program: &str) -> Command {
        self.around(&Command::new(program))
    }

    /// The same command line, inside; environment changes are kept.
    pub fn around(&self, command: &Command) -> Command {
        let mut inside = Command::new("ip");
        inside.args(["netns", "exec", self.name()]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(key, value),
                None => inside.env_remove(key),
            };
        }
        inside
    }

    /// Does something on a thread of its own inside: sockets that it opens stay inside, wherever they are used later.
    ///
    /// # Errors
    /// When the namespace cannot be entered, or the work panicked.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let namespace = fs::File::open(format!("/run/netns/{}", self.name()))?;
        let inside = || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(work())
        };
        std::thread::scope(|scope| scope.spawn(inside).join()).map_err(|_| anyhow!("the work inside panicked"))?
    }

    /// Lets it pass packets on, both families.
    ///
    /// # Errors
    /// When a switch cannot be set.
    pub fn forward(&self) -> Result<()> {
        let mut command = self.command("sh");
        command.args(["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"]);
        said(&mut command)?.ok().map(drop)
    }
}

/// One end of a cable.
#[derive(Debug, Clone, Copy)]
pub struct End<'a> {
    /// Where.
    pub namespace: &'a Namespace,
    /// What the interface is called there.
    pub interface: &'a str,
    /// Its addresses with prefix length.
    pub addresses: &'a [&'a str],
}

/// Lays a cable (a veth pair) and brings both ends up.
///
/// # Errors
/// What `ip` said.
pub fn cable(a: End<'_>, b: End<'_>) -> Result<()> {
    ensure!(a.interface.len() < 16 && b.interface.len() < 16, "interface names have at most 15 letters");
    let (here, there) = (a.namespace.name(), b.namespace.name());
    let mut command = Command::new("ip");
    command.args(["link", "add", a.interface, "netns", here, "type", "veth", "peer", "name", b.interface]);
    said(command.args(["netns", there]))?.ok().context("cannot lay a cable")?;
    for end in [a, b] {
        for address in end.addresses {
            // No wait for duplicate addresses: there is nobody else on a cable.
            let nodad = if address.contains(':') { "nodad" } else { "" };
            end.namespace.ip(&format!("address add {address} dev {} {nodad}", end.interface))?;
        }
        end.namespace.ip(&format!("link set {} up", end.interface))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_namespaces_reach_each_other_over_a_cable_and_are_gone_afterwards() {
        if !allowed() {
            return;
        }
        let (a, b) = (Namespace::new("a").unwrap(), Namespace::new("b").unwrap());
        cable(
            End { namespace: &a, interface: "a0", addresses: &["192.0.2.1/30", "2001:db8::1/64"] },
            End { namespace: &b, interface: "b0", addresses: &["192.0.2.2/30", "2001:db8::2/64"] },
        )
        .unwrap();
        let mut command = b.command("sh");
        command.args(["-c", "ip -brief address show b0"]);
        let shown = said(&mut command).unwrap().ok().unwrap().out;
        assert!(shown.contains("192.0.2.2/30") && shown.contains("2001:db8::2/64"), "{shown}");
        let name = a.name().to_owned();
        drop(a);
        let left = said(Command::new("ip").args(["netns", "list"])).unwrap().out;
        assert!(!left.contains(&name));
    }
}
