//! Stories drawn from a seed, for runs longer than a test.

use varde_common::indicator::Severity;

use super::Step;
use crate::model_disk::{CRASHES, Crash};
use crate::random::Random;

/// So many steps, the same for the same seed.
pub fn drawn(seed: u64, steps: usize) -> Vec<Step> {
    let mut random = Random::seeded(seed);
    (0..steps).map(|_| step(&mut random)).collect()
}

fn step(random: &mut Random) -> Step {
    match random.below(20) {
        0..=4 => Step::Alerts(random.within(1, 6) as u8, Severity::from_level(random.below(5) as u8)),
        5 => Step::Update(random.within(1, 20) as u8),
        6 => Step::Event,
        7..=11 => Step::Sync,
        12..=13 => Step::Acknowledge(random.within(0, 100) as u8),
        14 => Step::Later(random.within(1, 5) as u8),
        15 => Step::Full(random.below(1500) as u16),
        16 => Step::Room,
        17 => Step::Restart,
        18 => Step::PowerFails(random.one_of(&CRASHES).copied().unwrap_or(Crash::Draws)),
        _ => Step::SyncFails(random.below(12) as u8),
    }
}
