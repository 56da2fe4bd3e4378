//! Which format a file has, by how it begins.

use super::table::{self, Table};
use super::{Format, hosts, misp, rpz, stix, suricata, zeek};

/// Lines that are looked at.
const LINES_LOOKED_AT: usize = 200;

/// The format of what begins so.
pub(super) fn format_of(head: &[u8]) -> Format {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}');
    // The attributes of one object may be longer than what is looked at; STIX says its version in the first.
    if stix::is_one(text) {
        return Format::Stix;
    }
    if misp::is_one(text) {
        return Format::Misp;
    }
    let lines: Vec<&str> = text.lines().take(LINES_LOOKED_AT).collect();
    if lines.iter().any(|line| zeek::is_line(line)) {
        return Format::Zeek;
    }
    for line in &lines {
        match table::table_of(&line.to_ascii_lowercase()) {
            Some(Table::Urlhaus) => return Format::Urlhaus,
            Some(Table::Threatfox) => return Format::Threatfox,
            Some(Table::Feodo) => return Format::Feodo,
            Some(Table::Any) | None => {}
        }
    }
    let mut entries =
        lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    let Some(first) = entries.next() else { return Format::Plain };
    if rpz::is_line(first) || lines.iter().any(|line| line.split_whitespace().any(|word| word == "SOA")) {
        Format::Rpz
    } else if hosts::is_line(first) {
        Format::Hosts
    } else if suricata::name_in(first).is_some() {
        Format::Suricata
    } else if table::is_table(first) {
        Format::Csv
    } else {
        Format::Plain
    }
}
