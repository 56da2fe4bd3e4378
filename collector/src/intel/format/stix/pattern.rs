//! The part of STIX patterning (STIX 2.1, section 9) that names what a sensor can look for: comparisons of names, addresses, networks
//! and URLs, joined by OR, each perhaps with what AND adds to it (a port, an address that a name resolves to).

use std::fmt;

/// One thing to look for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wanted {
    /// What is compared.
    pub(super) what: What,
    /// With what, as it stands.
    pub(super) value: String,
    /// Only on this port.
    pub(super) port: Option<String>,
    /// `LIKE '%.…'`: what is below it.
    pub(super) below: bool,
}

/// What is compared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum What {
    /// A name.
    #[default]
    Name,
    /// An address or a network.
    Address,
    /// A URL.
    Url,
    /// What no sensor can look for; by the path's own words.
    Other(String),
}

/// Why a pattern is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotUnderstood(pub(super) String);

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Comparisons in one pattern; more are refused.
const COMPARISONS_MAX: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    ParenthesisOpen,
    ParenthesisClose,
    Comma,
    Word(String),
    Operator(&'static str),
    Text(String),
}

/// Reads a pattern; nothing nests deeper than its brackets and one list, so that no input can make it recur.
///
/// # Errors
/// What in it is beyond what sensors can do, or no pattern at all.
pub(super) fn read(pattern: &str) -> Result<Vec<Wanted>, NotUnderstood> {
    let tokens = tokens(pattern)?;
    let mut reader = Reader { tokens: &tokens, wanted: Vec::new() };
    loop {
        reader.expect(&Token::Open)?;
        reader.observation()?;
        reader.expect(&Token::Close)?;
        match reader.next() {
            None => break,
            Some(Token::Word(word)) if word == "OR" => {}
            Some(Token::Word(word))
                if matches!(word.as_str(), "AND" | "FOLLOWEDBY" | "WITHIN" | "REPEATS" | "START") =>
            {
                return Err(beyond(&format!("several observations joined by {word}")));
            }
            Some(_) => return Err(no_pattern()),
        }
    }
    Ok(reader.wanted)
}

fn beyond(what: &str) -> NotUnderstood {
    NotUnderstood(format!("is not supported: {what}"))
}

fn no_pattern() -> NotUnderstood {
    NotUnderstood("is no STIX pattern".to_owned())
}

fn tokens(pattern: &str) -> Result<Vec<Token>, NotUnderstood> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let (token, used) = match first {
            c if c.is_whitespace() => {
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
                continue;
            }
            // A path's own brackets are read with it.
            '[' => (Token::Open, 1),
            ']' => (Token::Close, 1),
            '(' => (Token::ParenthesisOpen, 1),
            ')' => (Token::ParenthesisClose, 1),
            ',' => (Token::Comma, 1),
            '\'' => text(rest)?,
            '=' => (Token::Operator("="), 1),
            '!' if rest.starts_with("!=") => (Token::Operator("!="), 2),
            '<' | '>' => {
                let two = rest.get(1..2) == Some("=") || rest.starts_with("<>");
                (Token::Operator(if first == '<' { "<" } else { ">" }), if two { 2 } else { 1 })
            }
            _ => word(rest),
        };
        if used == 0 {
            return Err(no_pattern());
        }
        tokens.push(token);
        rest = rest.get(used..).unwrap_or_default();
    }
    Ok(tokens)
}

/// A text between quotes; `\'` and `\\` stand for the characters alone.
fn text(rest: &str) -> Result<(Token, usize), NotUnderstood> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            '\'' => return Ok((Token::Text(text), at + 1)),
            '\\' => match characters.next() {
                Some((_, escaped @ ('\'' | '\\'))) => text.push(escaped),
                _ => return Err(NotUnderstood("is no STIX pattern: \\ stands before ' and \\ alone".to_owned())),
            },
            other => text.push(other),
        }
    }
    Err(NotUnderstood("is no STIX pattern: a quote is never closed".to_owned()))
}

/// A keyword, a number or a path, whose own brackets (`[*]`, `['x']`) and quotes belong to it.
fn word(rest: &str) -> (Token, usize) {
    let mut end = 0;
    let mut quoted = false;
    let mut depth = 0_u32;
    for (at, character) in rest.char_indices() {
        let goes_on = match character {
            '\'' if depth > 0 || rest.get(..at).is_some_and(|before| before.ends_with('.')) || quoted => {
                quoted = !quoted;
                true
            }
            _ if quoted => true,
            '[' if at > 0 => {
                depth += 1;
                true
            }
            ']' if depth > 0 => {
                depth -= 1;
                true
            }
            other => depth > 0 || other.is_alphanumeric() || matches!(other, '-' | '_' | ':' | '.' | '*'),
        };
        if !goes_on {
            break;
        }
        end = at + character.len_utf8();
    }
    (Token::Word(rest.get(..end).unwrap_or_default().to_owned()), end)
}

/// A comparison.
struct Comparison {
    path: String,
    operator: String,
    values: Vec<String>,
}

struct Reader<'a> {
    tokens: &'a [Token],
    wanted: Vec<Wanted>,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<&Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.first()
    }

    fn expect(&mut self, wanted: &Token) -> Result<(), NotUnderstood> {
        match self.next() {
            Some(token) if token == wanted => Ok(()),
            Some(_) | None => Err(no_pattern()),
        }
    }

    /// What stands between the brackets: groups joined by OR, each of comparisons joined by AND.
    fn observation(&mut self) -> Result<(), NotUnderstood> {
        let mut group = Vec::new();
        loop {
            // Parentheses around a whole group say nothing.
            let mut opened = 0;
            while self.peek() == Some(&Token::ParenthesisOpen) {
                self.next();
                opened += 1;
            }
            group.push(self.comparison()?);
            while opened > 0 && self.peek() == Some(&Token::ParenthesisClose) {
                self.next();
                opened -= 1;
            }
            if opened > 0 {
                return Err(beyond("parentheses within an observation"));
            }
            match self.peek() {
                Some(Token::Word(word)) if word == "AND" => {
                    self.next();
                }
                Some(Token::Word(word)) if word == "OR" => {
                    self.next();
                    self.group(std::mem::take(&mut group))?;
                }
                _ => return self.group(group),
            }
            if group.len() > COMPARISONS_MAX || self.wanted.len() > COMPARISONS_MAX {
                return Err(beyond("more than 10,000 comparisons"));
            }
        }
    }

    fn comparison(&mut self) -> Result<Comparison, NotUnderstood> {
        let Some(Token::Word(path)) = self.next().cloned() else { return Err(no_pattern()) };
        if path == "NOT" || path == "EXISTS" {
            return Err(beyond(&format!("{path} in front of a comparison")));
        }
        let operator = match self.next().cloned() {
            Some(Token::Operator(operator)) => operator.to_owned(),
            Some(Token::Word(word)) if word == "NOT" => return Err(beyond("NOT")),
            Some(Token::Word(word)) => word,
            _ => return Err(no_pattern()),
        };
        let values = match (operator.as_str(), self.next().cloned()) {
            ("IN", Some(Token::ParenthesisOpen)) => self.list()?,
            ("=" | "LIKE" | "ISSUBSET", Some(Token::Text(text) | Token::Word(text))) => vec![text],
            (_, Some(Token::Text(_) | Token::Word(_) | Token::ParenthesisOpen)) => {
                return Err(beyond(&format!("the operator {operator}")));
            }
            _ => return Err(no_pattern()),
        };
        Ok(Comparison { path, operator, values })
    }

    fn list(&mut self) -> Result<Vec<String>, NotUnderstood> {
        let mut values = Vec::new();
        loop {
            match self.next().cloned() {
                Some(Token::Text(text) | Token::Word(text)) => values.push(text),
                _ => return Err(no_pattern()),
            }
            match self.next() {
                Some(Token::Comma) if values.len() < COMPARISONS_MAX => {}
                Some(Token::ParenthesisClose) => return Ok(values),
                _ => return Err(no_pattern()),
            }
        }
    }

    /// What AND joins: one thing to look for, and what is said of it.
    fn group(&mut self, group: Vec<Comparison>) -> Result<(), NotUnderstood> {
        let (mut subject, mut port) = (None::<(What, Comparison)>, None);
        let has_name = group.iter().any(|comparison| comparison.path == "domain-name:value");
        for comparison in group {
            let what = match comparison.path.as_str() {
                "domain-name:value" => What::Name,
                "ipv4-addr:value" | "ipv6-addr:value" => What::Address,
                "network-traffic:dst_ref.value" => What::Address,
                "url:value" => What::Url,
                "network-traffic:dst_port" => {
                    port = comparison.values.into_iter().next();
                    continue;
                }
                // What kind of thing the destination is shows its value; protocols are not told apart.
                "network-traffic:dst_ref.type" => continue,
                path if path.starts_with("network-traffic:protocols") => continue,
                // What a name resolves to: the name is looked for, the answer shows the rest.
                path if path.starts_with("domain-name:resolves_to_refs") && has_name => continue,
                path if path.starts_with("network-traffic:src_ref") => {
                    return Err(NotUnderstood(
                        "is not imported: it is about who connects to a member (src_ref), and sensors look at what members connect to"
                            .to_owned(),
                    ));
                }
                path => What::Other(path.split(':').next().unwrap_or(path).to_owned()),
            };
            if subject.is_some() {
                return Err(beyond("several things that must be seen together (AND)"));
            }
            subject = Some((what, comparison));
        }
        let Some((what, Comparison { path, operator, values })) = subject else {
            return Err(beyond("a comparison of nothing but ports and types"));
        };
        for value in values {
            let (value, below) = match operator.as_str() {
                "LIKE" => match value.strip_prefix("%.") {
                    Some(name) if what == What::Name && !name.contains(['%', '_']) => (name.to_owned(), true),
                    _ => return Err(beyond("LIKE, but for '%.name'")),
                },
                "ISSUBSET" if what != What::Address => return Err(beyond(&format!("ISSUBSET of {path}"))),
                _ => (value, false),
            };
            self.wanted.push(Wanted { what: what.clone(), value, port: port.clone(), below });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(pattern: &str) -> String {
        match read(pattern) {
            Ok(wanted) => {
                let shown = wanted.iter().map(|one| {
                    let port = one.port.as_ref().map(|port| format!(":{port}")).unwrap_or_default();
                    let below = if one.below { "*." } else { "" };
                    format!("{:?} {below}{}{port}", one.what, one.value)
                });
                shown.collect::<Vec<_>>().join(", ")
            }
            Err(why) => why.to_string(),
        }
    }

    #[test]
    fn the_forms_that_are_met_are_read() {
        for (pattern, want) in [
            ("[domain-name:value = 'x.example']", "Name x.example"),
            ("[ipv4-addr:value = '192.0.2.1' OR domain-name:value='b.example']", "Address 192.0.2.1, Name b.example"),
            ("[domain-name:value = 'a.example'] OR [url:value = 'https://h/p']", "Name a.example, Url https://h/p"),
            (
                "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.24' AND network-traffic:dst_port = '8443']",
                "Address 198.51.100.24:8443",
            ),
            (
                "[network-traffic:dst_ref.value = '198.51.100.24' AND network-traffic:dst_port = 8443]",
                "Address 198.51.100.24:8443",
            ),
            (
                "[domain-name:value = 'd.example' AND domain-name:resolves_to_refs[*].value = '203.0.113.9']",
                "Name d.example",
            ),
            ("[domain-name:value IN ('a.example', 'b.example')]", "Name a.example, Name b.example"),
            ("[domain-name:value LIKE '%.evil.example']", "Name *.evil.example"),
            ("[ipv4-addr:value ISSUBSET '192.0.2.0/24']", "Address 192.0.2.0/24"),
            (
                "[(domain-name:value = 'a.example') OR (domain-name:value = 'b.example')]",
                "Name a.example, Name b.example",
            ),
            (r"[domain-name:value = 'it\'s \\.example']", r"Name it's \.example"),
            ("[file:hashes.'SHA-256' = 'ef53']", "Other(\"file\") ef53"),
            ("[x509-certificate:hashes.SHA1 = 'ab']", "Other(\"x509-certificate\") ab"),
            ("[file:name = 'CBricksDoc']", "Other(\"file\") CBricksDoc"),
        ] {
            assert_eq!(shown(pattern), want, "{pattern}");
        }
    }

    #[test]
    fn what_is_beyond_sensors_is_refused_by_name() {
        for (pattern, want) in [
            ("[network-traffic:src_ref.value = '192.0.2.201']", "src_ref"),
            ("[domain-name:value MATCHES '^a+$']", "the operator MATCHES"),
            ("[domain-name:value != 'a.example']", "the operator !="),
            ("[a:b = 'c'] FOLLOWEDBY [d:e = 'f'] WITHIN 5 SECONDS", "joined by FOLLOWEDBY"),
            ("[domain-name:value LIKE 'evil%']", "LIKE"),
            ("[domain-name:value = 'a.example' AND ipv4-addr:value = '192.0.2.1']", "seen together"),
            ("[NOT domain-name:value = 'a.example']", "NOT"),
            ("[network-traffic:dst_port = '80']", "nothing but ports"),
            ("[domain-name:value = 'open", "never closed"),
            (r"[domain-name:value = 'a\b']", "stands before"),
            ("domain-name:value = 'a'", "is no STIX pattern"),
            ("[]", "is no STIX pattern"),
            ("", "is no STIX pattern"),
        ] {
            assert!(shown(pattern).contains(want), "{pattern}: {}", shown(pattern));
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,80}") {
            let _ = read(&text);
        }

        #[test]
        fn what_looks_like_a_pattern_does_neither(words in prop::collection::vec(
            prop_oneof!["\\[", "\\]", "\\(", "\\)", ",", "=", "'[a-z\\\\']{0,3}'", "AND", "OR", "IN", "NOT", "domain-name:value", "a:b\\[\\*\\]\\.c"], 0..20)) {
            let _ = read(&words.join(" "));
        }
    }
}
