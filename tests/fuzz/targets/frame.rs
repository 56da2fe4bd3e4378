//! Fuzz target `frame`: see `fuzz_targets::frame`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::frame(octets));
