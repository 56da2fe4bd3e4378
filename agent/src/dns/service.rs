//! Service bindings (RFC 9460) of an answer section: where they lead, told with or without copies.

use varde_common::name::{DomainName, Name};
use varde_common::observation::{Answer, AnswerData};

use super::{AnswerSection, Lead};
use crate::limits::SERVICE_HINTS_MAX;

/// What a service binding (RFC 9460) says of where the service is; all absent where its data is broken.
#[derive(Debug, Default)]
pub(super) struct Service<'a> {
    /// Whether it says where it is: an alias's target, or that of a service at another name than the owner's. Whoever read
    /// the binding has the name.
    pub(super) has_target: bool,
    /// Addresses of four octets each.
    pub(super) ipv4_hints: &'a [u8],
    /// Addresses of sixteen octets each.
    pub(super) ipv6_hints: &'a [u8],
}

impl Service<'_> {
    fn hints(&self) -> (&[[u8; 4]], &[[u8; 16]]) {
        (self.ipv4_hints.as_chunks().0, self.ipv6_hints.as_chunks().0)
    }

    /// Whether no hint is beyond those that are read.
    pub(super) fn is_ordinary(&self) -> bool {
        let (ipv4, ipv6) = self.hints();
        ipv4.len() <= SERVICE_HINTS_MAX && ipv6.len() <= SERVICE_HINTS_MAX
    }

    /// Records that [`Service::tell`] makes of it.
    pub(super) fn records(&self) -> usize {
        let (ipv4, ipv6) = self.hints();
        (usize::from(self.has_target) + ipv4.len() + ipv6.len()).max(1)
    }

    /// Where it leads, in the same order.
    pub(super) fn lead(&self, target: Name<'_>, ttl_s: u32, lead: &mut impl FnMut(Lead<'_>) -> bool) -> bool {
        let (ipv4, ipv6) = self.hints();
        (!self.has_target || lead(Lead::Name(target)))
            && ipv4.iter().all(|&octets| lead(Lead::Address(octets.into(), ttl_s)))
            && ipv6.iter().all(|&octets| lead(Lead::Address(octets.into(), ttl_s)))
    }

    pub(super) fn tell(
        &self,
        target: Name<'_>,
        owner: DomainName,
        rtype: u16,
        ttl_s: u32,
        section: &mut AnswerSection,
    ) {
        let (ipv4, ipv6) = self.hints();
        let beyond = [ipv4.len(), ipv6.len()].map(|count| count.saturating_sub(SERVICE_HINTS_MAX) as u64);
        section.beyond += beyond.iter().sum::<u64>();
        let ipv4 = ipv4.iter().take(SERVICE_HINTS_MAX).map(|&octets| AnswerData::Address(octets.into()));
        let ipv6 = ipv6.iter().take(SERVICE_HINTS_MAX).map(|&octets| AnswerData::Address(octets.into()));
        let mut is_told = false;
        let target = self.has_target.then(|| AnswerData::Name(target.to_owned()));
        for data in target.into_iter().chain(ipv4).chain(ipv6) {
            is_told = true;
            section.push(Answer { name: owner.clone(), rtype, ttl_s, data });
        }
        if !is_told {
            section.push(Answer { name: owner, rtype, ttl_s, data: AnswerData::Other });
        }
    }
}
