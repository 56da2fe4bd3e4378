//! Addresses as policy zones name them: the prefix length first and the parts backwards.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// `24.0.2.0.192` as `192.0.2.0/24`, `48.zz.bad.db8.2001` as `2001:db8:bad::/48`.
pub(super) fn network(reversed: &str) -> Option<String> {
    let mut parts: Vec<&str> = reversed.split('.').collect();
    let prefix: u8 = parts.first()?.parse().ok()?;
    parts.remove(0);
    parts.reverse();
    let address = if parts.len() == 4 && !parts.contains(&"zz") {
        IpAddr::V4(parts.join(".").parse::<Ipv4Addr>().ok()?)
    } else {
        let text: Vec<&str> = parts.iter().map(|part| if *part == "zz" { "" } else { *part }).collect();
        let joined = text.join(":");
        // At either end the gap needs its own colon.
        let joined = match (parts.first() == Some(&"zz"), parts.last() == Some(&"zz")) {
            (true, true) => "::".to_owned(),
            (true, false) => format!(":{joined}"),
            (false, true) => format!("{joined}:"),
            (false, false) => joined,
        };
        IpAddr::V6(joined.parse::<Ipv6Addr>().ok()?)
    };
    Some(format!("{address}/{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_stand_backwards_with_their_prefix_in_front() {
        for (reversed, meant) in [
            ("32.23.100.51.198", Some("198.51.100.23/32")),
            ("28.128.2.0.192", Some("192.0.2.128/28")),
            ("128.23.zz.bad.db8.2001", Some("2001:db8:bad::23/128")),
            ("48.zz.bad.db8.2001", Some("2001:db8:bad::/48")),
            ("128.1.zz", Some("::1/128")),
            ("8.zz", Some("::/8")),
            ("1.2.3.4", None),
            ("x.1.2.3.4", None),
            ("", None),
        ] {
            assert_eq!(network(reversed).as_deref(), meant, "{reversed}");
        }
    }
}
