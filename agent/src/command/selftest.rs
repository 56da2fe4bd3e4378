//! `varde-agent selftest`: a made-up match goes the whole way to the collector's database and back, and each step is timed.

use std::io::ErrorKind;
use std::path::Path;

use super::Failure;
use crate::io::control::{self, Question};
use crate::io::disk::enrolling::Enrolling;
use crate::io::disk::identity::Identity;
use crate::io::self_test::{Outcome, Step, Stuck, Took};

/// Sends a made-up match the whole way: sensor, disk, collector, its database, and back.
///
/// A packet that nobody sent is read by the running sensor and meets an indicator that no list can hold. It is marked as this sensor's own
/// test, and counts nowhere as an alert. The sensor does the same once a day by itself.
///
/// --json prints one object: passed, at, steps [{step (matched, written, sent, stored), us (microseconds)}], failed {step (also session), why,
/// remedy}, null where it passed.
///
/// Exit codes: 0 it came back; 1 it did not, or could not be tried; 2 wrong usage.
#[derive(Debug, clap::Args)]
pub struct SelftestArgs {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] where it did not come back.
pub fn run(data: &Path, args: &SelftestArgs) -> Result<(), Failure> {
    let Some(said) = control::ask(data, Question::SelfTest).map_err(unheard)? else { return Err(no_agent(data)) };
    let outcome: Outcome = serde_json::from_str(&said).map_err(|_| match said.as_str() {
        "" => Failure::new("the agent has ended meanwhile, or others wait for a test already", "try again"),
        // One of before answers whatever is asked with its status.
        _ => Failure::new(
            "the agent that runs is of a version that knows no self-test",
            "restart it, so that the version that is installed runs",
        ),
    })?;
    if args.json {
        println!("{}", serde_json::to_string(&outcome).unwrap_or_default());
    } else {
        print!("{}", in_words(&outcome));
    }
    match outcome.failed {
        None => Ok(()),
        // It stands in the object already.
        Some(_) if args.json => Err(Failure { cause: String::new(), remedy: String::new(), code: 1 }),
        Some(Stuck { why, remedy, .. }) => Err(Failure::new(why, remedy)),
    }
}

/// Somebody listens, and says nothing.
fn unheard(error: std::io::Error) -> Failure {
    let remedy = match error.kind() {
        ErrorKind::PermissionDenied => "run it as root (sudo), or as the user that the service runs as",
        // One at a time: behind another that waits for each of its steps, this one was not begun.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            "another test may be under way: wait two minutes and try again; if it stays so, restart the service"
        }
        _ => "restart the service",
    };
    Failure::new(format!("the running agent does not answer: {error}"), remedy)
}

/// Nobody listens: what is missing for that.
fn no_agent(data: &Path) -> Failure {
    match Identity::read(data) {
        Ok(_) => Failure::new(
            "the agent does not run, so there is nothing to test",
            "start it: systemctl start varde-agent; varde-agent doctor says why it does not run",
        ),
        Err(_) if Enrolling::read(data).is_some() => Failure::new(
            "this sensor waits for the CSIRT's approval",
            "ask the CSIRT to approve of it (varde-collector sensor approve), and run enroll again if it was stopped",
        ),
        Err(error) => Failure::new(&error, error.remedy()),
    }
}

fn in_words(outcome: &Outcome) -> String {
    let mut lines = Vec::new();
    let all: u64 = outcome.steps.iter().map(|took| took.us).sum();
    if outcome.passed {
        lines.push(format!("Passed: a made-up match went the whole way and back in {}.", span(all)));
    }
    for Took { step, us } in &outcome.steps {
        lines.push(format!("  {:<38} {:>10}", words(*step), span(*us)));
    }
    if let Some(Stuck { step, .. }) = &outcome.failed {
        lines.push(format!("  {:<38} {:>10}", words(*step), "FAILED"));
    } else {
        lines.push("The collector keeps it as this sensor's own test; it counts as no alert.".to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}

fn words(step: Step) -> &'static str {
    match step {
        Step::Session => "session with the collector",
        Step::Matched => "read and matched by the sensor",
        Step::Written => "written to the sensor's disk",
        Step::Sent => "to the collector and back",
        Step::Stored => "stored in the collector's database",
    }
}

fn span(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use varde_common::time::Timestamp;

    #[test]
    fn what_cannot_be_tested_is_told_with_what_is_missing() {
        let directory = tempfile::tempdir().unwrap();
        let args = SelftestArgs { json: false };
        let told = run(directory.path(), &args).unwrap_err();
        assert!(told.to_string().contains("not enrolled.\nAsk the CSIRT for a token"), "{told}");
        Enrolling::begin(directory.path(), "varde1-a").unwrap();
        let told = run(directory.path(), &args).unwrap_err();
        assert!(told.cause.contains("waits for the CSIRT's approval"), "{told}");
    }

    #[test]
    fn who_waits_behind_another_test_is_told_to_try_again() {
        for kind in [ErrorKind::WouldBlock, ErrorKind::TimedOut] {
            assert!(unheard(kind.into()).remedy.contains("try again"), "{kind}");
        }
        assert_eq!(unheard(ErrorKind::BrokenPipe.into()).remedy, "restart the service");
    }

    #[test]
    fn each_step_has_its_time_and_the_one_that_failed_its_name() {
        let took = |step, us| Took { step, us };
        let steps = vec![took(Step::Matched, 640), took(Step::Written, 4_120)];
        let passed = Outcome { passed: true, at: Timestamp(1), steps: steps.clone(), failed: None };
        let words = in_words(&passed);
        assert!(words.starts_with("Passed: a made-up match went the whole way and back in 4.7 ms."), "{words}");
        assert!(words.contains("640 µs") && words.contains("4.1 ms"), "{words}");
        let stuck = Stuck { step: Step::Sent, why: "no".to_owned(), remedy: "wait".to_owned() };
        let failed = Outcome { passed: false, failed: Some(stuck), ..passed };
        let words = in_words(&failed);
        assert!(words.contains("to the collector and back") && words.contains("FAILED"), "{words}");
        assert!(!words.contains("Passed") && !words.contains("keeps it"), "{words}");
    }
}
