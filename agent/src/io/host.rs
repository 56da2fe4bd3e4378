//! What the machine says about this process and its disk: nothing about any other process.

use std::path::Path;

use rustix::fs::statvfs;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// Figures for a heartbeat. What the system does not tell is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HostFigures {
    /// Resident memory, octets.
    pub memory_octets: u64,
    /// CPU time used since the start, milliseconds.
    pub cpu_ms: u64,
    /// Free on the file system of the data directory, octets.
    pub disk_free_octets: u64,
}

/// Asks the system.
pub fn figures(data: &Path) -> HostFigures {
    let mut figures = HostFigures::default();
    let own: Option<Pid> = sysinfo::get_current_pid().ok();
    if let (Some(own), Ok(mut system)) = (own, System::new()) {
        let what = ProcessRefreshKind::nothing().with_memory().with_cpu();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[own]), false, what);
        if let Some(process) = system.process(own) {
            figures.memory_octets = process.memory();
            figures.cpu_ms = process.accumulated_cpu_time();
        }
    }
    // Not from the list of mounts: a service that sees its own processes alone (ProcSubset=pid) has none.
    figures.disk_free_octets = statvfs(data).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_has_memory_and_a_disk() {
        let directory = tempfile::tempdir().unwrap();
        let figures = figures(directory.path());
        assert!(figures.memory_octets > 0 && figures.disk_free_octets > 0, "{figures:?}");
    }
}
