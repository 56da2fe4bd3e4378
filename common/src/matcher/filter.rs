//! The filter before everything: nine bits an entry, all of an entry's five bits within one cache line, so that what is
//! not on the list costs one line of a table that stays in the processor's cache.

/// Octets of a block: one cache line.
pub(super) const BLOCK_OCTETS: usize = 64;
/// Bits an entry; with five marks each some 1.5 % of what is not listed is looked up in vain.
const BITS_PER_ENTRY: u64 = 9;
/// Marks of an entry. Nine bits of the hash each: with the block's number from the top, 45 of the lower bits.
const MARKS: u32 = 5;

/// Octets of the filter for so many entries.
pub(super) fn octets_for(entries: u64) -> u64 {
    let blocks = entries.saturating_mul(BITS_PER_ENTRY).div_ceil(8 * BLOCK_OCTETS as u64).max(1);
    blocks * BLOCK_OCTETS as u64
}

#[inline]
fn block_of(hash: u64, blocks: usize) -> usize {
    ((u128::from(hash) * blocks as u128) >> 64) as usize
}

/// Whether an entry may be there; `false` is certain.
#[inline]
pub(super) fn may_hold(filter: &[[u8; BLOCK_OCTETS]], hash: u64) -> bool {
    let Some(block) = filter.get(block_of(hash, filter.len())) else { return false };
    // Bit n of the block is bit n mod 8 of octet n/8, and so it is, little endian, in words of eight octets.
    let (words, _) = block.as_chunks::<8>();
    let mut marks = hash;
    let mut all = 1u64;
    for _ in 0..MARKS {
        let bit = marks & 511;
        // The upper three of nine bits are within the block whatever they are.
        all &= words.get((bit >> 6) as usize).map_or(0, |word| u64::from_le_bytes(*word)) >> (bit & 63);
        marks >>= 9;
    }
    all & 1 == 1
}

/// Marks an entry.
pub(super) fn mark(filter: &mut [[u8; BLOCK_OCTETS]], hash: u64) {
    let blocks = filter.len();
    let Some(block) = filter.get_mut(block_of(hash, blocks)) else { return };
    let mut marks = hash;
    for _ in 0..MARKS {
        let bit = marks & 511;
        if let Some(octet) = block.get_mut((bit >> 3) as usize) {
            *octet |= 1 << (bit & 7);
        }
        marks >>= 9;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SplitMix64, for hashes as good as any.
    fn hash(n: u64) -> u64 {
        let mut z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    #[test]
    fn b3_a_million_entries_fit_in_a_cache_and_let_few_pass() {
        let entries = 1_220_000;
        assert!(octets_for(entries) <= 1_400_000, "{}", octets_for(entries));
        let mut filter = vec![[0; BLOCK_OCTETS]; (octets_for(entries) / 64) as usize];
        (0..entries).for_each(|n| mark(&mut filter, hash(n)));
        assert!((0..entries).all(|n| may_hold(&filter, hash(n))), "what is there is never missed");
        let passed = (entries..2 * entries).filter(|&n| may_hold(&filter, hash(n))).count();
        assert!(passed < 1_220_000 / 50, "{passed} of 1,220,000 pass");
    }

    #[test]
    fn no_filter_holds_nothing() {
        assert!(!may_hold(&[], 7));
    }
}
