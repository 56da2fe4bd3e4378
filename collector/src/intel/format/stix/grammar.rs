//! The grammar of STIX patterns (STIX 2.1, section 9), as OASIS's own has it: what it refuses is refused here, and what it takes is
//! taken or is said to be beyond what is read. What a pattern means to sensors stands in `pattern`.

use super::NotUnderstood;
use super::token::{NoToken, Token, Tokens, unescaped};
use crate::limits::{PATTERN_COMPARISONS_MAX, PATTERN_DEPTH_MAX, PATTERN_MAX_OCTETS};

/// A comparison: a path, an operator, values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Comparison {
    /// `domain-name:value`, with quotes and steps as they stand.
    pub(super) path: String,
    /// `=`, `IN`, `LIKE`, …; `EXISTS` has no values.
    pub(super) operator: &'static str,
    /// NOT stands before the operator.
    pub(super) is_not: bool,
    /// What it is held against, without quotes and escapes.
    pub(super) values: Vec<String>,
}

/// What stands between brackets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// One comparison.
    Comparison(Comparison),
    /// All of these at once.
    And(Vec<Expression>),
    /// One of these.
    Or(Vec<Expression>),
}

/// A whole pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parsed {
    /// Each observation.
    pub(super) observations: Vec<Expression>,
    /// What joins or qualifies them beside OR, where something does.
    pub(super) joined_by: Option<&'static str>,
}

/// Reads a pattern.
///
/// # Errors
/// That it is none, or larger or deeper than is read.
pub(super) fn parse(pattern: &str) -> Result<Parsed, NotUnderstood> {
    if pattern.len() > PATTERN_MAX_OCTETS {
        return Err(NotUnderstood::beyond(&format!("a pattern of more than {PATTERN_MAX_OCTETS} bytes")));
    }
    if !pattern.trim_start_matches(|c: char| c == '(' || c.is_whitespace()).starts_with('[') {
        return Err(NotUnderstood::no_pattern("it does not begin with ["));
    }
    let parsed = Parsed { observations: Vec::new(), joined_by: None };
    let mut parser = Parser { whole: pattern, tokens: Tokens::new(pattern), next: None, comparisons: 0, parsed };
    parser.advance()?;
    parser.observations(0)?;
    match parser.next {
        None => Ok(parser.parsed),
        Some(_) => Err(parser.unexpected("AND, OR, FOLLOWEDBY or the end")),
    }
}

struct Parser<'a> {
    whole: &'a str,
    tokens: Tokens<'a>,
    next: Option<Token<'a>>,
    comparisons: usize,
    parsed: Parsed,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<Option<Token<'a>>, NotUnderstood> {
        let before = self.next;
        match self.tokens.next() {
            Ok(next) => self.next = next,
            Err(NoToken(what)) => return Err(NotUnderstood::no_pattern(&format!("{} has {what}", self.place()))),
        }
        Ok(before)
    }

    /// Where the reading stands, in characters.
    fn place(&self) -> String {
        let read = self.whole.len().saturating_sub(self.tokens.rest().len());
        let characters = self.whole.get(..read).map_or(0, |read| read.chars().count());
        format!("what ends at character {characters}")
    }

    fn unexpected(&self, wanted: &str) -> NotUnderstood {
        match self.next {
            None => NotUnderstood::no_pattern(&format!("it ends where {wanted} belongs")),
            Some(_) => NotUnderstood::no_pattern(&format!("{} stands where {wanted} belongs", self.place())),
        }
    }

    fn take(&mut self, wanted: Token<'_>) -> Result<bool, NotUnderstood> {
        if self.next != Some(wanted) {
            return Ok(false);
        }
        self.advance()?;
        Ok(true)
    }

    fn expect(&mut self, wanted: Token<'_>, named: &str) -> Result<(), NotUnderstood> {
        if self.take(wanted)? { Ok(()) } else { Err(self.unexpected(named)) }
    }

    fn deeper(depth: usize) -> Result<usize, NotUnderstood> {
        match depth < PATTERN_DEPTH_MAX {
            true => Ok(depth + 1),
            false => Err(NotUnderstood::beyond(&format!("parentheses more than {PATTERN_DEPTH_MAX} deep"))),
        }
    }

    /// Observations and what joins them; how AND, OR and FOLLOWEDBY bind matters to nobody here.
    fn observations(&mut self, depth: usize) -> Result<(), NotUnderstood> {
        loop {
            self.observation(depth)?;
            let joint = match self.next {
                Some(Token::Keyword("OR")) => None,
                Some(Token::Keyword("AND")) => Some("several observations joined by AND"),
                Some(Token::Keyword("FOLLOWEDBY")) => Some("several observations joined by FOLLOWEDBY"),
                Some(_) | None => return Ok(()),
            };
            self.parsed.joined_by = self.parsed.joined_by.or(joint);
            self.advance()?;
        }
    }

    fn observation(&mut self, depth: usize) -> Result<(), NotUnderstood> {
        let is_simple = !self.take(Token::Sign('('))?;
        if is_simple {
            self.expect(Token::Sign('['), "[")?;
            let expression = self.or(depth)?;
            self.parsed.observations.push(expression);
            self.expect(Token::Sign(']'), "]")?;
        } else {
            self.observations(Self::deeper(depth)?)?;
            self.expect(Token::Sign(')'), ")")?;
        }
        self.qualifiers(is_simple)
    }

    /// What is said of an observation's times; each kind once of one observation.
    fn qualifiers(&mut self, is_simple: bool) -> Result<(), NotUnderstood> {
        let mut seen = [false; 3];
        loop {
            let (kind, named) = match self.next {
                Some(Token::Keyword("WITHIN")) => (0, "the qualifier WITHIN"),
                Some(Token::Keyword("REPEATS")) => (1, "the qualifier REPEATS"),
                Some(Token::Keyword("START")) => (2, "the qualifier START … STOP"),
                Some(_) | None => return Ok(()),
            };
            self.advance()?;
            match (kind, self.advance()?) {
                (0, Some(Token::Whole(_) | Token::Fraction(_))) => self.expect(Token::Keyword("SECONDS"), "SECONDS")?,
                (1, Some(Token::Whole(_))) => self.expect(Token::Keyword("TIMES"), "TIMES")?,
                (2, Some(Token::Time(_))) => {
                    self.expect(Token::Keyword("STOP"), "STOP")?;
                    if !matches!(self.advance()?, Some(Token::Time(_))) {
                        return Err(NotUnderstood::no_pattern("STOP has no time behind it"));
                    }
                }
                (_, _) => return Err(NotUnderstood::no_pattern(&format!("{named} has no number or time behind it"))),
            }
            if let Some(seen) = seen.get_mut(kind)
                && std::mem::replace(seen, true)
                && is_simple
            {
                return Err(NotUnderstood::no_pattern(&format!("{named} stands twice at one observation")));
            }
            self.parsed.joined_by = self.parsed.joined_by.or(Some(named));
        }
    }

    fn or(&mut self, depth: usize) -> Result<Expression, NotUnderstood> {
        let mut parts = vec![self.and(depth)?];
        while self.take(Token::Keyword("OR"))? {
            parts.push(self.and(depth)?);
        }
        Ok(alone(parts, Expression::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Expression, NotUnderstood> {
        let mut parts = vec![self.test(depth)?];
        while self.take(Token::Keyword("AND"))? {
            parts.push(self.test(depth)?);
        }
        Ok(alone(parts, Expression::And))
    }

    fn test(&mut self, depth: usize) -> Result<Expression, NotUnderstood> {
        if self.take(Token::Sign('('))? {
            let inner = self.or(Self::deeper(depth)?)?;
            self.expect(Token::Sign(')'), ")")?;
            return Ok(inner);
        }
        self.counted(1)?;
        let is_not_there = self.take(Token::Keyword("NOT"))?;
        if self.take(Token::Keyword("EXISTS"))? {
            let path = self.path()?;
            let comparison = Comparison { path, operator: "EXISTS", is_not: is_not_there, values: Vec::new() };
            return Ok(Expression::Comparison(comparison));
        }
        if is_not_there {
            return Err(self.unexpected("EXISTS"));
        }
        let path = self.path()?;
        let is_not = self.take(Token::Keyword("NOT"))?;
        let operator = match self.next {
            Some(Token::Operator(operator)) => operator,
            Some(Token::Keyword("IN")) => "IN",
            Some(Token::Keyword("LIKE")) => "LIKE",
            Some(Token::Keyword("MATCHES")) => "MATCHES",
            Some(Token::Keyword("ISSUBSET")) => "ISSUBSET",
            Some(Token::Keyword("ISSUPERSET")) => "ISSUPERSET",
            Some(_) | None => return Err(self.unexpected("an operator")),
        };
        self.advance()?;
        let values = match operator {
            "IN" => self.set()?,
            "LIKE" | "MATCHES" | "ISSUBSET" | "ISSUPERSET" => match self.next {
                Some(Token::Text(_)) => vec![self.value()?],
                Some(_) | None => return Err(self.unexpected("a text between quotes")),
            },
            "=" | "!=" => vec![self.value()?],
            _ if matches!(self.next, Some(Token::Truth(_))) => return Err(self.unexpected("something with an order")),
            _ => vec![self.value()?],
        };
        Ok(Expression::Comparison(Comparison { path, operator, is_not, values }))
    }

    fn counted(&mut self, more: usize) -> Result<(), NotUnderstood> {
        self.comparisons += more;
        match self.comparisons > PATTERN_COMPARISONS_MAX {
            true => Err(NotUnderstood::beyond(&format!("more than {PATTERN_COMPARISONS_MAX} comparisons"))),
            false => Ok(()),
        }
    }

    fn set(&mut self) -> Result<Vec<String>, NotUnderstood> {
        self.expect(Token::Sign('('), "(")?;
        let mut values = Vec::new();
        if self.take(Token::Sign(')'))? {
            return Ok(values);
        }
        loop {
            self.counted(1)?;
            values.push(self.value()?);
            if self.take(Token::Sign(')'))? {
                return Ok(values);
            }
            self.expect(Token::Sign(','), ", or )")?;
        }
    }

    fn value(&mut self) -> Result<String, NotUnderstood> {
        let value = match self.next {
            Some(Token::Text(text)) => unescaped(text),
            Some(
                Token::Whole(text)
                | Token::Negative(text)
                | Token::Fraction(text)
                | Token::NegativeFraction(text)
                | Token::Truth(text)
                | Token::Time(text)
                | Token::Octets(text),
            ) => text.strip_prefix('+').unwrap_or(text).to_owned(),
            Some(
                Token::Keyword(_) | Token::Identifier(_) | Token::Hyphenated(_) | Token::Operator(_) | Token::Sign(_),
            )
            | None => return Err(self.unexpected("a value")),
        };
        self.advance()?;
        Ok(value)
    }

    /// `domain-name:resolves_to_refs[*].value`.
    fn path(&mut self) -> Result<String, NotUnderstood> {
        let Some(Token::Identifier(kind) | Token::Hyphenated(kind)) = self.next else {
            return Err(self.unexpected("an object's type"));
        };
        self.advance()?;
        self.expect(Token::Sign(':'), ":")?;
        let mut path = format!("{kind}:");
        self.step(&mut path)?;
        loop {
            if self.take(Token::Sign('.'))? {
                path.push('.');
                self.step(&mut path)?;
            } else if self.take(Token::Sign('['))? {
                let at = match self.next {
                    Some(Token::Sign('*')) => "*",
                    Some(Token::Whole(place) | Token::Negative(place)) => place,
                    Some(_) | None => return Err(self.unexpected("a place in a list")),
                };
                path.push_str(&format!("[{at}]"));
                self.advance()?;
                self.expect(Token::Sign(']'), "]")?;
            } else {
                return Ok(path);
            }
        }
    }

    fn step(&mut self, path: &mut String) -> Result<(), NotUnderstood> {
        match self.next {
            Some(Token::Identifier(name)) => path.push_str(name),
            Some(Token::Text(name)) => path.push_str(&format!("'{name}'")),
            // The one mistake that half the world makes, with a meaning nobody can miss: a hash's name without quotes.
            Some(Token::Hyphenated(name)) if path.ends_with(":hashes.") && name.starts_with("SHA") => {
                path.push_str(&format!("'{name}'"));
            }
            Some(_) | None => return Err(self.unexpected("a property")),
        }
        self.advance()?;
        Ok(())
    }
}

/// One part by itself, several as `joined` says.
fn alone(mut parts: Vec<Expression>, joined: fn(Vec<Expression>) -> Expression) -> Expression {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            joined(parts)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_grammar_of_oasis_takes_and_refuses_is_taken_and_refused() {
        for good in [
            "[a:b='c']",
            "[a:b IN ()]",
            "[EXISTS a:b]",
            "[NOT EXISTS a:b]",
            "[a:b NOT = 'c']",
            "[a:b=.5]",
            "[a:b.'c d'='x']",
            "[a:b[0].c[*]='x']",
            "([a:b='c'])",
            "[a:b='c'] WITHIN 5.5 SECONDS REPEATS 3 TIMES",
            "[((a:b='c'))]",
            "[a:b='c'] START t'2020-01-01T00:00:00Z' STOP t'2021-01-01T00:00:00Z'",
            "[a:b='c']OR[d:e='f']",
            "[a : b . c='d']",
            "([a:b='c'] WITHIN 5 SECONDS) WITHIN 5 SECONDS",
            "[a:b='c'] // x",
            "[a:b != 5 AND a:c >= 2.5]",
        ] {
            assert!(parse(good).is_ok(), "{good}: {:?}", parse(good));
        }
        for bad in [
            "",
            "x",
            "[]",
            "[a:b=TRUE]",
            "[a:b in ('x')]",
            "[NOT a:b='c']",
            "[a:b=1.]",
            "[a:b=05]",
            "[a:b['k']='x']",
            "[a:b-c='x']",
            "[a:b='c'] WITHIN -5 SECONDS",
            "[a:b LIKE 5]",
            "[a:b > true]",
            "[AND:b='c']",
            "[a:b.AND='c']",
            "[1a:b='c']",
            "[a:b='c'] WITHIN 5 SECONDS WITHIN 6 SECONDS",
            "[a:b='c']]",
            "[a:b='c'",
            "/*x*/[a:b='c']",
            "[a:b IN ('a',)]",
            "[([a:b='c'])]",
            "[a:b='c' and d:e='f']",
            "[a:b = evil]",
            "[a:b='c'] [d:e='f']",
            "[a:hashes.MD-5='c']",
        ] {
            let why = parse(bad).unwrap_err();
            assert!(matches!(why, NotUnderstood::NoPattern(_)), "{bad}: {why:?}");
        }
    }

    #[test]
    fn f1_deep_and_long_patterns_are_refused_and_harm_nobody() {
        for open in ["(", "[("] {
            let why = parse(&format!("{}{}", "(".repeat(40_000), open)).unwrap_err();
            assert!(matches!(why, NotUnderstood::NoPattern(_)) || why.to_string().contains("deep"), "{why:?}");
        }
        let deep = format!("[{}a:b='c'{}]", "(".repeat(5_000), ")".repeat(5_000));
        assert!(parse(&deep).unwrap_err().to_string().contains("deep"));
        let long = format!("[a:b IN ({}'x')]", "'x',".repeat(PATTERN_COMPARISONS_MAX));
        assert!(parse(&long).unwrap_err().to_string().contains("comparisons"));
        let huge = format!("[a:b='{}']", "x".repeat(PATTERN_MAX_OCTETS));
        assert!(parse(&huge).unwrap_err().to_string().contains("bytes"));
    }
}
