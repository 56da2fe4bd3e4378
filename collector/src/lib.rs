//! The collector: what the members' sensors find comes together here.
//!
//! [`intel`] takes indicators in and publishes them as signed lists. A sensor is let in by [`enrolment`] and speaks with a
//! [`session`], within its [`quota`], and one [`thrown_out`] again and again waits; its batches go through [`ingest`], which stores each record once and, in the same transaction, has
//! [`correlate`] draw [`strand`]s, [`incident`]s of one member and, by what they share ([`link`]), [`campaign`]s over several, say how much each matters ([`priority`], by [`weights`]) and what looks like [`noise`], how wide and fast it is ([`escalation`]); [`coverage`] says who could have seen it, [`braking`] who goes by an order of the brake. [`rollout`] has a list reach the pilot group before it reaches all. [`store`] holds it all; [`present`] shows
//! it. [`api`] is what machines may ask of it and are answered. [`filter`] and [`range`] are what an analyst narrows a list by. [`silence`] says what keeps a sensor from seeing or from being heard, [`retention`] what becomes of every table in time, [`workflow`] where the work on each stands and when what was closed opens again. [`certificate`] says who is who, [`address`] where sensors dial, [`audit`] what people did here, [`beat`] that it lives, to whoever watches over it, [`arrivals`] how many strangers may stand at a door, [`behind`] how often they are told root documents. Nothing but [`io`] and [`store`] touches the world.

pub mod account;
pub mod address;
pub mod advisory;
pub mod api;
pub mod arrivals;
pub mod audit;
pub mod backup;
pub mod beat;
pub mod behind;
pub mod braking;
pub mod campaign;
pub mod certificate;
pub mod change;
pub mod command;
pub mod commons;
pub mod control;
pub mod correlate;
pub mod county;
pub mod coverage;
pub mod day;
pub mod deed;
pub mod departure;
pub mod draft;
pub mod enrolment;
pub mod escalation;
pub mod eyes;
pub mod filter;
pub mod gateway;
pub mod hearing;
pub mod incident;
pub mod ingest;
pub mod intel;
pub mod io;
pub mod limits;
pub mod link;
pub mod losses;
pub mod mail;
pub mod mark;
pub mod measure;
pub mod merger;
pub mod noise;
pub mod oidc;
pub mod present;
pub mod priority;
pub mod profile;
pub mod quota;
pub mod range;
pub mod reach;
pub mod reader;
pub mod renewal;
pub mod retention;
pub mod rollout;
pub mod roster;
pub mod session;
pub mod sets;
pub mod settings;
pub mod sight;
pub mod silence;
pub mod store;
pub mod strand;
pub mod thrown_out;
pub mod verdict;
pub mod visits;
pub mod weights;
pub mod workflow;
