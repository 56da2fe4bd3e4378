//! Fuzz target `batch`: see `fuzz_targets::batches`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::batches(octets));
