//! A host's pseudonym: what the collector knows it by, and only its member can undo (decision 7).
//!
//! The first 64 bits of HMAC-SHA-256 under the site key, over 24 octets: the period's number (u64, big endian; whole
//! spans of 90 days since 1970) and the address as 16 octets (IPv4 mapped, `::ffff:a.b.c.d`). Within a period a host is
//! one pseudonym, so that its alerts hang together; over periods it is not, so that nobody is followed for years.

use std::fmt;
use std::net::IpAddr;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use varde_common::id::Pseudonym;
use varde_common::time::Timestamp;

/// How long a host keeps its pseudonym.
pub const PERIOD_DAYS: i64 = 90;

/// Octets of a site key.
pub const SITE_KEY_OCTETS: usize = 32;

/// The number of the period a moment lies in; all before 1970 is period 0.
pub fn period(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_micros() / (PERIOD_DAYS * 86_400_000_000)).unwrap_or(0)
}

/// The key of this sensor's pseudonyms. Born here; never leaves.
#[derive(Clone)]
pub struct SiteKey([u8; SITE_KEY_OCTETS]);

impl fmt::Debug for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SiteKey(..)")
    }
}

impl SiteKey {
    /// From its octets.
    pub fn new(octets: [u8; SITE_KEY_OCTETS]) -> SiteKey {
        SiteKey(octets)
    }

    /// The pseudonym of a host in the period `moment` lies in.
    pub fn pseudonym(&self, address: IpAddr, moment: Timestamp) -> Pseudonym {
        let mapped = match address {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        };
        // A key of 32 octets is always accepted; the zero of a refusal would still give nothing away.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Pseudonym(0) };
        mac.update(&period(moment).to_be_bytes());
        mac.update(&mapped.octets());
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        let [a, b, c, d, e, f, g, h, ..] = tag;
        Pseudonym(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    /// The first 64 bits of HMAC-SHA-256 over a text, which no pseudonym is: what is put in front makes it longer than 24 octets.
    pub fn digest(&self, text: &str) -> u64 {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return 0 };
        mac.update(b"varde settings that leave out\n");
        mac.update(text.as_bytes());
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        let [a, b, c, d, e, f, g, h, ..] = tag;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q2_a_pseudonym_hangs_on_key_host_and_period() {
        let (one, other) = (SiteKey::new([1; 32]), SiteKey::new([2; 32]));
        let host: IpAddr = "10.2.3.4".parse().unwrap();
        let day = |day: i64| Timestamp(day * 86_400_000_000);
        let name = one.pseudonym(host, day(180));
        assert_eq!(one.pseudonym(host, day(269)), name, "the same within the period");
        assert_eq!(one.pseudonym("::ffff:10.2.3.4".parse().unwrap(), day(180)), name, "mapped is the same host");
        assert_ne!(one.pseudonym(host, day(270)), name, "another in the next period");
        assert_ne!(one.pseudonym("10.2.3.5".parse().unwrap(), day(180)), name);
        assert_ne!(other.pseudonym(host, day(180)), name);
        assert_eq!(period(Timestamp(i64::MIN)), 0);
        assert_eq!(format!("{one:?}"), "SiteKey(..)");
    }

    #[test]
    fn the_layout_stays_what_it_is() {
        let name = SiteKey::new([7; 32]).pseudonym("192.168.1.10".parse().unwrap(), Timestamp(1_763_733_900_000_000));
        let mut text = vec![0, 0, 0, 0, 0, 0, 0, 226];
        text.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 168, 1, 10]);
        let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        mac.update(&text);
        let tag = mac.finalize().into_bytes();
        assert_eq!(name.0.to_be_bytes(), tag[..8]);
    }
}
