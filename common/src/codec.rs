//! Values to bytes and back. The only file that may name bincode (unmaintained: RUSTSEC-2025-0141, an isolated exception).
//!
//! # Layout, so that another codec could take over
//! bincode 2 "standard": fields in order of declaration, nothing between them. `u8`, `bool` and enum-less bytes as one
//! octet; other integers as *varint*: below 251 one octet, else 251 + u16, 252 + u32, 253 + u64, 254 + u128, little
//! endian; signed integers zigzag first. Enum: variant number as varint u32, then its fields. `Option`: 0 or 1, then the
//! value. Sequences and text: length as varint u64, then the items. Arrays: the items.
//!
//! # Rules
//! Positional: a changed message is a *new kind*, never an edited struct. A length is checked before anything is decoded;
//! decoding charges memory against a limit; octets left over are an error; nothing recursive, nothing zero-sized.
//! Signatures and hashes cover received octets, never a re-encoding (the encoding is not canonical).

pub use bincode::de::Decoder;
pub use bincode::enc::Encoder;
pub use bincode::error::{DecodeError, EncodeError};
pub use bincode::{Decode, Encode, impl_borrow_decode};

use crate::limits::{DECODE_MAX_OCTETS, FRAME_HEADER_OCTETS, TEXT_MAX_OCTETS};

/// Why octets are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Ends before it is complete.
    #[error("the bytes end before the value does")]
    CutShort,
    /// More octets than the value takes.
    #[error("{0} bytes are left over after the value")]
    LeftOver(usize),
    /// Longer than allowed.
    #[error("{size} bytes where {max} are the most")]
    TooLarge {
        /// Octets announced.
        size: usize,
        /// Octets allowed.
        max: usize,
    },
    /// A kind nobody here knows.
    #[error("unknown kind {0}")]
    UnknownKind(u16),
    /// Anything else the codec refuses.
    #[error("the bytes are no such value: {0}")]
    Refused(String),
}

/// Encodes a value.
///
/// # Errors
/// Only for values that cannot be encoded at all; none of ours is such a one.
pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, EncodeError> {
    bincode::encode_to_vec(value, bincode::config::standard())
}

/// Decodes a value that fills `octets` exactly, charging at most [`DECODE_MAX_OCTETS`] of memory.
///
/// # Errors
/// [`Malformed`]; nothing beyond the limit is ever allocated.
pub fn decode<T: Decode<()>>(octets: &[u8]) -> Result<T, Malformed> {
    let config = bincode::config::standard().with_limit::<DECODE_MAX_OCTETS>();
    let (value, used) = bincode::decode_from_slice(octets, config).map_err(|error| match error {
        DecodeError::UnexpectedEnd { .. } => Malformed::CutShort,
        other => Malformed::Refused(other.to_string()),
    })?;
    match octets.len() - used {
        0 => Ok(value),
        left => Err(Malformed::LeftOver(left)),
    }
}

/// What stands in front of each message: body length u32, kind u16, flags u16 (0 for now), big endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Octets of the body that follows.
    pub body_octets: usize,
    /// Which message the body is.
    pub kind: u16,
}

impl FrameHeader {
    /// The header as octets.
    pub fn to_octets(self) -> [u8; FRAME_HEADER_OCTETS] {
        let mut octets = [0; FRAME_HEADER_OCTETS];
        let len = u32::try_from(self.body_octets).unwrap_or(u32::MAX);
        let (front, back) = octets.split_at_mut(4);
        front.copy_from_slice(&len.to_be_bytes());
        if let Some(kind) = back.get_mut(..2) {
            kind.copy_from_slice(&self.kind.to_be_bytes());
        }
        octets
    }

    /// Reads a header and holds it against the cap of its direction, before anything is allocated for the body.
    ///
    /// # Errors
    /// [`Malformed::TooLarge`] over `body_max_octets`.
    pub fn read(octets: [u8; FRAME_HEADER_OCTETS], body_max_octets: usize) -> Result<FrameHeader, Malformed> {
        let [a, b, c, d, e, f, _, _] = octets;
        let size = u32::from_be_bytes([a, b, c, d]) as usize;
        if size > body_max_octets {
            return Err(Malformed::TooLarge { size, max: body_max_octets });
        }
        Ok(FrameHeader { body_octets: size, kind: u16::from_be_bytes([e, f]) })
    }
}

/// A text of at most [`TEXT_MAX_OCTETS`], cut at a character border when made, refused when longer on receipt.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode)]
pub struct Text(String);

impl Text {
    /// The text, cut to the limit.
    pub fn cut(text: &str) -> Text {
        let mut end = text.len().min(TEXT_MAX_OCTETS);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Text(text.get(..end).unwrap_or_default().to_owned())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<C> Decode<C> for Text {
    fn decode<D: Decoder<Context = C>>(decoder: &mut D) -> Result<Text, DecodeError> {
        let text = <String as Decode<C>>::decode(decoder)?;
        if text.len() > TEXT_MAX_OCTETS { Err(DecodeError::Other("text over 255 octets")) } else { Ok(Text(text)) }
    }
}

impl_borrow_decode!(Text);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_lies_allocates_nothing() {
        // varint 2^63 as length of a Vec<u64>
        let mut bomb = vec![253];
        bomb.extend_from_slice(&(1u64 << 63).to_le_bytes());
        assert!(matches!(decode::<Vec<u64>>(&bomb), Err(Malformed::Refused(_))));
        assert!(decode::<String>(&bomb).is_err());
    }

    #[test]
    fn left_over_octets_are_an_error() {
        assert_eq!(decode::<u8>(&[1, 2]), Err(Malformed::LeftOver(1)));
        assert_eq!(decode::<u32>(&[251, 0]), Err(Malformed::CutShort));
    }

    #[test]
    fn frame_headers_are_checked_before_the_body_is_read() {
        let header = FrameHeader { body_octets: 70_000, kind: 7 };
        assert_eq!(FrameHeader::read(header.to_octets(), 80_000), Ok(header));
        assert_eq!(
            FrameHeader::read(header.to_octets(), 65_536),
            Err(Malformed::TooLarge { size: 70_000, max: 65_536 })
        );
    }

    #[test]
    fn text_is_cut_between_characters() {
        let text = Text::cut(&"å".repeat(200));
        assert_eq!(text.as_str().len(), 254);
        let long = encode(&"x".repeat(300)).unwrap();
        assert!(decode::<Text>(&long).is_err());
    }
}
