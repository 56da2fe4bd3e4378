//! `varde-collector`: reads the command line, sets up the log and hands over.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use varde_collector::command::{self, Cli};
use varde_collector::io::{extract, quic};

fn main() -> ExitCode {
    // Without threads, a log or settings: it has a bound on its memory.
    if extract::is_child() {
        return extract::child();
    }
    // Wrong usage ends here, with 2.
    let cli = Cli::parse();
    let filter = EnvFilter::try_from_env("VARDE_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Colours are a feature that is not built in: asked for at a terminal, they are a panic.
        .with_ansi(false)
        .with_writer(std::io::stderr)
        // A log on a full disk is lost; the program goes on.
        .log_internal_errors(false)
        .init();
    // One provider in the whole program, chosen before anything can ask for another; a second call is refused, not harmful.
    let _ = rustls::crypto::CryptoProvider::install_default((*quic::provider()).clone());
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    match runtime.block_on(command::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "varde-collector: {}", command::sentence(error));
    ExitCode::FAILURE
}
