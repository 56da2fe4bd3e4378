//! `varde-agent enroll`: makes this machine a sensor, once.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::sleep;
use varde_common::token::Token;
use varde_common::words::fingerprint;

use super::{Failure, proxy, settings};
use crate::io::clock;
use crate::io::disk::enrolling::Enrolling;
use crate::io::disk::identity::{Card, Identity};
use crate::io::disk::owner::{Owner, set_aside};
use crate::io::disk::{create_directory, hold};
use crate::io::enroll::{EnrolError, Wishes, enroll};
use crate::io::run_as;
use crate::limits::{ENROL_AGAIN_S, ENROL_WAITS_MAX_MIN, ENROL_WAITS_MIN};
use crate::proxy::is_host_and_port;
use crate::route::NOWHERE;
use crate::settings::Settings;

/// A token with every field at its longest.
const TOKEN_MAX_OCTETS: u64 = 8 * 1024;

/// How the process ends when nobody has approved yet (EX_TEMPFAIL of `sysexits.h`).
const EXIT_NOT_YET: u8 = 75;

/// Makes this machine a sensor, once, with the token from the CSIRT.
///
/// The token is good for one sensor and 72 hours. The key is born here and never leaves. QUIC (UDP) is tried first, then
/// TLS on TCP, through the proxy that agent.toml names, if it names one; $HTTPS_PROXY is not read, because the service
/// would not see it.
///
/// Given by root for a data directory that another user owns, it goes on as that user, so that what it makes is the service's.
///
/// Where the CSIRT approves of each sensor, eight words are shown, and it waits: read them to the CSIRT by telephone. Broken
/// off, it goes on when it is started again, also without the token.
///
/// Exit codes: 0 enrolled; 1 not enrolled, and why; 2 wrong usage; 75 the CSIRT has not approved yet, start it again.
#[derive(Debug, clap::Args)]
pub struct EnrollArgs {
    /// A file that holds the token, or - for standard input. (Not on the command line itself: others can see that.)
    /// Not needed to go on with an enrolment that was broken off.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Take the token's file away: it is removed once used, and renamed to FILE.refused where it can never be used.
    #[arg(long, requires = "token_file")]
    consume: bool,
    /// How long to wait for the CSIRT's approval, minutes.
    #[arg(long, value_name = "MINUTES", default_value_t = ENROL_WAITS_MIN, value_parser = clap::value_parser!(u64).range(0..=ENROL_WAITS_MAX_MIN))]
    wait: u64,
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
    let text = token(data, args)?;
    run_as::owner_of(data).map_err(|error| {
        let cause = format!("cannot go on as the user that owns {}: {error}", data.display());
        Failure::new(cause, "run it as that user: sudo -u USER varde-agent enroll")
    })?;
    create_directory(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let _held = hold(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let settings = settings(data)?;
    // A token that is none is told of in its place.
    if let Ok(token) = Token::from_text(&text) {
        eprintln!(
            "Enrolling at {} for {}. The collector's fingerprint is: {}\n(The CSIRT can read you the same words: varde-collector root show. Another collector is refused.)",
            token.enroll.as_str(),
            token.member.as_str(),
            fingerprint(&token.root_sha256)
        );
    }
    let wishes = Wishes { told: args.fallback.clone(), set: settings.fallback.clone(), proxy: proxy(data, &settings)? };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(error, "look at the system's limits"))?;
    let enrolled = runtime.block_on(until_approved(data, &text, &wishes, Duration::from_secs(args.wait * 60)));
    if let Some(file) = args.token_file.as_ref().filter(|_| args.consume) {
        take_away(file, &enrolled);
    }
    let card = enrolled.map_err(|error| not_enrolled(&error, &settings))?;
    let identity = Identity::read(data).map_err(|error| Failure::new(&error, error.remedy()))?;
    let before = set_aside(data, &Owner::of(&identity)).map_err(|error| Failure::new(&error, error.remedy()))?;
    if let Some(before) = before {
        eprintln!("Of before: {before}.");
    }
    eprintln!("{}", next(&card, &settings));
    Ok(())
}

/// A service would try a token that is good for nothing for ever.
fn take_away(file: &Path, enrolled: &Result<Card, EnrolError>) {
    let mut refused = file.as_os_str().to_owned();
    refused.push(".refused");
    let taken = match enrolled {
        Ok(_) => std::fs::remove_file(file),
        Err(error) if error.is_final() => std::fs::rename(file, refused),
        Err(_) => Ok(()),
    };
    if let Err(error) = taken {
        eprintln!("{} cannot be taken away: {error}", file.display());
    }
}

/// What a person is told at the end: the service that starts now has nothing to watch where no interface is named.
fn next(card: &Card, settings: &Settings) -> String {
    let next = match settings.interfaces.is_empty() {
        true => {
            "no interface is named yet. Set interfaces in agent.toml, then: systemctl restart varde-agent; or without a package: varde-agent run --interface NAME"
        }
        false => "varde-agent run; installed as a package, it starts by itself",
    };
    format!("Enrolled as sensor {} of {}. Next: {next}", card.sensor, card.member)
}

/// What was pasted, or what an enrolment that was broken off had.
fn token(data: &Path, args: &EnrollArgs) -> Result<String, Failure> {
    match &args.token_file {
        Some(file) => read_token(file).map_err(|error| {
            let cause = format!("the token cannot be read from {}: {error}", file.display());
            Failure::new(cause, "name a file that holds the token, or - and give it on standard input")
        }),
        None => Enrolling::read(data).map(|under_way| under_way.token).ok_or_else(|| {
            let remedy = "name a file that holds the token with --token-file FILE, or - and give it on standard input";
            Failure::usage("no enrolment is under way here", remedy)
        }),
    }
}

/// Enrols, and where a person is to approve first, says the words and asks again and again for so long.
async fn until_approved(data: &Path, text: &str, wishes: &Wishes, patience: Duration) -> Result<Card, EnrolError> {
    let begun = clock::monotonic();
    let mut said = false;
    loop {
        match enroll(data, text, wishes).await {
            Err(EnrolError::Waiting { words }) if clock::monotonic().saturating_duration_since(begun) < patience => {
                if !said {
                    eprintln!(
                        "The CSIRT approves of each new sensor. Read these words to it by telephone:\n\n    {words}\n\nWaiting. Ctrl-C breaks off; varde-agent enroll goes on from here, without the token."
                    );
                    said = true;
                }
                sleep(Duration::from_secs(ENROL_AGAIN_S)).await;
            }
            // Somebody pulled the plug of the way there while it waited: that is no answer.
            Err(EnrolError::Link(error)) if said && clock::monotonic().saturating_duration_since(begun) < patience => {
                eprintln!("{error}; asking again");
                sleep(Duration::from_secs(ENROL_AGAIN_S)).await;
            }
            other => return other,
        }
    }
}

/// Who has set a proxy where other programs look for it would wonder.
fn not_enrolled(error: &EnrolError, settings: &Settings) -> Failure {
    let elsewhere = ["HTTPS_PROXY", "https_proxy"].into_iter().find(|name| std::env::var_os(name).is_some());
    match (error, elsewhere) {
        (EnrolError::Waiting { .. }, _) => Failure { code: EXIT_NOT_YET, ..Failure::new(error, error.remedy()) },
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

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::id::SensorId;
    use varde_common::message::EnrolRefusal;

    fn card() -> Card {
        let (collector, member) = ("c:1".to_owned(), "Gjøvik".to_owned());
        Card { sensor: SensorId(7), collector, member, fallback: None, member_of_token: None }
    }

    #[test]
    fn a_token_is_taken_away_when_it_is_used_or_never_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let (file, refused) = (folder.path().join("token"), folder.path().join("token.refused"));
        let used = || Err(EnrolError::Refused(EnrolRefusal::Used));
        let later = || Err(EnrolError::Refused(EnrolRefusal::TooMany));
        for (enrolled, is_left, is_aside) in [(Ok(card()), false, false), (later(), true, false), (used(), false, true)]
        {
            std::fs::write(&file, "x").unwrap();
            take_away(&file, &enrolled);
            assert_eq!((file.exists(), refused.exists()), (is_left, is_aside), "{enrolled:?}");
        }
    }

    #[test]
    fn who_has_named_no_interface_is_told_to_and_to_restart() {
        let named = Settings { interfaces: vec!["eth1".to_owned()], ..Settings::default() };
        assert!(!next(&card(), &named).contains("restart"));
        let told = next(&card(), &Settings::default());
        assert!(told.contains("Set interfaces in agent.toml, then: systemctl restart varde-agent"), "{told}");
    }
}
