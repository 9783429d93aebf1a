//! The hash of keys, fields and members: SipHash-1-3 with a key of 128 bits.
//!
//! SCAN shows clients the order of the hash's bits, so an attacker can ask and adapt: only a keyed
//! function that resists that keeps the tables' promises. The server draws the key once, at its start.

use siphasher::sip::SipHasher13;

/// A keyed hash function. Copies are cheap and give the same hashes.
#[derive(Clone, Copy, Debug)]
pub struct Hasher {
    sip: SipHasher13,
    /// Bits that are left of a hash, so that tests can have collisions.
    #[cfg(test)]
    pub(crate) mask: u64,
}

impl Hasher {
    /// The function with this key; the same key gives the same hashes everywhere.
    pub fn new(k0: u64, k1: u64) -> Hasher {
        Hasher {
            sip: SipHasher13::new_with_keys(k0, k1),
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
        let hash = self.sip.hash(bytes);
        #[cfg(test)]
        let hash = hash & self.mask;
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
