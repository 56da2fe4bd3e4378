//! The words of a STIX pattern (STIX 2.1, section 9), one after another, as OASIS's own grammar cuts them.

/// A word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `AND`, `OR`, `IN`, …
    Keyword(&'a str),
    /// A name without a hyphen.
    Identifier(&'a str),
    /// A name with one or more: only the types of objects have such.
    Hyphenated(&'a str),
    /// Between quotes, as it stands, with its escapes.
    Text(&'a str),
    /// A whole number without a minus.
    Whole(&'a str),
    /// A whole number with one.
    Negative(&'a str),
    /// A number with a fraction, without a minus.
    Fraction(&'a str),
    /// A number with a fraction and a minus.
    NegativeFraction(&'a str),
    /// `true` or `false`.
    Truth(&'a str),
    /// `t'…'`.
    Time(&'a str),
    /// `h'…'` or `b'…'`.
    Octets(&'a str),
    /// `=`, `!=`, `<`, `>`, `<=`, `>=`, in one way of writing.
    Operator(&'static str),
    /// A bracket, a comma, a dot, a colon, a star.
    Sign(char),
}

/// What is no word, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoToken(pub(super) &'static str);

const KEYWORDS: [&str; 17] = [
    "AND",
    "OR",
    "NOT",
    "FOLLOWEDBY",
    "LIKE",
    "MATCHES",
    "ISSUPERSET",
    "ISSUBSET",
    "EXISTS",
    "LAST",
    "IN",
    "START",
    "STOP",
    "SECONDS",
    "WITHIN",
    "REPEATS",
    "TIMES",
];
const OPERATORS: [(&str, &str); 8] =
    [("==", "="), ("=", "="), ("!=", "!="), ("<>", "!="), ("<=", "<="), (">=", ">="), ("<", "<"), (">", ">")];

/// Words of a pattern, each read when it is asked for.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    /// Of a pattern.
    pub(super) fn new(pattern: &'a str) -> Tokens<'a> {
        Tokens { rest: pattern }
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    /// The next word; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, NoToken> {
        self.skip();
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let (token, used) = match first {
            '[' | ']' | '(' | ')' | ',' | ':' | '*' => (Token::Sign(first), 1),
            '\'' => quoted(self.rest).map(|text| (Token::Text(text), text.len() + 2))?,
            '0'..='9' | '+' | '-' | '.' => number(self.rest)?,
            c if c.is_ascii_alphabetic() || c == '_' => word(self.rest)?,
            _ => {
                let found = OPERATORS.iter().find(|(written, _)| self.rest.starts_with(written));
                let (written, meant) = found.ok_or(NoToken("a character that has no meaning in a pattern"))?;
                (Token::Operator(meant), written.len())
            }
        };
        self.rest = self.rest.get(used..).unwrap_or_default();
        Ok(Some(token))
    }

    /// Passes over what says nothing: blanks and comments.
    fn skip(&mut self) {
        loop {
            let rest = self.rest.trim_start();
            let after = if let Some(comment) = rest.strip_prefix("//") {
                Some(comment.find(['\r', '\n']).map_or("", |end| comment.get(end..).unwrap_or_default()))
            } else {
                let comment = rest.strip_prefix("/*");
                comment.and_then(|comment| comment.find("*/").and_then(|end| comment.get(end + 2..)))
            };
            match after {
                Some(after) => self.rest = after,
                None => {
                    self.rest = rest;
                    return;
                }
            }
        }
    }
}

/// What stands between quotes, as it stands.
fn quoted(rest: &str) -> Result<&str, NoToken> {
    let text = rest.get(1..).unwrap_or_default();
    let mut octets = text.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'\'' => return Ok(text.get(..at).unwrap_or_default()),
            b'\\' => match octets.next() {
                Some((_, b'\'' | b'\\')) => {}
                Some(_) | None => return Err(NoToken("a \\ that stands before something else than ' or \\")),
            },
            _ => {}
        }
    }
    Err(NoToken("a quote that is never closed"))
}

/// A text without its escapes.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            other => plain.push(other),
        }
    }
    plain
}

/// The longest beginning of `text` that `belongs` holds for.
fn beginning(text: &str, belongs: impl Fn(u8) -> bool) -> &str {
    let end = text.bytes().position(|octet| !belongs(octet)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn number(rest: &str) -> Result<(Token<'_>, usize), NoToken> {
    let sign = beginning(rest, |octet| matches!(octet, b'+' | b'-'));
    if sign.len() > 1 {
        return Err(NoToken("two signs in front of a number"));
    }
    let is_negative = sign == "-";
    let digits = beginning(rest.get(sign.len()..).unwrap_or_default(), |octet| octet.is_ascii_digit());
    let behind = rest.get(sign.len() + digits.len()..).unwrap_or_default();
    let fraction = behind.strip_prefix('.').map(|behind| beginning(behind, |octet| octet.is_ascii_digit()));
    if let Some(fraction) = fraction.filter(|fraction| !fraction.is_empty()) {
        let used = sign.len() + digits.len() + 1 + fraction.len();
        let text = rest.get(..used).unwrap_or_default();
        return Ok((if is_negative { Token::NegativeFraction(text) } else { Token::Fraction(text) }, used));
    }
    // A number has no zero in front; what follows one is a number of its own, which no grammar allows there.
    let digits = if digits.starts_with('0') { "0" } else { digits };
    if digits.is_empty() {
        return match rest.starts_with('.') {
            true => Ok((Token::Sign('.'), 1)),
            false => Err(NoToken("a sign without a number")),
        };
    }
    let used = sign.len() + digits.len();
    let text = rest.get(..used).unwrap_or_default();
    Ok((if is_negative { Token::Negative(text) } else { Token::Whole(text) }, used))
}

fn word(rest: &str) -> Result<(Token<'_>, usize), NoToken> {
    let plain = beginning(rest, |octet| octet.is_ascii_alphanumeric() || octet == b'_');
    let whole = beginning(rest, |octet| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-'));
    if whole.len() > plain.len() {
        return Ok((Token::Hyphenated(whole), whole.len()));
    }
    let behind = rest.get(plain.len()..).unwrap_or_default();
    if behind.starts_with('\'') && matches!(plain, "t" | "h" | "b") {
        let text = quoted(behind)?;
        let (is_one, token) = match plain {
            "t" => (is_time(text), Token::Time(text)),
            "h" => (text.len() % 2 == 0 && text.bytes().all(|octet| octet.is_ascii_hexdigit()), Token::Octets(text)),
            _ => (is_base64(text), Token::Octets(text)),
        };
        return match is_one {
            true => Ok((token, plain.len() + text.len() + 2)),
            false => Err(NoToken("a time, or octets, that are none")),
        };
    }
    let token = match plain {
        "true" | "false" => Token::Truth(plain),
        _ if KEYWORDS.contains(&plain) => Token::Keyword(plain),
        _ => Token::Identifier(plain),
    };
    Ok((token, plain.len()))
}

/// `2026-01-31T23:59:60.5Z`; whether the day is one of its month is nobody's business here.
fn is_time(text: &str) -> bool {
    const FORM: &[u8] = b"dddd-dd-ddTdd:dd:dd";
    let Some(text) = text.strip_suffix('Z') else { return false };
    let (moment, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let octets = moment.as_bytes();
    let has_form = octets.len() == FORM.len()
        && octets
            .iter()
            .zip(FORM)
            .all(|(octet, form)| if *form == b'd' { octet.is_ascii_digit() } else { octet == form });
    let between = |from: usize, least: u8, most: u8| {
        let part = moment.get(from..from + 2).and_then(|part| part.parse::<u8>().ok());
        part.is_some_and(|part| (least..=most).contains(&part))
    };
    has_form
        && between(5, 1, 12)
        && between(8, 1, 31)
        && between(11, 0, 23)
        && between(14, 0, 59)
        && between(17, 0, 60)
        && !fraction.is_empty()
        && fraction.bytes().all(|octet| octet.is_ascii_digit())
}

fn is_base64(text: &str) -> bool {
    let letters = text.trim_end_matches('=');
    let padding = text.len() - letters.len();
    !text.is_empty()
        && text.len().is_multiple_of(4)
        && padding <= 2
        && letters.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Result<Vec<Token<'_>>, NoToken> {
        let mut tokens = Tokens::new(text);
        let mut words = Vec::new();
        while let Some(token) = tokens.next()? {
            words.push(token);
        }
        Ok(words)
    }

    #[test]
    fn words_are_cut_as_the_grammar_cuts_them() {
        use Token::{Fraction, Hyphenated, Identifier, Keyword, Negative, NegativeFraction, Octets, Sign, Text, Time};
        use Token::{Operator, Truth, Whole};
        for (text, want) in [
            (
                "a-b:c.d[*]",
                vec![
                    Hyphenated("a-b"),
                    Sign(':'),
                    Identifier("c"),
                    Sign('.'),
                    Identifier("d"),
                    Sign('['),
                    Sign('*'),
                    Sign(']'),
                ],
            ),
            (
                "5AND -3 +0 .5 -1.5",
                vec![Whole("5"), Keyword("AND"), Negative("-3"), Whole("+0"), Fraction(".5"), NegativeFraction("-1.5")],
            ),
            (r"'it\'s \\' /* x */ == <> // y", vec![Text(r"it\'s \\"), Operator("="), Operator("!=")]),
            ("h'' b'YQ==' true", vec![Octets(""), Octets("YQ=="), Truth("true")]),
            ("t'2020-12-31T23:59:60.5Z' t", vec![Time("2020-12-31T23:59:60.5Z"), Identifier("t")]),
            ("05", vec![Whole("0"), Whole("5")]),
        ] {
            assert_eq!(words(text), Ok(want), "{text}");
        }
        assert_eq!(unescaped(r"it\'s \\"), r"it's \");
        for bad in ["'x", r"'\d'", "æ", "h'a'", "b''", "b'YQ='", "t'2020-13-01T00:00:00Z'", "+", "!", "/* x"] {
            assert!(words(bad).is_err(), "{bad}");
        }
    }
}
