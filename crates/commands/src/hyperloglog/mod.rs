//! HyperLogLogs: strings that estimate how many different elements were added to them.
//!
//! The value is a plain string in Redis' own format, so nothing here trusts its bytes: a string of another kind is
//! refused at once, one with damaged opcodes when they are met, and then nothing is changed.

mod add;
mod count;
mod debug;
mod merge;

use command::{CommandError, CommandSpec, Ctx};
use engine::event::Event;
use engine::{Key, LockedKeys, Lookup, ValueRef};
use std::cell::RefCell;
use structures::hll::{self, Encoding};
use value::Object;
use value::string::Str;

pub static COMMANDS: &[&CommandSpec] =
    &[&add::PFADD, &count::PFCOUNT, &debug::PFDEBUG, &merge::PFMERGE, &debug::PFSELFTEST];

const PFADD_EVENT: Event = Event::string("pfadd");

/// The bytes of a HyperLogLog, and how its registers are stored.
fn bytes_of(value: ValueRef<'_, Object>) -> Result<(&[u8], Encoding), CommandError> {
    let bytes = match Str::of(value).ok_or(CommandError::WRONG_TYPE)? {
        Str::Bytes(bytes) => bytes,
        Str::Blob(blob) => blob.as_slice(),
        Str::Int(_) => return Err(CommandError::NOT_HLL),
    };
    let encoding = hll::validate(bytes).map_err(|_| CommandError::NOT_HLL)?;
    Ok((bytes, encoding))
}

/// Reads a HyperLogLog; `None` when there is no key.
fn read<'s>(
    keys: &'s mut LockedKeys<'_>,
    key: &Key<'_>,
    how: Lookup,
) -> Result<Option<(&'s [u8], Encoding)>, CommandError> {
    keys.lookup(key, how).map(|entry| bytes_of(entry.value())).transpose()
}

/// Longest sparse value, in bytes.
fn sparse_max_bytes(cx: &Ctx<'_>) -> usize {
    cx.server.tunables.encoding.hll_sparse_max_bytes.get()
}

fn corrupted(_: hll::Corrupted) -> CommandError {
    CommandError::CORRUPTED_HLL
}

/// Lends room for a value whose length may change; a worker uses the same room again and again.
fn with_scratch<R>(work: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        work(scratch)
    })
}
