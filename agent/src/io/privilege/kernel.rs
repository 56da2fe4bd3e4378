//! What is in force by the kernel's own word: `/proc/self/task/*/status` (proc_pid_status(5)), the weakest thread counting.

use std::fs;

use serde::{Deserialize, Serialize};

/// The rights of a process, each as its least confined thread has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rights {
    /// Threads looked at.
    pub threads: u32,
    /// Capabilities in use or to be had (CapEff, CapPrm and CapAmb of all threads together), a bit mask.
    pub capabilities: u64,
    /// Capabilities a program executed later could draw on (CapBnd and CapInh), a bit mask: none of them is held.
    pub bounding: u64,
    /// Whether no thread can gain rights by executing something (NoNewPrivs).
    pub no_new_privs: bool,
    /// Whether every thread has a filter of system calls (Seccomp: 2).
    pub filtered: bool,
}

/// Threads of this process; none where /proc does not tell.
pub(super) fn threads() -> Option<usize> {
    fs::read_dir("/proc/self/task").ok().map(Iterator::count)
}

/// The rights of this process; none where /proc does not tell.
pub fn rights() -> Option<Rights> {
    rights_in("/proc/self/task")
}

/// The rights of another process; none where /proc does not tell.
pub fn rights_of(process: i32) -> Option<Rights> {
    rights_in(&format!("/proc/{process}/task"))
}

fn rights_in(tasks: &str) -> Option<Rights> {
    let mut rights = Rights { threads: 0, capabilities: 0, bounding: 0, no_new_privs: true, filtered: true };
    for task in fs::read_dir(tasks).ok()?.flatten() {
        // A thread may end while it is looked at.
        if let Ok(status) = fs::read_to_string(task.path().join("status")) {
            add(&mut rights, &status)?;
        }
    }
    (rights.threads > 0).then_some(rights)
}

/// Adds one thread; none for a status that lacks a line, which must not look like a right that is lacking.
fn add(rights: &mut Rights, status: &str) -> Option<()> {
    let value = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        Some(line.trim())
    };
    let mask = |key: &str| u64::from_str_radix(value(key)?, 16).ok();
    rights.threads += 1;
    rights.capabilities |= mask("CapPrm")? | mask("CapEff")? | mask("CapAmb")?;
    rights.bounding |= mask("CapBnd")? | mask("CapInh")?;
    rights.no_new_privs &= value("NoNewPrivs")? == "1";
    rights.filtered &= value("Seccomp")? == "2";
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFINED: &str = "Name:\tsensor\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n\
        CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n\
        Seccomp:\t2\nSeccomp_filters:\t2\n";

    #[test]
    fn the_weakest_thread_counts_and_a_missing_line_is_no_answer() {
        let mut rights = Rights { threads: 0, capabilities: 0, bounding: 0, no_new_privs: true, filtered: true };
        add(&mut rights, CONFINED).unwrap();
        let whole = Rights { threads: 1, ..rights };
        assert_eq!((whole.capabilities, whole.no_new_privs, whole.filtered), (0, true, true));
        add(&mut rights, &CONFINED.replace("Seccomp:\t2", "Seccomp:\t0")).unwrap();
        assert!(!rights.filtered && rights.no_new_privs);
        add(&mut rights, &CONFINED.replace("CapPrm:\t0000000000000000", "CapPrm:\t0000000000002000")).unwrap();
        assert_eq!((rights.capabilities, rights.threads), (0x2000, 3));
        assert_eq!(add(&mut rights, &CONFINED.replace("CapAmb", "Cap")), None);
    }

    #[test]
    fn this_process_has_rights_that_can_be_read() {
        assert!(super::rights().unwrap().threads >= 1);
    }
}
