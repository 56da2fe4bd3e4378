//! Small files with a checksum: damaged they say nothing, and never something else.
//!
//! ```text
//! SAID CRC              one line: what it says, then the CRC-32 of that, in hex
//! crc CRC               several: first the CRC-32 of what follows, in hex
//! SAID …
//! ```
//! What versions before wrote had no checksum. No damage makes one of these look like one of those: who still reads them says why
//! that may be.

fn crc_of(said: &str) -> String {
    format!("{:08x}", crc32fast::hash(said.as_bytes()))
}

/// A file that says one thing.
pub fn line(said: &str) -> String {
    format!("{said} {}\n", crc_of(said))
}

/// What it says; none if it is damaged, or no such file.
pub fn said_in(octets: &[u8]) -> Option<&str> {
    let (said, crc) = str::from_utf8(octets).ok()?.strip_suffix('\n')?.rsplit_once(' ')?;
    (crc == crc_of(said)).then_some(said)
}

/// A file of several lines, each with its end.
pub fn lines(said: &str) -> String {
    format!("crc {}\n{said}", crc_of(said))
}

/// They; none if the file is damaged, or no such file.
pub fn lines_in(octets: &[u8]) -> Option<&str> {
    let (crc, said) = str::from_utf8(octets).ok()?.strip_prefix("crc ")?.split_once('\n')?;
    (crc == crc_of(said)).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d6_what_is_damaged_says_nothing() {
        let (one, several) = (line("62 committed"), lines("1 2 3\n4 5 6\n"));
        assert_eq!(
            (said_in(one.as_bytes()), lines_in(several.as_bytes())),
            (Some("62 committed"), Some("1 2 3\n4 5 6\n"))
        );
        for whole in [one, several] {
            for place in 0..whole.len() {
                for bit in 0..8 {
                    let mut torn = whole.clone().into_bytes();
                    torn[place] ^= 1 << bit;
                    let cut = &whole.as_bytes()[..place];
                    for octets in [torn.as_slice(), cut] {
                        assert_eq!((said_in(octets), lines_in(octets)), (None, None), "octet {place}, bit {bit}");
                    }
                }
            }
        }
    }
}
