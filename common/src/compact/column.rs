//! Columns of numbers, each in the shortest of four ways to write it; and the reader that believes none of them.

use crate::codec::Malformed;

/// All numbers are the same: written once.
const SAME: u8 = 0;
/// Each by itself.
const EACH: u8 = 1;
/// Runs: how many, then which.
const RUNS: u8 = 2;
/// From here on: packed, with as many bits each as this number says beyond it.
const PACKED: u8 = 3;

/// A signed number as one that is small where the signed one is near zero.
pub(super) fn zigzag(number: i64) -> u64 {
    number.wrapping_shl(1).cast_unsigned() ^ (number >> 63).cast_unsigned()
}

/// The signed number again.
pub(super) fn unzigzag(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ (number & 1).cast_signed().wrapping_neg()
}

/// Appends a number, seven bits an octet, the lowest first (LEB128).
pub(super) fn write_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn varint_octets(number: u64) -> usize {
    let bits = 64 - number.leading_zeros() as usize;
    bits.div_ceil(7).max(1)
}

/// Appends a column. How many numbers there are, the reader must know.
pub(super) fn write_column(out: &mut Vec<u8>, numbers: &[u64]) {
    let Some(&first) = numbers.first() else { return };
    let largest = numbers.iter().copied().max().unwrap_or(0);
    let bits = 64 - largest.leading_zeros();
    let each: usize = numbers.iter().map(|number| varint_octets(*number)).sum();
    let runs: usize = numbers
        .chunk_by(|a, b| a == b)
        .map(|run| varint_octets(run.len() as u64) + run.first().map_or(0, |n| varint_octets(*n)))
        .sum();
    let packed = (numbers.len() * bits as usize).div_ceil(8);
    if numbers.iter().all(|number| *number == first) {
        out.push(SAME);
        write_varint(out, first);
    } else if runs <= each.min(packed) {
        out.push(RUNS);
        for run in numbers.chunk_by(|a, b| a == b) {
            write_varint(out, run.len() as u64);
            run.first().iter().for_each(|number| write_varint(out, **number));
        }
    } else if packed <= each {
        // Different numbers have at least one bit.
        out.push(PACKED.saturating_add(bits as u8));
        let (mut held, mut holding) = (0u128, 0u32);
        for number in numbers {
            held |= u128::from(*number) << holding;
            holding += bits;
            while holding >= 8 {
                out.push(held as u8);
                held >>= 8;
                holding -= 8;
            }
        }
        if holding > 0 {
            out.push(held as u8);
        }
    } else {
        out.push(EACH);
        numbers.iter().for_each(|number| write_varint(out, *number));
    }
}

/// What is still to be read.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next octet.
    pub(super) fn octet(&mut self) -> Result<u8, Malformed> {
        let (&octet, rest) = self.0.split_first().ok_or(Malformed::CutShort)?;
        self.0 = rest;
        Ok(octet)
    }

    /// So many octets as they stand.
    pub(super) fn octets(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (octets, rest) = self.0.split_at_checked(count).ok_or(Malformed::CutShort)?;
        self.0 = rest;
        Ok(octets)
    }

    /// So many octets, known when the program was made.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (octets, rest) = self.0.split_first_chunk().ok_or(Malformed::CutShort)?;
        self.0 = rest;
        Ok(*octets)
    }

    /// A number in at most ten octets.
    pub(super) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let octet = self.octet()?;
            let bits = u64::from(octet & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if octet & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed::Refused("a number over 64 bits".to_owned()))
    }

    /// A column of so many numbers; the caller has bounded how many.
    pub(super) fn column(&mut self, count: usize) -> Result<Vec<u64>, Malformed> {
        if count == 0 {
            return Ok(Vec::new());
        }
        match self.octet()? {
            SAME => Ok(vec![self.varint()?; count]),
            EACH => (0..count).map(|_| self.varint()).collect(),
            RUNS => self.runs(count),
            how => match how - PACKED {
                bits @ 1..=64 => self.packed(count, u32::from(bits)),
                _ => Err(Malformed::Refused("a column of no known form".to_owned())),
            },
        }
    }

    fn runs(&mut self, count: usize) -> Result<Vec<u64>, Malformed> {
        let mut numbers = Vec::with_capacity(count);
        while numbers.len() < count {
            let run = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
            let room = count - numbers.len();
            if run == 0 || run > room {
                return Err(Malformed::Refused("a run longer than its column".to_owned()));
            }
            let number = self.varint()?;
            numbers.resize(numbers.len() + run, number);
        }
        Ok(numbers)
    }

    fn packed(&mut self, count: usize, bits: u32) -> Result<Vec<u64>, Malformed> {
        let mut octets = self.octets((count * bits as usize).div_ceil(8))?.iter();
        let mask = (1u128 << bits) - 1;
        let (mut held, mut holding) = (0u128, 0u32);
        let mut numbers = Vec::with_capacity(count);
        for _ in 0..count {
            while holding < bits {
                held |= u128::from(*octets.next().ok_or(Malformed::CutShort)?) << holding;
                holding += 8;
            }
            numbers.push((held & mask) as u64);
            held >>= bits;
            holding -= bits;
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(numbers: &[u64]) -> usize {
        let mut out = Vec::new();
        write_column(&mut out, numbers);
        let octets = out.len();
        let mut reader = Reader(&out);
        assert_eq!(reader.column(numbers.len()), Ok(numbers.to_vec()));
        assert!(reader.0.is_empty());
        octets
    }

    #[test]
    fn each_column_takes_the_shortest_way() {
        assert_eq!(round_trip(&[7; 1000]), 2);
        assert_eq!(round_trip(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]), 1 + 2, "packed in one bit each");
        assert_eq!(round_trip(&[vec![5; 500], vec![900; 500]].concat()), 1 + 3 + 4, "two runs");
        assert_eq!(round_trip(&[u64::MAX, 1, 2, 3, 4, 5, 6, 7]), 1 + 10 + 7, "one outlier");
        assert_eq!(round_trip(&[u64::MAX, 0, u64::MAX - 1]), 1 + 21);
        assert_eq!(round_trip(&[]), 0);
    }

    #[test]
    fn a_column_that_lies_is_refused() {
        for octets in
            [&[][..], &[RUNS, 0, 1], &[RUNS, 9, 1], &[PACKED + 65], &[255], &[PACKED], &[EACH, 1], &[PACKED + 64, 1, 2]]
        {
            assert!(Reader(octets).column(3).is_err(), "{octets:?}");
        }
        assert!(Reader(&[0xff; 10]).varint().is_err());
        assert_eq!(Reader(&[255, 255, 255, 255, 255, 255, 255, 255, 255, 1]).varint(), Ok(u64::MAX));
    }

    proptest! {
        #[test]
        fn any_column_comes_back(numbers in prop::collection::vec(prop_oneof![0u64..4, 0u64..5000, any::<u64>()], 0..60)) {
            round_trip(&numbers);
        }

        #[test]
        fn signs_come_back(number in any::<i64>()) {
            prop_assert_eq!(unzigzag(zigzag(number)), number);
        }

        #[test]
        fn any_octets_are_a_column_or_refused(octets in prop::collection::vec(any::<u8>(), 0..60), count in 0usize..40) {
            if let Ok(numbers) = Reader(&octets).column(count) {
                prop_assert_eq!(numbers.len(), count);
            }
        }
    }
}
