//! Which of the words that look like names are meant as such: what is in brackets or has a scheme is; files, programs, version
//! numbers, abbreviations and whose mail it is are not.

use varde_common::indicator::{Pattern, Target};

use super::super::value;
use crate::intel::lint::Fixed;

/// What is no value for a sensor, though it looks like one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doubt {
    /// Nobody would take it for one; not worth a line.
    Nothing,
    /// Why it is not taken; told.
    Told(&'static str),
}

/// Endings of files that are top-level domains as well.
const FILES: [&str; 14] = ["zip", "mov", "py", "sh", "md", "rs", "pl", "ps", "so", "cab", "pub", "inc", "app", "java"];
/// Names of programs and languages that are names of domains as well.
const PROGRAMS: [&str; 8] = ["asp.net", "ado.net", "vb.net", "ml.net", "socket.io", "draw.io", "node.js", "vue.js"];
/// Kept free for documentation and tests (RFC 2606, RFC 6761): exercises use them.
const KEPT_FREE: [&str; 3] = ["example", "test", "invalid"];
/// Endings of names inside networks.
const INSIDE: [&str; 6] = ["local", "lan", "internal", "corp", "intern", "localdomain"];
/// Words before a number with dots that is no address.
const VERSIONS: [&str; 13] = [
    "version",
    "versjon",
    "versjonen",
    "versions",
    "ver",
    "v",
    "release",
    "build",
    "firmware",
    "utgave",
    "oppdatering",
    "fortios",
    "ios",
];

/// The part under which one registers: `example.co.uk` of `www.example.co.uk`.
pub(super) fn registered(name: &str) -> Option<String> {
    let last = name.rsplit('.').next()?;
    if KEPT_FREE.contains(&last) {
        let mut labels = name.rsplit('.');
        let (top, own) = (labels.next()?, labels.next()?);
        return Some(format!("{own}.{top}"));
    }
    let domain = psl::domain(name.as_bytes())?;
    let is_known = domain.suffix().is_known();
    is_known.then(|| std::str::from_utf8(domain.as_bytes()).ok().map(str::to_owned)).flatten()
}

/// The name of a pattern, if it is one.
pub(super) fn name_of(pattern: &Pattern) -> Option<String> {
    value::is_name(pattern).then(|| match &pattern.target {
        Target::Domain(name) | Target::Host(name) => name.to_string(),
        Target::Address(_) | Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_) => String::new(),
    })
}

/// Whether it is an address or a network that servers on the internet have.
pub(super) fn is_public_address(pattern: &Pattern, fixed: &Fixed) -> bool {
    let is_address = match pattern.target {
        Target::Address(_) | Target::Network { .. } => true,
        Target::Domain(_) | Target::Host(_) | Target::Ja4(_) | Target::Confidential(_) => false,
    };
    is_address && fixed.check(pattern).is_ok()
}

/// Whether a word has brackets as around a dot, and letters or digits on either side of them.
pub(super) fn is_remnant(text: &str) -> bool {
    const SIGNS: [&str; 4] = ["[.", ".]", "{.", ".}"];
    const WORDS: [&str; 3] = ["[dot", "{dot", "[punktum"];
    let text = text.to_lowercase();
    let is_inner = |mark: &&str| {
        text.split_once(*mark).is_some_and(|(before, behind)| {
            before.contains(char::is_alphanumeric) && behind.contains(char::is_alphanumeric)
        })
    };
    let is_behind =
        |mark: &&str| text.split_once(*mark).is_some_and(|(before, _)| before.ends_with(char::is_alphanumeric));
    SIGNS.iter().any(is_inner) || WORDS.iter().any(is_behind)
}

/// What speaks against a bare word, written without brackets and without a scheme.
pub(super) fn bare(written: &str, before: &str, pattern: &Pattern) -> Option<Doubt> {
    let Some(name) = name_of(pattern) else {
        let word = before.trim_end_matches(['.', ':', ',']).to_lowercase();
        let is_version = VERSIONS.contains(&word.as_str());
        return is_version.then_some(Doubt::Told("a version's number by the word before it"));
    };
    let labels: Vec<&str> = name.split('.').collect();
    let (Some(last), true) = (labels.last().copied(), labels.len() > 1) else { return Some(Doubt::Nothing) };
    // Where a space is missing behind a full stop the next sentence's first letter is large.
    let is_two_sentences = written.split('.').skip(1).any(|label| label.starts_with(char::is_uppercase))
        && written.split('.').next().is_some_and(|label| label.chars().skip(1).any(char::is_lowercase));
    if PROGRAMS.contains(&name.as_str()) {
        return Some(Doubt::Told("a program's or a language's name"));
    }
    if INSIDE.contains(&last) {
        return Some(Doubt::Told("a name inside a network"));
    }
    if labels.len() == 2 && FILES.contains(&last) {
        return Some(Doubt::Told("it may as well be a file's name"));
    }
    match registered(&name) {
        None if KEPT_FREE.contains(&last) => Some(Doubt::Nothing),
        None if psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known()) => {
            Some(Doubt::Told("an ending under which others register"))
        }
        // cmd.exe, report.pdf, bl.a: no such ending is on the net.
        None => Some(Doubt::Nothing),
        Some(_) if is_two_sentences => Some(Doubt::Told("two sentences without a space between, it seems")),
        Some(_) => None,
    }
}

/// Whether a name is of those who wrote the mail or got it.
pub(super) fn is_own(name: &str, own: &[String]) -> bool {
    let registered = registered(name);
    let is_below =
        |domain: &String| name == domain || name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.ends_with('.'));
    own.iter().any(|domain| is_below(domain) || (registered.is_some() && registered == self::registered(domain)))
}

/// Whether a line begins what a mail closes with, or ends it: from then on names are contact.
pub(super) fn closes(line: &str) -> Option<bool> {
    const CLOSING: [&str; 11] = [
        "med vennlig hilsen",
        "vennlig hilsen",
        "med venleg helsing",
        "venleg helsing",
        "beste hilsen",
        "mvh",
        "hilsen",
        "best regards",
        "kind regards",
        "regards",
        "sincerely",
    ];
    const OPENING: [&str; 7] = ["-----", "_____", "fra:", "frå:", "from:", "> ", "begin forwarded"];
    /// Headings of lists, which are no part of a signature.
    const LISTS: [&str; 9] = ["indikator", "indicator", "ioc", "domene", "domain", "ip", "adresse", "address", "url"];
    let text = line.trim().trim_end_matches([',', '.', '!']).to_lowercase();
    let heading = text.trim_start_matches(['#', '*', ' ', '-']);
    if text.ends_with(':') && LISTS.iter().any(|list| heading.starts_with(list)) {
        return Some(false);
    }
    if line.trim_end() == "--" || line == "-- " || CLOSING.iter().any(|closing| text == *closing) {
        Some(true)
    } else if OPENING.iter().any(|opening| text.starts_with(opening)) {
        Some(false)
    } else {
        None
    }
}

/// Lines of values alone that follow each other are a list, wherever they stand.
const LIST_FROM_LINES: usize = 3;

/// Which lines are of a list.
pub(super) fn listed(lines: &[&str]) -> Vec<bool> {
    let is_value = |line: &&str| {
        let text = line.trim().trim_start_matches(['-', '*', '•', '–', ' ']).trim_end_matches([',', ';']);
        !text.contains(char::is_whitespace)
            && text.contains('.')
            && !text.to_lowercase().starts_with("www.")
            && matches!(value::read(text, value::Names::Domain), Ok(value::Value::Pattern(_) | value::Value::OfUrl(_)))
    };
    let mut listed: Vec<bool> = lines.iter().map(is_value).collect();
    for run in listed.chunk_by_mut(|one, next| one == next) {
        if run.len() < LIST_FROM_LINES {
            run.fill(false);
        }
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(written: &str) -> Option<Doubt> {
        bare(written, "", &value::pattern(written, value::Names::Domain).unwrap())
    }

    #[test]
    fn files_programs_and_abbreviations_are_no_names() {
        for nothing in ["cmd.exe", "report.pdf", "bl.a", "f.eks", "localhost", "faktura.docx"] {
            assert_eq!(doubt(nothing), Some(Doubt::Nothing), "{nothing}");
        }
        for told in [
            "node.js",
            "asp.net",
            "install.sh",
            "faktura.zip",
            "dc01.kommune.local",
            "kommune.no",
            "co.uk",
            "slutt.De",
            "github.io",
        ] {
            assert!(matches!(doubt(told), Some(Doubt::Told(_))), "{told}: {:?}", doubt(told));
        }
        for name in
            ["evil.example", "evil.no", "a.kommune.no", "innlogging-id.co.uk", "a.b.zip", "192.0.2.1", "x.github.io"]
        {
            assert_eq!(doubt(name), None, "{name}");
        }
        let address = value::pattern("10.4.2.1", value::Names::Domain).unwrap();
        assert!(matches!(bare("10.4.2.1", "versjon", &address), Some(Doubt::Told(_))));
        assert!(is_own("www.nsm.no", &["post.nsm.no".to_owned()]) && !is_own("nsm.example", &["nsm.no".to_owned()]));
        assert!(is_own("a.kommune.example", &["kommune.example".to_owned()]));
        assert_eq!(
            (closes("Med vennlig hilsen,"), closes("> sitat"), closes("Vennlig hilsen er viktig")),
            (Some(true), Some(false), None)
        );
    }
}
