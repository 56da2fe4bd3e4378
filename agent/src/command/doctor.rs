//! `varde-agent doctor`: what is wrong with this sensor, its machine, its mirror and its way to the collector, and what to do.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use super::doctor_facts::gather;
use crate::doctor::words::{Language, Words};
use crate::doctor::{Finding, Severity, judge, worst};
use crate::io::doctor::machine;
use crate::io::run_as;

/// Looks for what is wrong, beside a running sensor or without one, and says what to do about it.
///
/// It looks at settings, data directory and disk, enrolment and certificate, interfaces and the mirror they get, the clock, the
/// list, the way to the collector over UDP and TCP and who stands in it, what waits, and what the running sensor has given up.
/// It sends nothing but two handshakes to the collector, and changes nothing. As root it goes on as the user the sensor runs as, once it has looked.
///
/// Exit codes: 0 all is well; 1 somebody should look; 2 the sensor does not do what it is there for; 64 wrong usage.
///
/// --json prints one object: severity (ok, warn, fail), and findings [{key, severity, cause, remedy (null where nothing is to be
/// done), values {NAME: text}}]. Keys never change their meaning; agent/README.md explains each.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// In this language; else that of the locale (LC_ALL, LC_MESSAGES, LANG).
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    lang: Option<Language>,
    /// Print also what is well.
    #[arg(long)]
    all: bool,
    /// Do not try the way to the collector.
    #[arg(long)]
    offline: bool,
}

#[derive(Debug, Serialize)]
struct Printed {
    severity: Severity,
    findings: Vec<PrintedFinding>,
}

#[derive(Debug, Serialize)]
struct PrintedFinding {
    key: &'static str,
    severity: Severity,
    cause: String,
    remedy: Option<String>,
    values: std::collections::BTreeMap<&'static str, String>,
}

/// Looks, tells, and gives the code to leave with.
pub fn run(data: &Path, args: &DoctorArgs) -> ExitCode {
    // Asked before root becomes the data directory's owner: it is about who asks.
    let may_capture = machine::may_capture();
    // As the service sees it, and so that no file is left that only root may read.
    if let Err(error) = run_as::owner_of(data) {
        eprintln!("varde-agent: cannot go on as the owner of {}: {error}.\nRun it as that user.", data.display());
        return ExitCode::from(2);
    }
    let findings = judge(&gather(data, !args.offline, may_capture));
    let words = Words::of(args.lang.unwrap_or_else(language));
    if args.json {
        print!("{}", in_json(&findings, &words));
    } else {
        print!("{}", in_words(&findings, &words, args.all));
    }
    ExitCode::from(match worst(&findings) {
        Severity::Ok => 0,
        Severity::Warn => 1,
        Severity::Fail => 2,
    })
}

/// By the locale.
pub(super) fn language() -> Language {
    let said: Vec<String> =
        ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok()).collect();
    Language::of_locale(said.iter().map(String::as_str))
}

fn in_json(findings: &[Finding], words: &Words) -> String {
    let printed = findings.iter().map(|finding| {
        let said = words.said(finding);
        let Finding { key, severity, values } = finding.clone();
        PrintedFinding { key, severity, cause: said.cause, remedy: said.remedy, values: values.into_iter().collect() }
    });
    let printed = Printed { severity: worst(findings), findings: printed.collect() };
    let mut text = serde_json::to_string(&printed).unwrap_or_default();
    text.push('\n');
    text
}

/// The worst first; of equals in the order in which a person looks.
fn in_words(findings: &[Finding], words: &Words, all: bool) -> String {
    let mut shown: Vec<&Finding> = findings.iter().filter(|finding| all || finding.severity > Severity::Ok).collect();
    shown.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut lines = Vec::new();
    for finding in shown {
        let said = words.said(finding);
        let severity = match finding.severity {
            Severity::Ok => words.text("severity-ok", &[]),
            Severity::Warn => words.text("severity-warn", &[]),
            Severity::Fail => words.text("severity-fail", &[]),
        };
        lines.push(format!("{severity}  {}  [{}]", said.cause, finding.key));
        if let Some(remedy) = said.remedy {
            lines.push(format!("    {} {remedy}", words.text("remedy-is", &[])));
        }
    }
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count().to_string();
    let values = [
        ("checked", findings.len().to_string()),
        ("warnings", count(Severity::Warn)),
        ("failures", count(Severity::Fail)),
    ];
    lines.push(match worst(findings) {
        Severity::Ok => words.text("summary-ok", &values),
        Severity::Warn => words.text("summary-warn", &values),
        Severity::Fail => words.text("summary-fail", &values),
    });
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first_with_what_to_do_and_what_is_well_only_where_it_is_asked_for() {
        let finding = |key, severity| Finding { key, severity, values: vec![("why", "fordi".to_owned())] };
        let findings = [
            finding("clock-ok", Severity::Ok),
            finding("settings-not-taken", Severity::Warn),
            finding("settings-bad", Severity::Fail),
        ];
        let words = Words::of(Language::Nb);
        let told = in_words(&findings, &words, false);
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 5, "{told}");
        assert_eq!(lines[0], "FEIL  Innstillingene kan ikke brukes: fordi  [settings-bad]");
        assert!(lines[1].starts_with("    Gjør dette: Rett linjen") && lines[2].starts_with("ADVARSEL"), "{told}");
        assert!(lines[4].starts_with("1 ting hindrer") && lines[4].contains("1 andre"), "{told}");
        assert!(in_words(&findings, &words, true).contains("[clock-ok]"));
        let json: serde_json::Value = serde_json::from_str(&in_json(&findings, &Words::of(Language::En))).unwrap();
        assert_eq!(
            (json["severity"].as_str(), json["findings"][2]["key"].as_str()),
            (Some("fail"), Some("settings-bad"))
        );
        assert_eq!(json["findings"][2]["cause"], "The settings cannot be used: fordi");
        assert!(json["findings"][0]["remedy"].is_null() && json["findings"][2]["values"]["why"] == "fordi");
    }

    #[test]
    fn a_machine_that_is_no_sensor_is_told_so_and_fails() {
        let directory = tempfile::tempdir().unwrap();
        let findings = judge(&gather(directory.path(), true, true));
        assert!(findings.iter().any(|finding| finding.key == "not-enrolled" && finding.severity == Severity::Fail));
        let missing = judge(&gather(&directory.path().join("none"), true, true));
        assert!(missing.iter().any(|finding| finding.key == "data-missing"), "{missing:?}");
        std::fs::write(directory.path().join("agent.toml"), "spol_max_mib = 1").unwrap();
        let bad = judge(&gather(directory.path(), true, true));
        let bad = bad.iter().find(|finding| finding.key == "settings-bad").unwrap();
        assert!(bad.values[0].1.contains("line 1") && bad.values[0].1.contains("spool_max_mib"), "{bad:?}");
    }
}
