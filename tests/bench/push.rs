//! Bench B11: the time from "publish" until an indicator is in force at fifty connected sensors.
fn main() {}
