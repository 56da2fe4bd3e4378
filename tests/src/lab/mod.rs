//! Deterministic simulation (promise R2): the real cores of sensors and collector on one thread, on a clock turned by hand,
//! with faults in network, disks, clocks and processes drawn from a seed, and an [`oracle`] that knows the truth.
//!
//! A [`world`] has one [`collector`] (session, ingest, SQLite) and a few [`sensor`]s (ledger, spool, ship, reconnect) on disks
//! that crash ([`crate::model_disk`]), tied by [`line`]s that break between any two frames. In each step something happens;
//! the invariants of the design's section 3.8 are held after every one, and in the end, everybody reconnected, *taken =
//! stored ⊎ told as lost*, each once. [`lists`] have a story of their own from the same seed. Encryption and packets are not in it: real QUIC is met elsewhere.
//!
//! The same seed is the same story. A failure prints the command that repeats it.

pub mod closing;
pub mod collector;
pub mod counted;
pub mod far_end;
pub mod line;
pub mod lists;
pub mod oracle;
pub mod sensor;
pub mod steps;
pub mod world;

use std::fmt;

pub use counted::Counted;
use world::World;

/// One step of lists for so many of the rest: each is signatures and files.
const LISTS_EVERY: u64 = 4;

/// What went wrong, and how to see it again.
pub struct Failure {
    /// The story.
    pub seed: u64,
    /// Its length.
    pub steps: u64,
    /// The step that showed it.
    pub step: u64,
    /// The rule that is broken.
    pub why: String,
    /// What happened last.
    pub lately: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { seed, steps, step, why, lately } = self;
        writeln!(f, "seed {seed}, step {step} of {steps}: {why}")?;
        for line in lately {
            writeln!(f, "    {line}")?;
        }
        write!(
            f,
            "to see it again: cargo run -p varde-tests --bin bench-simulation -- --seed {seed} --steps {steps} --verbose"
        )
    }
}

/// As a test that returns it shows it.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for Failure {}

/// Lives the story of a seed: so many steps, then everybody reconnects.
///
/// # Errors
/// [`Failure`].
pub fn live(seed: u64, steps: u64, verbose: bool) -> Result<Counted, Failure> {
    let failure = |step: u64, why: anyhow::Error, lately: Vec<String>| Failure {
        seed,
        steps,
        step,
        why: format!("{why:#}"),
        lately,
    };
    let mut world = World::new(seed, verbose).map_err(|why| failure(0, why, Vec::new()))?;
    for step in 0..steps {
        if let Err(why) = world.step() {
            return Err(failure(step + 1, why, world.lately()));
        }
    }
    let mut counted = world.end().map_err(|why| failure(steps, why, world.lately()))?;
    counted += lists::live(seed, steps / LISTS_EVERY).map_err(|(step, why)| failure(step, why, Vec::new()))?;
    Ok(counted)
}
