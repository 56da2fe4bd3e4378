//! `varde-agent enroll`: makes this machine a sensor, once.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::{Failure, proxy, settings};
use crate::io::disk::identity::Identity;
use crate::io::disk::owner::{Owner, set_aside};
use crate::io::disk::{create_directory, hold};
use crate::io::enroll::{EnrolError, Wishes, enroll};
use crate::proxy::is_host_and_port;
use crate::route::NOWHERE;
use crate::settings::Settings;

/// A token with every field at its longest.
const TOKEN_MAX_OCTETS: u64 = 8 * 1024;

/// Makes this machine a sensor, once, with the token from the CSIRT.
///
/// The token is good for one sensor and 72 hours. The key is born here and never leaves. QUIC (UDP) is tried first, then
/// TLS on TCP, through the proxy that agent.toml names, if it names one; $HTTPS_PROXY is not read, because the service
/// would not see it.
#[derive(Debug, clap::Args)]
pub struct EnrollArgs {
    /// A file that holds the token, or - for standard input. (Not on the command line itself: others can see that.)
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Where to dial over TCP when UDP is blocked, or none; replaces the setting fallback and is remembered [default: port
    /// 443 of the host the token names].
    #[arg(long, value_name = "HOST:PORT", value_parser = fallback)]
    fallback: Option<String>,
}

fn fallback(text: &str) -> Result<String, String> {
    if text == NOWHERE || is_host_and_port(text) {
        return Ok(text.to_owned());
    }
    Err("give host and port such as varde.example.no:443, or none".to_owned())
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
    let settings = settings(data)?;
    let wishes = Wishes { told: args.fallback.clone(), set: settings.fallback.clone(), proxy: proxy(data, &settings)? };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(error, "look at the system's limits"))?;
    let card = runtime.block_on(enroll(data, &text, &wishes)).map_err(|error| not_enrolled(&error, &settings))?;
    let identity = Identity::read(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let before = set_aside(data, &Owner::of(&identity)).map_err(|error| Failure::new(&error, error.remedy()))?;
    if let Some(before) = before {
        eprintln!("Of before: {before}.");
    }
    eprintln!("Enrolled as sensor {} of {}. Next: varde-agent run --interface NAME", card.sensor, card.member);
    Ok(())
}

/// Who has set a proxy where other programs look for it would wonder.
fn not_enrolled(error: &EnrolError, settings: &Settings) -> Failure {
    let elsewhere = ["HTTPS_PROXY", "https_proxy"].into_iter().find(|name| std::env::var_os(name).is_some());
    match (error, elsewhere) {
        (EnrolError::Link(_), Some(name)) if settings.proxy.is_none() => Failure::new(
            error,
            format!("{}; ${name} is not read: set proxy in agent.toml if the way goes through a proxy", error.remedy()),
        ),
        (error, _) => Failure::new(error, error.remedy()),
    }
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
