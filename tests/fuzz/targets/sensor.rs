//! Fuzz target `sensor`: see `fuzz_targets::sensor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::sensor(octets));
