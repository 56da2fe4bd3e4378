//! What can be found out about this machine and the way to the collector: facts, and no opinion.

pub mod machine;
pub mod way;
