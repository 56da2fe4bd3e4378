//! Which VLANs frames came from, counted: one bit a VLAN, no names.

use crate::health::Tags;

/// The tag's bits that name a VLAN (IEEE 802.1Q).
const VLAN_BITS: u16 = 0x0fff;
const WORDS: usize = 4096 / 64;

/// Tags seen so far.
#[derive(Debug, Clone)]
pub(super) struct Vlans {
    untagged: u64,
    tagged: u64,
    seen: Box<[u64; WORDS]>,
}

impl Default for Vlans {
    fn default() -> Vlans {
        Vlans { untagged: 0, tagged: 0, seen: Box::new([0; WORDS]) }
    }
}

impl Vlans {
    #[inline]
    pub(super) fn handle_tag(&mut self, tag: Option<u16>) {
        let Some(tag) = tag else {
            self.untagged += 1;
            return;
        };
        self.tagged += 1;
        let vlan = tag & VLAN_BITS;
        if let Some(word) = self.seen.get_mut(usize::from(vlan / 64)) {
            *word |= 1 << (vlan % 64);
        }
    }

    pub(super) fn tags(&self) -> Tags {
        let vlans: u32 = self.seen.iter().map(|word| word.count_ones()).sum();
        Tags { untagged: self.untagged, tagged: self.tagged, vlans: u16::try_from(vlans).unwrap_or(u16::MAX) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vlan_counts_once_whatever_its_priority() {
        let mut vlans = Vlans::default();
        [None, Some(7), Some(0xe007), Some(0), Some(4095)].into_iter().for_each(|tag| vlans.handle_tag(tag));
        assert_eq!(vlans.tags(), Tags { untagged: 1, tagged: 4, vlans: 3 });
    }
}
