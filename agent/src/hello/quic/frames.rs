//! Frames of an Initial packet (RFC 9000 section 17.2.2): CRYPTO is read, all others of the standard are passed over.
//!
//! Of those only PADDING, PING, ACK and CONNECTION_CLOSE belong there (RFC 9000 section 12.4, table 3). A server closes
//! upon any other, but the name behind it has been said, and not every server is one that keeps to the standard.

use super::{Reader, variable};

/// Frame types (RFC 9000 section 19).
const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_WITH_ECN: u64 = 0x03;
const CRYPTO: u64 = 0x06;
/// Google's own, before it took over the standard's.
const GOOGLE_PING: u64 = 0x07;
const GOOGLE_CRYPTO: u64 = 0x08;
/// Of NEW_CONNECTION_ID (RFC 9000 section 19.15).
const RESET_TOKEN_OCTETS: usize = 16;
/// Of PATH_CHALLENGE and PATH_RESPONSE (RFC 9000 section 19.17).
const PATH_OCTETS: usize = 8;

/// Hands each CRYPTO frame to `crypto`: where it stands in the stream, and its octets. Stops at the first frame that is
/// none of the standard's, for where it ends is not known, or that does not end in the packet; whether it came to the end.
pub(crate) fn read(frames: &[u8], has_google_frames: bool, crypto: &mut impl FnMut(u64, &[u8])) -> bool {
    let mut reader = Reader(frames);
    while !reader.0.is_empty() {
        if read_one(&mut reader, has_google_frames, crypto).is_none() {
            return false;
        }
    }
    true
}

fn read_one(reader: &mut Reader<'_>, has_google_frames: bool, crypto: &mut impl FnMut(u64, &[u8])) -> Option<()> {
    match variable(reader)? {
        PADDING => {
            // Often a thousand octets of it.
            let (many, _) = reader.0.as_chunks::<16>();
            let zeros = many.iter().take_while(|chunk| **chunk == [0; 16]).count();
            reader.up_to(16 * zeros);
        }
        PING => {}
        GOOGLE_PING if has_google_frames => {}
        kind if kind == CRYPTO || (kind == GOOGLE_CRYPTO && has_google_frames) => {
            let offset = variable(reader)?;
            crypto(offset, data(reader)?);
        }
        // The others of Google's have forms of their own.
        _ if has_google_frames => return None,
        kind @ (ACK | ACK_WITH_ECN) => {
            let _largest = variable(reader)?;
            let _delay = variable(reader)?;
            let ranges = variable(reader)?;
            let _first = variable(reader)?;
            let counts = if kind == ACK_WITH_ECN { 3 } else { 0 };
            // However many are announced, it ends with the packet.
            pass_numbers(reader, ranges.saturating_mul(2).saturating_add(counts))?;
        }
        kind => pass_over(reader, kind)?,
    }
    Some(())
}

/// Passes over a frame that says nothing here (RFC 9000 section 19), most of which have no place in an Initial packet.
fn pass_over(reader: &mut Reader<'_>, kind: u64) -> Option<()> {
    match kind {
        // HANDSHAKE_DONE.
        0x1e => {}
        // MAX_DATA, MAX_STREAMS, DATA_BLOCKED, STREAMS_BLOCKED, RETIRE_CONNECTION_ID.
        0x10 | 0x12..=0x14 | 0x16 | 0x17 | 0x19 => pass_numbers(reader, 1)?,
        // STOP_SENDING, MAX_STREAM_DATA, STREAM_DATA_BLOCKED.
        0x05 | 0x11 | 0x15 => pass_numbers(reader, 2)?,
        // RESET_STREAM.
        0x04 => pass_numbers(reader, 3)?,
        // NEW_TOKEN.
        0x07 => {
            data(reader)?;
        }
        // STREAM: its lowest bits say whether it has an offset and a length; without one it fills the packet.
        0x08..=0x0f => {
            pass_numbers(reader, if kind & 4 == 0 { 1 } else { 2 })?;
            if kind & 2 == 0 { reader.0 = &[] } else { data(reader).map(drop)? }
        }
        // NEW_CONNECTION_ID: two numbers, the id, a token.
        0x18 => {
            pass_numbers(reader, 2)?;
            let octets = usize::from(reader.u8()?) + RESET_TOKEN_OCTETS;
            reader.exact(octets)?;
        }
        // PATH_CHALLENGE, PATH_RESPONSE.
        0x1a | 0x1b => {
            reader.exact(PATH_OCTETS)?;
        }
        // CONNECTION_CLOSE, of QUIC with the frame that is to blame, of an application without; and a reason.
        0x1c | 0x1d => {
            pass_numbers(reader, if kind == 0x1c { 2 } else { 1 })?;
            data(reader)?;
        }
        _ => return None,
    }
    Some(())
}

fn pass_numbers(reader: &mut Reader<'_>, count: u64) -> Option<()> {
    for _ in 0..count {
        variable(reader)?;
    }
    Some(())
}

/// Octets with their number in front.
fn data<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let length = variable(reader)?;
    reader.exact(usize::try_from(length).ok()?)
}
