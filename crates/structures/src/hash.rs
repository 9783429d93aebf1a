//! The hash of keys, fields and members: SipHash-1-3 with a key of 128 bits.
//!
//! SCAN shows clients the order of the hash's bits, so an attacker can ask and adapt: only a keyed
//! function that resists that keeps the tables' promises. The server draws the key once, at its start.

/// A keyed hash function. Copies are cheap and give the same hashes.
///
/// SipHash as Aumasson and Bernstein specify it, with one round for each word and three at the end. It is written here
/// and not taken from a library because it runs for every key of every command, and keys are short: what libraries do
/// to take input in parts costs as much as the hash itself.
#[derive(Clone, Copy, Debug)]
pub struct Hasher {
    k0: u64,
    k1: u64,
    /// Bits that are left of a hash, so that tests can have collisions.
    #[cfg(test)]
    pub(crate) mask: u64,
}

impl Hasher {
    /// The function with this key; the same key gives the same hashes everywhere.
    pub fn new(k0: u64, k1: u64) -> Hasher {
        Hasher {
            k0,
            k1,
            #[cfg(test)]
            mask: u64::MAX,
        }
    }

    /// The function with a key drawn from the operating system.
    pub fn from_os() -> Result<Hasher, getrandom::Error> {
        Ok(Hasher::new(getrandom::u64()?, getrandom::u64()?))
    }

    /// The hash of `bytes`.
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        let mut state = State {
            v0: self.k0 ^ 0x736f_6d65_7073_6575,
            v1: self.k1 ^ 0x646f_7261_6e64_6f6d,
            v2: self.k0 ^ 0x6c79_6765_6e65_7261,
            v3: self.k1 ^ 0x7465_6462_7974_6573,
        };
        let (words, tail) = bytes.as_chunks::<8>();
        for word in words {
            state.take(u64::from_le_bytes(*word));
        }
        state.take((bytes.len() as u64) << 56 | last_word(bytes, tail));
        let hash = state.finish();
        #[cfg(test)]
        let hash = hash & self.mask;
        hash
    }
}

/// The last bytes, fewer than eight, as the low bytes of a word.
#[inline(always)]
fn last_word(bytes: &[u8], tail: &[u8]) -> u64 {
    if tail.is_empty() {
        return 0;
    }
    if let Some(eight) = bytes.last_chunk::<8>() {
        // One load that reaches back into what was taken already, and drops that.
        return u64::from_le_bytes(*eight) >> (64 - 8 * tail.len());
    }
    tail.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    #[inline(always)]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }

    #[inline(always)]
    fn take(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    #[inline(always)]
    fn finish(mut self) -> u64 {
        self.v2 ^= 0xff;
        self.round();
        self.round();
        self.round();
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use siphasher::sip::SipHasher13;

    #[test]
    fn it_is_siphash_1_3_whatever_the_length() {
        let bytes: Vec<u8> = (0..200u8).map(|byte| byte.wrapping_mul(37)).collect();
        for (k0, k1) in [(0, 0), (1, 2), (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908)] {
            let reference = SipHasher13::new_with_keys(k0, k1);
            for len in 0..bytes.len() {
                assert_eq!(Hasher::new(k0, k1).hash(&bytes[..len]), reference.hash(&bytes[..len]), "{len} bytes");
            }
        }
    }

    #[test]
    fn the_key_decides() {
        let (a, b) = (Hasher::new(1, 2), Hasher::new(1, 3));
        assert_eq!(a.hash(b"key"), Hasher::new(1, 2).hash(b"key"));
        assert_ne!(a.hash(b"key"), b.hash(b"key"));
        assert_ne!(a.hash(b"key"), a.hash(b"kez"));
        let (c, d) = (Hasher::from_os().unwrap(), Hasher::from_os().unwrap());
        assert_ne!(c.hash(b"key"), d.hash(b"key"));
    }
}
