//! Fuzz target `record`: see `fuzz_targets::record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::record(octets));
