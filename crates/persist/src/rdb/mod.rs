//! RDB: values as bytes, as Redis 8.2 writes them, and as every Redis and Valkey up to now wrote them.
//!
//! `docs/rdb.md` has the bytes. Here:
//!
//! * [`encode`](encode()) writes one value: a byte for its kind, then its content. It chooses the kind by the value's
//!   encoding, as Redis does, so that equal data built the same way become the same bytes (but for the choices of the
//!   compressor).
//! * [`decode`](decode()) reads one value of any kind, and gives it the encoding that the limits of this server ask
//!   for.
//! * [`payload`] puts the footer of DUMP behind a value, and checks it.
//!
//! **What is decoded is hostile.** Every length is compared with what there is before anything is reserved or read;
//! packed forms are checked as a whole before their elements are used; what must be different is; and a number must be
//! one. Memory in proportion to the input is all that can be had: at worst the [`lzf::EXPANSION`] of compressed
//! strings.

mod decode;
mod encode;
mod listpack;
pub mod lzf;
pub mod payload;
mod read;
mod stream;
#[cfg(test)]
mod tests;
mod write;
mod ziplist;

pub use decode::{Decoded, Loading, decode};
pub use encode::{Saving, encode};

/// The version of the format that is written: that of Redis 8.2.
pub const VERSION: u16 = 12;

/// The versions with which Valkey marks what it writes since it went its own way.
const VALKEY_VERSION: u16 = 80;

/// Who wrote the bytes. A few kinds of values have the same number with both, and are not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Redis,
    Valkey,
}

impl Dialect {
    /// Whose version this is; `None` for one that is not known.
    pub fn of_version(version: u16) -> Option<Dialect> {
        match version {
            0..=VERSION => Some(Dialect::Redis),
            VALKEY_VERSION => Some(Dialect::Valkey),
            _ => None,
        }
    }
}

/// The bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadFormat;

/// The kinds of values. The numbers are Redis', and stay.
mod kind {
    pub const STRING: u8 = 0;
    pub const LIST: u8 = 1;
    pub const SET: u8 = 2;
    /// Scores as text.
    pub const ZSET: u8 = 3;
    pub const HASH: u8 = 4;
    /// Scores as doubles.
    pub const ZSET_2: u8 = 5;
    pub const HASH_ZIPMAP: u8 = 9;
    pub const LIST_ZIPLIST: u8 = 10;
    pub const SET_INTSET: u8 = 11;
    pub const ZSET_ZIPLIST: u8 = 12;
    pub const HASH_ZIPLIST: u8 = 13;
    /// Nodes are ziplists.
    pub const LIST_QUICKLIST: u8 = 14;
    /// A stream, as Redis wrote it before 7.0.
    pub const STREAM: u8 = 15;
    pub const HASH_LISTPACK: u8 = 16;
    pub const ZSET_LISTPACK: u8 = 17;
    /// Nodes are listpacks, or one element each.
    pub const LIST_QUICKLIST_2: u8 = 18;
    /// A stream, as Redis 7.0 wrote it.
    pub const STREAM_2: u8 = 19;
    pub const SET_LISTPACK: u8 = 20;
    pub const STREAM_3: u8 = 21;
    /// A hash whose fields have deadlines, as Redis wrote it before 7.4 was released; of Valkey, how it writes one.
    pub const HASH_METADATA_EARLY: u8 = 22;
    pub const HASH_LISTPACK_EX_EARLY: u8 = 23;
    pub const HASH_METADATA: u8 = 24;
    pub const HASH_LISTPACK_EX: u8 = 25;
}

/// The nodes of [`kind::LIST_QUICKLIST_2`].
mod node {
    pub const PLAIN: u64 = 1;
    pub const PACKED: u64 = 2;
}

/// First bytes of a length or string.
mod mark {
    /// The upper two bits say how to go on.
    pub const FORM: u8 = 0xc0;
    pub const BITS_6: u8 = 0x00;
    pub const BITS_14: u8 = 0x40;
    pub const BITS_32: u8 = 0x80;
    pub const BITS_64: u8 = 0x81;
    /// Only for strings.
    pub const INT_8: u8 = 0xc0;
    pub const INT_16: u8 = 0xc1;
    pub const INT_32: u8 = 0xc2;
    pub const LZF: u8 = 0xc3;
}
