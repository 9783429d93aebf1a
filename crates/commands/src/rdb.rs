//! What decides how values are written and read in RDB format: the options, as they are now.

use crate::{hash, list, set, sorted_set};
use command::Ctx;
use engine::OwnedValue;
use persist::rdb::{Decoded, Loading, Saving};
use value::Object;

pub fn saving(cx: &Ctx<'_>) -> Saving {
    Saving { compress: cx.server.tunables.snapshot.rdbcompression.get(), list: list::limit(cx) }
}

/// For a value from so many bytes. What is compressed in them may not become longer than any string that a client can
/// send.
pub fn loading(cx: &Ctx<'_>, bytes: usize) -> Loading {
    let (hasher, zset) = sorted_set::form(cx);
    let longest = cx.server.tunables.limits.proto_max_bulk_len.get();
    Loading {
        hash: hash::rules(cx),
        list: list::limit(cx),
        set: set::limits(cx),
        zset,
        hasher,
        string_max: usize::try_from(longest).unwrap_or(usize::MAX).max(bytes),
    }
}

/// A value that was read, to be stored.
pub fn owned(decoded: Decoded<'_>) -> OwnedValue<Object> {
    match decoded {
        Decoded::Str(string) => match base::num::parse_i64(&string) {
            Some(integer) => OwnedValue::Int(integer),
            None => OwnedValue::Bytes(string.into_owned()),
        },
        Decoded::Object(object) => OwnedValue::Boxed(Box::new(object)),
    }
}
