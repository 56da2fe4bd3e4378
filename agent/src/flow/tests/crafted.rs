//! Flows made so that the table of flows has much to compare: promise S5, in counted steps.

use super::*;

/// Keys compared while so many flows between IPv6 addresses open and are heard of again.
fn compared(known_seed: bool, ends: fn(u64) -> [u128; 2]) -> u64 {
    const COUNT: usize = 2_000;
    let mut bench = Bench::new(COUNT);
    if known_seed {
        bench.flows.table = Table::new(COUNT).with_known_seed();
    }
    for round in 0..2 {
        for number in 0..COUNT as u64 {
            let [src, dst] = ends(number).map(std::net::Ipv6Addr::from_bits);
            bench.udp(round, &format!("[{src}]:40000"), &format!("[{dst}]:443"));
        }
    }
    assert_eq!(bench.flows.len(), COUNT);
    bench.flows.table.compared()
}

/// Flows as they come.
fn usual() -> u64 {
    compared(false, |number| [0x2001_0db8 << 96 | u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)), 9 << 124])
}

#[test]
fn s5_flows_crafted_against_the_known_seed_cost_no_more_than_twice_others() {
    let crafted = |number| [u128::from(crate::keyed::FORGETFUL) << 64 | u128::from(number), 9 << 124];
    let (usual, attacked) = (usual(), compared(false, crafted));
    assert!(attacked <= 2 * usual, "{attacked} keys compared where {usual} are usual");
    let known = compared(true, crafted);
    assert!(known > 100 * usual, "the flows are no attack: {known} keys compared where {usual} are usual");
}

#[test]
fn s5_flows_crafted_so_that_their_ends_undo_one_another_cost_no_more_than_twice_others() {
    // Whatever is done to one end before the key comes in can be undone at the other.
    for crafted in [
        |number: u64| [u128::from(number) << 64, u128::from(number) << 64 | 1],
        |number: u64| [u128::from(number) << 64, u128::from(number.rotate_left(32)) << 64 | 1],
        |number: u64| [u128::from(number), 9 << 124 | u128::from(number)],
        |number: u64| [u128::from(number), 9 << 124 | u128::from(number.rotate_left(32))],
        |number: u64| [u128::from(number) << 64 | u128::from(number), 9 << 124],
    ] {
        let (usual, attacked) = (usual(), compared(false, crafted));
        assert!(attacked <= 2 * usual, "{attacked} keys compared where {usual} are usual");
    }
}
