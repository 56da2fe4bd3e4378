//! What a running agent can no longer do: no capability, no path but its own, no call that a sensor has no use for
//! (decision 17, S2).
//!
//! Order is everything: packet sockets are opened first, for that takes CAP_NET_RAW ([`handed`]); then [`confine`]; only then capture files
//! are opened, threads started and packets read. Landlock, seccomp and capabilities hold for a thread and for those it
//! starts, so [`confine`] refuses to run where a second thread is there already. What the kernel has not got is gone
//! without, said in the log and in `varde-agent status`; [`kernel`] says what is in force by the kernel's own word, and
//! [`probe`] tries.

pub mod calls;
mod capabilities;
pub mod handed;
pub mod kernel;
pub mod paths;
pub mod probe;

use std::path::PathBuf;

use paths::{Paths, ResolverSettings};

/// Where a running agent must still reach.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// The data directory: read and written. It must exist.
    pub data: PathBuf,
    /// Capture files and pipes that are opened, or opened again, later: read.
    pub captures: Vec<PathBuf>,
    /// Where settings stand, which are read anew when somebody says so: read.
    pub settings: PathBuf,
    /// Whether the collector goes by a name: then the system's resolver settings are read.
    pub resolves_names: bool,
}

/// What is in force from now on, as far as only the one who put it in force can know.
#[derive(Debug, Clone)]
pub struct Confined {
    /// What Landlock does.
    pub paths: Paths,
    /// Why there is no call filter; none = there is one.
    pub calls_missing: Option<String>,
    /// The resolver settings as they were.
    pub resolver: ResolverSettings,
}

#[cfg(test)]
impl Confined {
    /// For tests, which run beside others in one process and must keep their rights.
    pub(crate) fn not_at_all() -> Confined {
        let why = Some("this is a test".to_owned());
        let paths = Paths { missing: why.clone(), ..Paths::default() };
        Confined { paths, calls_missing: why, resolver: ResolverSettings::default() }
    }
}

/// Why the process was not confined.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotConfined {
    /// Other threads would keep their rights.
    #[error("{0} threads run where there should be one, and the others would keep their rights")]
    Threads(usize),
    /// A capability stayed.
    #[error("the right to read raw packets and other capabilities cannot be given up: {0}")]
    Capabilities(String),
}

/// Gives up everything that `reach` does not name, for good, for this thread and all it will start.
///
/// # Errors
/// [`NotConfined`]. A missing Landlock or seccomp is none: see [`Confined`].
pub fn confine(reach: &Reach) -> Result<Confined, NotConfined> {
    match kernel::threads() {
        // Without /proc nobody can tell; the one who calls this starts no thread before.
        None | Some(0 | 1) => {}
        Some(more) => return Err(NotConfined::Threads(more)),
    }
    capabilities::give_up().map_err(NotConfined::Capabilities)?;
    let resolver = if reach.resolves_names { ResolverSettings::now() } else { ResolverSettings::default() };
    let paths = paths::restrict(reach, &resolver);
    let calls_missing = calls::forbid().err();
    match &paths.missing {
        Some(why) => tracing::warn!("every file this user may read stays readable to the agent: {why}"),
        None => tracing::debug!(abi = paths.abi, whole = paths.whole, "paths are restricted"),
    }
    if let Some(why) = &calls_missing {
        tracing::warn!("every system call stays open to the agent: {why}");
    }
    Ok(Confined { paths, calls_missing, resolver })
}
