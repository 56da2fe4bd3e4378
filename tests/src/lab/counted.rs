//! What a simulation has shown, in sums: so that a test can see that everything which may happen did.

/// What a simulation has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Statements made.
    pub statements: u64,
    /// Records taken.
    pub taken: u64,
    /// Of these stored at the end.
    pub stored: u64,
    /// Told as lost at the end.
    pub told_lost: u64,
    /// Left in spools that were set aside.
    pub set_aside: u64,
    /// Taken over from there.
    pub adopted: u64,
    /// Of these of many hosts told of together.
    pub crowds: u64,
    /// Openings given up for room whose sightings were told again.
    pub retold: u64,
    /// Sightings told of alerts that are not known.
    pub without_alert: u64,
    /// Acknowledged and let go of, then lost with a collector that was put back, their spool being set aside by then.
    pub lost_with_restore: u64,
    /// Times power failed, or a process died.
    pub crashes: u64,
    /// Connections cut.
    pub cuts: u64,
    /// Times a collector died, was full or was put back.
    pub collector_faults: u64,
    /// Gaps met.
    pub gaps: u64,
    /// Lists that came into force.
    pub lists_in_force: u64,
    /// And of them as changes over the base that was there.
    pub lists_of_changes: u64,
    /// Lists refused.
    pub lists_refused: u64,
    /// Sensors stopped while a list came into force.
    pub lists_stopped: u64,
}

impl std::ops::AddAssign for Counted {
    fn add_assign(&mut self, more: Counted) {
        self.statements += more.statements;
        self.taken += more.taken;
        self.stored += more.stored;
        self.told_lost += more.told_lost;
        self.set_aside += more.set_aside;
        self.adopted += more.adopted;
        self.crowds += more.crowds;
        self.retold += more.retold;
        self.without_alert += more.without_alert;
        self.lost_with_restore += more.lost_with_restore;
        self.crashes += more.crashes;
        self.cuts += more.cuts;
        self.collector_faults += more.collector_faults;
        self.gaps += more.gaps;
        self.lists_in_force += more.lists_in_force;
        self.lists_of_changes += more.lists_of_changes;
        self.lists_refused += more.lists_refused;
        self.lists_stopped += more.lists_stopped;
    }
}
