//! The analyst's lists as plain values: what stands above each ([`bar`]), its rows ([`alerts`], [`cases`]), drawings of when it was
//! ([`histogram`]), and the same rows to take along ([`export`]). [`asked`] reads what an address asks for, [`sentence`] says what of it was not
//! understood, [`done`] what came of a deed.

pub mod alerts;
pub mod asked;
pub mod bar;
pub mod cases;
pub mod done;
pub mod export;
pub mod histogram;
pub mod muted;
pub mod page;
pub mod sentence;
