//! What happened to greetings, counted.

use crate::hello::BadHello;

/// How many greetings were refused, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefusedHellos([u64; BadHello::ALL.len()]);

impl RefusedHellos {
    /// Counts one.
    pub fn count(&mut self, reason: BadHello) {
        if let Some(count) = self.0.get_mut(reason as usize) {
            *count += 1;
        }
    }

    /// How many for this reason.
    pub fn of(&self, reason: BadHello) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// Each reason with its number, zeros included.
    pub fn iter(&self) -> impl Iterator<Item = (BadHello, u64)> {
        BadHello::ALL.into_iter().zip(self.0)
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// What happened to greetings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GreetingCounts {
    /// TLS and QUIC hellos read.
    pub hellos: u64,
    /// HTTP requests read that name a host.
    pub requests: u64,
    /// What began like a greeting and is none, by reason.
    pub refused: RefusedHellos,
    /// Beginnings let go because the table or the memory for all of them was full.
    pub evicted: u64,
    /// Beginnings whose rest did not come within the bounds.
    pub given_up: u64,
    /// Of the last three, hellos that got far enough for the name of the server to be read.
    pub cut: u64,
}
