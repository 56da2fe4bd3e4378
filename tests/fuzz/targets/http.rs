//! Fuzz target `http`: see `fuzz_targets::http_head`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::http_head(octets));
