//! Capabilities (capabilities(7)): every one in every set is given up, and none can come back.

use caps::{CapSet, Capability};

/// Empties all five sets, as far as a process may.
///
/// # Errors
/// What stayed, in a sentence, when something that could be used stayed.
pub(super) fn give_up() -> Result<(), String> {
    // Needs CAP_SETPCAP, so it comes first. Who lacks that keeps a bounding set, which grants nothing by itself: only a
    // program executed later could draw on it, and execution is refused and no_new_privs set. The same holds for the inheritable set of one
    // that began anew, where nothing may change it (see `handed`).
    if caps::has_cap(None, CapSet::Effective, Capability::CAP_SETPCAP).unwrap_or(false) {
        caps::clear(None, CapSet::Bounding).map_err(|error| error.to_string())?;
    }
    // A kernel without ambient capabilities (before 4.3) has none to give up.
    let _ = caps::clear(None, CapSet::Ambient);
    let _ = caps::clear(None, CapSet::Inheritable);
    for set in [CapSet::Effective, CapSet::Permitted] {
        // Where the call that empties a set is refused, these are empty already.
        if caps::read(None, set).is_ok_and(|held| held.is_empty()) {
            continue;
        }
        caps::clear(None, set).map_err(|error| error.to_string())?;
    }
    Ok(())
}
