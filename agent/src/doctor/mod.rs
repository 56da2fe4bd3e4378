//! What may be wrong with a sensor, judged: facts in, findings out. Nothing here asks anybody; [`crate::io::doctor`] gathers.
//!
//! A finding has a key that never changes, how bad it is, and the values that its sentences name ([`words`]).

pub mod facts;
mod machine;
mod standing;
mod watching;
mod way;
pub mod words;

pub use facts::Facts;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is well.
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// It does not do what it is there for.
    Fail,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its name, for machines and for the table in `agent/README.md`.
    pub key: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What its sentences name.
    pub values: Vec<(&'static str, String)>,
}

impl Finding {
    fn new(severity: Severity, key: &'static str) -> Finding {
        Finding { key, severity, values: Vec::new() }
    }

    fn ok(key: &'static str) -> Finding {
        Finding::new(Severity::Ok, key)
    }

    fn warn(key: &'static str) -> Finding {
        Finding::new(Severity::Warn, key)
    }

    fn fail(key: &'static str) -> Finding {
        Finding::new(Severity::Fail, key)
    }

    fn with(mut self, name: &'static str, value: impl std::fmt::Display) -> Finding {
        self.values.push((name, value.to_string()));
        self
    }
}

/// All findings, in the order in which a person looks for what is wrong.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    machine::judge_settings(facts, &mut findings);
    machine::judge_data(facts, &mut findings);
    standing::judge_enrolment(facts, &mut findings);
    machine::judge_process(facts, &mut findings);
    watching::judge_interfaces(facts, &mut findings);
    watching::judge_traffic(facts, &mut findings);
    machine::judge_clock(facts, &mut findings);
    standing::judge_list(facts, &mut findings);
    way::judge_way(facts, &mut findings);
    standing::judge_spool(facts, &mut findings);
    machine::judge_sandbox(facts, &mut findings);
    findings
}

/// The worst of them.
pub fn worst(findings: &[Finding]) -> Severity {
    findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok)
}

#[cfg(test)]
mod tests;
