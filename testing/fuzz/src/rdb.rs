//! Bytes that claim to be a value in RDB format: whatever they are, they are refused, or become a value that can be
//! written and read again and is the same.
//!
//! A round starts from one of: random bytes; pieces of the format; a sound value of some kind, damaged. With each,
//! packed forms inside of strings are reached, since damage keeps the lengths around it most of the time.

use base::rng::Rng;
use persist::rdb::{Decoded, Dialect, Loading, Saving, decode, encode, lzf as compression};
use structures::blocks::BlockLimit;
use structures::hash::Hasher;
use value::hash::Rules;
use value::string::Str;
use value::{View, set, sorted_set};

const NOW_MS: u64 = 1_700_000_000_000;

/// One sound value of each kind and form, as Redis 8.2.3 wrote it or took it.
pub(crate) const SOUND: &[&[u8]] = &[
    b"\x00\x03abc",
    b"\x00\xc3\x06\x15\x01aa\xe0\x0a\x00",
    b"\x01\x02\x01a\xc0\x05",
    b"\x02\x02\x01a\xc0\x05",
    b"\x03\x03\x01a\x031.5\x01b\xfe\x01c\xff",
    b"\x04\x02\x01a\x011\x01b\x012",
    b"\x05\x02\x01a\0\0\0\0\0\0\x04\x40\x01b\0\0\0\0\0\0\xf0\x3f",
    b"\x09\x0d\x02\x01a\x01\x001\x01b\x02\x0022\xff",
    b"\x0a\x1a\x1a\0\0\0\x16\0\0\0\x05\0\0\x01a\x03\xf2\x02\xfe\x0d\x03\xc0\x2c\x01\x04\x01b\xff",
    b"\x0b\x0e\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x2c\x01",
    b"\x0c\x15\x15\0\0\0\x12\0\0\0\x04\0\0\x01a\x03\xf2\x02\x01b\x03\xf3\xff",
    b"\x0d\x15\x15\0\0\0\x12\0\0\0\x04\0\0\x01a\x03\xf2\x02\x01b\x03\xf3\xff",
    b"\x0e\x02\x10\x10\0\0\0\x0d\0\0\0\x02\0\0\x01a\x03\xf2\xff\x0e\x0e\0\0\0\x0a\0\0\0\x01\0\0\x01b\xff",
    b"\x10\x14\x14\0\0\0\x04\0\x81a\x02\x01\x01\x81b\x02\x83xyz\x04\xff",
    b"\x11\x14\x14\0\0\0\x04\0\x81a\x02\x01\x01\x81b\x02\x832.5\x04\xff",
    b"\x12\x02\x02\x0c\x0c\0\0\0\x02\0\x81a\x02\x01\x01\xff\x01\x03abc",
    b"\x14\x0e\x0e\0\0\0\x03\0\x01\x01\x02\x01\x81a\x02\xff",
    b"\x16\x02\x01a\xc0\x01\0\x40\x94\x52\xa3\x03\0\0\x01b\x03xyz\xff\xff\xff\xff\xff\xff\xff\xff",
    b"\x16\x02\x81\0\0\x03\xa3\x52\x94\x40\0\x01a\xc0\x01\0\x01b\x012",
    b"\x17\x1e\x1e\0\0\0\x06\0\x81a\x02\x01\x01\xf4\0\x40\x94\x52\xa3\x03\0\0\x09\x81b\x02\x81x\x02\0\x01\xff",
    b"\x18\0\x40\x94\x52\xa3\x03\0\0\x02\x01\x01a\xc0\x01\0\x01b\xc0\x02",
    b"\x19\0\x40\x94\x52\xa3\x03\0\0\x1e\x1e\0\0\0\x06\0\x81a\x02\x01\x01\xf4\0\x40\x94\x52\xa3\x03\0\0\x09\x81b\x02\
      \x81x\x02\0\x01\xff",
    b"\x0f\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x0177\0\0\0\x16\0\x02\x01\x01\x01\x01\x01\x81u\x02\0\x01\x03\
      \x01\0\x01\0\x01\x07\x01\x04\x01\0\x01\0\x01\x01\x01\x01\x01\x81v\x02\x81x\x02\x06\x01\x02\x01\x01\x01\xdf\
      \xff\x02\x08\x01\x04\x01\xff\x02\x02\0\x01\x01g\x02\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\
      \0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x01c\xf7ds-\xa2\x01\0\0\x02\0\0\0\0\0\0\0\
      \x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\x01d\xf7ds-\xa2\x01\0\0\0",
    b"\x13\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x0177\0\0\0\x16\0\x02\x01\x01\x01\x01\x01\x81u\x02\0\x01\x03\
      \x01\0\x01\0\x01\x07\x01\x04\x01\0\x01\0\x01\x01\x01\x01\x01\x81v\x02\x81x\x02\x06\x01\x02\x01\x01\x01\xdf\
      \xff\x02\x08\x01\x04\x01\xff\x02\x02\0\x01\x02\x01\x01\x03\x01\x01g\x02\0\x03\x02\0\0\0\0\0\0\0\x01\0\0\0\0\
      \0\0\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x01c\xf7ds-\xa2\x01\
      \0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\x01d\xf7ds-\xa2\x01\0\0\0",
    b"\x15\x01\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x0177\0\0\0\x16\0\x02\x01\x01\x01\x01\x01\x81u\x02\0\x01\x03\
      \x01\0\x01\0\x01\x07\x01\x04\x01\0\x01\0\x01\x01\x01\x01\x01\x81v\x02\x81x\x02\x06\x01\x02\x01\x01\x01\xdf\
      \xff\x02\x08\x01\x04\x01\xff\x02\x02\0\x01\x02\x01\x01\x03\x01\x01g\x02\0\x03\x02\0\0\0\0\0\0\0\x01\0\0\0\0\
      \0\0\0\x02\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02\x01c\xf7ds-\xa2\x01\
      \0\0\xf7ds-\xa2\x01\0\0\x02\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0\0\x01d\xf7ds\
      -\xa2\x01\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0",
];

const PIECES: &[&[u8]] = &[
    b"\x00",
    b"\x01",
    b"\x02",
    b"\x12",
    b"\x10",
    b"\x14",
    b"\xff",
    b"\x80",
    b"\x81",
    b"\xc0",
    b"\xc1",
    b"\xc2",
    b"\xc3",
    b"\x07\0\0\0\0\0\xff",
    b"\x01a",
    b"\x40\x40",
    b"\x0b\0\0\0\x0a\0\0\0\0\0\xff",
    b"\x81a\x02",
    b"\x15",
    b"\x10\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01",
    b"\xf4",
    b"\xfe",
];

/// Limits that let every form be met with few elements.
fn loading(rng: &mut Rng) -> Loading {
    let hasher = Hasher::new(1, 2);
    let mut limit = || [0, 1, 2, 512][rng.below(4) as usize];
    let (entries, value, packed) = (limit(), limit(), limit());
    Loading {
        hash: Rules { entries_max: entries, value_max: value, hasher, now_ms: NOW_MS },
        list: BlockLimit::from_config([1, 2, -1, -2][rng.below(4) as usize]),
        set: set::Limits { intset_entries: entries, listpack_entries: packed, listpack_value: value, hasher },
        zset: sorted_set::Limits { entries, value },
        hasher,
        string_max: 1 << 20,
    }
}

fn input(rng: &mut Rng) -> Vec<u8> {
    match rng.below(8) {
        0 => (0..rng.below(64)).map(|_| rng.below(256) as u8).collect(),
        1 => crate::soup(rng, PIECES, 12),
        _ => {
            let mut bytes = crate::pick(rng, SOUND).to_vec();
            for _ in 0..rng.below(4) {
                let at = rng.below(bytes.len() as u64) as usize;
                match rng.below(8) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.insert(at, rng.below(256) as u8),
                    2 => bytes[at] ^= 1u8 << rng.below(8),
                    _ => bytes[at] = rng.below(256) as u8,
                }
            }
            bytes
        }
    }
}

fn written(decoded: &Decoded<'_>, saving: &Saving) -> Vec<u8> {
    let mut bytes = Vec::new();
    let view = match decoded {
        Decoded::Str(string) => View::Str(Str::Bytes(string)),
        Decoded::Object(object) => View::Object(object),
    };
    encode(view, saving, &mut bytes);
    bytes
}

pub fn round(rng: &mut Rng) {
    let loading = loading(rng);
    let saving = Saving { compress: rng.below(2) == 0, list: loading.list };
    let bytes = input(rng);
    let dialect = if rng.below(4) == 0 { Dialect::Valkey } else { Dialect::Redis };
    let Ok((first, used)) = decode(&bytes, dialect, &loading) else { return };
    assert!(used <= bytes.len());
    let once = written(&first, &saving);
    let (second, used) = decode(&once, Dialect::Redis, &loading).expect("what was written can be read");
    assert_eq!(used, once.len());
    // A table may become a packed form of another order, and a list be cut anew, but then all stays.
    let twice = written(&second, &saving);
    let (third, _) = decode(&twice, Dialect::Redis, &loading).expect("what was written can be read");
    assert_eq!(len(&first), len(&third));
}

fn len(decoded: &Decoded<'_>) -> usize {
    match decoded {
        Decoded::Str(string) => string.len(),
        Decoded::Object(object) => object.len(),
    }
}

/// What was compressed is what comes out, and other bytes are refused or become what they say.
pub fn lzf(rng: &mut Rng) {
    let letters = 1 + rng.below(255);
    let bits = rng.below(12);
    let bytes: Vec<u8> = (0..rng.below(1 << bits)).map(|_| rng.below(letters) as u8).collect();
    let mut packed = Vec::new();
    assert!(compression::compress(&bytes, usize::MAX, &mut packed));
    assert_eq!(compression::decompress(&packed, bytes.len()).as_deref(), Ok(&bytes[..]));
    if !packed.is_empty() {
        let at = rng.below(packed.len() as u64) as usize;
        packed[at] = rng.below(256) as u8;
    }
    if let Ok(read) = compression::decompress(&packed, bytes.len()) {
        assert_eq!(read.len(), bytes.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sound_value_is_read() {
        let loading = loading(&mut Rng::seed(1));
        for bytes in SOUND {
            let read = [Dialect::Redis, Dialect::Valkey].map(|dialect| decode(bytes, dialect, &loading).is_ok());
            assert!(read.contains(&true), "{bytes:x?}");
        }
    }
}
