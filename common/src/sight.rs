//! How much of its network a sensor sees, beside each heartbeat: whether both ends of conversations are heard, and how much the member's
//! settings leave out. Totals since its start and sizes; no names, no addresses.

use serde::{Deserialize, Serialize};

use crate::codec::{Decode, Encode};

/// How much a sensor sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Sight {
    /// Whose words it hears.
    pub heard: EndsHeard,
    /// What its settings leave out.
    pub exclusions: Exclusions,
}

/// Conversations by whose words were heard, since the sensor's start. Only what proves that the other end spoke counts as heard alone: an
/// attempt, a scan or a flood is no conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct EndsHeard {
    /// TCP connections of which both ends acknowledged one another.
    pub both: u64,
    /// TCP connections whose inside end acknowledged again and again what was never seen of the outside end.
    pub inside_alone: u64,
    /// The same the other way round.
    pub outside_alone: u64,
    /// The same where both ends are inside, or neither is.
    pub other_alone: u64,
    /// DNS questions whose response was seen.
    pub answered: u64,
    /// DNS questions without one.
    pub unanswered: u64,
    /// DNS responses to what nobody was seen to ask.
    pub unasked: u64,
}

/// How much the member's settings leave out of what is looked at, or have told as less. Sizes alone: which addresses they are stays
/// with the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode, Serialize, Deserialize)]
pub struct Exclusions {
    /// Interfaces, files and pipes that are watched: fewer see less.
    pub sources: u16,
    /// Whether the traffic of an interface is shared with other processes: then this one sees a part.
    pub shares: bool,
    /// IPv4 addresses that count as inside: nothing is held against them.
    pub inside_v4: u64,
    /// IPv6 networks of 64 bits that do.
    pub inside_v6: u64,
    /// Addresses that are named as resolvers: what these ask is no machine's.
    pub resolvers: u32,
    /// Addresses that are named as block pages: who reaches one was stopped.
    pub sinkholes: u32,
    /// Ports on which DNS is read: fewer see less.
    pub dns_ports: u16,
    /// More than so much from inside on one flow is data out, octets.
    pub data_out_octets: u32,
    /// Of an indicator that more hosts than this meet further ones are told together; 0 = none ever.
    pub frequent_hosts: u64,
    /// A keyed digest of the settings themselves, by a key that never leaves the member: says that they are others, and nothing else.
    pub digest: u64,
}

impl Exclusions {
    /// Whether less is seen, or told as less, than with those before: one of the sizes says so, or all are as they were and what
    /// they are sizes of is not.
    pub fn has_grown_since(&self, before: &Exclusions) -> bool {
        let (now, then) = (self.sizes(), before.sizes());
        let grown = now.iter().zip(then).any(|(now, then)| *now > then);
        grown || now == then && self.digest != before.digest
    }

    /// Each so that more is seen less.
    fn sizes(&self) -> [u64; 9] {
        let Exclusions {
            sources,
            shares,
            inside_v4,
            inside_v6,
            resolvers,
            sinkholes,
            dns_ports,
            data_out_octets,
            frequent_hosts,
            digest: _,
        } = *self;
        [
            u64::MAX - u64::from(sources),
            u64::from(shares),
            inside_v4,
            inside_v6,
            u64::from(resolvers),
            u64::from(sinkholes),
            u64::MAX - u64::from(dns_ports),
            u64::from(data_out_octets),
            // Told together sooner; never, where there is no such number.
            if frequent_hosts == 0 { 0 } else { u64::MAX - frequent_hosts },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t7_exclusions_grow_where_less_is_seen_and_where_others_are_excluded_and_not_where_more_is_seen() {
        let before = Exclusions {
            sources: 2,
            shares: false,
            inside_v4: 1 << 24,
            inside_v6: 1 << 32,
            resolvers: 2,
            sinkholes: 1,
            dns_ports: 2,
            data_out_octets: 1 << 20,
            frequent_hosts: 256,
            digest: 7,
        };
        assert!(!before.has_grown_since(&before));
        let grown = [
            Exclusions { sources: 1, ..before },
            Exclusions { shares: true, ..before },
            Exclusions { inside_v4: 1 << 32, ..before },
            Exclusions { inside_v6: 1 << 33, ..before },
            Exclusions { resolvers: 3, ..before },
            Exclusions { sinkholes: 2, ..before },
            Exclusions { dns_ports: 1, ..before },
            Exclusions { data_out_octets: 1 << 30, ..before },
            Exclusions { frequent_hosts: 1, ..before },
            Exclusions { digest: 8, ..before },
            // More here does not make up for less there.
            Exclusions { sources: 3, sinkholes: 2, digest: 9, ..before },
        ];
        for after in grown {
            assert!(after.has_grown_since(&before), "{after:?}");
        }
        let never = Exclusions { frequent_hosts: 0, digest: 8, ..before };
        let smaller = [never, Exclusions { sources: 3, digest: 8, ..before }, Exclusions { sinkholes: 0, ..before }];
        for after in smaller {
            assert!(!after.has_grown_since(&before), "{after:?}");
        }
        assert!(before.has_grown_since(&never), "hosts are told together again");
    }
}
