//! What a capture counts: frames, octets, what the kernel dropped, and what could not be handed out, by reason.

/// Why something in a capture was not handed out as a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CaptureRefusal {
    /// A file ends in the middle of a record; read up to there. Counted once a file.
    FileCutShort,
    /// A frame of a link type that is not read here.
    UnknownLinkType,
    /// A block that contradicts itself: of a pcapng file, whose rest is lost when its length cannot be believed, or of
    /// the kernel's ring.
    MalformedBlock,
    /// A record longer than [`crate::limits::CAPTURE_RECORD_MAX_OCTETS`] or a frame longer than
    /// [`crate::limits::FRAME_MAX_OCTETS`].
    FrameTooLong,
    /// A pcapng frame of an interface its section does not describe.
    UnknownInterface,
}

impl CaptureRefusal {
    /// Every reason, in the order they are declared.
    pub const ALL: [CaptureRefusal; 5] = [
        CaptureRefusal::FileCutShort,
        CaptureRefusal::UnknownLinkType,
        CaptureRefusal::MalformedBlock,
        CaptureRefusal::FrameTooLong,
        CaptureRefusal::UnknownInterface,
    ];

    /// Its name in counters and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            CaptureRefusal::FileCutShort => "capture_cut_short",
            CaptureRefusal::UnknownLinkType => "unknown_link_type",
            CaptureRefusal::MalformedBlock => "malformed_block",
            CaptureRefusal::FrameTooLong => "frame_too_long",
            CaptureRefusal::UnknownInterface => "unknown_interface",
        }
    }
}

/// What went through a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CaptureCounts {
    /// Frames handed out.
    pub frames: u64,
    /// Their captured octets.
    pub octets: u64,
    /// Frames of bulk that were joined (GRO) and of which the filter left out the end.
    pub joined_cut: u64,
    /// Frames the kernel had no room for; none where the capture cannot tell.
    pub dropped: Option<u64>,
    refused: [u64; CaptureRefusal::ALL.len()],
}

impl CaptureCounts {
    /// Of a capture that can tell what the kernel dropped.
    pub(super) fn counting_drops() -> CaptureCounts {
        CaptureCounts { dropped: Some(0), ..CaptureCounts::default() }
    }

    /// How often something was refused for this reason.
    pub fn refused(&self, reason: CaptureRefusal) -> u64 {
        self.refused.get(reason as usize).copied().unwrap_or(0)
    }

    /// How often something was refused, whatever for.
    pub fn refused_in_all(&self) -> u64 {
        self.refused.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Counts a refusal.
    pub fn refuse(&mut self, reason: CaptureRefusal) {
        if let Some(count) = self.refused.get_mut(reason as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// Counts a frame handed out.
    pub fn hand_out(&mut self, octets: usize) {
        self.frames = self.frames.saturating_add(1);
        self.octets = self.octets.saturating_add(octets as u64);
    }

    /// Adds what another capture counted.
    pub fn add(&mut self, other: &CaptureCounts) {
        self.frames = self.frames.saturating_add(other.frames);
        self.octets = self.octets.saturating_add(other.octets);
        self.joined_cut = self.joined_cut.saturating_add(other.joined_cut);
        self.dropped = match (self.dropped, other.dropped) {
            (Some(ours), Some(theirs)) => Some(ours.saturating_add(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        for (ours, theirs) in self.refused.iter_mut().zip(other.refused) {
            *ours = ours.saturating_add(theirs);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_by_reason_and_an_unknown_drop_count_stays_unknown() {
        let mut sum = CaptureCounts::default();
        for reason in CaptureRefusal::ALL {
            let mut one = CaptureCounts::default();
            one.refuse(reason);
            one.hand_out(60);
            one.joined_cut = 2;
            sum.add(&one);
        }
        assert_eq!(sum.joined_cut, 10);
        assert_eq!((sum.frames, sum.octets, sum.dropped), (5, 300, None));
        assert!(CaptureRefusal::ALL.iter().all(|reason| sum.refused(*reason) == 1));
        assert_eq!(sum.refused_in_all(), CaptureRefusal::ALL.len() as u64);
        sum.add(&CaptureCounts { dropped: Some(7), ..CaptureCounts::default() });
        assert_eq!(sum.dropped, Some(7));
    }
}
