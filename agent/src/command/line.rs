//! The command line as a whole: what `main` reads, and what the manual and the shells' completions are made of.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use super::DATA_DEFAULT;

/// Varde's sensor: watches a network's traffic for signs its CSIRT knows, and tells the collector what matches. Nothing
/// else leaves the network.
#[derive(Debug, Parser)]
#[command(name = "varde-agent", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done; 1 something could not be run, and why; 2 wrong usage; run, doctor and status --check have their own (--help).\n\
    Something wrong? Run: varde-agent doctor. Settings: DIR/agent.toml and DIR/conf.d, else those in /etc/varde-agent. Log: standard error, RUST_LOG chooses how much."
)]
pub struct CommandLine {
    /// The data directory: identity, spool, list.
    #[arg(long, global = true, value_name = "DIR", default_value = DATA_DEFAULT)]
    pub data: PathBuf,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands. What each does is said at its arguments, where clap finds it.
#[derive(Debug, Subcommand)]
#[expect(missing_docs, reason = "a word here would take the place of what the arguments say in help")]
pub enum Command {
    Enroll(super::enroll::EnrollArgs),
    Run(super::run::RunArgs),
    Doctor(super::doctor::DoctorArgs),
    Status(super::status::StatusArgs),
    Selftest(super::selftest::SelftestArgs),
    SupportBundle(super::support_bundle::SupportBundleArgs),
    #[command(subcommand)]
    Config(super::config::ConfigCommand),
    #[command(subcommand)]
    List(super::list::ListCommand),
    Reveal(super::reveal::RevealArgs),
    Inspect(super::inspect::InspectArgs),
    WhatLeaves(super::what_leaves::WhatLeavesArgs),
    Wipe(super::wipe::WipeArgs),
}
