//! Members by chance, for SPOP and SRANDMEMBER: each is equally likely.

use super::{Form, Member, Set};
use base::rng::Rng;
use std::collections::HashSet;

impl Set {
    /// A random member.
    pub fn random(&self, rng: &mut Rng) -> Option<Member<'_>> {
        let rank = |len: usize, rng: &mut Rng| rng.below(len as u64) as usize;
        match &self.0 {
            Form::Ints(ints) => ints.get(rank(ints.len(), rng)).map(Member::Int),
            Form::Packed(packed) => packed.get(rank(packed.len(), rng)),
            Form::Table(table) => Some(Member::Bytes(table.random(&mut || rng.next_u64())?.key())),
        }
    }

    /// Removes a random member after lending it; false when there is none.
    pub fn remove_random(&mut self, rng: &mut Rng, mut seen: impl FnMut(&Member<'_>)) -> bool {
        if let Form::Table(table) = &mut self.0 {
            return table.remove_random(&mut || rng.next_u64(), &mut |key| seen(&Member::Bytes(key)));
        }
        let rank = rng.below(self.len() as u64) as usize;
        match &mut self.0 {
            Form::Ints(ints) => {
                let Some(number) = ints.get(rank) else { return false };
                seen(&Member::Int(number));
                ints.remove(number)
            }
            Form::Packed(packed) => {
                let Some(at) = packed.seek(rank).filter(|at| *at < packed.end()) else { return false };
                let member = packed.at(at).expect("a place before the end has an element");
                seen(&member);
                packed.remove(at, 1);
                true
            }
            Form::Table(_) => unreachable!("a table was served above"),
        }
    }

    /// Calls `visit` with this many different members, at most all.
    pub fn sample(&self, count: usize, rng: &mut Rng, mut visit: impl FnMut(&Member<'_>)) {
        /// Below this part of the members, drawing them one by one finds few twice.
        const DRAWN_PART: usize = 3;
        let len = self.len();
        if self.as_table().is_some() && count < len / DRAWN_PART {
            let mut seen = HashSet::with_capacity(count);
            while seen.len() < count {
                let Some(member) = self.random(rng) else { return };
                let Member::Bytes(bytes) = member else { unreachable!("members of a table are bytes") };
                if seen.insert(bytes.as_ptr() as usize) {
                    visit(&member);
                }
            }
            return;
        }
        // Each member is taken with the chance that as many as are still wanted lie among those still to come.
        let (mut wanted, mut left) = (count.min(len), len);
        for member in self.iter() {
            if wanted == 0 {
                return;
            }
            if rng.below(left as u64) < wanted as u64 {
                visit(&member);
                wanted -= 1;
            }
            left -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Limits;
    use super::*;
    use std::collections::BTreeMap;
    use structures::hash::Hasher;

    fn sets() -> Vec<Set> {
        let limits = Limits { intset_entries: 64, listpack_entries: 64, listpack_value: 64, hasher: Hasher::new(1, 2) };
        let ints: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        let texts: Vec<String> = (0..20).map(|number| format!("m{number}")).collect();
        let mut large = Set::table(&limits);
        let mut small = [&ints, &texts].map(|members| {
            let mut set = Set::for_first(members[0].as_bytes(), 1, &limits);
            members.iter().for_each(|member| assert!(set.add(member.as_bytes(), &limits)));
            members.iter().for_each(|member| assert!(large.add(member.as_bytes(), &limits)));
            set
        });
        let [ints, texts] = &mut small;
        vec![std::mem::replace(ints, large), texts.clone(), ints.clone()]
    }

    #[test]
    fn every_member_is_equally_likely() {
        let mut rng = Rng::seed(8);
        for set in sets() {
            let (mut drawn, mut sampled, mut removed) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
            let rounds = 300 * set.len();
            for _ in 0..rounds {
                let member = set.random(&mut rng).expect("there are members");
                *drawn.entry(member.to_vec()).or_insert(0) += 1;
                set.sample(3, &mut rng, |member| *sampled.entry(member.to_vec()).or_insert(0) += 1);
                let seen = |member: &Member<'_>| *removed.entry(member.to_vec()).or_insert(0) += 1;
                assert!(set.clone().remove_random(&mut rng, seen));
            }
            for (counts, expected) in [(drawn, 300), (sampled, 900), (removed, 300)] {
                assert_eq!(counts.len(), set.len());
                let near = expected * 7 / 10..expected * 13 / 10;
                assert!(counts.values().all(|count| near.contains(count)), "{counts:?}");
            }
        }
    }

    #[test]
    fn samples_have_no_member_twice() {
        let mut rng = Rng::seed(9);
        for set in sets() {
            for count in [0, 1, 5, 12, 19, 20, 40, 100] {
                let mut seen = Vec::new();
                set.sample(count, &mut rng, |member| seen.push(member.to_vec()));
                assert_eq!(seen.len(), count.min(set.len()));
                assert_eq!(seen.iter().collect::<HashSet<_>>().len(), seen.len());
                assert!(seen.iter().all(|member| set.contains(member)));
            }
        }
    }

    #[test]
    fn removing_random_members_empties_a_set() {
        let mut rng = Rng::seed(10);
        for mut set in sets() {
            let (len, mut seen) = (set.len(), HashSet::new());
            while set.remove_random(&mut rng, |member| assert!(seen.insert(member.to_vec()))) {}
            assert_eq!((set.len(), seen.len()), (0, len));
        }
    }
}
