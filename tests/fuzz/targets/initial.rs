//! Fuzz target `initial`: see `fuzz_targets::initial`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::initial(octets));
