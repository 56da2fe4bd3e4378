//! The sensor, in the order a packet travels.
//!
//! [`io::capture`] brings *frames*; [`packet`] finds the IP *packet* in one, and [`intake`] sees to it that each counts
//! once ([`duplicate`]) and whole ([`fragment`]); [`dns`] reads messages, over TCP with the help of [`stream`];
//! [`transaction`] pairs query and response, [`flow`] gathers packets into flows, [`greeting`] collects what clients say
//! first and [`hello`] reads it: these are *observations*, and [`observe`] runs the stages up to them (what they remember
//! lies in a bounded `table`).
//! [`raise`] holds observations against the indicator set and folds what matches into alerts (a storm of them paced by a
//! [`bucket`]); [`sensor`] owns all of
//! these stages and is told the time, from which it makes the [`timeline`] they go by ([`blind`] counts what none of them can see). What it decides gets its number in the [`ledger`], its host a [`pseudonym`], and is
//! written to the [`spool`]; [`ship`] keeps count of what the collector has committed, [`route`] of the way there (through a
//! [`proxy`], where there must be one), [`subscription`] of which list is in force (above which [`floor`]), [`brake`] of what is counted only, [`renewal`] of when the next certificate is asked for, and certificates are
//! checked by the [`effective_time`]; [`behind`] says how often a sensor that knows its collector no more asks why. Nothing but [`io`] touches the world.

pub mod anchor;
pub mod audience;
pub mod behind;
pub mod blind;
pub mod brake;
pub mod bucket;
pub mod command;
pub mod dns;
pub mod doctor;
pub mod duplicate;
pub mod effective_time;
pub mod exclusions;
pub mod floor;
pub mod flow;
pub mod fragment;
pub mod greeting;
pub mod health;
pub mod hello;
pub mod intake;
pub mod io;
mod keyed;
pub mod leaves;
pub mod ledger;
pub mod limits;
pub mod newness;
pub mod observe;
pub mod packet;
pub mod placed;
pub mod proxy;
pub mod pseudonym;
pub mod raise;
pub mod recent;
pub mod redacted;
pub mod refusals;
pub mod renewal;
pub mod route;
pub mod selftest;
pub mod sensor;
pub mod settings;
pub mod ship;
pub mod spool;
pub mod stream;
pub mod subscription;
mod table;
pub mod timeline;
pub mod transaction;
pub mod zone;
