//! Frames of an Initial packet (RFC 9000 section 17.2.2): CRYPTO is read, what may stand beside it is passed over.

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

/// Hands each CRYPTO frame to `crypto`: where it stands in the stream, and its octets. Stops at the first frame that does
/// not belong in an Initial packet or does not end in it.
pub(crate) fn read(frames: &[u8], has_google_frames: bool, crypto: &mut impl FnMut(u64, &[u8])) {
    let mut reader = Reader(frames);
    while read_one(&mut reader, has_google_frames, crypto).is_some() {}
}

fn read_one(reader: &mut Reader<'_>, has_google_frames: bool, crypto: &mut impl FnMut(u64, &[u8])) -> Option<()> {
    match variable(reader)? {
        PADDING => {
            // Often a thousand octets of it.
            let zeros = reader.0.iter().take_while(|&&octet| octet == 0).count();
            reader.up_to(zeros);
        }
        PING => {}
        GOOGLE_PING if has_google_frames => {}
        kind @ (ACK | ACK_WITH_ECN) if !has_google_frames => {
            let _largest = variable(reader)?;
            let _delay = variable(reader)?;
            let ranges = variable(reader)?;
            let _first = variable(reader)?;
            let counts = if kind == ACK_WITH_ECN { 3 } else { 0 };
            // However many are announced, it ends with the packet.
            for _ in 0..ranges.saturating_mul(2).saturating_add(counts) {
                variable(reader)?;
            }
        }
        kind if kind == CRYPTO || (kind == GOOGLE_CRYPTO && has_google_frames) => {
            let offset = variable(reader)?;
            let length = variable(reader)?;
            crypto(offset, reader.exact(usize::try_from(length).ok()?)?);
        }
        _ => return None,
    }
    Some(())
}
