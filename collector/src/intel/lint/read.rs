//! A warninglist as a file has it: MISP's JSON, or one entry a line. Whatever is in the file, it is bounded.

use ipnet::IpNet;
use serde::Deserialize;
use varde_common::name::DomainName;

use super::Level;
use crate::limits::{
    LINT_ENTRY_MAX_OCTETS, LINT_LIST_ENTRIES_MAX, LINT_LIST_MAX_OCTETS, LINT_SUBSTRING_MIN_OCTETS, LINT_SUBSTRINGS_MAX,
    MEMBER_TEXT_MAX_CHARACTERS,
};

/// How the entries of a list are compared, in MISP's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// Addresses and networks.
    Cidr,
    /// Exactly this name, or this address.
    Exact,
    /// A name and everything below it.
    Hostname,
    /// A part of a name.
    Substring,
    /// As plain lists of indicators: a name and all below it, `=name` alone, an address, a network.
    Plain,
}

impl ListKind {
    const ALL: [(ListKind, &str); 5] = [
        (ListKind::Cidr, "cidr"),
        (ListKind::Exact, "string"),
        (ListKind::Hostname, "hostname"),
        (ListKind::Substring, "substring"),
        (ListKind::Plain, "plain"),
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        ListKind::ALL.iter().find(|(kind, _)| *kind == self).map_or("plain", |(_, word)| word)
    }

    /// Of that word.
    pub fn of(word: &str) -> Option<ListKind> {
        ListKind::ALL.iter().find(|(_, known)| *known == word).map(|(kind, _)| *kind)
    }
}

/// Who put a list here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It came with the program.
    Default,
    /// The operator.
    Own,
}

/// A warninglist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// What it is known by.
    pub name: String,
    /// What it holds.
    pub description: String,
    /// Its maker's number or date.
    pub version: String,
    /// How its entries are compared.
    pub kind: ListKind,
    /// What it does.
    pub level: Level,
    /// Its names are services that many share: who has a name of his own below one is another matter.
    pub is_shared: bool,
    /// Whose it is.
    pub origin: Origin,
    /// Entries that can be compared.
    pub entries: Vec<String>,
    /// Entries that cannot, and are passed over.
    pub unread: u64,
}

/// An entry, ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listed {
    Name { name: DomainName, and_below: bool },
    Network(IpNet),
}

/// Why a file is no list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadList {
    /// Too large.
    #[error("it is larger than {} bytes; split it", LINT_LIST_MAX_OCTETS)]
    TooLarge,
    /// Too many entries.
    #[error("it has more than {0} entries; split it, or leave out what nobody imports")]
    TooMany(usize),
    /// It is no text.
    #[error("it is no UTF-8 text")]
    NotText,
    /// It begins as JSON does and is none of MISP's.
    #[error("it is no warninglist of MISP's: {0}; those have name, version, type and list")]
    NotMisp(String),
    /// Its kind is not compared.
    #[error(
        "lists of the type {0:?} are not compared with names and addresses; cidr, string, hostname and substring are"
    )]
    Kind(String),
    /// Nothing in it can be compared.
    #[error("none of its entries is a name, an address or a network")]
    Empty,
}

#[derive(Deserialize)]
struct Misp {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    version: serde_json::Value,
    r#type: String,
    list: Vec<String>,
}

/// Reads a list: MISP's where it begins with a brace, else one entry a line, `#` beginning a comment. `name` is what it is called here.
///
/// # Errors
/// [`BadList`].
pub fn read(octets: &[u8], name: &str, level: Level) -> Result<List, BadList> {
    if octets.len() as u64 > LINT_LIST_MAX_OCTETS {
        return Err(BadList::TooLarge);
    }
    let text = std::str::from_utf8(octets).map_err(|_| BadList::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let list = List {
        name: name.to_owned(),
        description: String::new(),
        version: String::new(),
        kind: ListKind::Plain,
        level,
        is_shared: false,
        origin: Origin::Own,
        entries: Vec::new(),
        unread: 0,
    };
    if text.trim_start().starts_with('{') {
        let misp: Misp = serde_json::from_str(text).map_err(|error| BadList::NotMisp(error.to_string()))?;
        let kind = ListKind::of(&misp.r#type).filter(|kind| *kind != ListKind::Plain);
        let kind = kind.ok_or_else(|| BadList::Kind(briefly(&misp.r#type)))?;
        let about = if misp.description.is_empty() { &misp.name } else { &misp.description };
        let version = match &misp.version {
            serde_json::Value::Number(number) => number.to_string(),
            serde_json::Value::String(text) => briefly(text),
            serde_json::Value::Null
            | serde_json::Value::Bool(_)
            | serde_json::Value::Array(_)
            | serde_json::Value::Object(_) => String::new(),
        };
        let list = List { description: briefly(about), version, kind, ..list };
        return list.filled(misp.list.iter().map(String::as_str));
    }
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    list.filled(lines.filter(|line| !line.is_empty()))
}

fn briefly(text: &str) -> String {
    text.chars().filter(|one| !one.is_control()).take(MEMBER_TEXT_MAX_CHARACTERS).collect()
}

impl List {
    fn filled<'a>(mut self, entries: impl Iterator<Item = &'a str>) -> Result<List, BadList> {
        let most = if self.kind == ListKind::Substring { LINT_SUBSTRINGS_MAX } else { LINT_LIST_ENTRIES_MAX };
        for entry in entries {
            let entry = entry.trim();
            let is_good = entry.len() <= LINT_ENTRY_MAX_OCTETS
                && match self.kind {
                    ListKind::Substring => {
                        entry.len() >= LINT_SUBSTRING_MIN_OCTETS && entry.bytes().all(|octet| octet.is_ascii_graphic())
                    }
                    kind @ (ListKind::Cidr | ListKind::Exact | ListKind::Hostname | ListKind::Plain) => {
                        listed(kind, entry).is_some()
                    }
                };
            match is_good {
                true if self.entries.len() >= most => return Err(BadList::TooMany(most)),
                true if self.kind == ListKind::Substring => self.entries.push(entry.to_ascii_lowercase()),
                true => self.entries.push(entry.to_owned()),
                false => self.unread += 1,
            }
        }
        if self.entries.is_empty() { Err(BadList::Empty) } else { Ok(self) }
    }

    /// Its entries, ready to be compared; none of a list of parts of names.
    pub(super) fn listed(&self) -> impl Iterator<Item = Listed> {
        self.entries.iter().filter_map(|entry| listed(self.kind, entry))
    }
}

/// One entry; none where it is nothing that can be compared, or so wide that it would hold back everything.
fn listed(kind: ListKind, entry: &str) -> Option<Listed> {
    if let Some(network) =
        entry.parse().ok().or_else(|| entry.parse().ok().map(IpNet::from as fn(std::net::IpAddr) -> IpNet))
    {
        return (network.prefix_len() > 0).then(|| Listed::Network(network.trunc()));
    }
    let (text, and_below) = match (kind, entry.strip_prefix('='), entry.strip_prefix("*.").or(entry.strip_prefix('.')))
    {
        (ListKind::Cidr | ListKind::Substring, _, _) => return None,
        (ListKind::Plain, Some(alone), _) => (alone, false),
        (ListKind::Exact | ListKind::Hostname | ListKind::Plain, _, Some(below)) => (below, true),
        (ListKind::Exact, _, None) => (entry, false),
        (ListKind::Hostname | ListKind::Plain, _, None) => (entry, true),
    };
    let ascii = if text.is_ascii() { text.to_owned() } else { idna::domain_to_ascii(text).ok()? };
    let name = DomainName::parse(&ascii).ok()?;
    (name.as_name().label_count() > 1).then_some(Listed::Name { name, and_below })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn l3_misps_lists_and_plain_ones_are_read_and_what_cannot_be_compared_is_counted() {
        let misp =
            br#"{"name":"N","description":"D","version":20251223,"type":"hostname","matching_attributes":["domain"],
            "list":[".a.example","b.example","com","x y","192.0.2.1","bl\u00e5b\u00e6r.no"]}"#;
        let list = read(misp, "n", Level::Quarantine).unwrap();
        assert_eq!(
            (list.version.as_str(), list.kind, list.entries.len(), list.unread),
            ("20251223", ListKind::Hostname, 4, 2)
        );
        let plain =
            read("\u{feff}a.example # of ours\n\n=b.example\n10.1.0.0/16\r\n0.0.0.0/0\n".as_bytes(), "n", Level::Warn);
        let plain = plain.unwrap();
        assert_eq!((plain.kind, plain.entries.len(), plain.unread), (ListKind::Plain, 3, 1));
        let exact = plain.listed().filter(|listed| matches!(listed, Listed::Name { and_below: false, .. })).count();
        assert_eq!(exact, 1);
    }

    #[test]
    fn f1_a_hostile_list_is_refused_with_a_word() {
        let refused = |text: &str| read(text.as_bytes(), "n", Level::Block).unwrap_err().to_string();
        for (text, said) in [
            (r#"{"name":"N","type":"regex","list":["(a+)+$"]}"#.to_owned(), "\"regex\" are not compared"),
            (r#"{"name":"N","type":"cidr"}"#.to_owned(), "missing field `list`"),
            (r#"{"name":"N","type":"cidr","list":[1]}"#.to_owned(), "no warninglist"),
            (format!("{}{}", r#"{"name":"#, "[".repeat(100_000)), "no warninglist"),
            (
                format!(
                    r#"{{"name":"N","type":"string","list":[{}"a.no"]}}"#,
                    "\"a.no\",".repeat(LINT_LIST_ENTRIES_MAX)
                ),
                "more than",
            ),
            (
                format!(
                    r#"{{"name":"N","type":"substring","list":[{}"evil"]}}"#,
                    "\"evil\",".repeat(LINT_SUBSTRINGS_MAX)
                ),
                "more than",
            ),
            (r#"{"name":"N","type":"substring","list":["a"]}"#.to_owned(), "none of its entries"),
            ("\n# nothing\n".to_owned(), "none of its entries"),
            ("0.0.0.0/0\n::/0\ncom\n".to_owned(), "none of its entries"),
        ] {
            let why = refused(&text);
            assert!(why.contains(said), "{}: {why}", text.chars().take(60).collect::<String>());
        }
        assert_eq!(read(&[0xff, 0xfe], "n", Level::Block), Err(BadList::NotText));
        let large = vec![b'#'; usize::try_from(LINT_LIST_MAX_OCTETS).unwrap() + 1];
        assert_eq!(read(&large, "n", Level::Block), Err(BadList::TooLarge));
    }

    proptest! {
        #[test]
        fn f1_no_list_makes_a_panic(octets in prop::collection::vec(any::<u8>(), 0..2000)) {
            let _ = read(&octets, "n", Level::Block);
        }
    }
}
