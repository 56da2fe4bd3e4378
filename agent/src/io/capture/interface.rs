//! Network interfaces: found by name, and what frames of one begin with.

use std::io;

use pnet::datalink::{self, NetworkInterface};

use super::CaptureError;
use crate::packet::LinkType;

/// The interface of this name, or those there are.
pub(super) fn find(interface: &str) -> Result<NetworkInterface, CaptureError> {
    let mut present = datalink::interfaces();
    match present.iter().position(|candidate| candidate.name == interface) {
        Some(at) => Ok(present.swap_remove(at)),
        None => Err(CaptureError::NoSuchInterface {
            interface: interface.to_owned(),
            present: present.into_iter().map(|candidate| candidate.name).collect(),
        }),
    }
}

/// What the system said when an interface was to be watched.
pub(super) fn watch_error(interface: &str, error: &io::Error) -> CaptureError {
    let interface = interface.to_owned();
    match error.kind() {
        io::ErrorKind::PermissionDenied => CaptureError::NotPermitted { interface },
        cause => CaptureError::CannotWatch { interface, cause },
    }
}

/// What frames of an interface begin with, by its ARPHRD number.
pub(super) fn link_type(interface: &str, hardware: u16) -> Result<LinkType, CaptureError> {
    match hardware {
        // Ethernet; loopback has Ethernet headers on Linux.
        1 | 772 => Ok(LinkType::Ethernet),
        // Raw IP of modems; tunnels: PPP (its header is not shown), IPIP, IPv6 in IPv6, SIT, GRE, GRE over IPv6, none (tun,
        // WireGuard).
        519 | 512 | 768 | 769 | 776 | 778 | 823 | 65534 => Ok(LinkType::RawIp),
        hardware => Err(CaptureError::UnreadableLink { interface: interface.to_owned(), hardware }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_does_not_exist_is_told_with_those_that_do() {
        let error = find("varde-none0").unwrap_err();
        assert!(matches!(&error, CaptureError::NoSuchInterface { present, .. } if present.contains(&"lo".to_owned())));
        assert!(error.to_string().contains("varde-none0"));
        assert!(find("lo").unwrap().is_loopback());
    }

    #[test]
    fn a_missing_right_is_told_with_how_to_grant_it() {
        let error = watch_error("eth0", &io::ErrorKind::PermissionDenied.into());
        assert!(error.to_string().contains("setcap cap_net_raw+ep"));
        let other = watch_error("eth0", &io::ErrorKind::NetworkDown.into());
        assert_eq!(other, CaptureError::CannotWatch { interface: "eth0".into(), cause: io::ErrorKind::NetworkDown });
    }

    #[test]
    fn the_link_type_follows_the_kind_of_interface() {
        let cases = [
            (1, Ok(LinkType::Ethernet)),
            (772, Ok(LinkType::Ethernet)),
            (65534, Ok(LinkType::RawIp)),
            (512, Ok(LinkType::RawIp)),
            (803, Err(CaptureError::UnreadableLink { interface: "x0".to_owned(), hardware: 803 })),
        ];
        for (hardware, expected) in cases {
            assert_eq!(link_type("x0", hardware), expected, "{hardware}");
        }
    }
}
