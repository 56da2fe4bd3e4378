//! `indicator lint`: what lint has to say of every indicator.

use std::collections::BTreeMap;

use serde::Serialize;
use varde_common::indicator::Pattern;
use varde_common::tlp::Tlp;

use super::{listing, say};
use crate::intel::compile::Stored;
use crate::intel::hidden::{is_secret, told};
use crate::intel::lint::{Finding, Level, Linter};
use crate::io::clock;
use crate::limits::{BAD_ENTRIES_SHOWN, COMPILE_PAGE_ROWS};
use crate::store::{Scope, Store};

/// A finding, as `--json` gives it.
#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    indicator: String,
    rule: &'static str,
    level: Level,
    list: Option<String>,
    entry: Option<String>,
    why: String,
    remedy: String,
    held: bool,
    overridden: bool,
    can_be_overridden: bool,
}

fn rows_of(stored: &Stored, pattern: &Pattern, linter: &Linter) -> Vec<Row> {
    let findings = linter.findings(pattern, stored.of_url);
    if findings.is_empty() {
        return Vec::new();
    }
    let held = linter.holds(pattern, stored.of_url).is_some();
    // A marking that cannot be read counts as the strictest.
    let tlp = stored.tlp.parse().unwrap_or(Tlp::Red);
    let is_secret = is_secret(tlp);
    let row = |finding: Finding| Row {
        id: stored.id,
        indicator: told(stored.id, &stored.pattern, tlp),
        rule: finding.rule.as_str(),
        level: finding.level,
        can_be_overridden: finding.can_be_overridden(),
        overridden: linter.overrides(pattern, &finding),
        held: held && finding.level.holds(),
        list: finding.list,
        // What it met may be all of the indicator.
        entry: finding.entry.filter(|_| !is_secret),
        why: if is_secret { format!("not told: {tlp}") } else { finding.why.into_owned() },
        remedy: if is_secret { String::new() } else { finding.remedy.into_owned() },
    };
    findings.into_iter().map(row).collect()
}

/// Runs the command.
///
/// # Errors
/// The database's own.
pub(super) async fn run(store: &Store, json: bool) -> anyhow::Result<()> {
    let linter = store.linter(Scope::Operator, clock::now()).await?;
    let (mut after, mut count, mut told) = (0, 0u64, 0u64);
    let mut counted: BTreeMap<(Level, String), u64> = BTreeMap::new();
    let mut table = listing::table(&["ID", "INDICATOR", "LEVEL", "RULE", "WHY", "HELD"]);
    loop {
        let page = store.indicators_to_compile(Scope::Operator, after, COMPILE_PAGE_ROWS).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        count += page.len() as u64;
        let rows = page.iter().filter_map(|stored| {
            let pattern = stored.pattern.parse().ok()?;
            Some(rows_of(stored, &pattern, &linter))
        });
        let rows: Vec<Row> = rows.flatten().collect();
        if json {
            if !listing::print_json(&rows)? {
                return Ok(());
            }
            continue;
        }
        for row in rows {
            let rule = row.list.as_ref().map_or(row.rule.to_owned(), |list| format!("{} {list}", row.rule));
            *counted.entry((row.level, rule.clone())).or_default() += 1;
            told += 1;
            if told <= BAD_ENTRIES_SHOWN {
                let held = match (row.held, row.overridden) {
                    (true, _) => "yes",
                    (false, true) => "overridden",
                    (false, false) => "no",
                };
                let cells =
                    [row.id.to_string(), row.indicator, row.level.as_str().to_owned(), rule, row.why, held.to_owned()];
                table.add_row(cells.map(say::printable));
            }
        }
    }
    if json {
        return Ok(());
    }
    if told == 0 {
        say::result(&format!("Lint has nothing to say of {count} indicators."))?;
        return Ok(());
    }
    say::result(&table.to_string())?;
    if told > BAD_ENTRIES_SHOWN {
        say::aside(&format!("{} findings more; all of them: --json", told - BAD_ENTRIES_SHOWN));
    }
    for ((level, rule), findings) in counted.iter().rev() {
        say::aside(&format!("{findings} of {count} indicators: {rule} ({})", level.as_str()));
    }
    Ok(())
}
