//! The figures of a year as a table and as JSON, each beside its bar and both baselines.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{Table, presets};
use serde_json::{Value, json};

use crate::sector::score::Measures;

/// Issue "correlation": recall on the standard year.
pub const RECALL_MIN: f64 = 0.98;
/// Precision.
pub const PRECISION_MIN: f64 = 0.95;
/// New items a day for an analyst outside campaigns.
pub const ITEMS_PER_DAY_MAX: f64 = 10.0;

/// One year, judged three times.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The collector.
    pub collector: Measures,
    /// One ticket per indicator.
    pub tickets: Measures,
    /// `k` members within an hour.
    pub within_hour: Measures,
    /// That k.
    pub k: usize,
}

/// Whether a bar is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Met,
    Missed,
    /// There is no bar, or nothing to hold against it.
    None,
}

impl Verdict {
    fn of(met: bool) -> Verdict {
        if met { Verdict::Met } else { Verdict::Missed }
    }

    fn as_str(self) -> &'static str {
        match self {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::None => "-",
        }
    }
}

/// How one thing stands to another.
fn compared(ours: f64, theirs: f64, is_more_better: bool) -> &'static str {
    let (ours, theirs) = if is_more_better { (ours, theirs) } else { (theirs, ours) };
    match ours.total_cmp(&theirs) {
        std::cmp::Ordering::Less => "worse",
        std::cmp::Ordering::Equal => "equal",
        std::cmp::Ordering::Greater => "better",
    }
}

/// A measure of all three.
struct Row {
    key: &'static str,
    what: String,
    values: [f64; 3],
    shown: [String; 3],
    is_more_better: bool,
    bar: Option<(String, Verdict)>,
}

fn seconds(time: Option<Duration>) -> f64 {
    time.map_or(f64::INFINITY, |time| time.as_secs_f64())
}

fn time(time: Option<Duration>) -> String {
    let Some(time) = time else { return "never".into() };
    let minutes = time.as_secs() / 60;
    match minutes {
        0 => format!("{} s", time.as_secs()),
        1..120 => format!("{minutes} min"),
        120..2_880 => format!("{:.1} h", minutes as f64 / 60.0),
        _ => format!("{:.1} d", minutes as f64 / 1_440.0),
    }
}

impl Judged {
    fn all(&self) -> [&Measures; 3] {
        [&self.collector, &self.tickets, &self.within_hour]
    }

    fn rows(&self) -> Vec<Row> {
        let share = |of: fn(&Measures) -> f64| {
            let values = self.all().map(of);
            (values, values.map(|value| format!("{value:.3}")))
        };
        let ours = &self.collector;
        let mut rows = Vec::new();
        let (values, mut shown) = share(Measures::recall);
        for (shown, measures) in shown.iter_mut().zip(self.all()) {
            let _ = write!(shown, " ({} of {})", measures.recalled, measures.campaigns);
        }
        let bar = Some((format!(">= {RECALL_MIN}"), Verdict::of(ours.recall() >= RECALL_MIN)));
        rows.push(Row { key: "recall", what: "campaign recall".into(), values, shown, is_more_better: true, bar });
        let (values, shown) = share(Measures::precision);
        let bar = Some((format!(">= {PRECISION_MIN}"), Verdict::of(ours.precision() >= PRECISION_MIN)));
        rows.push(Row { key: "precision", what: "precision, pairs".into(), values, shown, is_more_better: true, bar });
        let (values, shown) = share(Measures::completeness);
        rows.push(Row {
            key: "completeness",
            what: "completeness, pairs".into(),
            values,
            shown,
            is_more_better: true,
            bar: None,
        });
        for (key, what, hundredths) in
            [("warned_p50_s", "time to warn, median", 50), ("warned_p90_s", "time to warn, p90", 90)]
        {
            let times = self.all().map(|measures| measures.warned_within(hundredths));
            let (values, shown) = (times.map(seconds), times.map(time));
            rows.push(Row { key, what: what.into(), values, shown, is_more_better: false, bar: None });
        }
        let values = self.all().map(Measures::items_per_day);
        let bar = Some((format!("<= {ITEMS_PER_DAY_MAX}"), Verdict::of(ours.items_per_day() <= ITEMS_PER_DAY_MAX)));
        let shown = values.map(|value| format!("{value:.1}"));
        rows.push(Row {
            key: "items_per_day",
            what: "items a day outside campaigns".into(),
            values,
            shown,
            is_more_better: false,
            bar,
        });
        let values = self.all().map(|measures| measures.groups_wrong as f64);
        let shown = self.all().map(|measures| format!("{} of {}", measures.groups_wrong, measures.groups));
        rows.push(Row {
            key: "wrong_campaigns",
            what: "campaigns that are none".into(),
            values,
            shown,
            is_more_better: false,
            bar: None,
        });
        rows
    }

    fn dirty(&self) -> (String, Verdict) {
        match self.collector.dirty_above {
            None => ("not graded".into(), Verdict::Missed),
            Some(above) => (above.to_string(), Verdict::of(above == 0)),
        }
    }

    /// The four measures of the issue, in which the collector is not better than both.
    pub fn not_better(&self) -> Vec<&'static str> {
        let counted = ["recall", "precision", "warned_p50_s", "warned_p90_s", "items_per_day"];
        let is_better = |row: &Row| {
            let [ours, first, second] = row.values;
            [first, second].iter().all(|theirs| compared(ours, *theirs, row.is_more_better) == "better")
        };
        self.rows().iter().filter(|row| counted.contains(&row.key) && !is_better(row)).map(|row| row.key).collect()
    }

    /// As a table for people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        let within_hour = format!("{} members in an hour", self.k);
        table.set_header([
            "measure",
            "collector",
            "ticket per indicator",
            within_hour.as_str(),
            "bar",
            "",
            "beside both",
        ]);
        for row in self.rows() {
            let [ours, first, second] = row.values;
            let beside = [first, second].map(|theirs| compared(ours, theirs, row.is_more_better)).join(", ");
            let [shown, tickets, hour] = row.shown;
            let (bar, verdict) = row.bar.unwrap_or((String::new(), Verdict::None));
            table.add_row([row.what, shown, tickets, hour, bar, verdict.as_str().into(), beside]);
        }
        let (dirty, verdict) = self.dirty();
        table.add_row([
            "dirty above Middels".into(),
            dirty,
            "-".into(),
            "-".into(),
            "0".into(),
            verdict.as_str().into(),
            String::new(),
        ]);
        let mut text = table.to_string();
        let mut shapes = Table::new();
        shapes.load_style(presets::UTF8_HORIZONTAL_ONLY);
        shapes.set_header(["shape", "recalled", "wrong pairs it is in", "items"]);
        for (shape, figures) in &self.collector.shapes {
            let has_campaigns =
                figures.recalled > 0 || self.collector.missed.iter().any(|name| name.starts_with(shape.as_str()));
            let recalled =
                if has_campaigns { format!("{} of {}", figures.recalled, figures.truths) } else { "-".into() };
            shapes.add_row([shape.clone(), recalled, figures.pairs_wrong.to_string(), figures.items.to_string()]);
        }
        let _ = write!(text, "\n\n{shapes}\n");
        let not_better = self.not_better();
        let verdict = Verdict::of(not_better.is_empty()).as_str();
        let _ = write!(text, "\nbetter than both baselines on each measure: {verdict}");
        if !not_better.is_empty() {
            let _ = write!(text, " (not in {})", not_better.join(", "));
        }
        if !self.collector.missed.is_empty() {
            let _ = write!(text, "\nnot recalled: {}", self.collector.missed.join(", "));
        }
        text
    }

    /// As JSON for programs; times in seconds, null = never.
    pub fn json(&self) -> Value {
        let mut json = serde_json::Map::new();
        for row in self.rows() {
            // JSON knows no infinity: what never was is null.
            let [collector, tickets, within_hour] = row.values.map(|value| value.is_finite().then_some(value));
            let (bar, verdict) = row.bar.map_or((None, None), |(bar, verdict)| (Some(bar), Some(verdict.as_str())));
            let row_json = json!({
                "collector": collector, "ticket_per_indicator": tickets, "members_within_an_hour": within_hour,
                "bar": bar, "verdict": verdict,
            });
            json.insert(row.key.into(), row_json);
        }
        let (_, verdict) = self.dirty();
        json.insert(
            "dirty_above_middels".into(),
            json!({ "collector": self.collector.dirty_above, "bar": "0", "verdict": verdict.as_str() }),
        );
        let shapes: serde_json::Map<String, Value> = self.collector.shapes.iter().map(|(shape, figures)| {
            let json = json!({
                "truths": figures.truths, "recalled": figures.recalled, "pairs_wrong": figures.pairs_wrong, "items": figures.items,
            });
            (shape.clone(), json)
        }).collect();
        json.insert("shapes".into(), Value::Object(shapes));
        json.insert("k".into(), json!(self.k));
        json.insert("not_better".into(), json!(self.not_better()));
        json.insert("not_recalled".into(), json!(self.collector.missed));
        Value::Object(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_met_or_missed_and_never_is_later_than_everything() {
        let good = Measures {
            campaigns: 50,
            recalled: 49,
            pairs: 100,
            pairs_right: 95,
            pairs_true: 100,
            warned: vec![Some(Duration::from_secs(90)), Some(Duration::from_secs(60))],
            items: 100,
            days: 10,
            dirty_above: Some(0),
            ..Measures::default()
        };
        let worse = Measures { recalled: 48, pairs_right: 94, warned: vec![None], items: 101, ..good.clone() };
        let judged = Judged { collector: good.clone(), tickets: worse.clone(), within_hour: worse.clone(), k: 3 };
        assert_eq!(judged.not_better(), Vec::<&str>::new());
        assert!(!judged.table().contains("missed"), "{}", judged.table());
        assert!(judged.json()["warned_p50_s"]["ticket_per_indicator"].is_null());
        let judged = Judged {
            collector: Measures { dirty_above: None, ..worse.clone() },
            tickets: good,
            within_hour: worse,
            k: 3,
        };
        assert_eq!(judged.table().matches("missed").count(), 5, "{}", judged.table());
        assert_eq!(judged.not_better().len(), 5);
    }
}
