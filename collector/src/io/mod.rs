//! The only room that touches the world, beside the store.

pub mod authority;
pub mod backup;
pub mod carrier;
pub mod clock;
pub mod control;
pub mod directory;
pub mod enroll;
pub mod frame;
pub mod keyring;
pub mod keys;
pub mod listen;
pub mod lists;
pub mod live;
mod news;
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
pub mod user;
pub mod views;
pub mod web;
