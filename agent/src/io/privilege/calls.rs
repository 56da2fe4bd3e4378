//! System calls (seccomp(2)): what a sensor has no use for is refused with EPERM.
//!
//! A list of what is refused, not of what is allowed: a C library that begins to use a newer call must not silence a
//! sensor in the field. What an attacker inside the process would need is on it: execution, foreign memory, executable
//! memory, raw sockets, the kernel's large and young interfaces, and ways round the list itself (io_uring, the x32 numbers
//! of x86-64, another architecture's calls: these end the process).

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// Refused whatever their arguments.
const FORBIDDEN: &[c_long] = &[
    // Nobody new is listened to: what is asked over was opened before.
    libc::SYS_listen,
    // Another program, another process's memory.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Large interfaces into the kernel that a sensor has no use for.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_fanotify_init,
    libc::SYS_memfd_secret,
    // The kernel itself.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_personality,
    libc::SYS_vhangup,
    // Other views of the file system, other namespaces, files by handle.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // An old way to lay pages anew.
    libc::SYS_remap_file_pages,
];

/// The same, where x86-64 has calls of its own.
#[cfg(target_arch = "x86_64")]
const FORBIDDEN_HERE: &[c_long] = &[
    libc::SYS_fork,
    libc::SYS_vfork,
    libc::SYS_kexec_file_load,
    libc::SYS_modify_ldt,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_uselib,
];
#[cfg(not(target_arch = "x86_64"))]
const FORBIDDEN_HERE: &[c_long] = &[libc::SYS_kexec_file_load];

/// x86-64 kernels may answer to a second set of numbers, marked by this bit ("x32"), with a few of its own from 512 on.
#[cfg(target_arch = "x86_64")]
const X32: c_long = 0x4000_0000;
#[cfg(target_arch = "x86_64")]
const X32_OWN: std::ops::RangeInclusive<c_long> = 512..=547;

/// Sockets a process may still make: the way to the collector, the kernel's list of interfaces. AF_UNIX is none of them: the
/// control socket is open by then, and behind others stand a machine's services, which believe root.
const FAMILIES: [i32; 3] = [libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
/// The half of a socket's type that says what it is; the other holds flags (socket(2)).
const SOCKET_TYPE: u64 = 0xf;
/// `clone` with one of these makes a namespace.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

fn is(argument: u8, operator: SeccompCmpOp, value: i32) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, u64::from(value.cast_unsigned()))
}

/// The flag is set in the argument.
fn has(argument: u8, flag: i32) -> Result<SeccompCondition, BackendError> {
    let mask = u64::from(flag.cast_unsigned());
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), mask)
}

/// The flag is not set in the argument.
fn lacks(argument: u8, flag: i32) -> Result<SeccompCondition, BackendError> {
    let mask = u64::from(flag.cast_unsigned());
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), 0)
}

fn any_of(
    cases: impl IntoIterator<Item = Result<SeccompCondition, BackendError>>,
) -> Result<Vec<SeccompRule>, BackendError> {
    cases.into_iter().map(|case| SeccompRule::new(vec![case?])).collect()
}

/// A pair's ends are tied to one another. Those of datagrams are so only until one of them says another address, so of them
/// the runtime has what it needs, streams, and nothing else.
fn only_stream_pairs() -> Result<Vec<SeccompRule>, BackendError> {
    let stream = u64::from(libc::SOCK_STREAM.cast_unsigned());
    let types = (0..=SOCKET_TYPE).filter(|kind| *kind != stream);
    let kinds =
        types.map(|kind| SeccompCondition::new(1, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(SOCKET_TYPE), kind));
    any_of([is(0, SeccompCmpOp::Ne, libc::AF_UNIX)].into_iter().chain(kinds))
}

/// Refused with certain arguments only.
fn conditional() -> Result<Vec<(c_long, Vec<SeccompRule>)>, BackendError> {
    let none_of = |families: &[i32]| -> Result<Vec<SeccompRule>, BackendError> {
        let each: Result<Vec<_>, _> = families.iter().map(|&family| is(0, SeccompCmpOp::Ne, family)).collect();
        Ok(vec![SeccompRule::new(each?)?])
    };
    // Nothing is loaded any more, so no memory needs to become executable, written before or not.
    let executable = || any_of([has(2, libc::PROT_EXEC)]);
    let namespaces = NAMESPACES.iter().map(|&flag| has(0, flag));
    Ok(vec![
        (libc::SYS_mmap, executable()?),
        (libc::SYS_mprotect, executable()?),
        (libc::SYS_pkey_mprotect, executable()?),
        (libc::SYS_shmat, any_of([has(2, libc::SHM_EXEC)])?),
        (libc::SYS_socket, none_of(&FAMILIES)?),
        (libc::SYS_socketpair, only_stream_pairs()?),
        // Threads yes, processes and namespaces no.
        (libc::SYS_clone, any_of(namespaces.chain([lacks(0, libc::CLONE_THREAD)]))?),
        // Typing into the terminal it was started from.
        (
            libc::SYS_ioctl,
            any_of([libc::TIOCSTI, libc::TIOCLINUX].map(|request| is(1, SeccompCmpOp::Eq, request as i32)))?,
        ),
    ])
}

/// The two filters: what is refused with EPERM, and `clone3`, which does not show its flags to a filter. For that one the
/// answer is ENOSYS: the C library then takes `clone`.
fn filters() -> Result<[BpfProgram; 2], BackendError> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    let mut refused: BTreeMap<c_long, Vec<SeccompRule>> = conditional()?.into_iter().collect();
    for &call in FORBIDDEN.iter().chain(FORBIDDEN_HERE) {
        refused.insert(call, Vec::new());
    }
    #[cfg(target_arch = "x86_64")]
    {
        let same: Vec<_> = refused.iter().map(|(call, rules)| (call | X32, rules.clone())).collect();
        refused.extend(same);
        refused.extend(X32_OWN.map(|call| (call | X32, Vec::new())));
    }
    let filter = |rules, code: i32| -> Result<BpfProgram, BackendError> {
        let refuse = SeccompAction::Errno(code.cast_unsigned());
        SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?.try_into()
    };
    let unseen = BTreeMap::from([
        (libc::SYS_clone3, Vec::new()),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_clone3 | X32, Vec::new()),
    ]);
    Ok([filter(refused, libc::EPERM)?, filter(unseen, libc::ENOSYS)?])
}

/// Refuses these calls from now on, for this thread and those it starts. Sets no_new_privs.
///
/// # Errors
/// Why this machine has no filter, in a sentence.
pub(super) fn forbid() -> Result<(), String> {
    let filters = filters().map_err(|error| format!("no filter can be made for this machine: {error}"))?;
    for filter in &filters {
        let applied = seccompiler::apply_filter(filter);
        applied.map_err(|error| format!("this kernel takes no filter of system calls: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
