//! The file of a sector year: JSON lines, each named by its key `line`; what is wrong in one is told by its number.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, Read, Write};

use anyhow::{Context, Result, bail};
use varde_common::indicator::Pattern;
use varde_common::time::Timestamp;

use crate::sector::line::Line;
pub use crate::sector::line::{Alert, FORMAT, Head, Indicator, Member, Truth, Update};

/// The only form there is.
const FORMAT_NUMBER: u32 = 1;
/// Lines a file may have: a hundred standard years.
const LINES_MAX: usize = 20_000_000;
/// Octets of one line: far more than any of ours.
const LINE_MAX_OCTETS: u64 = 65_536;

/// What arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// An alert that is opened.
    Opened(Alert),
    /// One that goes on.
    Updated(Update),
}

impl Arrival {
    /// When it reached the collector.
    pub fn at(&self) -> Timestamp {
        match self {
            Arrival::Opened(alert) => alert.arrived,
            Arrival::Updated(update) => update.arrived,
        }
    }

    /// Which alert.
    pub fn alert(&self) -> u64 {
        match self {
            Arrival::Opened(alert) => alert.alert,
            Arrival::Updated(update) => update.alert,
        }
    }
}

/// A whole year.
#[derive(Debug, Clone, PartialEq)]
pub struct Year {
    /// The first line.
    pub head: Head,
    /// Its members.
    pub members: Vec<Member>,
    /// All indicators, in any order.
    pub indicators: Vec<Indicator>,
    /// What is known.
    pub truths: Vec<Truth>,
    /// What arrives, in order.
    pub arrivals: Vec<Arrival>,
}

impl Year {
    /// One without anything in it.
    pub fn new(days: u32, seed: Option<u64>, parameters: Option<serde_json::Value>) -> Year {
        let head = Head { format: FORMAT_NUMBER, days, seed, parameters };
        Year { head, members: Vec::new(), indicators: Vec::new(), truths: Vec::new(), arrivals: Vec::new() }
    }

    /// Puts what arrives into its order.
    pub fn sort(&mut self) {
        self.arrivals.sort_by_key(Arrival::at);
    }

    /// Writes it.
    ///
    /// # Errors
    /// The writer's own.
    pub fn write(&self, to: &mut impl Write) -> Result<()> {
        let mut line = |line: &Line| -> Result<()> { Ok(writeln!(to, "{}", serde_json::to_string(line)?)?) };
        line(&Line::Sector(self.head.clone()))?;
        self.members.iter().try_for_each(|member| line(&Line::Member(member.clone())))?;
        self.indicators.iter().try_for_each(|indicator| line(&Line::Indicator(indicator.clone())))?;
        self.truths.iter().try_for_each(|truth| line(&Line::Truth(truth.clone())))?;
        self.arrivals.iter().try_for_each(|arrival| {
            line(&match arrival {
                Arrival::Opened(alert) => Line::Alert(alert.clone()),
                Arrival::Updated(update) => Line::Update(update.clone()),
            })
        })
    }

    /// Reads one.
    ///
    /// # Errors
    /// The first line that is wrong, with its number.
    pub fn read(from: impl BufRead) -> Result<Year> {
        let mut reading = Reading { from, year: None, known: Known::default(), number: 0 };
        while let Some(line) = reading.next()? {
            let number = reading.number;
            reading.take(line).with_context(|| format!("line {number}"))?;
        }
        let Some(mut year) = reading.year else {
            bail!("the file is empty; its first line says what it is: see --help")
        };
        for (line, alert) in &reading.known.updates {
            let is_known = reading.known.alerts.contains(alert);
            anyhow::ensure!(is_known, "line {line}: an update of alert {alert}, which no line opens");
        }
        year.sort();
        year.starts_with_its_alerts()?;
        Ok(year)
    }

    /// That no update arrives before what it updates: a sensor sends in order.
    fn starts_with_its_alerts(&self) -> Result<()> {
        let mut opened = HashSet::new();
        for arrival in &self.arrivals {
            match arrival {
                Arrival::Opened(alert) => {
                    opened.insert(alert.alert);
                }
                Arrival::Updated(update) if !opened.contains(&update.alert) => {
                    bail!("an update of alert {} arrives at {}, before the alert itself", update.alert, update.arrived)
                }
                Arrival::Updated(_) => {}
            }
        }
        Ok(())
    }
}

/// Names that lines may use.
#[derive(Debug, Default)]
struct Known {
    members: HashSet<String>,
    /// When each was published.
    indicators: HashMap<String, Timestamp>,
    truths: HashSet<String>,
    alerts: HashSet<u64>,
    updates: HashMap<usize, u64>,
}

struct Reading<R> {
    from: R,
    year: Option<Year>,
    known: Known,
    number: usize,
}

impl<R: BufRead> Reading<R> {
    /// The next line that is not blank.
    fn next(&mut self) -> Result<Option<Line>> {
        loop {
            self.number += 1;
            let number = self.number;
            anyhow::ensure!(number <= LINES_MAX, "line {number}: a file may have {LINES_MAX} lines");
            let mut text = Vec::new();
            let read = self.from.by_ref().take(LINE_MAX_OCTETS + 1).read_until(b'\n', &mut text);
            if read.with_context(|| format!("line {number}"))? == 0 {
                return Ok(None);
            }
            let is_long = text.len() as u64 > LINE_MAX_OCTETS;
            anyhow::ensure!(!is_long, "line {number} has more than {LINE_MAX_OCTETS} octets");
            if !text.trim_ascii().is_empty() {
                let line = serde_json::from_slice(&text);
                return Ok(Some(line.with_context(|| format!("line {number} is not as --help says"))?));
            }
        }
    }

    fn take(&mut self, line: Line) -> Result<()> {
        let Some(year) = &mut self.year else {
            let Line::Sector(head) = line else { bail!("the first line has the key \"line\": \"sector\"") };
            let format = head.format;
            anyhow::ensure!(format == FORMAT_NUMBER, "format {format} is not known here; there is {FORMAT_NUMBER}");
            anyhow::ensure!(head.days > 0, "a year has a day at least");
            self.year = Some(Year { head, ..Year::new(1, None, None) });
            return Ok(());
        };
        match line {
            Line::Sector(_) => bail!("a second line \"sector\""),
            Line::Member(member) => {
                anyhow::ensure!(self.known.members.insert(member.number.clone()), "member {} again", member.number);
                year.members.push(member);
            }
            Line::Indicator(indicator) => {
                let Indicator { pattern, published, .. } = &indicator;
                let read = pattern.parse::<Pattern>();
                read.map_err(|error| anyhow::anyhow!("\"{pattern}\" is no indicator: {error}"))?;
                let before = self.known.indicators.insert(pattern.clone(), *published);
                anyhow::ensure!(before.is_none(), "indicator {pattern} again");
                anyhow::ensure!(indicator.confidence <= 100, "a confidence is 0 to 100");
                year.indicators.push(indicator);
            }
            Line::Truth(truth) => {
                anyhow::ensure!(self.known.truths.insert(truth.name.clone()), "truth {} again", truth.name);
                year.truths.push(truth);
            }
            Line::Alert(alert) => {
                let known = &mut self.known;
                anyhow::ensure!(known.alerts.insert(alert.alert), "alert {} again", alert.alert);
                anyhow::ensure!(known.members.contains(&alert.member), "no line names member {}", alert.member);
                let (indicator, arrived) = (&alert.indicator, alert.arrived);
                let published = known.indicators.get(indicator);
                let published = *published.with_context(|| format!("no line names indicator {indicator}"))?;
                let is_early = arrived < published;
                anyhow::ensure!(!is_early, "it arrives at {arrived}, and {indicator} was published at {published}");
                if let Some(truth) = &alert.truth {
                    anyhow::ensure!(known.truths.contains(truth), "no line names truth {truth}");
                }
                year.arrivals.push(Arrival::Opened(alert));
            }
            Line::Update(update) => {
                self.known.updates.insert(self.number, update.alert);
                year.arrivals.push(Arrival::Updated(update));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"line":"sector","format":1,"days":2}"#;
    const MEMBER: &str = r#"{"line":"member","number":"1001","name":"A"}"#;
    const INDICATOR: &str =
        r#"{"line":"indicator","pattern":"a.example","source":"s","published":"2026-01-01T00:00:00Z"}"#;
    const TRUTH: &str = r#"{"line":"truth","name":"t","shape":"spray"}"#;
    const ALERT: &str = r#"{"line":"alert","alert":1,"arrived":"2026-01-01T01:00:00Z","member":"1001","indicator":"a.example","truth":"t","first":"2026-01-01T01:00:00Z"}"#;
    const UPDATE: &str = r#"{"line":"update","alert":1,"arrived":"2026-01-01T01:01:00Z","last":"2026-01-01T01:01:00Z","evidence":"contacted"}"#;

    fn read(lines: &[&str]) -> Result<Year> {
        Year::read(lines.join("\n").as_bytes())
    }

    #[test]
    fn what_is_written_is_read_again_and_what_may_be_left_out_may() {
        let year = read(&[HEAD, "", MEMBER, INDICATOR, TRUTH, UPDATE, ALERT]).unwrap();
        assert_eq!(year.arrivals.iter().map(Arrival::alert).collect::<Vec<_>>(), [1, 1]);
        assert!(matches!(&year.arrivals[0], Arrival::Opened(alert) if alert.count == 1), "in order of arrival");
        let mut written = Vec::new();
        year.write(&mut written).unwrap();
        assert_eq!(Year::read(written.as_slice()).unwrap(), year);
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_and_says_what_is_wrong() {
        let second = HEAD;
        for (lines, said) in [
            (vec![MEMBER], "line 1: the first line has the key"),
            (vec![HEAD, second], "line 2: a second line"),
            (vec![HEAD, "{"], "line 2 is not as --help says: EOF"),
            (
                vec![HEAD, r#"{"line":"member","number":"1","name":"A","size":3}"#],
                "line 2 is not as --help says: unknown field `size`",
            ),
            (vec![HEAD, r#"{"line":"cow"}"#], "line 2 is not as --help says: unknown variant `cow`"),
            (vec![HEAD, MEMBER, MEMBER], "line 3: member 1001 again"),
            (vec![HEAD, MEMBER, ALERT], "line 3: no line names indicator a.example"),
            (vec![HEAD, MEMBER, INDICATOR, ALERT], "line 4: no line names truth t"),
            (
                vec![
                    HEAD,
                    r#"{"line":"indicator","pattern":"bl bær","source":"s","published":"2026-01-01T00:00:00Z"}"#,
                ],
                "line 2: \"bl bær\" is no indicator",
            ),
            (vec![HEAD, UPDATE], "line 2: an update of alert 1, which no line opens"),
            (vec![r#"{"line":"sector","format":2,"days":2}"#], "line 1: format 2 is not known here"),
            (vec![], "the file is empty"),
        ] {
            let error = format!("{:#}", read(&lines).unwrap_err());
            assert!(error.starts_with(said), "{lines:?}: {error}");
        }
        let early = UPDATE.replace("01:01:00Z\",\"last", "00:01:00Z\",\"last");
        let error = read(&[HEAD, MEMBER, INDICATOR, TRUTH, ALERT, &early]).unwrap_err();
        assert!(error.to_string().contains("before the alert itself"), "{error}");
        let early = ALERT.replace("2026-01-01T01:00:00Z\",\"member", "2025-12-31T01:00:00Z\",\"member");
        let error = format!("{:#}", read(&[HEAD, MEMBER, INDICATOR, TRUTH, &early]).unwrap_err());
        assert!(error.starts_with("line 5: it arrives at 2025-12-31"), "{error}");
        let long = format!("{{\"line\":\"{}\"}}", "x".repeat(70_000));
        assert!(read(&[HEAD, &long]).unwrap_err().to_string().starts_with("line 2 has more than"));
    }
}
