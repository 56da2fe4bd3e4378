//! The targets themselves stand in the tests crate, so that their corpus is replayed there without a nightly compiler.

#[path = "../../src/fuzz_targets.rs"]
pub mod fuzz_targets;

#[path = "../../src/sealed.rs"]
pub mod sealed;
