//! Fuzz target `capture_file`: see `fuzz_targets::capture_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::capture_file(octets));
