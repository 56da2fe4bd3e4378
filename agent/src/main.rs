//! The sensor's program: reads its command line, sets up the log, and hands over to a command.

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};
use tracing_subscriber::EnvFilter;
use varde_agent::command::line::{Command, CommandLine};
use varde_agent::command::{self, Failure};

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
        | Command::Selftest(_)
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
        Command::Selftest(args) => command::selftest::run(data, &args),
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
