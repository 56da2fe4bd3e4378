//! The only room that touches the world.

pub mod capture;
pub mod clock;
