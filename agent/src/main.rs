//! The sensor's program: reads its command line, sets up the log, and hands over to a command.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tracing_subscriber::EnvFilter;
use varde_agent::command::{self, DATA_DEFAULT, Failure};

/// Varde's sensor: watches a network's traffic for signs its CSIRT knows, and tells the collector what matches. Nothing
/// else leaves the network.
#[derive(Debug, Parser)]
#[command(name = "varde-agent", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done; 1 something could not be run, and why; 2 wrong usage; run, doctor and status --check have their own (--help).\n\
    Something wrong? Run: varde-agent doctor. Settings: DIR/agent.toml and DIR/conf.d, else those in /etc/varde-agent. Log: standard error, RUST_LOG chooses how much."
)]
struct CommandLine {
    /// The data directory: identity, spool, list.
    #[arg(long, global = true, value_name = "DIR", default_value = DATA_DEFAULT)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

// What each does is said at its arguments.
#[derive(Debug, Subcommand)]
enum Command {
    Enroll(command::enroll::EnrollArgs),
    Run(command::run::RunArgs),
    Doctor(command::doctor::DoctorArgs),
    Status(command::status::StatusArgs),
    SupportBundle(command::support_bundle::SupportBundleArgs),
    #[command(subcommand)]
    Config(command::config::ConfigCommand),
    #[command(subcommand)]
    List(command::list::ListCommand),
    Reveal(command::reveal::RevealArgs),
    Inspect(command::inspect::InspectArgs),
    WhatLeaves(command::what_leaves::WhatLeavesArgs),
    Wipe(command::wipe::WipeArgs),
}

fn main() -> ExitCode {
    let matches = CommandLine::command().try_get_matches().unwrap_or_else(|error| wrong_usage(&error));
    let line = match CommandLine::from_arg_matches(&matches) {
        Ok(line) => line,
        Err(error) => error.exit(),
    };
    let usual = match &line.command {
        // It says itself what it did, to the person who stands there.
        Command::List(_)
        | Command::Wipe(_)
        | Command::Config(_)
        | Command::WhatLeaves(_)
        | Command::Doctor(_)
        | Command::SupportBundle(_) => "error",
        Command::Enroll(_) | Command::Run(_) | Command::Status(_) | Command::Reveal(_) | Command::Inspect(_) => "info",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are a feature that is not built in: asked for at a terminal, they are a panic.
        .with_ansi(false)
        // A log on a full disk is lost; the program goes on.
        .log_internal_errors(false)
        .init();
    let data = &line.data;
    let result = match line.command {
        Command::Enroll(args) => command::enroll::run(data, &args),
        Command::Run(mut args) => {
            if let Some(matches) = matches.subcommand_matches("run") {
                args.number_sources(matches);
            }
            command::run::run(data, &args)
        }
        Command::Config(config) => command::config::run(data, &config),
        Command::List(list) => command::list::run(data, &list),
        Command::Doctor(args) => return command::doctor::run(data, &args),
        Command::SupportBundle(args) => command::support_bundle::run(data, &args),
        Command::Status(args) => command::status::run(data, &args),
        Command::Reveal(args) => command::reveal::run(data, &args),
        Command::WhatLeaves(args) => command::what_leaves::run(&args),
        Command::Wipe(args) => command::wipe::run(data, &args),
        // It says all it has to say itself, beside what it found.
        Command::Inspect(args) => return command::inspect::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            tell(&failure);
            ExitCode::from(failure.code)
        }
    }
}

/// Tells what is wrong with a command line, or the help that was asked for, and leaves. What `doctor` leaves with says how the sensor is, so
/// that its own wrong usage has another number (EX_USAGE of `sysexits.h`).
fn wrong_usage(error: &clap::Error) -> ! {
    if error.use_stderr() && std::env::args_os().any(|argument| argument == "doctor") {
        let _ = error.print();
        std::process::exit(64);
    }
    error.exit()
}

/// One sentence of cause, one of remedy; `status --check` has said it all by then.
fn tell(failure: &Failure) {
    if !failure.cause.is_empty() {
        eprintln!("{failure}");
    }
}
