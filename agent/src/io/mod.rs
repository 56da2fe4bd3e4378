//! The only room that touches the world.

pub mod capture;
pub mod clock;
pub mod control;
pub mod disk;
pub mod doctor;
pub mod enroll;
pub mod gather;
pub mod host;
pub mod link;
pub mod metrics;
pub mod privilege;
pub mod run_as;
pub mod self_test;
pub mod settings;
pub mod watch;

#[cfg(test)]
mod real_clients;
