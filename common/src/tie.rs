//! The words that tie several TCP connections into one session where UDP is blocked: below the messages, never over QUIC.
//!
//! A session over TCP has one connection for each of its streams. On each the sensor speaks first: [`Word::Tie`], with no
//! session id on the first, with the id it was given on the others. The collector answers with [`Word::Tied`]. From then on
//! the connection is that stream, as over QUIC. Between two messages either end may say [`Word::Alive`], so that neither
//! takes the other for gone and no box on the way forgets the connection; [`Word::Close`] is the last word and says why.
//!
//! ```text
//! word   kind    body (see `codec.rs`)
//! Tie    0xF001  0, or 1 and the 16 octets of the session id
//! Tied   0xF002  the 16 octets of the session id
//! Alive  0xF003  nothing
//! Close  0xF004  the reason's code, varint u32
//! ```

use crate::codec::{self, EncodeError, FrameHeader, Malformed};
use crate::message::CloseReason;

/// ALPN of a session's connections over TCP.
pub const ALPN_SESSION_TCP: &[u8] = b"varde-tcp/1";
/// ALPN of enrolment over TCP.
pub const ALPN_ENROLL_TCP: &[u8] = b"varde-enroll-tcp/1";
/// The same with a sensor that can wait for a person's approval.
pub const ALPN_ENROLL_WAITING_TCP: &[u8] = b"varde-enroll-tcp/2";
/// ALPN of asking for a certificate in place of one that has run out, over TCP.
pub const ALPN_RENEW_TCP: &[u8] = b"varde-renew-tcp/1";
/// ALPN of asking for root documents over TCP.
pub const ALPN_ROOT_TCP: &[u8] = b"varde-root-tcp/1";
/// TCP port of all, where nothing else is said (decision 18).
pub const TCP_PORT: u16 = 443;
/// The body of the longest word.
pub const WORD_MAX_OCTETS: usize = 17;

const TIE: u16 = 0xf001;
const TIED: u16 = 0xf002;
const ALIVE: u16 = 0xf003;
const CLOSE: u16 = 0xf004;

/// What ties a session's connections together: drawn by the collector, good for one session of one certificate.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 16]);

impl std::fmt::Debug for SessionId {
    /// Not the id: it belongs in no log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionId")
    }
}

/// A word of the connection itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// First from the sensor: none = a new session, else the one this connection belongs to.
    Tie(Option<SessionId>),
    /// First from the collector.
    Tied(SessionId),
    /// Nothing to say, and still there.
    Alive,
    /// The last.
    Close(CloseReason),
}

impl Word {
    /// Header and body.
    ///
    /// # Errors
    /// None for our own words; the codec's type demands it.
    pub fn to_frame(self) -> Result<Vec<u8>, EncodeError> {
        let (kind, body) = match self {
            Word::Tie(session) => (TIE, codec::encode(&session.map(|id| id.0))?),
            Word::Tied(SessionId(id)) => (TIED, codec::encode(&id)?),
            Word::Alive => (ALIVE, Vec::new()),
            Word::Close(reason) => (CLOSE, codec::encode(&reason.code())?),
        };
        let mut octets = FrameHeader { body_octets: body.len(), kind }.to_octets().to_vec();
        octets.extend_from_slice(&body);
        Ok(octets)
    }

    /// Reads a body of this kind; none for a kind that is a message's.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_body(kind: u16, body: &[u8]) -> Result<Option<Word>, Malformed> {
        if !(TIE..=CLOSE).contains(&kind) {
            return Ok(None);
        }
        if body.len() > WORD_MAX_OCTETS {
            return Err(Malformed::TooLarge { size: body.len(), max: WORD_MAX_OCTETS });
        }
        let word = match kind {
            TIE => Word::Tie(codec::decode::<Option<[u8; 16]>>(body)?.map(SessionId)),
            TIED => Word::Tied(SessionId(codec::decode(body)?)),
            CLOSE => Word::Close(CloseReason::from_code(codec::decode::<u32>(body)?.into())),
            _ if body.is_empty() => Word::Alive,
            _ => return Err(Malformed::LeftOver(body.len())),
        };
        Ok(Some(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: SessionId = SessionId([7; 16]);

    #[test]
    fn words_have_these_octets_forever() {
        let id = [7u8; 16];
        for (word, kind, body) in [
            (Word::Tie(None), TIE, vec![0]),
            (Word::Tie(Some(ID)), TIE, [&[1][..], &id].concat()),
            (Word::Tied(ID), TIED, id.to_vec()),
            (Word::Alive, ALIVE, vec![]),
            (Word::Close(CloseReason::Revoked), CLOSE, vec![1]),
            (Word::Close(CloseReason::GoingDown), CLOSE, vec![0]),
        ] {
            let header = [0, 0, 0, body.len() as u8, (kind >> 8) as u8, kind as u8, 0, 0];
            assert_eq!(word.to_frame().unwrap(), [&header[..], &body].concat(), "{word:?}");
            assert_eq!(Word::from_body(kind, &body), Ok(Some(word)));
        }
        assert_eq!([TIE, TIED, ALIVE, CLOSE], [0xf001, 0xf002, 0xf003, 0xf004]);
    }

    #[test]
    fn what_is_no_word_is_a_message_or_refused() {
        assert_eq!(Word::from_body(1, &[0]), Ok(None));
        assert_eq!(Word::from_body(0xf005, &[]), Ok(None));
        for (kind, body) in [(TIE, &[2u8][..]), (TIE, &[1, 2]), (TIED, &[7; 15]), (TIED, &[7; 17]), (ALIVE, &[0])] {
            assert!(Word::from_body(kind, body).is_err(), "{kind:#x} {body:?}");
        }
        assert_eq!(format!("{:?}", Word::Tied(ID)), "Tied(SessionId)", "no log holds an id");
    }

    proptest! {
        #[test]
        fn p1_any_octets_are_a_word_or_none(kind in 0xf000u16..0xf006, body in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(Some(word)) = Word::from_body(kind, &body) {
                let octets = word.to_frame().unwrap();
                prop_assert_eq!(Word::from_body(kind, &octets[8..]), Ok(Some(word)));
            }
        }
    }
}
