//! Where a source may be: https outside, or where its operator has said that it is inside; and nowhere that an answer, a name or a
//! redirect would lead to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// The longest address of a source.
const URL_MAX_OCTETS: usize = 2_048;

/// Why something is not asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPlace {
    /// No URL.
    #[error("it is no URL; write for example https://intel.example/feed/")]
    NoUrl,
    /// Too long.
    #[error("it is longer than {URL_MAX_OCTETS} bytes")]
    TooLong,
    /// Another scheme.
    #[error("{0}:// is not fetched, only https://; for a file there is: varde-collector indicator import FILE")]
    Scheme(String),
    /// In the clear.
    #[error(
        "http:// is not fetched: anybody on the way could change it; use https:// (or --internal for an address inside)"
    )]
    Clear,
    /// In the clear, and outside.
    #[error("http:// is taken only from an address inside, and {0} is outside")]
    ClearOutside(IpAddr),
    /// A password in it.
    #[error("it must hold no user or password; put them into a file and name that with --auth-file")]
    User,
    /// Nobody there.
    #[error("it names no host")]
    NoHost,
    /// Inside.
    #[error(
        "{host} is at {address}, an internal address: it is not asked for. If the source is meant to be there: --internal"
    )]
    Inside {
        /// The host.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// A name that leads inside where a proxy resolves it.
    #[error("{0} is a name for something inside, and is not asked for through a proxy")]
    InsideName(String),
    /// A redirect from https to http.
    #[error("it leads from https:// to {0}://, which is not followed")]
    Downgrade(String),
    /// A redirect to what is no URL.
    #[error("it leads to what is no URL")]
    BadRedirect,
    /// A redirect inside.
    #[error("it leads to {host} at {address}, an internal address, which is not followed")]
    RedirectInside {
        /// The host.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// Too many.
    #[error("it leads from one address to the next more than {0} times")]
    TooManyRedirects(usize),
    /// With a body.
    #[error("it leads elsewhere (status {0}) what was posted, which is not followed")]
    PostRedirect(u16),
}

/// Reads the address of a source.
///
/// # Errors
/// [`BadPlace`].
pub fn read(text: &str, internal: bool) -> Result<Url, BadPlace> {
    if text.len() > URL_MAX_OCTETS {
        return Err(BadPlace::TooLong);
    }
    let mut url = Url::parse(text.trim()).map_err(|_| BadPlace::NoUrl)?;
    match url.scheme() {
        "https" => {}
        "http" if internal => {}
        "http" => return Err(BadPlace::Clear),
        other => return Err(BadPlace::Scheme(other.to_owned())),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadPlace::User);
    }
    url.set_fragment(None);
    if url.host().is_none() {
        return Err(BadPlace::NoHost);
    }
    if let Some(address) = literal(&url) {
        may_reach(&url, &url, internal, address)?;
    }
    Ok(url)
}

/// The address that stands in a URL in place of a name.
pub fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

/// Whether two URLs are of one origin: what is a secret towards one is none towards the other.
pub fn is_same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme() && a.host() == b.host() && a.port_or_known_default() == b.port_or_known_default()
}

/// That an address to which `url` leads may be asked. `source` is where the operator said that the source is, `internal` whether
/// that may be inside: the word holds for that origin alone.
///
/// # Errors
/// [`BadPlace`].
pub fn may_reach(url: &Url, source: &Url, internal: bool, address: IpAddr) -> Result<(), BadPlace> {
    let is_source = is_same_origin(url, source);
    let outside = is_outside(address);
    if url.scheme() != "https" && outside {
        return Err(BadPlace::ClearOutside(address));
    }
    if outside || (internal && is_source) {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    Err(if is_source { BadPlace::Inside { host, address } } else { BadPlace::RedirectInside { host, address } })
}

/// The same where a proxy resolves names: what can be told of the name by itself.
///
/// # Errors
/// [`BadPlace`].
pub fn may_name(url: &Url, source: &Url, internal: bool) -> Result<(), BadPlace> {
    if let Some(address) = literal(url) {
        return may_reach(url, source, internal, address);
    }
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    let inside = ["localhost", "local", "internal", "lan", "home", "arpa", "intranet", "corp"];
    let last = host.rsplit('.').next().unwrap_or_default();
    if (!host.contains('.') || inside.contains(&last)) && !(internal && is_same_origin(url, source)) {
        return Err(BadPlace::InsideName(host.to_owned()));
    }
    Ok(())
}

/// Where a redirect leads, if it may be followed. `hops` = how many were followed for this request.
///
/// # Errors
/// [`BadPlace`].
pub fn follow(from: &Url, location: &str, hops: usize, max: usize) -> Result<Url, BadPlace> {
    if hops >= max {
        return Err(BadPlace::TooManyRedirects(max));
    }
    if location.len() > URL_MAX_OCTETS {
        return Err(BadPlace::TooLong);
    }
    let mut to = from.join(location).map_err(|_| BadPlace::BadRedirect)?;
    let is_well = to.scheme() == "https" || (to.scheme() == from.scheme() && is_same_origin(from, &to));
    if !is_well {
        return Err(BadPlace::Downgrade(to.scheme().to_owned()));
    }
    if to.host().is_none() {
        return Err(BadPlace::NoHost);
    }
    if !to.username().is_empty() || to.password().is_some() {
        return Err(BadPlace::User);
    }
    to.set_fragment(None);
    Ok(to)
}

/// Whether an address is one of the internet's: nothing private, of this machine or link, of a carrier, of documentation, of many,
/// and none of those within another address (IANA special-purpose registries).
pub fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_outside_v4(address),
        IpAddr::V6(address) => is_outside_v6(address),
    }
}

fn is_outside_v4(address: Ipv4Addr) -> bool {
    let net = |a, b, c, d, bits| Ipv4Net::new(Ipv4Addr::new(a, b, c, d), bits).is_ok_and(|net| net.contains(&address));
    !(net(0, 0, 0, 0, 8)
        || net(10, 0, 0, 0, 8)
        || net(100, 64, 0, 0, 10)
        || net(127, 0, 0, 0, 8)
        || net(169, 254, 0, 0, 16)
        || net(172, 16, 0, 0, 12)
        || net(192, 0, 0, 0, 24)
        || net(192, 0, 2, 0, 24)
        || net(192, 88, 99, 0, 24)
        || net(192, 168, 0, 0, 16)
        || net(198, 18, 0, 0, 15)
        || net(198, 51, 100, 0, 24)
        || net(203, 0, 113, 0, 24)
        || net(224, 0, 0, 0, 3))
}

fn is_outside_v6(address: Ipv6Addr) -> bool {
    let octets = address.octets();
    let inner = |at: usize| {
        let inner: Option<[u8; 4]> = octets.get(at..at + 4).and_then(|four| four.try_into().ok());
        inner.is_some_and(|four| is_outside_v4(four.into()))
    };
    let net = |base: Ipv6Addr, bits| Ipv6Net::new(base, bits).is_ok_and(|net| net.contains(&address));
    // An IPv4 address in IPv6 clothes, or behind a translator (RFC 6052), is that address.
    if net(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96) || net(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96) {
        return inner(12);
    }
    let global = net(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
    global
        // Teredo and the rest of what the IETF keeps; documentation; 6to4, which holds an IPv4 address.
        && !net(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23)
        && !net(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32)
        && !net(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16)
        && !net(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f2_no_spelling_of_an_internal_address_is_outside() {
        for inside in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.1.2",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "192.0.0.8",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:a00:1::",
            "2001:0:1::1",
            "2001:db8::1",
            "3fff::1",
            "fec0::1",
        ] {
            assert!(!is_outside(inside.parse().unwrap()), "{inside}");
        }
        for outside in ["1.1.1.1", "193.0.6.139", "172.32.0.1", "2a00:1450::1", "64:ff9b::101:101", "::ffff:1.1.1.1"] {
            assert!(is_outside(outside.parse().unwrap()), "{outside}");
        }
        // As a browser reads them.
        for written in [
            "https://127.1/",
            "https://0x7f.0.0.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://[::ffff:7f00:1]/",
            "https://[::1]/",
            "https://①②⑦.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://10.0.0.1:8443/",
        ] {
            let refused = read(written, false).unwrap_err();
            assert!(matches!(refused, BadPlace::Inside { .. }), "{written}: {refused}");
            assert!(read(written, true).is_ok(), "{written}: its operator says so");
        }
    }

    #[test]
    fn f2_only_https_is_fetched_unless_the_source_is_inside_by_its_operators_word() {
        for (text, bad) in [
            ("file:///etc/passwd", BadPlace::Scheme("file".into())),
            ("ftp://intel.example/", BadPlace::Scheme("ftp".into())),
            ("gopher://intel.example/", BadPlace::Scheme("gopher".into())),
            ("http://intel.example/", BadPlace::Clear),
            ("intel.example", BadPlace::NoUrl),
            ("https://", BadPlace::NoUrl),
            ("https://kari:hemmelig@intel.example/", BadPlace::User),
        ] {
            assert_eq!(read(text, false), Err(bad), "{text}");
        }
        assert_eq!(read("http://8.8.8.8/", true), Err(BadPlace::ClearOutside("8.8.8.8".parse().unwrap())));
        assert_eq!(read("https://intel.example/a#b", false).unwrap().as_str(), "https://intel.example/a");
        assert!(read("http://127.0.0.1:5000/taxii2/", true).is_ok());
        let refused = read(&format!("https://a.example/{}", "x".repeat(3000)), false);
        assert_eq!(refused, Err(BadPlace::TooLong));
    }

    #[test]
    fn f2_a_redirect_leads_nowhere_inside_and_never_into_the_clear() {
        let source = read("https://127.0.0.1:8443/feed/", true).unwrap();
        let to = |location: &str| follow(&source, location, 0, 5);
        let same = to("other.json").unwrap();
        assert_eq!(same.as_str(), "https://127.0.0.1:8443/feed/other.json");
        let reach = |url: &Url, address: &str| may_reach(url, &source, true, address.parse().unwrap());
        assert_eq!(reach(&same, "127.0.0.1"), Ok(()), "the word holds for the source");
        for (location, address) in [
            ("https://127.0.0.1:9443/", "127.0.0.1"),
            ("https://169.254.169.254/", "169.254.169.254"),
            ("https://inside.example/", "10.0.0.1"),
            ("//[::1]/", "::1"),
        ] {
            let refused = reach(&to(location).unwrap(), address).unwrap_err();
            assert!(matches!(refused, BadPlace::RedirectInside { .. }), "{location}: {refused}");
        }
        assert_eq!(to("http://127.0.0.1:8443/"), Err(BadPlace::Downgrade("http".into())));
        assert_eq!(to("file:///etc/passwd"), Err(BadPlace::Downgrade("file".into())));
        assert_eq!(to("https://a:b@c.example/"), Err(BadPlace::User));
        assert_eq!(follow(&source, "/", 5, 5), Err(BadPlace::TooManyRedirects(5)));
        let clear = read("http://127.0.0.1:80/", true).unwrap();
        assert!(follow(&clear, "/x", 0, 5).is_ok());
        assert_eq!(follow(&clear, "http://127.0.0.1:81/", 0, 5), Err(BadPlace::Downgrade("http".into())));
        assert!(!is_same_origin(&source, &read("https://127.0.0.1:9443/feed/", true).unwrap()));
    }

    #[test]
    fn f2_through_a_proxy_names_of_the_inside_are_not_asked_for() {
        let source = read("https://intel.example/", false).unwrap();
        let name = |text: &str| may_name(&Url::parse(text).unwrap(), &source, false);
        for inside in [
            "https://localhost/",
            "https://printer/",
            "https://a.local/",
            "https://metadata.internal./",
            "https://10.1.2.3/",
        ] {
            assert!(name(inside).is_err(), "{inside}");
        }
        assert_eq!(name("https://other.example/"), Ok(()));
    }
}
