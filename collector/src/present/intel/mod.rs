//! Intelligence on the pages: indicators and who says so, drafts, sources, and what is published.

pub mod draft;
pub mod list;
pub mod lists;
pub mod one;
pub mod page;
pub mod sources;
