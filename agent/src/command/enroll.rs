//! `varde-agent enroll`: makes this machine a sensor, once.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Failure;
use crate::io::disk::{create_directory, hold};
use crate::io::enroll::enroll;

/// A token with every field at its longest.
const TOKEN_MAX_OCTETS: u64 = 8 * 1024;

/// Makes this machine a sensor, once, with the token from the CSIRT.
///
/// The token is good for one sensor and 72 hours. The key is born here and never leaves.
#[derive(Debug, clap::Args)]
pub struct EnrollArgs {
    /// A file that holds the token, or - for standard input. (Not on the command line itself: others can see that.)
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
}

/// Enrols.
///
/// # Errors
/// [`Failure`].
pub fn run(data: &Path, args: &EnrollArgs) -> Result<(), Failure> {
    let text = read_token(&args.token_file).map_err(|error| {
        let cause = format!("the token cannot be read from {}: {error}", args.token_file.display());
        Failure::new(cause, "name a file that holds the token, or - and give it on standard input")
    })?;
    create_directory(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let _held = hold(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(error, "look at the system's limits"))?;
    let card = runtime.block_on(enroll(data, &text)).map_err(|error| Failure::new(&error, error.remedy()))?;
    eprintln!("Enrolled as sensor {} of {}. Next: varde-agent run --interface NAME", card.sensor, card.member);
    Ok(())
}

fn read_token(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().lock().take(TOKEN_MAX_OCTETS).read_to_string(&mut text)?;
    } else {
        std::fs::File::open(file)?.take(TOKEN_MAX_OCTETS).read_to_string(&mut text)?;
    }
    Ok(text)
}
