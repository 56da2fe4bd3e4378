//! The laboratory: everything that brings real packets, real processes and hostile peers before the two programs.
//!
//! The story in order: [`random`] draws from a printed seed; [`traffic`] turns what it draws into IP packets (lookups,
//! connections, whole municipalities); [`capture`] writes them as any file a sensor may be given, or feeds them through a
//! pipe as if live. [`programs`] builds, starts and kills the two programs, also at a [`terminal`]; [`community`] makes of them a collector with
//! members, each with an [`agent`], and reads its [`listing`]s; [`namespaces`] lays cables between kernels' networks, on which [`wire`] puts frames. [`hostile_lane`] stands in a collector's place; [`hostile_collector`] is a collector that
//! breaks every rule, [`browser`] a real one for the page, [`person`] one who has only a browser's manners, and [`sensor_double`] a sensor light enough to have a [`fleet`] of fifty, a [`swarm`] at work, or a
//! crowd of [`hostile_sensor`]s. [`secrets`] searches for what must not be
//! found. What benches [`measure`] with is here too, and an audit that is [filled](audit_filled). The [`demo`] is the same laboratory with people watching.
//!
//! The [`lab`] has neither packets nor processes: the cores alone, on disks of [`model_disk`], with everything that can go wrong drawn
//! from a seed. [`badnet`] is a bad network for the real programs, and [`oracle`] closes their books by what it finds in [`places`].
//!
//! [`bulk`] writes millions of packets for the benches; [`hostile`] those an attacker would send, with [`allocations`] to
//! see what they cost; [`seldom`] has what is sound and rare, [`odd`] bends whole captures, and what two programs have [`seen`] in one is held against each other.
//!
//! [`model_disk`] is a disk that forgets what was not fsynced, and [`spool_story`] what a spool must make of it; [`fault`] lets the disk
//! of a real program fail, [`power`] takes away what it had not made safe, and [`hits`] gives it something to write.
//!
//! [`sector`] is a year of a whole sector with its truth known, to judge what a collector makes of it.
//!
//! [`papers`] makes what lies beside the programs in their [`packages`], and a [`machine`] is a whole Debian that boots, to install them in.
//!
//! [`feed_server`] serves intelligence as it is told, well or as no server should.
//! [`python`] has the programs and libraries of others that ours are held against, [`node`] those that steer a browser over every page.
//!
//! [`guides`] reads the guides and runs each command in them as their reader would.
//!
//! The scenarios in `tests/` are named for the promise they keep.

pub mod agent;
pub mod alerts;
pub mod allocations;
pub mod audit_filled;
pub mod badnet;
pub mod browser;
pub mod bulk;
pub mod capture;
pub mod community;
pub mod demo;
pub mod fault;
pub mod feed_server;
pub mod fleet;
pub mod fuzz_targets;
pub mod guides;
pub mod hits;
pub mod hostile;
mod hostile_authority;
pub mod hostile_collector;
pub mod hostile_lane;
pub mod hostile_sensor;
pub mod initials;
pub mod installed;
pub mod lab;
pub mod list_attacks;
pub mod listing;
pub mod machine;
pub mod mail_server;
pub mod measure;
pub mod model_disk;
pub mod namespaces;
pub mod node;
pub mod odd;
pub mod oracle;
pub mod packages;
pub mod papers;
pub mod person;
pub mod places;
pub mod power;
pub mod programs;
pub mod proxy;
pub mod python;
pub mod random;
pub mod sealed;
pub mod secrets;
pub mod sector;
pub mod seeds;
pub mod seen;
pub mod seldom;
pub mod sensor_double;
pub mod servers;
pub mod spool_story;
pub mod steered;
pub mod strangers;
pub mod swarm;
pub mod terminal;
pub mod traffic;
pub mod watch;
pub mod way_in;
pub mod wire;
