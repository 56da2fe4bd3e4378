//! What is no feed at all, by how it begins, and what to do about it: pages of the web, packed files, mails of Outlook, JSON that has
//! no reader.

use super::table::{self, Table};
use super::{Format, misp, stix};

/// Whether it begins as a page of the web does.
pub(super) fn is_page(text: &str) -> bool {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    // What XML says of itself, and comments.
    for _ in 0..8 {
        let end = match () {
            () if rest.starts_with("<?") => "?>",
            () if rest.starts_with("<!--") => "-->",
            () => break,
        };
        let Some((_, behind)) = rest.split_once(end) else { break };
        rest = behind.trim_start();
    }
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|begin| rest.get(..begin.len()).is_some_and(|begins| begins.eq_ignore_ascii_case(begin)))
}

/// Whether it begins as JSON does; an address of IPv6 may stand in brackets too.
pub fn is_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let within = text.strip_prefix(['{', '[']).map(str::trim_start);
    within.is_some_and(|within| within.starts_with(['"', '{', '[', ']', '}']))
}

fn begins_with(text: &str, what: char) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with(what)
}

/// Why what begins so cannot be read in this format, and what would be right; none where it may be.
pub fn refusal(format: Format, head: &[u8]) -> Option<&'static str> {
    match head {
        [0x1f, 0x8b, ..] => return Some("it is packed (gzip); unpack it first: gunzip FILE"),
        [b'P', b'K', 3, 4, ..] => {
            return Some(
                "it is packed (zip), or a document or spreadsheet of Office; unpack it, or save it as text, CSV or PDF",
            );
        }
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => {
            return Some(
                "it is a mail of Outlook (.msg) or a document of Office; save the mail as .eml, the document as text, CSV or PDF",
            );
        }
        _ => {}
    }
    let text = String::from_utf8_lossy(head);
    match format {
        Format::Prose => return None,
        Format::Stix if begins_with(&text, '{') || stix::is_one(text.trim_start_matches('\u{feff}')) => return None,
        // Some of MISP's answers are an array.
        Format::Misp => return None,
        Format::Stix
        | Format::Plain
        | Format::Zeek
        | Format::Rpz
        | Format::Suricata
        | Format::Hosts
        | Format::Csv
        | Format::Urlhaus
        | Format::Threatfox
        | Format::Feodo => {}
    }
    if is_page(&text) {
        return Some(
            "it is a page of the web (HTML), as servers send where something is wrong or who fetches must log in first; look at it, and fetch the feed itself. If the text of the page is meant: --format prose",
        );
    }
    if !is_json(&text) {
        return None;
    }
    let own = match format {
        Format::Threatfox => Some(Table::Threatfox),
        Format::Urlhaus => Some(Table::Urlhaus),
        Format::Feodo => Some(Table::Feodo),
        Format::Plain
        | Format::Stix
        | Format::Misp
        | Format::Zeek
        | Format::Rpz
        | Format::Suricata
        | Format::Hosts
        | Format::Csv
        | Format::Prose => None,
    };
    let has = |names: &[&str]| names.iter().all(|name| text.contains(name));
    let of_table = table::json::table_of(&text);
    // An empty one, and what its server answers where there is nothing or a key is wrong, names no columns.
    if own.is_some() && (of_table == own || of_table.is_none() && !stix::is_one(&text) && !misp::is_one(&text)) {
        return None;
    }
    Some(match () {
        () if stix::is_one(&text) => "it is a bundle of STIX; import it as one: --format stix",
        () if misp::is_one(&text) => "it is an event of MISP; import it as one: --format misp",
        () if of_table == Some(Table::Threatfox) => "it is ThreatFox's JSON; import it as that: --format threatfox",
        () if of_table == Some(Table::Urlhaus) => "it is URLhaus' JSON; import it as that: --format urlhaus",
        () if of_table == Some(Table::Feodo) => "it is Feodo Tracker's JSON; import it as that: --format feodo",
        () if has(&["\"query_status\""]) => {
            "it is an answer of abuse.ch that holds no list; look at what it says, such as a key that is missing (Auth-Key)"
        }
        () if has(&["\"pattern\"", "\"type\""]) || has(&["\"spec_version\""]) => {
            "it is an array of STIX objects without a bundle around them; put it into one: {\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[…]}"
        }
        () => {
            "it is JSON of a kind that is not read; there are STIX 2.1 bundles, MISP events and what abuse.ch publishes, and tables as CSV"
        }
    })
}
