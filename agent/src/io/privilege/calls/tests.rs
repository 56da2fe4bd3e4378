//! The filters, run as the kernel runs them: which calls with which arguments they refuse.

use super::*;
use seccompiler::sock_filter;

const ALLOW: u32 = 0x7fff_0000;
const ERRNO: u32 = 0x0005_0000;
/// `AUDIT_ARCH_X86_64`, `AUDIT_ARCH_AARCH64`, `AUDIT_ARCH_RISCV64`.
const ARCH: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else {
    0xc000_00f3
};

/// `struct seccomp_data` octet by octet, and classic BPF as far as a filter uses it (socket filter, RFC 9669 section 5.3's
/// ancestor: BSD's).
fn run(program: &[sock_filter], arch: u32, call: i64, arguments: [u64; 6]) -> u32 {
    let mut data = Vec::new();
    data.extend_from_slice(&(call as u32).to_ne_bytes());
    data.extend_from_slice(&arch.to_ne_bytes());
    data.extend_from_slice(&[0; 8]);
    arguments.iter().for_each(|argument| data.extend_from_slice(&argument.to_ne_bytes()));
    let (mut accumulator, mut at) = (0u32, 0usize);
    loop {
        let step = &program[at];
        at += 1;
        let jump = |taken: bool| usize::from(if taken { step.jt } else { step.jf });
        match step.code {
            0x20 => {
                let from = step.k as usize;
                accumulator = u32::from_ne_bytes(data[from..from + 4].try_into().unwrap());
            }
            0x54 => accumulator &= step.k,
            0x05 => at += step.k as usize,
            0x15 => at += jump(accumulator == step.k),
            0x25 => at += jump(accumulator > step.k),
            0x35 => at += jump(accumulator >= step.k),
            0x06 => return step.k,
            other => panic!("unknown BPF code {other:#x}"),
        }
    }
}

/// The kernel takes the strictest of both.
fn refused(call: i64, arguments: [u64; 6]) -> Option<i32> {
    let verdicts = filters().unwrap().map(|filter| run(&filter, ARCH, call, arguments));
    verdicts.into_iter().find(|verdict| *verdict != ALLOW).map(|verdict| {
        assert_eq!(verdict & 0xffff_0000, ERRNO, "{verdict:#x}");
        (verdict & 0xffff) as i32
    })
}

fn with(place: usize, value: i32) -> [u64; 6] {
    let mut arguments = [0; 6];
    arguments[place] = value as u64;
    arguments
}

#[test]
fn s2_what_is_forbidden_is_refused_whatever_its_arguments() {
    for &call in FORBIDDEN.iter().chain(FORBIDDEN_HERE) {
        assert_eq!(refused(call, [0; 6]), Some(libc::EPERM), "{call}");
        assert_eq!(refused(call, [u64::MAX; 6]), Some(libc::EPERM), "{call}");
    }
    assert_eq!(refused(libc::SYS_clone3, [0; 6]), Some(libc::ENOSYS));
    for call in [libc::SYS_read, libc::SYS_openat, libc::SYS_recvmmsg, libc::SYS_fdatasync, libc::SYS_getrandom] {
        assert_eq!(refused(call, [u64::MAX; 6]), None, "{call}");
    }
}

#[test]
fn s2_memory_is_written_or_executable_and_never_becomes_executable() {
    let (read, write, run) = (libc::PROT_READ, libc::PROT_WRITE, libc::PROT_EXEC);
    for call in [libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_pkey_mprotect] {
        for executable in [run, read | run, write | run, read | write | run] {
            assert_eq!(refused(call, with(2, executable)), Some(libc::EPERM));
        }
        for plain in [0, read, read | write] {
            assert_eq!(refused(call, with(2, plain)), None);
        }
    }
}

#[test]
fn s2_sockets_are_of_three_families_and_none_leads_to_a_service_of_this_machine() {
    for family in 0..64 {
        let expected = (!FAMILIES.contains(&family)).then_some(libc::EPERM);
        assert_eq!(refused(libc::SYS_socket, with(0, family)), expected, "{family}");
    }
    for family in [libc::AF_PACKET, libc::AF_UNIX] {
        assert_eq!(refused(libc::SYS_socket, with(0, family)), Some(libc::EPERM));
    }
}

/// What a pair of datagrams is given to send, it sends wherever its sender says.
#[test]
fn s2_pairs_of_sockets_are_streams_that_lead_nowhere_else() {
    let pair = |family: i32, kind: i32| [family as u64, kind as u64, 0, 0, 0, 0];
    let flags = [0, libc::SOCK_CLOEXEC, libc::SOCK_NONBLOCK, libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK];
    for flag in flags {
        for kind in 0..16 {
            let expected = (kind != libc::SOCK_STREAM).then_some(libc::EPERM);
            assert_eq!(refused(libc::SYS_socketpair, pair(libc::AF_UNIX, kind | flag)), expected, "{kind} {flag:#x}");
        }
        assert_eq!(refused(libc::SYS_socketpair, pair(libc::AF_INET, libc::SOCK_STREAM | flag)), Some(libc::EPERM));
    }
}

#[test]
fn s2_threads_are_made_and_processes_and_namespaces_are_not() {
    let thread = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
    assert_eq!(refused(libc::SYS_clone, with(0, thread)), None);
    assert_eq!(refused(libc::SYS_clone, with(0, libc::SIGCHLD)), Some(libc::EPERM));
    assert_eq!(refused(libc::SYS_clone, with(0, libc::CLONE_VM | libc::CLONE_VFORK)), Some(libc::EPERM));
    for flag in NAMESPACES {
        assert_eq!(refused(libc::SYS_clone, with(0, thread | flag)), Some(libc::EPERM));
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn s2_no_second_set_of_numbers_leads_round_the_list() {
    for &call in FORBIDDEN.iter().chain(FORBIDDEN_HERE) {
        assert_eq!(refused(call | X32, [0; 6]), Some(libc::EPERM), "{call}");
    }
    assert_eq!(refused(520 | X32, [0; 6]), Some(libc::EPERM), "execve of x32");
    assert_eq!(refused(libc::SYS_mmap | X32, with(2, libc::PROT_EXEC)), Some(libc::EPERM));
    let [filter, _] = filters().unwrap();
    assert_eq!(run(&filter, 0x4000_0003, 11, [0; 6]), 0x8000_0000, "execve of i386 ends the process");
}
