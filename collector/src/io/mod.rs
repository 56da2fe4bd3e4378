//! The only room that touches the world, beside the store.

pub mod clock;
pub mod web;
