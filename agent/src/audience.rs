//! Whoever is told what is seen, and is asked first whether it matters.
//!
//! Nearly nothing that is seen concerns anybody. To tell it all the same costs more than to find that out, so the stages
//! ask with what lies at hand before they put together what would be told.

use varde_common::observation::Endpoint;
use varde_common::time::Timestamp;

use crate::dns::Message;
use crate::flow::{FlowGlimpse, FlowId};
use crate::observe::Seen;
use crate::transaction::Standing;

/// A response that closes a transaction, before anything of it is copied.
#[derive(Clone, Copy)]
pub struct Response<'a> {
    /// Who asked.
    pub client: Endpoint,
    /// Who was asked.
    pub server: Endpoint,
    /// When the query was seen, or the response when no query was.
    pub time: Timestamp,
    /// When the response was seen; not before `time`.
    pub end: Timestamp,
    /// As the query says, or the echo of it in the response.
    pub recursion_desired: bool,
    /// What it is to others.
    pub standing: Standing,
    /// The message itself.
    pub message: &'a Message<'a>,
}

/// Is told what is seen. A closure is one that wants everything.
pub trait Audience {
    /// Something was seen.
    fn take(&mut self, seen: Seen);

    /// Whether a response is to be told. If not, what is to be known of it is noted here.
    fn wants_response(&mut self, response: &Response<'_>) -> bool {
        let _ = response;
        true
    }

    /// Whether a flow's step is to be told. If not, what is to be known of it is noted here.
    fn wants_step(&mut self, glimpse: &FlowGlimpse) -> bool {
        let _ = glimpse;
        true
    }

    /// Only one end of a TCP connection is heard, though the other plainly speaks: told once of a flow. `initiator`: which end that is.
    fn heard_alone(&mut self, glimpse: &FlowGlimpse, initiator: bool) {
        let _ = (glimpse, initiator);
    }

    /// Nothing more comes of what was gathered by this name, under which no flow begins.
    fn let_go(&mut self, gathered_by: FlowId) {
        let _ = gathered_by;
    }
}

impl<F: FnMut(Seen)> Audience for F {
    fn take(&mut self, seen: Seen) {
        self(seen);
    }
}
