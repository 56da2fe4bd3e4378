//! Fuzz target `token`: see `fuzz_targets::token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::token(octets));
