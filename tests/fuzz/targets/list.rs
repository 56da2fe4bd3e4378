//! Fuzz target `list`: see `fuzz_targets::signed_list`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| varde_fuzz::fuzz_targets::signed_list(octets));
