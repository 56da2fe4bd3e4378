//! Whether what `inspect --json` said of a capture is what its oracle says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// What was found of what was hidden.
#[derive(Debug, Default)]
pub struct Verdict {
    /// By class of plant: found, planted.
    pub classes: BTreeMap<String, (u64, u64)>,
    /// Alerts whose evidence is not what the plant shows: what it was, what it had to be.
    pub other_evidence: Vec<String>,
    /// Alerts on decoys.
    pub decoys: Vec<String>,
    /// Alerts on anything else.
    pub others: Vec<String>,
    /// Plants nobody found.
    pub missing: Vec<String>,
}

impl Verdict {
    /// Found and planted over all classes.
    pub fn total(&self) -> (u64, u64) {
        self.classes.values().fold((0, 0), |(found, planted), (f, p)| (found + f, planted + p))
    }
}

fn text(line: &Value, key: &str) -> Option<String> {
    line.get(key).and_then(Value::as_str).map(str::to_owned)
}

fn lines(octets: &str) -> impl Iterator<Item = Result<Value>> {
    let lines = octets.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}")))
}

/// Holds alerts (JSON lines) against an oracle.
///
/// # Errors
/// When either cannot be read.
pub fn verdict(oracle: &Path, alerts: &str) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let mut wanted = HashMap::new();
    let mut decoy_clients = HashSet::new();
    let oracle = std::fs::read_to_string(oracle).with_context(|| oracle.display().to_string())?;
    for line in lines(&oracle) {
        let line = line?;
        match text(&line, "plant") {
            Some(class) => {
                verdict.classes.entry(class.clone()).or_default().1 += 1;
                let indicator = text(&line, "indicator").context("a plant without indicator")?;
                wanted.insert((indicator, text(&line, "client")), (class, text(&line, "evidence"), false));
            }
            None => {
                decoy_clients.extend(text(&line, "client"));
            }
        }
    }
    for line in lines(alerts) {
        let line = line?;
        let (indicator, client) = (text(&line, "indicator").unwrap_or_default(), text(&line, "client"));
        let is_decoy = client.as_ref().is_some_and(|client| decoy_clients.contains(client));
        match wanted.get_mut(&(indicator, client)) {
            Some((class, evidence, found)) => {
                let told = text(&line, "evidence");
                if told != *evidence {
                    verdict.other_evidence.push(format!("{class}: {told:?} for {evidence:?}: {line}"));
                }
                if !*found {
                    *found = true;
                    verdict.classes.entry(class.clone()).or_default().0 += 1;
                }
            }
            None if is_decoy => verdict.decoys.push(line.to_string()),
            None => verdict.others.push(line.to_string()),
        }
    }
    let missing = wanted.into_iter().filter(|(_, (.., found))| !found);
    verdict.missing =
        missing.map(|((indicator, client), (class, ..))| format!("{class}: {indicator} by {client:?}")).collect();
    verdict.missing.sort();
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_decoys_and_others_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let oracle = dir.path().join("oracle");
        let lines = [
            r#"{"plant":"a","indicator":"a.no","client":"10.0.0.1","evidence":"answered"}"#,
            r#"{"plant":"a","indicator":"b.no","client":null,"evidence":"attempted"}"#,
            r#"{"decoy":"d","looks_like":"a.no","client":"10.0.0.9"}"#,
        ];
        std::fs::write(&oracle, lines.join("\n")).unwrap();
        let alerts = [
            r#"{"indicator":"a.no","client":"10.0.0.1","evidence":"blocked"}"#,
            r#"{"indicator":"a.no","client":"10.0.0.9","evidence":"answered"}"#,
            r#"{"indicator":"a.no","client":"10.0.0.2","evidence":"answered"}"#,
        ];
        let verdict = verdict(&oracle, &alerts.join("\n")).unwrap();
        assert_eq!(verdict.total(), (1, 2));
        assert_eq!((verdict.other_evidence.len(), verdict.decoys.len(), verdict.others.len()), (1, 1, 1));
        assert_eq!(verdict.missing, ["a: b.no by None"]);
    }
}
