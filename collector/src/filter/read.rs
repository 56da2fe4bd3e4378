//! A filter as it is typed, taken apart. What is not understood is told with where it stands and what would be right; the rest counts.

use ipnet::IpNet;

use super::words::{self, EVIDENCE, KEYS, KINDS, Key, NOBODY, SEVERITIES, STATUSES, Word, YES_NO};
use super::{Filter, List, Status, Token, What};
use crate::limits::desk::{FILTER_MAX_OCTETS, TOKENS_MAX, VALUES_IN_TOKEN_MAX};

/// Why something was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No token is called that.
    Key,
    /// It cannot be asked of this list.
    NotHere,
    /// The value is none of its key's.
    Value(Key),
    /// There is no value.
    NoValue(Key),
    /// A quotation mark has no other.
    Quote,
    /// More tokens than are read.
    TooMany,
    /// More values than are read.
    TooManyValues(Key),
    /// The whole is longer than is read.
    TooLong,
}

/// Something that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The place of its first character, from 1.
    pub at: usize,
    /// As it was typed.
    pub word: String,
    /// Why.
    pub why: Why,
}

/// A word of the text: its place, whether `-` stands in front, its key, and its values as they were typed.
struct Piece {
    at: usize,
    text: String,
    not: bool,
    key: Option<String>,
    values: Vec<String>,
    is_open: bool,
}

/// Takes the text apart at blanks that stand in no quotation marks, each piece at its first colon and at its commas. A value that was in
/// quotation marks is never a key.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut characters = text.chars().zip(1_usize..).peekable();
    while let Some((first, at)) = characters.peek().copied() {
        if first.is_whitespace() {
            characters.next();
            continue;
        }
        let mut piece =
            Piece { at, text: String::new(), not: false, key: None, values: vec![String::new()], is_open: false };
        let mut was_quoted = false;
        while let Some((character, place)) = characters.peek().copied() {
            if character.is_whitespace() && !piece.is_open {
                break;
            }
            characters.next();
            piece.text.push(character);
            match character {
                '-' if place == at => piece.not = true,
                '"' => (piece.is_open, was_quoted) = (!piece.is_open, true),
                ':' if !piece.is_open && !was_quoted && piece.key.is_none() && is_key(&piece.values) => {
                    piece.key = piece.values.pop();
                    piece.values = vec![String::new()];
                }
                ',' if !piece.is_open && piece.key.is_some() => piece.values.push(String::new()),
                other => {
                    if let Some(value) = piece.values.last_mut() {
                        value.push(other);
                    }
                }
            }
        }
        pieces.push(piece);
    }
    pieces
}

/// Letters alone stand in front of a colon; an address of IPv6 has figures there.
fn is_key(values: &[String]) -> bool {
    matches!(values, [one] if !one.is_empty() && one.chars().all(char::is_alphabetic))
        && !values.iter().any(|one| is_hex(one))
}

/// `fe` of `fe80::1` has a figure behind it; `beef::1` has none.
fn is_hex(text: &str) -> bool {
    text.len() <= 4 && text.chars().all(|c| c.is_ascii_hexdigit())
}

fn key_named(text: &str) -> Option<Key> {
    KEYS.iter().find(|(_, word)| word.is(text)).map(|(key, _)| *key)
}

/// A value without what cannot be seen.
fn clean(value: &str) -> Option<String> {
    let value = value.trim();
    (!value.is_empty() && !value.chars().any(char::is_control)).then(|| value.to_owned())
}

/// Words that rise: `høy`, `høy,kritisk` or `høy+`.
fn rising(values: &[String], words: &[Word]) -> Option<Vec<usize>> {
    let mut places = Vec::new();
    for value in values {
        let lower = value.trim().to_lowercase();
        match lower.strip_suffix('+') {
            Some(from) => places.extend(words::place(words, from)?..words.len()),
            None => places.push(words::place(words, &lower)?),
        }
    }
    places.sort_unstable();
    places.dedup();
    Some(places)
}

fn places(values: &[String], words: &[Word]) -> Option<Vec<usize>> {
    let mut places =
        values.iter().map(|value| words::place(words, &value.trim().to_lowercase())).collect::<Option<Vec<_>>>()?;
    places.sort_unstable();
    places.dedup();
    Some(places)
}

fn statuses(values: &[String], list: List) -> Option<Vec<Status>> {
    let one = |value: &String| {
        let lower = value.trim().to_lowercase();
        STATUSES.iter().find(|(_, word, of)| word.is(&lower) && of.contains(&list)).map(|(status, _, _)| *status)
    };
    values.iter().map(one).collect()
}

fn yes_no(values: &[String]) -> Option<bool> {
    let [value] = values else { return None };
    words::place(&YES_NO, &value.trim().to_lowercase()).map(|place| place == 0)
}

/// Numbers from 1 up: no sign, nothing that two readers read in two ways.
fn numbers(values: &[String]) -> Option<Vec<i64>> {
    let one = |value: &String| {
        let value = value.trim();
        let is_plain = !value.is_empty() && value.bytes().all(|octet| octet.is_ascii_digit());
        is_plain.then(|| value.parse::<i64>().ok()).flatten().filter(|number| *number > 0)
    };
    values.iter().map(one).collect()
}

fn owners(values: &[String]) -> Option<Vec<Option<String>>> {
    values.iter().map(|value| clean(value).map(|name| (!NOBODY.is(&name.to_lowercase())).then_some(name))).collect()
}

fn what(key: Key, values: &[String], list: List) -> Option<What> {
    let names = || values.iter().map(|value| clean(value)).collect::<Option<Vec<_>>>();
    match key {
        Key::Member => names().map(What::Member),
        Key::Source => names().map(What::Source),
        Key::Threat => names().map(What::Threat),
        Key::Tlp => values.iter().map(|value| value.parse().ok()).collect::<Option<Vec<_>>>().map(What::Tlp),
        Key::Evidence => rising(values, EVIDENCE).map(What::Evidence),
        Key::Severity => rising(values, SEVERITIES).map(What::Severity),
        Key::Status => statuses(values, list).map(What::Status),
        Key::Kind => places(values, KINDS).map(What::Kind),
        Key::Exercise => yes_no(values).map(What::Exercise),
        Key::History => yes_no(values).map(What::History),
        Key::Owner => owners(values).map(What::Owner),
        Key::Indicator => numbers(values).map(What::Indicator),
        Key::Campaign => numbers(values).map(What::Campaign),
    }
}

/// What stands alone: a network where it is one with its length, else a part of a name.
fn alone(value: &str) -> Option<What> {
    let value = clean(value)?;
    match value.parse::<IpNet>() {
        Ok(network) => Some(What::Network(network.trunc())),
        // `evil[.]no` is pasted as it was shown.
        Err(_) => Some(What::Text(value.replace("[.]", ".").replace("[:]", ":"))),
    }
}

fn token(piece: &Piece, list: List) -> Result<Token, Why> {
    if piece.is_open {
        return Err(Why::Quote);
    }
    let Some(name) = &piece.key else {
        let value = piece.values.first().map(String::as_str).unwrap_or_default();
        return alone(value).map(|what| Token { not: piece.not, what }).ok_or(Why::Key);
    };
    let key = key_named(&name.to_lowercase()).ok_or(Why::Key)?;
    if !key.of().contains(&list) {
        return Err(Why::NotHere);
    }
    if piece.values.iter().all(|value| value.trim().is_empty()) {
        return Err(Why::NoValue(key));
    }
    if piece.values.len() > VALUES_IN_TOKEN_MAX {
        return Err(Why::TooManyValues(key));
    }
    what(key, &piece.values, list).map(|what| Token { not: piece.not, what }).ok_or(Why::Value(key))
}

impl Filter {
    /// Reads what was typed of a list. What was not understood counts for nothing and is told.
    pub fn read(text: &str, list: List) -> (Filter, Vec<Trouble>) {
        let mut troubles = Vec::new();
        let mut read = text;
        if text.len() > FILTER_MAX_OCTETS {
            let end = (0..=FILTER_MAX_OCTETS).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            read = text.get(..end).unwrap_or_default();
            let at = read.chars().count() + 1;
            troubles.push(Trouble { at, word: String::new(), why: Why::TooLong });
        }
        let mut filter = Filter::default();
        for (piece, place) in pieces(read).iter().zip(0_usize..) {
            if place >= TOKENS_MAX {
                troubles.push(Trouble { at: piece.at, word: piece.text.clone(), why: Why::TooMany });
                break;
            }
            match token(piece, list) {
                Ok(token) => {
                    if !filter.tokens.contains(&token) {
                        filter.tokens.push(token);
                    }
                }
                Err(why) => troubles.push(Trouble { at: piece.at, word: piece.text.clone(), why }),
            }
        }
        (filter, troubles)
    }
}
