//! A body in chunks (RFC 9112 section 7.1), read on from segment to segment until it ends: another request follows it.

use crate::limits::{HTTP_BODY_MAX_OCTETS, HTTP_CHUNK_LINE_MAX_OCTETS};

/// Where in it reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Chunks {
    /// A chunk's size is next.
    #[default]
    Size,
    /// The end of a line behind a chunk's data.
    DataEnd,
    /// The lines behind the last chunk.
    Trailer,
}

/// What is to be done about what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChunksRead {
    /// Read on when so many octets are there behind those that were read.
    Until(usize),
    /// So many octets of data follow behind those that are there.
    Skip(u32),
    /// It ends here.
    End,
    /// It is none, or longer than is believed.
    Bad,
}

impl Chunks {
    /// Reads on: how many octets need not be given again, and what is next.
    pub(crate) fn read(&mut self, stream: &[u8]) -> (usize, ChunksRead) {
        let mut taken = 0;
        loop {
            let rest = stream.get(taken..).unwrap_or_default();
            let line_max = rest.get(..rest.len().min(HTTP_CHUNK_LINE_MAX_OCTETS)).unwrap_or_default();
            if *self == Chunks::Size && rest.first().is_some_and(|octet| !octet.is_ascii_hexdigit()) {
                return (taken, ChunksRead::Bad);
            }
            let Some(end) = line_max.iter().position(|&octet| octet == b'\n') else {
                let is_long = line_max.len() >= HTTP_CHUNK_LINE_MAX_OCTETS;
                return (taken, if is_long { ChunksRead::Bad } else { ChunksRead::Until(rest.len() + 1) });
            };
            let line = rest.get(..end).unwrap_or_default().trim_ascii_end();
            taken += end + 1;
            match (*self, line) {
                (Chunks::DataEnd, []) => *self = Chunks::Size,
                (Chunks::DataEnd, _) => return (taken, ChunksRead::Bad),
                (Chunks::Trailer, []) => return (taken, ChunksRead::End),
                (Chunks::Trailer, _) => {}
                (Chunks::Size, line) => match size(line) {
                    None => return (taken, ChunksRead::Bad),
                    Some(0) => *self = Chunks::Trailer,
                    Some(octets) => {
                        *self = Chunks::DataEnd;
                        let here = stream.len().saturating_sub(taken);
                        match usize::try_from(octets) {
                            Ok(octets) if octets <= here => taken += octets,
                            Ok(_) | Err(_) => return (stream.len(), ChunksRead::Skip(octets - here as u32)),
                        }
                    }
                },
            }
        }
    }
}

/// A chunk's size, without what may stand behind it.
fn size(line: &[u8]) -> Option<u32> {
    let digits = line.split(|&octet| octet == b';').next()?.trim_ascii();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    let size = u64::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| is_number)?, 16).ok()?;
    u32::try_from(size).ok().filter(|_| size <= HTTP_BODY_MAX_OCTETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far a body goes that comes in segments of so many octets; none where it is none or has no end.
    fn octets(body: &[u8], segment: usize) -> Option<usize> {
        let (mut chunks, mut at, mut have) = (Chunks::default(), 0, segment.min(body.len()));
        loop {
            let (taken, next) = chunks.read(&body[at..have]);
            at += taken;
            match next {
                ChunksRead::End => return Some(at),
                ChunksRead::Bad => return None,
                ChunksRead::Until(until) if at + until > body.len() => return None,
                ChunksRead::Until(_) => {}
                ChunksRead::Skip(octets) if at + octets as usize > body.len() => return None,
                ChunksRead::Skip(octets) => at += octets as usize,
            }
            have = have.max(at).saturating_add(segment).min(body.len());
        }
    }

    #[test]
    fn a_body_in_chunks_ends_behind_the_empty_one_however_it_is_cut() {
        for (body, end) in [
            ("0\r\n\r\n", Some(5)),
            ("5\r\nhello\r\n0\r\n\r\n", Some(15)),
            ("5\nhello\n0\n\n", Some(11)),
            ("A;x=y\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET /", Some(36)),
            ("5\r\nhello\r\n", None),
            ("5\r\nhelloo\r\n0\r\n\r\n", None),
            ("ffffffffffffffff\r\nhello\r\n0\r\n\r\n", None),
            ("40000001\r\nhello\r\n0\r\n\r\n", None),
            ("hello\r\n", None),
            ("-1\r\n", None),
            ("+1\r\nx\r\n0\r\n\r\n", None),
            ("", None),
        ] {
            for segment in [1, 2, 3, 7, 1000] {
                assert_eq!(octets(body.as_bytes(), segment), end, "{body} {segment}");
            }
        }
        let extended = [b"1;", &[b'x'; HTTP_CHUNK_LINE_MAX_OCTETS][..], b"\r\ny\r\n0\r\n\r\n"].concat();
        assert_eq!(octets(&extended, 100), None);
    }
}
