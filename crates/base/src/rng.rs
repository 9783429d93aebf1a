//! Random numbers from a seed: xoshiro256++, started by splitmix64.
//!
//! Randomness comes into the engine as a value, so that a run can be repeated from its seed. This generator is fast
//! and statistically sound; it is not for secrets.

/// A generator; equal seeds give equal sequences.
#[derive(Clone, Debug)]
pub struct Rng {
    state: [u64; 4],
}

impl Rng {
    pub fn seed(seed: u64) -> Rng {
        let mut mix = seed;
        // Splitmix64 spreads any seed, even zero, over the whole state, which must not be all zero.
        let state = std::array::from_fn(|_| {
            mix = mix.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (mix ^ mix >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        });
        Rng { state }
    }

    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number below `n`, each equally likely; zero when `n` is zero.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        // Lemire's method: scale by multiplication, and reject the few low halves that would favour some results.
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            let threshold = n.wrapping_neg() % n;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }

    /// A double in `0.0..1.0`, from 53 random bits.
    #[inline]
    pub fn f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_of_a_seed_is_fixed() {
        // Computed from the published description of both algorithms.
        let mut rng = Rng::seed(0);
        assert_eq!(rng.state[0], 0xe220_a839_7b1d_cdaf);
        assert_eq!(rng.next_u64(), 0x5317_5d61_490b_23df);
        let again: Vec<u64> = (0..9).map(|_| rng.next_u64()).collect();
        let mut other = Rng::seed(0);
        other.next_u64();
        assert_eq!(again, (0..9).map(|_| other.next_u64()).collect::<Vec<_>>());
    }

    #[test]
    fn below_is_even_and_in_range() {
        let mut rng = Rng::seed(7);
        let mut counts = [0u32; 6];
        for _ in 0..60_000 {
            counts[rng.below(6) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (9_500..10_500).contains(&count)), "{counts:?}");
        assert_eq!(rng.below(0), 0);
        assert_eq!(rng.below(1), 0);
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&rng.f64())));
    }
}
