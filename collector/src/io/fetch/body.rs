//! An answer's body into a file without a name: unpacked, counted while it comes, and ended where it is more than may be.

use std::fs::File;
use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use super::FetchError;
use crate::limits::fetch::{FETCH_UNPACKED_ABOVE_OCTETS, FETCH_UNPACKED_TIMES};

/// Why a body is not taken any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Excess {
    #[error("it is too large")]
    TooLarge,
    #[error("it is a bomb")]
    Bomb,
}

/// A file that takes so much and no more.
#[derive(Debug)]
struct Counted {
    file: File,
    octets: u64,
    max: u64,
    /// What came over the line; none = it came as it is.
    packed: Option<u64>,
}

impl Write for Counted {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let octets = self.octets.saturating_add(buffer.len() as u64);
        if octets > self.max {
            return Err(io::Error::other(Excess::TooLarge));
        }
        let most =
            self.packed.map(|packed| packed.saturating_mul(FETCH_UNPACKED_TIMES).max(FETCH_UNPACKED_ABOVE_OCTETS));
        if most.is_some_and(|most| octets > most) {
            return Err(io::Error::other(Excess::Bomb));
        }
        let written = self.file.write(buffer)?;
        self.octets += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Takes a body.
#[derive(Debug)]
pub(super) enum Sink {
    /// As it is.
    Plain(Written),
    /// Unpacked.
    Gzip(Box<MultiGzDecoder<Written>>),
}

/// The file behind a sink.
#[derive(Debug)]
pub(super) struct Written(Counted);

impl Write for Written {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Sink {
    /// Into this file, of `max` octets at most, from this Content-Encoding.
    pub(super) fn new(file: File, max: u64, encoding: Option<&str>) -> Result<Sink, FetchError> {
        let written = |packed| Written(Counted { file, octets: 0, max, packed });
        match encoding.map(|encoding| encoding.trim().to_ascii_lowercase()).as_deref() {
            None | Some("" | "identity") => Ok(Sink::Plain(written(None))),
            Some("gzip" | "x-gzip") => Ok(Sink::Gzip(Box::new(MultiGzDecoder::new(written(Some(0)))))),
            Some(other) => {
                let shown = other.chars().filter(|c| !c.is_control()).take(40).collect();
                Err(FetchError::Encoding(shown))
            }
        }
    }

    /// More of it.
    pub(super) fn take(&mut self, octets: &[u8]) -> Result<(), FetchError> {
        match self {
            Sink::Plain(written) => written.write_all(octets),
            Sink::Gzip(decoder) => {
                let packed = &mut decoder.get_mut().0.packed;
                *packed = packed.map(|packed| packed.saturating_add(octets.len() as u64));
                decoder.write_all(octets)
            }
        }
        .map_err(|error| self.refused(&error))
    }

    fn max(&self) -> u64 {
        match self {
            Sink::Plain(written) => written.0.max,
            Sink::Gzip(decoder) => decoder.get_ref().0.max,
        }
    }

    fn refused(&self, error: &io::Error) -> FetchError {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Excess>()) {
            Some(Excess::TooLarge) => FetchError::TooLarge(self.max()),
            Some(Excess::Bomb) => FetchError::Bomb,
            None if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
            ) =>
            {
                FetchError::Unpacked
            }
            None => FetchError::Disk(error.to_string()),
        }
    }

    /// All of it has come; gives the file and its octets.
    pub(super) fn finish(mut self) -> Result<(File, u64), FetchError> {
        // A half is found by its missing end.
        let ended = match &mut self {
            Sink::Plain(_) => Ok(()),
            Sink::Gzip(decoder) => decoder.try_finish(),
        };
        ended.map_err(|error| self.refused(&error))?;
        let Written(Counted { file, octets, .. }) = match self {
            Sink::Plain(written) => written,
            Sink::Gzip(decoder) => decoder.finish().map_err(|_| FetchError::Unpacked)?,
        };
        Ok((file, octets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::{Read, Seek};

    fn packed(octets: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(octets).unwrap();
        encoder.finish().unwrap()
    }

    fn take(octets: &[u8], max: u64, encoding: Option<&str>) -> Result<String, FetchError> {
        let mut sink = Sink::new(tempfile::tempfile().unwrap(), max, encoding)?;
        for part in octets.chunks(1_000) {
            sink.take(part)?;
        }
        let (mut file, count) = sink.finish()?;
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(count, text.len() as u64);
        Ok(text)
    }

    #[test]
    fn f1_a_body_is_unpacked_and_is_no_larger_than_it_may_be() {
        let list = "evil.example\n".repeat(10_000);
        let max = list.len() as u64;
        assert_eq!(take(list.as_bytes(), max, None).unwrap(), list);
        assert_eq!(take(&packed(list.as_bytes()), max, Some(" GZIP")).unwrap(), list);
        for (octets, encoding) in [(list.clone().into_bytes(), None), (packed(list.as_bytes()), Some("gzip"))] {
            assert!(matches!(take(&octets, max - 1, encoding), Err(FetchError::TooLarge(most)) if most == max - 1));
        }
        let whole = packed(list.as_bytes());
        for broken in [&whole[..whole.len() / 2], &whole[..whole.len() - 1], b"not packed at all".as_slice()] {
            assert!(matches!(take(broken, max, Some("gzip")), Err(FetchError::Unpacked)));
        }
        assert!(matches!(take(b"x", 9, Some("br")), Err(FetchError::Encoding(name)) if name == "br"));
    }

    #[test]
    fn f1_a_bomb_is_refused_long_before_the_bound_of_size() {
        let bomb = packed(&vec![b'a'; 40 * 1024 * 1024]);
        assert!(bomb.len() < 100_000);
        assert!(matches!(take(&bomb, u64::MAX, Some("gzip")), Err(FetchError::Bomb)));
    }
}
