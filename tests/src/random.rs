//! Numbers that look random and are the same for the same seed, so that any run can be repeated.

/// A small generator (SplitMix64); for traffic, never for keys.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// From a seed that the caller prints.
    pub fn seeded(seed: u64) -> Random {
        Random(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next 16 bits: a DNS id.
    pub fn next_u16(&mut self) -> u16 {
        (self.next_u64() >> 48) as u16
    }

    /// Evenly from `0..end`; 0 when `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64().checked_rem(end).unwrap_or(0)
    }

    /// Evenly from `low..=high`.
    pub fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True this often in a hundred.
    pub fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    /// One of several; none of none.
    pub fn one_of<'a, T>(&mut self, several: &'a [T]) -> Option<&'a T> {
        several.get(self.below(several.len() as u64) as usize)
    }

    /// A port a client would use.
    pub fn client_port(&mut self) -> u16 {
        self.within(32_768, 60_999) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_within_their_bounds() {
        let (mut a, mut b) = (Random::seeded(7), Random::seeded(7));
        for _ in 0..1000 {
            let n = a.within(3, 9);
            assert_eq!(n, b.within(3, 9));
            assert!((3..=9).contains(&n));
        }
        assert_ne!(Random::seeded(8).next_u64(), Random::seeded(7).next_u64());
        assert_eq!(a.one_of::<u8>(&[]), None);
    }
}
