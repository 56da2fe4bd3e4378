//! The only room that touches the world, beside the store.

pub mod authority;
pub mod backup;
pub mod beat;
pub mod carrier;
pub mod clock;
pub mod control;
pub mod departures;
pub mod directory;
pub mod enroll;
pub mod frame;
pub mod handover;
pub mod intake;
pub mod keyring;
pub mod keys;
pub mod listen;
pub mod lists;
pub mod live;
#[cfg(test)]
mod logged;
mod news;
pub mod outlived;
pub mod overwritten;
mod pages;
pub mod quic;
pub mod renew;
pub mod restore;
pub mod root_lane;
pub mod serve;
pub mod talk;
pub mod tcp;
pub mod tied;
pub mod timed;
pub mod trust;
pub mod unfinished;
pub mod user;
pub mod views;
pub mod web;
