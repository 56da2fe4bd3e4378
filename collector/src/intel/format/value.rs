//! One value as people and programs write it: with brackets around its dots, with a scheme and a path, in letters beyond ASCII;
//! as an indicator, or as what no sensor can look for.

use std::borrow::Cow;
use std::net::IpAddr;

use varde_common::indicator::{Pattern, Target};

/// What a value turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// An indicator.
    Pattern(Pattern),
    /// The host of a URL: all of it that can be seen from outside, and more than the URL means.
    OfUrl(Pattern),
    /// No sensor can look for it; what it is.
    Clue(&'static str),
}

/// How a format means its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// It and everything below it.
    Domain,
    /// It alone.
    Host,
}

/// What stands in brackets for a character, so that nobody clicks on it.
const IN_BRACKETS: [(&str, &str); 10] = [
    (".", "."),
    ("dot", "."),
    ("d0t", "."),
    ("punktum", "."),
    ("prikk", "."),
    (":", ":"),
    ("://", "://"),
    ("/", "/"),
    ("at", "@"),
    ("@", "@"),
];

/// Schemes that nothing opens, and what they are meant for; they are such only in front of a colon.
const SCHEMES: [(&str, &str); 7] = [
    ("hxxps", "https"),
    ("hxxp", "http"),
    ("h**ps", "https"),
    ("h**p", "http"),
    ("httx", "http"),
    ("fxps", "ftps"),
    ("fxp", "ftp"),
];

/// What brackets at the beginning of a text stand for, and how long they are: `[.]`, `( dot )`, `([.])`.
pub(super) fn bracketed(text: &str) -> Option<(&'static str, usize)> {
    // No word in brackets is longer, with a space and a second bracket on either side.
    let is_open = |octet: &u8| matches!(octet, b'[' | b'(' | b'{' | b' ');
    let is_closed = |octet: &u8| matches!(octet, b']' | b')' | b'}' | b' ');
    let opened = text.bytes().take(3).take_while(is_open).count();
    let inner = text.get(opened..)?;
    let (within, rest) = inner.split_at_checked(inner.bytes().take(10).position(|octet| is_closed(&octet))?)?;
    let closed = rest.bytes().take(3).take_while(is_closed).count();
    // A space behind the last bracket is the text's own.
    let closed = rest.get(..closed)?.rfind([']', ')', '}'])? + 1;
    let meant = IN_BRACKETS.iter().find(|(written, _)| within.eq_ignore_ascii_case(written))?.1;
    Some((meant, opened + within.len() + closed))
}

/// A value as it was meant: borrowed where it was written so.
pub(super) fn refang(written: &str) -> Cow<'_, str> {
    // Nearly every value of nearly every feed.
    if !written
        .bytes()
        .any(|octet| matches!(octet, b'[' | b'(' | b'{' | b']' | b')' | b'}' | b'\\' | b'*' | b'x' | b'X'))
    {
        return Cow::Borrowed(written);
    }
    let halved = halves(written);
    let text = &*halved;
    let (mut plain, mut kept) = (String::new(), 0);
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(['[', '(', '{'])) {
        at += found;
        match bracketed(text.get(at..).unwrap_or_default()) {
            Some((meant, long)) => {
                plain.push_str(text.get(kept..at).unwrap_or_default());
                plain.push_str(meant);
                at += long;
                kept = at;
            }
            None => at += 1,
        }
    }
    plain.push_str(text.get(kept..).unwrap_or_default());
    // A name may begin so too: a scheme stands before a colon.
    for (written, meant) in SCHEMES {
        let rest = plain.get(written.len()..).filter(|rest| rest.starts_with("://") || rest.starts_with(":\\\\"));
        if let Some(rest) =
            rest.filter(|_| plain.get(..written.len()).is_some_and(|scheme| scheme.eq_ignore_ascii_case(written)))
        {
            plain = format!("{meant}{}", rest.replacen(":\\\\", "://", 1));
            break;
        }
    }
    if plain == written { Cow::Borrowed(written) } else { Cow::Owned(plain) }
}

/// Dots that have one bracket alone, or a backslash as in an expression: `evil[.no`, `evil.]no`, `evil\.no`.
fn halves(text: &str) -> Cow<'_, str> {
    let is_inner = |before: Option<char>, behind: Option<char>| {
        before.is_some_and(char::is_alphanumeric) && behind.is_some_and(char::is_alphanumeric)
    };
    let mut whole = Cow::Borrowed(text);
    for (half, other) in [("[.", ']'), ("(.", ')'), ("{.", '}'), (".]", '['), (".)", '('), (".}", '{')] {
        // With the other bracket somewhere it is no half.
        if !whole.contains(half) || whole.contains(other) {
            continue;
        }
        let mut plain = String::with_capacity(whole.len());
        let mut rest = &*whole;
        while let Some((before, behind)) = rest.split_once(half) {
            plain.push_str(before);
            plain.push_str(if is_inner(before.chars().next_back(), behind.chars().next()) { "." } else { half });
            rest = behind;
        }
        plain.push_str(rest);
        whole = Cow::Owned(plain);
    }
    // In a path a backslash is its own.
    let is_of_dots = whole.contains("\\.")
        && whole
            .split('\\')
            .skip(1)
            .all(|behind| behind.starts_with('.') && is_inner(Some('x'), behind.chars().nth(1)));
    if is_of_dots && !whole.starts_with(['\\', '/', '%']) && whole.chars().nth(1) != Some(':') {
        whole = Cow::Owned(whole.replace("\\.", "."));
    }
    whole
}

/// A value without what stands around it in a text: quotes, brackets that hold all of it, what ends a part of a sentence.
pub(super) fn bare(mut text: &str) -> &str {
    const PAIRS: [(char, char); 5] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»')];
    loop {
        let before = text;
        text = text.trim().trim_matches(['"', '\'', '`', '“', '”']).trim_end_matches([',', ';']);
        for (open, close) in PAIRS {
            // [2001:db8::1] is an address's own way to be written, and comes to the same.
            text = text
                .strip_prefix(open)
                .and_then(|text| text.strip_suffix(close))
                .filter(|inner| !inner.contains([open, close]))
                .unwrap_or(text);
        }
        if text == before {
            return text;
        }
    }
}

/// Reads a value.
///
/// # Errors
/// Why it is none, and what would be right.
pub(super) fn read(text: &str, names: Names) -> Result<Value, String> {
    let text = refang(text.trim());
    let text = bare(&text);
    if text.is_empty() {
        return Err("is not an indicator: it is empty".to_owned());
    }
    if let Some(kind) = clue(text) {
        return Ok(Value::Clue(kind));
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return of_url(&scheme.to_ascii_lowercase(), rest).map(Value::OfUrl);
    }
    // A URL without its scheme, as Zeek and many reports write it.
    if let Some((authority, path)) = text.split_once(['/', '?']) {
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "0"));
        let is_network = path.bytes().all(|octet| octet.is_ascii_digit() || octet == b':') && !path.is_empty();
        let is_host = match host.parse::<IpAddr>() {
            Ok(address) => address.is_ipv4() && !is_network,
            Err(_) => host.contains('.') && host.bytes().any(|octet| octet.is_ascii_alphabetic()),
        };
        if is_host && port.bytes().all(|octet| octet.is_ascii_digit()) && !authority.contains(['@', ' ']) {
            return of_url("", text).map(Value::OfUrl);
        }
    }
    pattern(text, names).map(Value::Pattern)
}

/// Reads an address, network or name, with or without a port.
///
/// # Errors
/// Why it is none, and what would be right.
pub(super) fn pattern(text: &str, names: Names) -> Result<Pattern, String> {
    let is_star = text.starts_with("*.");
    let text = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    let text = to_ascii(text)?;
    let mut pattern = text.parse::<Pattern>().map_err(|why| format!("is not an indicator: {why}"))?;
    if names == Names::Host
        && !is_star
        && let Target::Domain(name) = pattern.target
    {
        pattern.target = Target::Host(name);
    }
    Ok(pattern)
}

/// Whether it is a name, alone or with what is below it.
pub(super) fn is_name(pattern: &Pattern) -> bool {
    match pattern.target {
        Target::Domain(_) | Target::Host(_) => true,
        Target::Address(_) | Target::Network { .. } | Target::Ja4(_) | Target::Confidential(_) => false,
    }
}

/// Letters beyond ASCII in their A-form (RFC 5890), as the wire has them.
fn to_ascii(text: &str) -> Result<Cow<'_, str>, String> {
    if text.is_ascii() {
        return Ok(Cow::Borrowed(text));
    }
    let (mark, name) = text.strip_prefix('=').map_or(("", text), |name| ("=", name));
    let (name, port) = match name.rsplit_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (name, None),
    };
    let ascii = idna::domain_to_ascii(name.trim_end_matches('.'))
        .map_err(|_| "is not an indicator: it is no name that can be registered (IDNA)".to_owned())?;
    Ok(Cow::Owned(format!("{mark}{ascii}{}{}", if port.is_some() { ":" } else { "" }, port.unwrap_or_default())))
}

/// Ports that need not be written.
const USUAL_PORTS: [(&str, u16); 4] = [("http", 80), ("https", 443), ("ftp", 21), ("ws", 80)];

/// The host of what stands behind a scheme. A name is meant exactly and on every port, since a look-up shows none; an address on
/// the URL's port alone.
fn of_url(scheme: &str, rest: &str) -> Result<Pattern, String> {
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    // Who is before the @ is the user.
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let bad = |why: String| format!("{why} (of a URL)");
    let (host, port) = match authority.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((host, after)) => (host, after.strip_prefix(':')),
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = port.filter(|port| !port.is_empty());
    if let Ok(address) = host.parse::<IpAddr>() {
        let usual = USUAL_PORTS.iter().find(|(of, _)| *of == scheme).map(|(_, port)| *port);
        let port = match port {
            Some(text) => Some(
                text.parse::<u16>()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or_else(|| bad(format!("is not an indicator: \"{text}\" is no port; use 1 to 65535")))?,
            ),
            None => usual,
        };
        return Ok(Pattern { target: Target::Address(address.to_canonical()), port });
    }
    pattern(host, Names::Host).map_err(bad)
}

/// What no sensor can look for, by its form.
fn clue(text: &str) -> Option<&'static str> {
    let is_hex = text.bytes().all(|octet| octet.is_ascii_hexdigit());
    match text.len() {
        32 if is_hex => return Some("md5"),
        40 if is_hex => return Some("sha1"),
        64 if is_hex => return Some("sha256"),
        96 if is_hex => return Some("sha384"),
        128 if is_hex => return Some("sha512"),
        _ => {}
    }
    let is_number = |part: &str| part.len() >= 4 && part.bytes().all(|octet| octet.is_ascii_digit());
    if let Some((year, number)) = text.get(4..).and_then(|rest| rest.split_once('-'))
        && text.get(..4).is_some_and(|kind| kind.eq_ignore_ascii_case("cve-"))
        && year.len() == 4
        && is_number(year)
        && is_number(number)
    {
        return Some("cve");
    }
    let is_mail = text.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty() && !user.contains(['/', ':', ' ']) && host.contains('.') && !host.contains(['/', '@'])
    });
    if is_mail {
        return Some("email");
    }
    let bytes = text.as_bytes();
    let has_drive = matches!(bytes, [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic());
    (has_drive || text.starts_with("\\\\") || text.starts_with('/') || text.starts_with('%')).then_some("path")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str, names: Names) -> String {
        match read(text, names) {
            Ok(Value::Pattern(pattern)) => pattern.to_plain(),
            Ok(Value::OfUrl(pattern)) => format!("of a URL: {}", pattern.to_plain()),
            Ok(Value::Clue(kind)) => format!("clue: {kind}"),
            Err(why) => why,
        }
    }

    #[test]
    fn what_people_write_is_read_as_they_mean_it() {
        for (written, meant) in [
            ("Evil.Example.", "evil.example"),
            ("evil[.]example", "evil.example"),
            ("EVIL(dot)example", "evil.example"),
            ("198[.]51[.]100[.]24:8443", "198.51.100.24:8443"),
            ("*.wildcard.example", "wildcard.example"),
            (".dotted.example", "dotted.example"),
            ("børnehage.example", "xn--brnehage-54a.example"),
            ("=blåbær.example", "=xn--blbr-roah.example"),
            ("blåbær.example:8443", "xn--blbr-roah.example:8443"),
            ("hxxps://last-ned[.]example/faktura.zip", "of a URL: =last-ned.example"),
            ("http://203.0.113.9:8088/i", "of a URL: 203.0.113.9:8088"),
            ("https://203.0.113.9/x", "of a URL: 203.0.113.9:443"),
            ("http://[2001:db8::9]/x", "of a URL: [2001:db8::9]:80"),
            ("http://user:word@evil.example:81/x?y", "of a URL: =evil.example"),
            ("https://good.example@evil.example/", "of a URL: =evil.example"),
            ("last-ned.example/faktura.zip", "of a URL: =last-ned.example"),
            ("2001:db8::1", "2001:db8::1"),
            ("192.0.2.128/28", "192.0.2.128/28"),
            ("\"evil.example\"", "evil.example"),
            ("evil([.])example", "evil.example"),
            ("evil[ . ]example", "evil.example"),
            ("([evil.example])", "evil.example"),
            ("([2001:db8::1])", "2001:db8::1"),
            ("[2001:db8::1]:443", "[2001:db8::1]:443"),
            ("«evil.example»,", "evil.example"),
            ("hxxp.example", "hxxp.example"),
            ("cdn-hxxp.example", "cdn-hxxp.example"),
            ("fxp.evil.example", "fxp.evil.example"),
            ("sfxp:443", "sfxp:443"),
            ("HXXPS[:]//Evil[.]example/Sti", "of a URL: =evil.example"),
            ("hXXp:\\\\evil.example\\x", "of a URL: =evil.example"),
            ("fxp://evil.example/x", "of a URL: =evil.example"),
            ("evil.example:8080/a/b", "of a URL: =evil.example"),
            ("203.0.113.9/mal.exe", "of a URL: 203.0.113.9"),
            ("203.0.113.9:8080/mal.exe", "of a URL: 203.0.113.9:8080"),
            ("http://evil.example./x", "of a URL: =evil.example"),
            ("http://blåbær.example/ø", "of a URL: =xn--blbr-roah.example"),
            ("CVE-2026-12345", "clue: cve"),
            ("d41d8cd98f00b204e9800998ecf8427e", "clue: md5"),
            ("ola[@]evil[.]example", "clue: email"),
            ("C:\\Windows\\x.exe", "clue: path"),
            ("/tmp/.x/y", "clue: path"),
        ] {
            assert_eq!(shown(written, Names::Domain), meant, "{written}");
        }
        assert_eq!(shown("evil.example", Names::Host), "=evil.example");
        assert_eq!(shown("*.evil.example", Names::Host), "evil.example");
        assert_eq!(shown("192.0.2.1", Names::Host), "192.0.2.1");
    }

    #[test]
    fn what_is_nothing_is_refused_with_a_reason() {
        for nothing in
            ["", "  ", "domain autuo.xicp.net", "http://", "http:///x", "http://evil.example:x:y/", "a..b", "300.1.1.1"]
        {
            let why = shown(nothing, Names::Domain);
            let is_read = why == "of a URL: =evil.example";
            assert!(why.starts_with("is not an indicator") || is_read, "{nothing}: {why}");
        }
        assert!(shown("http://203.0.113.9:99999/", Names::Domain).contains("no port"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_is_read_reads_again(text in "\\PC{0,60}") {
            if let Ok(Value::Pattern(pattern) | Value::OfUrl(pattern)) = read(&text, Names::Domain) {
                prop_assert_eq!(pattern.to_plain().parse::<Pattern>(), Ok(pattern));
            }
        }
    }
}
