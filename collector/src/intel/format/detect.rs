//! Which format a file has, by how it begins: what says it of itself first, then what most of its lines are.

use super::table::{self, Table};
use super::{Format, hosts, misp, no_feed, prose, rpz, stix, suricata, zeek};

/// Lines that are looked at.
const LINES_LOOKED_AT: usize = 200;

/// The format of what begins so.
pub(super) fn format_of(head: &[u8]) -> Format {
    if prose::is_pdf(head) {
        return Format::Prose;
    }
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{feff}');
    // Old programs end lines with CR alone.
    let text = if text.contains('\n') { text.to_owned() } else { text.replace('\r', "\n") };
    let text = text.as_str();
    // A list of some kind, which is refused by what it is, unless it is abuse.ch's.
    if no_feed::is_page(text) || no_feed::is_json(text) && !stix::is_one(text) && !misp::is_one(text) {
        return table::json::table_of(text).map_or(Format::Plain, format_of_table);
    }
    // The attributes of one object may be longer than what is looked at; STIX says its version in the first.
    if stix::is_one(text) {
        return Format::Stix;
    }
    if misp::is_one(text) {
        return Format::Misp;
    }
    if prose::is_mail(text) {
        return Format::Prose;
    }
    let lines: Vec<&str> = text.lines().take(LINES_LOOKED_AT).collect();
    if lines.first().is_some_and(|first| table::separator(first).is_some()) {
        return Format::Csv;
    }
    if lines.iter().any(|line| zeek::is_line(line)) {
        return Format::Zeek;
    }
    for line in &lines {
        if let Some(table) = table::table_of(line).filter(|table| *table != Table::Any) {
            return format_of_table(table);
        }
    }
    let is_entry = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with(['#', ';']);
    let entries: Vec<&str> = lines.into_iter().filter(is_entry).collect();
    let most_are = |is_one: &dyn Fn(&str) -> bool| {
        let ones = entries.iter().filter(|line| is_one(line)).count();
        ones * 2 > entries.len()
    };
    // A zone's first entries are its own, and a record may go on over several lines.
    let of_zone = entries.first().is_some_and(|first| rpz::is_line(first));
    if of_zone || most_are(&rpz::is_line) {
        Format::Rpz
    } else if most_are(&hosts::is_line) {
        Format::Hosts
    } else if most_are(&|line| suricata::name_in(line).is_some()) || most_are(&suricata::is_rule) {
        Format::Suricata
    } else if table::is_regular(&entries) && !prose::is_letter(&entries) {
        Format::Csv
    } else if prose::is_text(&entries) {
        Format::Prose
    } else if entries.first().is_some_and(|first| table::is_table(first)) && most_are(&table::is_table) {
        Format::Csv
    } else {
        Format::Plain
    }
}

fn format_of_table(table: Table) -> Format {
    match table {
        Table::Urlhaus => Format::Urlhaus,
        Table::Threatfox => Format::Threatfox,
        Table::Feodo => Format::Feodo,
        Table::Any => Format::Csv,
    }
}
