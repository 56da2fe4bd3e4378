//! Members of real relative size, some of them behind shared networks.

use crate::random::Random;
use crate::sector::file::Member;
use crate::sector::parameters::Parameters;

/// Population by rank among Norway's 357 municipalities at the beginning of 2024, rounded; ranks between are interpolated in
/// the logarithms of both. Names are made up: a simulated victim is nobody.
const BY_RANK: [(f64, f64); 16] = [
    (1.0, 717_000.0),
    (2.0, 292_000.0),
    (3.0, 214_000.0),
    (4.0, 149_000.0),
    (6.0, 117_000.0),
    (10.0, 84_000.0),
    (20.0, 49_000.0),
    (50.0, 24_000.0),
    (100.0, 12_000.0),
    (150.0, 7_000.0),
    (200.0, 4_400.0),
    (250.0, 2_900.0),
    (300.0, 1_800.0),
    (335.0, 1_100.0),
    (350.0, 700.0),
    (357.0, 210.0),
];
/// Ranks there are.
const RANKS: f64 = 357.0;
/// Inhabitants to a computer of the municipality's own.
const INHABITANTS_PER_HOST: u64 = 40;

/// A member as the generator needs it.
#[derive(Debug, Clone)]
pub struct Person {
    /// As the file has it.
    pub member: Member,
    /// Computers.
    pub hosts: u64,
}

/// Members and the networks they share.
#[derive(Debug, Clone)]
pub struct People {
    /// All, the largest first.
    pub all: Vec<Person>,
    /// For each shared network, the places of those behind it.
    pub networks: Vec<Vec<usize>>,
    /// Cumulated weights, for drawing the larger more often.
    weights: Vec<u64>,
}

fn population(rank: f64) -> u64 {
    let pairs = BY_RANK.iter().zip(BY_RANK.iter().skip(1));
    let between = pairs.map(|(a, b)| (*a, *b)).find(|((from, _), (to, _))| (*from..=*to).contains(&rank));
    let Some(((from, more), (to, fewer))) = between else { return 210 };
    let share = (rank.ln() - from.ln()) / (to.ln() - from.ln());
    (more.ln() + share * (fewer.ln() - more.ln())).exp().round() as u64
}

impl People {
    /// Draws them.
    pub fn draw(parameters: &Parameters, random: &mut Random) -> People {
        let count = parameters.members;
        let mut all: Vec<Person> = (0..count)
            .map(|place| {
                let rank = 1.0 + f64::from(place) * (RANKS - 1.0) / f64::from(count.max(2) - 1);
                let population = population(rank);
                let number = (1_001 + place).to_string();
                let name = format!("Kommune {}", place + 1);
                let member = Member { number, name, population, supplier: None };
                Person { member, hosts: (population / INHABITANTS_PER_HOST).max(8) }
            })
            .collect();
        let mut networks = Vec::new();
        for network in 1..=parameters.suppliers {
            let size = random.within(3, 8);
            let mut behind = Vec::new();
            // The large ones have networks of their own.
            for _ in 0..size * 4 {
                let place = random.within(u64::from(count) / 6, u64::from(count) - 1) as usize;
                let free = all.get_mut(place).filter(|person| person.member.supplier.is_none());
                if let Some(person) = free {
                    person.member.supplier = Some(format!("Driftssamarbeid {network}"));
                    behind.push(place);
                }
                if behind.len() as u64 == size {
                    break;
                }
            }
            networks.push(behind);
        }
        let mut sum = 0;
        let weights = all
            .iter()
            .map(|person| {
                // Between "each alike" and "by hosts": small ones are under-staffed, not unseen.
                sum += (person.hosts as f64).powf(0.6).round() as u64 + 2;
                sum
            })
            .collect();
        People { all, networks, weights }
    }

    /// One member, the larger more often.
    pub fn one(&self, random: &mut Random) -> usize {
        let at = random.below(self.weights.last().copied().unwrap_or(1));
        self.weights.partition_point(|weight| *weight <= at)
    }

    /// So many different members, the larger more often.
    pub fn several(&self, random: &mut Random, count: usize) -> Vec<usize> {
        let count = count.min(self.all.len());
        let mut places = Vec::with_capacity(count);
        let mut is_taken = vec![false; self.all.len()];
        while places.len() < count {
            let mut place = self.one(random);
            // Where the large ones are all taken, the next that is free.
            while is_taken.get(place).copied().unwrap_or(false) {
                place = (place + 1) % self.all.len();
            }
            if let Some(taken) = is_taken.get_mut(place) {
                *taken = true;
            }
            places.push(place);
        }
        places
    }

    /// So many different members that are behind no network together.
    pub fn apart(&self, random: &mut Random, count: usize) -> Vec<usize> {
        let all = self.several(random, self.all.len());
        let mut networks = std::collections::HashSet::new();
        let apart = all.into_iter().filter(|place| {
            let supplier = self.all.get(*place).and_then(|person| person.member.supplier.as_ref());
            supplier.is_none_or(|supplier| networks.insert(supplier.clone()))
        });
        apart.take(count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_as_large_as_municipalities_and_networks_are_apart() {
        let people = People::draw(&Parameters::default(), &mut Random::seeded(1));
        let all: u64 = people.all.iter().map(|person| person.member.population).sum();
        assert!((5_200_000..5_900_000).contains(&all), "Norway has 5.55 million, not {all}");
        assert_eq!((people.all[0].member.population, people.all[356].member.population), (717_000, 210));
        assert!(people.networks.iter().all(|behind| (3..=8).contains(&behind.len())));
        let mut behind: Vec<usize> = people.networks.concat();
        let members = behind.len();
        behind.sort_unstable();
        behind.dedup();
        assert_eq!(behind.len(), members, "nobody is behind two");
        let mut several = people.several(&mut Random::seeded(2), 300);
        several.sort_unstable();
        several.dedup();
        assert_eq!(several.len(), 300);
    }
}
