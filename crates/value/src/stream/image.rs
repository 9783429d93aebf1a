//! A small stream as bytes, which the keyspace keeps within its entry: what the stream knows as numbers, then its only
//! block.
//!
//! ```text
//! last id | highest deleted id | added | [ms before the last id | seq | figures of the block | the block ]
//! ```
//!
//! Numbers are of variable length, so that what most streams do not have takes a byte. Streams with groups have no
//! image.

use super::{Entries, Stream, StreamId};
use std::collections::BTreeMap;
use structures::stream::{Block, BlockFigures};
use structures::varint;

fn put_id(out: &mut Vec<u8>, id: StreamId) {
    varint::put(out, id.ms);
    varint::put(out, id.seq);
}

fn take_id(bytes: &mut &[u8]) -> StreamId {
    StreamId { ms: varint::take(bytes), seq: varint::take(bytes) }
}

fn take_u32(bytes: &mut &[u8]) -> u32 {
    u32::try_from(varint::take(bytes)).expect("it was written as 32 bits")
}

impl Stream {
    /// Writes the image to `out`, in place of what is there, unless it would have more than `bytes_max`; returns
    /// whether it did.
    pub(crate) fn put_image(&self, out: &mut Vec<u8>, bytes_max: usize) -> bool {
        let Some(block) = self.entries.single_block().filter(|_| self.groups.is_empty()) else { return false };
        if block.is_some_and(|(_, block)| block.as_bytes().len() > bytes_max) {
            return false;
        }
        out.clear();
        put_id(out, self.last_id);
        put_id(out, self.max_deleted);
        varint::put(out, self.added);
        if let Some((first, block)) = block {
            varint::put(out, self.last_id.ms.wrapping_sub(first.ms));
            varint::put(out, first.seq);
            let BlockFigures { entries_at, live, deleted, listpack } = block.figures();
            [entries_at, live, deleted, listpack].iter().for_each(|&figure| varint::put(out, u64::from(figure)));
            out.extend_from_slice(block.as_bytes());
        }
        out.len() <= bytes_max
    }

    /// Becomes the stream of an image, with its block in this buffer.
    pub(crate) fn become_image(&mut self, buffer: Vec<u8>, mut image: &[u8]) {
        let image = &mut image;
        let (last_id, max_deleted, added) = (take_id(image), take_id(image), varint::take(image));
        let block = (!image.is_empty()).then(|| {
            let first = StreamId { ms: last_id.ms.wrapping_sub(varint::take(image)), seq: varint::take(image) };
            let (entries_at, live) = (take_u32(image), take_u32(image));
            let figures = BlockFigures { entries_at, live, deleted: take_u32(image), listpack: take_u32(image) };
            (first, Block::refilled(buffer, image, figures))
        });
        *self = Stream { entries: Entries::of_block(block), last_id, max_deleted, added, groups: BTreeMap::new() };
    }
}
