//! What the machine says about this process and its disk: nothing about any other process.

use std::path::Path;

use sysinfo::{Disks, Pid, ProcessRefreshKind, ProcessesToUpdate, System};

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
    if let (Ok(disks), Ok(data)) = (Disks::new_with_refreshed_list(), data.canonicalize()) {
        let holding = disks.iter().filter(|disk| data.starts_with(disk.mount_point()));
        let nearest = holding.max_by_key(|disk| disk.mount_point().as_os_str().len());
        figures.disk_free_octets = nearest.map_or(0, sysinfo::Disk::available_space);
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_has_memory_and_a_disk() {
        let directory = tempfile::tempdir().unwrap();
        let figures = figures(directory.path());
        assert!(figures.memory_octets > 0);
    }
}
