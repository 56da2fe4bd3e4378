//! What people and machines are shown: facts of the store become views (plain values), views become pages and JSON.
//!
//! [`view`] is the front page with its [`summary`], [`desk`] are the analyst's lists, [`detail`] one campaign or incident; [`crate::coverage`] says who could have seen something,
//! [`sensor`] how a sensor is, [`reach`] how far the newest list has come, [`spread`] and [`map`] draw. [`text`] holds the languages, [`shown`] how foreign text, times
//! and numbers are written, [`page`] the pages, [`asset`] the files beside them, [`navigation`] the bar above, [`looks`] how a reader wants it, [`order`] how names stand, [`api`] the same for machines, [`answer`] what the API gives them. Nothing
//! here reads a clock, a socket or the database.

pub mod able;
pub mod account;
pub mod advisory;
pub mod advisory_page;
pub mod advisory_write;
pub mod advisory_written;
pub mod answer;
pub mod api;
pub mod asset;
pub mod audit;
pub mod beat;
pub mod brake;
pub mod browser;
pub mod community;
pub mod deletion;
pub mod desk;
pub mod detail;
pub mod fleet;
pub mod home;
pub mod intel;
pub mod leadership;
pub mod leaves;
pub mod light;
pub mod looks;
pub mod map;
pub mod member;
pub mod member_forms;
pub mod navigation;
pub mod order;
pub mod page;
pub mod privacy;
pub mod reach;
pub mod sensor;
pub mod sensor_events;
pub mod sensor_health;
pub mod sensor_uplink;
pub mod shown;
pub mod silence;
pub mod source;
pub mod spread;
pub mod summary;
pub mod text;
pub mod too_connected;
pub mod trust;
pub mod users;
pub mod view;
pub mod why;
pub mod work;
