//! A list carried by hand to a sensor that has no contact: what the stream of lists would bring it, in a file.
//!
//! ```text
//! "VARDECA1" ‖ frames as they go to the agent (`codec`, `message`):
//!   NextRoot (120)    each root document after the first, in order; a sensor passes over those it has
//!   Newest (121)      the word of which list is the newest, where there is one
//!   Publication (131), ListChunk (105) …, OverlayChunk (132) …, ListEnd (106): the base, and the changes over it
//! ```
//! Nothing in it is believed because it is in it: each part is signed and held against the same as on the wire, and so is the
//! floor. It holds the key of confidential indicators, as every base does: it is for enrolled sensors and for nobody else.

/// What such a file begins with.
pub const MAGIC: &[u8; 8] = b"VARDECA1";
