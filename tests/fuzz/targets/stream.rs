//! Fuzz target `stream`: see `fuzz_targets::stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::stream(octets));
