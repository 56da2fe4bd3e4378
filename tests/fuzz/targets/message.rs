//! Fuzz target `message`: see `fuzz_targets::message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::message(octets));
