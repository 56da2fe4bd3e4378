//! The rows of a list to take along: for a spreadsheet, for programs, and as text that nobody can click on. What is marked for few goes by its
//! number, as on the page; the strictest marking stands on the whole.

use serde_json::{Map, Value, json};
use varde_common::time::Timestamp;
use varde_common::tlp::Tlp;

use crate::present::shown::Shown;
use crate::store::Scope;
use crate::store::campaign::CampaignView;
use crate::store::desk::group::{Group, Groups, InCase};
use crate::store::desk::incidents::{Listed, Page};

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Values with semicolons between, as a Norwegian spreadsheet opens them.
    Csv,
    /// One object.
    Json,
    /// Indicators, one a line, defanged.
    Defanged,
}

impl Form {
    /// As an address has it.
    pub fn named(word: &str) -> Option<Form> {
        match word {
            "csv" => Some(Form::Csv),
            "json" => Some(Form::Json),
            "defanged" => Some(Form::Defanged),
            _ => None,
        }
    }

    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Form::Csv => "text/csv; charset=utf-8",
            Form::Json => "application/json",
            Form::Defanged => "text/plain; charset=utf-8",
        }
    }

    /// How such a file's name ends.
    pub fn ending(self) -> &'static str {
        match self {
            Form::Csv => "csv",
            Form::Json => "json",
            Form::Defanged => "txt",
        }
    }
}

/// What an export lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Rows that there are, in it or not.
    pub of: i64,
    /// Since when alerts are counted; none = all of the range are.
    pub since: Option<Timestamp>,
}

impl Cut {
    /// Of a list with so many rows, of which there is another page or not.
    fn of(of: i64, has_more: bool, since: Option<Timestamp>) -> Option<Cut> {
        (has_more || since.is_some()).then_some(Cut { of, since })
    }
}

/// Rows of named values.
#[derive(Debug, Clone, PartialEq)]
pub struct Export {
    /// What is in it.
    pub what: &'static str,
    /// The strictest of all.
    pub tlp: Tlp,
    /// What it lacks; none = nothing.
    pub cut: Option<Cut>,
    /// Its rows.
    pub rows: Vec<Map<String, Value>>,
}

fn row(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn names(cases: &[InCase]) -> Vec<&str> {
    cases.iter().map(|case| case.name.as_str()).collect()
}

/// An unreadable marking is the strictest.
fn marking(text: &str) -> Tlp {
    text.parse().unwrap_or(Tlp::Red)
}

impl Export {
    /// The alert list.
    pub fn alerts(groups: &Groups) -> Export {
        let tlp = groups.items.iter().map(|group| marking(&group.indicator.tlp)).max();
        let of = |group: &Group| {
            let shown = group.indicator.pattern.as_deref().map(|pattern| pattern.trim_start_matches('=').to_owned());
            row(json!({
                "tlp": group.indicator.tlp,
                "indicator": shown.unwrap_or_else(|| format!("confidential indicator {}", group.indicator.id)),
                "kind": group.indicator.kind,
                "threat": group.indicator.threat,
                "sources": group.sources,
                "confidence": group.indicator.confidence,
                "first_seen": group.first_seen.clamped(),
                "last_seen": group.last_seen.clamped(),
                "members": group.members.len(),
                "able_to_see": group.coverage.as_ref().map(|coverage| coverage.able.len()),
                "members_total": group.coverage.as_ref().map(crate::coverage::Coverage::total),
                "alerts": group.alerts,
                "new": group.fresh,
                "evidence": word(crate::api::EVIDENCE, group.evidence),
                "severity": word(crate::api::SEVERITIES, group.severity),
                "exercise": group.exercise,
                "in_history": group.retro,
                "incidents": names(&group.incidents),
                "campaigns": names(&group.campaigns),
            }))
        };
        Export {
            what: "alarmer",
            tlp: tlp.unwrap_or(Tlp::Amber),
            cut: Cut::of(groups.total, groups.next.is_some(), groups.whole_since),
            rows: groups.items.iter().map(of).collect(),
        }
    }

    /// The incident list. An incident has no marking of its own; unmarked is amber.
    pub fn incidents(page: &Page<Listed>, scope: Scope) -> Export {
        let of = |one: &Listed| {
            let view = &one.incident.view;
            row(json!({
                "tlp": Tlp::Amber.to_string(),
                "incident": if scope == Scope::Operator { view.id.to_string() } else { view.uuid.clone() },
                "member": view.member.number,
                "member_name": view.member.name,
                "title": view.title,
                "severity": view.word.map(crate::priority::Word::as_str),
                "evidence": view.evidence.map(varde_common::alert::Evidence::as_str),
                "state": view.state.as_str(),
                "closed_as": view.closed_as.map(crate::workflow::Closing::as_str),
                "owner": view.owner.as_deref().filter(|_| scope == Scope::Operator),
                "first_seen": view.first_seen.clamped(),
                "last_seen": view.last_seen.clamped(),
                "alerts": view.alerts,
                "exercise": view.exercise,
            }))
        };
        let cut = Cut::of(page.total, page.next.is_some(), None);
        Export { what: "saker", tlp: Tlp::Amber, cut, rows: page.items.iter().map(of).collect() }
    }

    /// The campaign list.
    pub fn campaigns(page: &Page<CampaignView>, scope: Scope) -> Export {
        let of = |view: &CampaignView| {
            row(json!({
                "tlp": Tlp::Amber.to_string(),
                "campaign": if scope == Scope::Operator { view.id.to_string() } else { view.uuid.clone() },
                "title": view.title,
                "severity": view.word.map(crate::priority::Word::as_str),
                "evidence": view.evidence.map(varde_common::alert::Evidence::as_str),
                "state": view.state.map(crate::workflow::State::as_str),
                "owner": view.owner,
                "members": view.member_count,
                "able_to_see": view.able_to_see,
                "members_total": view.members_total,
                "others_at_least": view.others_at_least,
                "first_seen": view.first_seen.clamped(),
                "last_seen": view.last_seen.clamped(),
                "alerts": view.alerts,
                "exercise": view.exercise,
            }))
        };
        let cut = Cut::of(page.total, page.next.is_some(), None);
        Export { what: "kampanjer", tlp: Tlp::Amber, cut, rows: page.items.iter().map(of).collect() }
    }

    /// What such a file is called: its marking, and that it lacks something, are seen before it is opened.
    pub fn file_name(&self, form: Form) -> String {
        let marking = self.tlp.to_string().replace([':', '+'], "-");
        let cut = if self.cut.is_some() { "-UTDRAG" } else { "" };
        format!("varde-{}-{marking}{cut}.{}", self.what, form.ending())
    }

    /// As text of this form.
    pub fn written(&self, form: Form) -> String {
        match form {
            Form::Csv => self.csv(),
            Form::Json => self.json(),
            Form::Defanged => self.defanged(),
        }
    }

    fn json(&self) -> String {
        json!({
            "tlp": self.tlp.to_string(),
            "complete": self.cut.is_none(),
            "since": self.cut.and_then(|cut| cut.since).map(Timestamp::clamped),
            "rows_in_all": self.cut.map_or_else(|| self.rows.len().into(), |cut| Value::from(cut.of)),
            self.what: self.rows,
        })
        .to_string()
    }

    fn csv(&self) -> String {
        // A spreadsheet of Norway: semicolons, and a mark by which it knows the letters.
        let mut text = String::from("\u{feff}");
        if let Some(first) = self.rows.first() {
            text.push_str(&first.keys().cloned().collect::<Vec<_>>().join(";"));
            text.push_str("\r\n");
        }
        for row in &self.rows {
            text.push_str(&row.values().map(cell).collect::<Vec<_>>().join(";"));
            text.push_str("\r\n");
        }
        text
    }

    fn defanged(&self) -> String {
        let mut text = self.tlp.to_string();
        if let Some(cut) = self.cut {
            let since = cut.since.map_or(String::new(), |since| format!(", alarmer siden {since}"));
            text.push_str(&format!(" UTDRAG: {} av {} rader{since}", self.rows.len(), cut.of));
        }
        text.push('\n');
        for row in &self.rows {
            if let Some(Value::String(indicator)) = row.get("indicator") {
                text.push_str(Shown::defanged(indicator).as_str());
                text.push('\n');
            }
        }
        text
    }
}

fn word(words: &[&'static str], level: i64) -> Option<&'static str> {
    usize::try_from(level).ok().and_then(|place| words.get(place).copied())
}

/// A value as a spreadsheet takes it for text, never for a formula: what begins like one has an apostrophe before it.
fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => {
            values.iter().map(|one| one.as_str().unwrap_or_default()).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let begins = text.trim_start().starts_with(['=', '+', '-', '@', '|', '%', '＝', '＋', '－', '＠']);
    let text = if begins && !value.is_number() { format!("'{text}") } else { text };
    if text.contains([';', '"', ',', '\'']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s6_no_cell_is_a_formula_and_none_breaks_out_of_its_own() {
        for (value, expected) in [
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@sum", "\"'@sum\""),
            ("\t=1", "\"' =1\""),
            (" =1", "\"' =1\""),
            ("a;b", "\"a;b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\r\n=1", "a  =1"),
            ("Øygarden", "Øygarden"),
        ] {
            assert_eq!(cell(&json!(value)), expected, "{value:?}");
        }
        assert_eq!(cell(&json!(-5)), "-5", "a number is one");
        assert_eq!(cell(&json!(["a", "=b"])), "\"a, =b\"");
        assert_eq!(cell(&json!(["=b"])), "\"'=b\"");
    }

    #[test]
    fn what_is_taken_along_has_its_marking_on_it() {
        let rows = vec![
            row(json!({ "tlp": "TLP:RED", "indicator": "confidential indicator 3" })),
            row(json!({ "indicator": "evil.no" })),
        ];
        let export = Export { what: "alarmer", tlp: Tlp::AmberStrict, cut: None, rows };
        assert_eq!(export.file_name(Form::Csv), "varde-alarmer-TLP-AMBER-STRICT.csv");
        assert_eq!(export.written(Form::Defanged), "TLP:AMBER+STRICT\nconfidential indicator 3\nevil[.]no\n");
        assert!(export.written(Form::Json).contains("\"tlp\":\"TLP:AMBER+STRICT\""));
        assert!(export.written(Form::Csv).starts_with("\u{feff}indicator;tlp\r\n"));
        assert!(export.written(Form::Json).contains("\"complete\":true"));
    }

    #[test]
    fn what_lacks_something_says_so_in_its_name_and_in_itself() {
        assert_eq!(Cut::of(5_000, false, None), None);
        let since = Timestamp(1_795_219_200_000_000);
        let rows = vec![row(json!({ "indicator": "evil.no" }))];
        let of = |cut| Export { what: "alarmer", tlp: Tlp::Amber, cut, rows: rows.clone() };
        let export = of(Cut::of(7, true, None));
        assert_eq!(export.file_name(Form::Csv), "varde-alarmer-TLP-AMBER-UTDRAG.csv");
        assert_eq!(export.written(Form::Defanged), "TLP:AMBER UTDRAG: 1 av 7 rader\nevil[.]no\n");
        let text = export.written(Form::Json);
        assert!(text.contains("\"complete\":false") && text.contains("\"rows_in_all\":7"), "{text}");
        let export = of(Cut::of(1, false, Some(since)));
        let words = format!("TLP:AMBER UTDRAG: 1 av 1 rader, alarmer siden {since}\n");
        assert!(export.written(Form::Defanged).starts_with(&words));
        let text = export.written(Form::Json);
        assert!(text.contains("\"complete\":false") && !text.contains("\"since\":null"), "{text}");
    }
}
