//! One line of a table, taken apart: a quote opens at the beginning of a field and nowhere else, and a space in front of it is
//! none of the field's (ThreatFox writes one).

/// The fields of a line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(pub(super) Vec<String>);

/// Where in a line its reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before anything but spaces of a field.
    Beginning,
    /// In a field without quotes, or behind the closing one.
    Bare,
    /// Between quotes.
    Quoted,
    /// Behind a quote between quotes: it closes, unless another follows.
    MaybeClosed,
}

impl At {
    /// After one more character, and whether that is the field's own.
    fn next(self, character: char, delimiter: char) -> (At, bool) {
        match (self, character) {
            (At::Quoted, '"') => (At::MaybeClosed, false),
            (At::Quoted, _) => (At::Quoted, true),
            (At::MaybeClosed, '"') => (At::Quoted, true),
            (At::Beginning | At::Bare | At::MaybeClosed, _) if character == delimiter => (At::Beginning, false),
            (At::MaybeClosed | At::Bare, _) => (At::Bare, true),
            (At::Beginning, '"') => (At::Quoted, false),
            (At::Beginning, ' ') => (At::Beginning, true),
            (At::Beginning, _) => (At::Bare, true),
        }
    }
}

impl Fields {
    pub(super) fn of(line: &str, delimiter: u8) -> Fields {
        let delimiter = char::from(delimiter);
        let (mut fields, mut field, mut at) = (Vec::new(), String::new(), At::Beginning);
        for character in line.chars() {
            let (next, is_own) = at.next(character, delimiter);
            if is_own {
                field.push(character);
            } else if next == At::Beginning {
                fields.push(std::mem::take(&mut field));
            } else if at == At::Beginning {
                // Spaces before the quote.
                field.clear();
            }
            at = next;
        }
        fields.push(field);
        Fields(fields)
    }

    /// Whether a line ends between quotes, having begun between them or not.
    pub(super) fn is_open(is_open: bool, line: &str, delimiter: u8) -> bool {
        // Nearly every line of nearly every table.
        if memchr::memchr(b'"', line.as_bytes()).is_none() {
            return is_open;
        }
        let mut at = if is_open { At::Quoted } else { At::Beginning };
        for character in line.chars() {
            at = at.next(character, char::from(delimiter)).0;
        }
        at == At::Quoted
    }
}

/// The delimiter that a line has most of, outside of quotes and of what is behind a comment's mark.
pub(super) fn delimiter_of(line: &str) -> u8 {
    let count = |octet: u8| count(line, octet);
    b",;\t|".iter().copied().max_by_key(|&octet| (count(octet), octet == b',')).unwrap_or(b',')
}

fn count(line: &str, delimiter: u8) -> usize {
    let (mut at, mut count, mut before) = (At::Beginning, 0, ' ');
    for character in line.chars() {
        // The space before it is what makes it a comment.
        if at == At::Bare && before == ' ' && matches!(character, '#' | ';') && delimiter != b'\t' {
            break;
        }
        let (next, is_own) = at.next(character, char::from(delimiter));
        count += usize::from(next == At::Beginning && !is_own);
        (at, before) = (next, character);
    }
    count
}

/// Whether a line is one of a table: it has several fields between one of the usual marks. In a URL alone they are its own.
pub(in super::super) fn is_table(line: &str) -> bool {
    let is_url = line.contains("://") && !line.contains(['"', '\t', ' ']) && count(line, b',') < 2;
    !is_url && count(line, delimiter_of(line)) > 0
}

/// Whether nearly all lines have as many fields as the first one, and more than one. The last may be cut off.
pub(in super::super) fn is_regular(lines: &[&str]) -> bool {
    let Some(first) = lines.first().filter(|first| is_table(first)) else { return false };
    let delimiter = delimiter_of(first);
    let fields = count(first, delimiter);
    lines.iter().filter(|line| count(line, delimiter) == fields).count() * 4 > lines.len() * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_opens_at_a_fields_beginning_and_nowhere_else() {
        for (line, fields) in [
            ("a,b", vec!["a", "b"]),
            ("\"a,\"\"b\"\"\", \"c, \"\"d\"", vec!["a,\"b\"", "c, \"d"]),
            ("12\" rack,b", vec!["12\" rack", "b"]),
            ("\"a\" x,b", vec!["a x", "b"]),
            ("", vec![""]),
            (",", vec!["", ""]),
            ("a,\"b\nc\"", vec!["a", "b\nc"]),
        ] {
            assert_eq!(Fields::of(line, b',').0, fields, "{line}");
        }
        for (line, is_open) in
            [("a,\"b", true), ("a,12\" b", false), ("\"a\"\"", true), ("\"a\"\"\"", false), ("a", false)]
        {
            assert_eq!(Fields::is_open(false, line, b','), is_open, "{line}");
        }
        assert!(Fields::is_open(true, "goes on", b',') && !Fields::is_open(true, "ends\",b", b','));
    }

    #[test]
    fn the_delimiter_is_found_beside_quotes_and_comments() {
        for (line, delimiter) in [
            ("a;b;c", b';'),
            ("a\tb", b'\t'),
            ("\"a;b;c;d\",e", b','),
            ("evil.example,c2 # a; b; c; d", b','),
            ("a|b|c", b'|'),
        ] {
            assert_eq!(delimiter_of(line), delimiter, "{line}");
        }
        assert!(
            !is_table("evil.example ; c2") && !is_table("http://evil.example/a,b") && !is_table("evil.example # a,b")
        );
        assert!(is_table("evil.example,c2") && is_table("http://evil.example/a,phishing,1"));
    }
}
