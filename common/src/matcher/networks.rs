//! Look-up of addresses and networks: one sorted table for each prefix length in use, asked one after another.

use std::net::IpAddr;

/// Networks of both families; addresses are networks of full length.
#[derive(Debug, Default)]
pub(super) struct NetworkTable {
    v4: Vec<Table<u32>>,
    v6: Vec<Table<u128>>,
}

/// All networks of one prefix length: (first address, place), sorted.
#[derive(Debug)]
struct Table<A> {
    mask: A,
    entries: Vec<(A, u32)>,
}

fn mask_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix.min(32))).unwrap_or(0)
}

fn mask_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0)
}

fn table_of<A: Copy + PartialEq>(tables: &mut Vec<Table<A>>, mask: A) -> Option<&mut Table<A>> {
    let index = match tables.iter().position(|table| table.mask == mask) {
        Some(index) => index,
        None => {
            tables.push(Table { mask, entries: Vec::new() });
            tables.len() - 1
        }
    };
    tables.get_mut(index)
}

fn find_in<A: Copy + Ord + std::ops::BitAnd<Output = A>>(tables: &[Table<A>], address: A, found: &mut impl FnMut(u32)) {
    for table in tables {
        let first = address & table.mask;
        let start = table.entries.partition_point(|&(there, _)| there < first);
        let here = table.entries.get(start..).unwrap_or_default();
        here.iter().take_while(|&&(there, _)| there == first).for_each(|&(_, place)| found(place));
    }
}

impl NetworkTable {
    pub(super) fn insert(&mut self, first: IpAddr, prefix: u8, place: u32) {
        match first {
            IpAddr::V4(v4) => {
                let mask = mask_v4(prefix);
                if let Some(table) = table_of(&mut self.v4, mask) {
                    table.entries.push((v4.to_bits() & mask, place));
                }
            }
            IpAddr::V6(v6) => {
                let mask = mask_v6(prefix);
                if let Some(table) = table_of(&mut self.v6, mask) {
                    table.entries.push((v6.to_bits() & mask, place));
                }
            }
        }
    }

    /// Sorts; must be called once after the last insert.
    pub(super) fn finish(&mut self) {
        self.v4.iter_mut().for_each(|table| table.entries.sort_unstable());
        self.v6.iter_mut().for_each(|table| table.entries.sort_unstable());
    }

    pub(super) fn find(&self, address: IpAddr, found: &mut impl FnMut(u32)) {
        match address {
            IpAddr::V4(v4) => find_in(&self.v4, v4.to_bits(), found),
            IpAddr::V6(v6) => find_in(&self.v6, v6.to_bits(), found),
        }
    }
}
