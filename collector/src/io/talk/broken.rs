//! Which end of a session is a broken rule's, and that its sensor has to wait for it; one that was too slow has broken none.

use std::sync::atomic::Ordering;

use varde_common::message::CloseReason;

use super::Talk;
use crate::change::Change;
use crate::io::clock;
use crate::io::frame::FrameError;

impl Talk {
    /// A frame error as the end of a session; none where the connection is gone anyway.
    pub(super) fn reason(&self, error: FrameError) -> Result<(), CloseReason> {
        match error {
            FrameError::Stalled => Err(self.too_slow()),
            FrameError::Gone | FrameError::Goodbye | FrameError::Malformed(_) | FrameError::Unsendable(_) => {
                error.close_reason().map_or(Ok(()), Err)
            }
        }
    }

    pub(super) fn too_slow(&self) -> CloseReason {
        self.was_slow.store(true, Ordering::Relaxed);
        CloseReason::ProtocolError
    }

    /// Ends the session. Where a rule was broken its sensor waits before it is greeted again, once for all its streams.
    pub(super) fn throw_out(&self, why: CloseReason) {
        if why == CloseReason::ProtocolError && !self.was_slow.load(Ordering::Relaxed) {
            // Before it hears of its end: it may come again at once.
            self.broken.get_or_init(|| self.collector.thrown_out().handle_broken(self.sensor, clock::monotonic()));
        }
        self.close(why);
    }

    /// That it was thrown out, and has to wait, is told to people; now and then, for it may come again and again.
    pub(super) async fn note_thrown_out(&self) {
        let Some(pause) = self.broken.get().filter(|pause| !pause.is_zero()) else { return };
        let (sensor, seconds) = (self.sensor, pause.as_secs());
        tracing::warn!(sensor, seconds, "it breaks the rules again and again; it is not greeted for so long");
        match self.collector.store.note_seldom(sensor, "thrown_out", clock::now()).await {
            Ok(true) => self.tell(vec![Change::Sensor(sensor)]),
            Ok(false) => {}
            Err(error) => self.collector.failed(&format!("cannot note that sensor {sensor} was thrown out"), &error),
        }
    }
}
