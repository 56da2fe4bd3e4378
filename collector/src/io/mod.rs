//! The only room that touches the world, beside the store.

pub mod addresses;
pub mod api;
pub mod authority;
pub mod backup;
pub mod beat;
pub mod carrier;
pub mod chain;
pub mod clock;
pub mod control;
pub mod cut_off;
pub mod departures;
pub mod directory;
pub mod doorman;
pub mod enroll;
pub mod enrolling;
pub mod extract;
pub mod feed_lane;
pub mod feed_tls;
pub mod feeds;
pub mod fetch;
pub mod frame;
pub mod gate;
pub mod handover;
pub mod importing;
mod ingests;
pub mod intake;
pub mod keyring;
pub mod keys;
pub mod listen;
pub mod lists;
pub mod live;
#[cfg(test)]
mod logged;
mod looks;
pub mod mail;
pub mod metrics;
mod news;
pub mod oidc;
pub mod onward;
pub mod outlived;
pub mod overwritten;
mod packed;
pub mod pages;
pub mod quic;
pub mod renew;
pub mod restore;
pub mod retention;
pub mod root_lane;
pub mod secret;
pub mod serve;
mod shares;
pub mod sightings;
pub mod silence;
pub mod source_turns;
pub mod sources;
pub mod staging;
pub mod talk;
pub mod tcp;
pub mod tied;
pub mod timed;
pub mod trust;
pub mod unfinished;
pub mod user;
pub mod views;
pub mod visit;
pub mod web;
pub mod weights;
pub mod wrong;

#[cfg(test)]
mod desk_forms;
#[cfg(test)]
mod difference;
#[cfg(test)]
mod doorway;
#[cfg(test)]
mod intel_forms;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod member_pages;
#[cfg(test)]
mod noted_forms;
#[cfg(test)]
mod people_forms;
#[cfg(test)]
mod provider_double;
#[cfg(test)]
mod provider_forms;
