//! Stand-ins for the few things this crate takes from `base`, until that crate builds. To go over: delete this file
//! and its `mod`, add the dependency, and write `base::` for `crate::base::`.

/// Bytes shared between a value and the outputs that are sending it.
pub type Blob = std::sync::Arc<Vec<u8>>;

pub mod num {
    /// Appends a double; unlike `base`, not with the digits of Redis.
    pub fn write_f64(out: &mut Vec<u8>, number: f64) {
        out.extend_from_slice(number.to_string().as_bytes());
    }

    /// Reads a canonical decimal: what printing the number gives back, nothing else.
    pub fn parse_i64(text: &[u8]) -> Option<i64> {
        let text = std::str::from_utf8(text).ok()?;
        let number: i64 = text.parse().ok()?;
        (itoa::Buffer::new().format(number) == text).then_some(number)
    }
}

pub mod text {
    /// Appends bytes as a quoted string.
    pub fn write_repr(out: &mut Vec<u8>, bytes: &[u8]) {
        out.push(b'"');
        out.extend(bytes.escape_ascii());
        out.push(b'"');
    }
}

#[cfg(test)]
pub mod rng {
    /// SplitMix64.
    pub struct Rng(u64);

    impl Rng {
        pub fn seed(seed: u64) -> Rng {
            Rng(seed)
        }

        pub fn next_u64(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut bits = self.0;
            bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bits ^ (bits >> 31)
        }

        pub fn below(&mut self, bound: u64) -> u64 {
            self.next_u64() % bound
        }
    }
}
