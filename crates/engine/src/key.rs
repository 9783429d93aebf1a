//! A key as a command names it, with what the plan computed about it.

/// A located key.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    pub bytes: &'a [u8],
    pub hash: u64,
    pub shard: u16,
}
