//! Other settings, taken up between two frames: nothing open is closed, nothing counted is forgotten.

use super::{Sensor, SensorSettings};
use crate::raise::place::Places;

impl Sensor {
    /// These settings are in force from now on. What is under way goes on as it began: a flow keeps the bound for data out it was
    /// opened with, an alert its site and zone. Which ports carry DNS, who says how time passes and what is kept stay as they were:
    /// the first is in the kernel's filter too, the others are no settings of a member.
    pub fn handle_settings(&mut self, settings: SensorSettings) {
        let places = Places::new(settings.inside.clone(), settings.sites.clone(), settings.zones.clone());
        self.consequences.blind.handle_places(places.clone());
        self.observer.handle_data_out(settings.data_out_octets);
        self.consequences.raise.handle_settings(places, &settings);
    }
}
