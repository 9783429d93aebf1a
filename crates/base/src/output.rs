//! What is to go to a socket: a chain of blocks of text, and pieces that lie between them by reference.
//!
//! ```text
//! position  0              100             220
//! text      [ block        | block         | tail ...
//!                                ^ at
//! pieces                        (at 150, blob, 0..20000)
//! ```
//!
//! Text is what was copied in. It is never moved again: a full block is sealed and a new one begun, twice as long up to
//! [`BLOCK_MAX`], and a block that is sent is dropped. So it costs the same to add to an output, however much nobody
//! has taken of it yet. Positions count the text from the last time that the output was cleared.
//!
//! A piece sits in front of the text at its position; several may share one, then their order counts. It is a part of a
//! blob, which other outputs may hold, too, or a few bytes that became known late (see [`Output::close_deferred`]): to
//! put them into the text would move all that is behind them.
//!
//! Sending: [`Output::slices`] lends what is left, in order; [`Output::advance`] drops what the kernel took.

use crate::Blob;
use std::collections::{VecDeque, vec_deque};
use std::iter::Peekable;
use std::ops::Range;

#[cfg(test)]
mod tests;

/// The longest header that can be closed late.
pub const HEADER_MAX: usize = 24;

/// Blocks double from the first length up to the second.
const BLOCK_MIN: usize = 512;
pub const BLOCK_MAX: usize = 64 * 1024;

/// From this length on, a blob that goes to many is shared: below, a copy costs less than one more part for the kernel
/// to gather.
const SHARED_MIN: usize = 2 * 1024;

/// Blocks and pieces for which an empty output keeps room.
const MORE_KEPT: usize = 64;

/// A late header moves at most this much text; with more behind it, it becomes a piece of its own.
const SHIFT_MAX: usize = 8 * 1024;

#[derive(Debug)]
enum Content {
    Blob(Blob, Range<usize>),
    Header([u8; HEADER_MAX], u8),
}

#[derive(Debug)]
struct Piece {
    at: usize,
    content: Content,
}

impl Piece {
    fn as_slice(&self) -> &[u8] {
        match &self.content {
            Content::Blob(blob, range) => &blob[range.clone()],
            Content::Header(text, len) => &text[..usize::from(*len)],
        }
    }
}

/// A position in an output to go back to, or to put a header at. Good until `advance` or `clear` is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    position: usize,
    pieces: usize,
    pieces_len: usize,
    /// Deferred headers open at this point, to catch closing them out of order.
    deferred: u32,
}

/// Bytes on their way to a socket.
#[derive(Debug, Default)]
pub struct Output {
    /// The block that is written to.
    tail: Vec<u8>,
    /// What there is besides: nothing in most outputs, which so stay small to move about.
    more: Option<Box<More>>,
    deferred: u32,
}

/// What a short output that nothing of was sent yet does without.
#[derive(Debug, Default)]
struct More {
    /// The position at which the block begins that is written to.
    tail_at: usize,
    /// Sealed blocks, and the position at which the first of them begins.
    blocks: VecDeque<Vec<u8>>,
    blocks_at: usize,
    /// By rising position.
    pieces: VecDeque<Piece>,
    /// Of all pieces together.
    pieces_len: usize,
    /// The position up to which text has been sent, and how much of the first piece.
    sent: usize,
    sent_of_piece: usize,
}

impl More {
    fn clear(&mut self) {
        let More { tail_at, blocks, blocks_at, pieces, pieces_len, sent, sent_of_piece } = self;
        blocks.clear();
        pieces.clear();
        (*tail_at, *blocks_at, *pieces_len, *sent, *sent_of_piece) = (0, 0, 0, 0, 0);
    }

    fn drop_sent_blocks(&mut self) {
        while let Some(block) = self.blocks.front()
            && self.blocks_at + block.len() <= self.sent
        {
            self.blocks_at += block.len();
            self.blocks.pop_front();
        }
    }

    /// Drops so many bytes from the front; there is more than that.
    fn advance(&mut self, mut sent: usize) {
        while let Some(piece) = self.pieces.front() {
            let before = sent.min(piece.at - self.sent);
            self.sent += before;
            sent -= before;
            let len = piece.as_slice().len();
            let left = len - self.sent_of_piece;
            if sent < left {
                self.sent_of_piece += sent;
                return self.drop_sent_blocks();
            }
            sent -= left;
            self.pieces_len -= len;
            self.sent_of_piece = 0;
            self.pieces.pop_front();
        }
        self.sent += sent;
        self.drop_sent_blocks();
    }

    /// Makes a partly sent piece one that begins where sending stopped.
    fn forget_sent_part(&mut self) {
        let sent = std::mem::take(&mut self.sent_of_piece);
        let Some(piece) = self.pieces.front_mut().filter(|_| sent > 0) else { return };
        crate::mark!("an output is appended of which a part of a piece was sent");
        match &mut piece.content {
            Content::Blob(_, range) => range.start += sent,
            Content::Header(text, len) => {
                text.copy_within(sent..usize::from(*len), 0);
                *len -= sent as u8;
            }
        }
        self.pieces_len -= sent;
    }
}

impl Output {
    /// Bytes still to be sent.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.more {
            None => self.tail.len(),
            Some(more) => more.tail_at + self.tail.len() - more.sent + more.pieces_len - more.sent_of_piece,
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it holds memory to write to.
    #[inline]
    pub fn has_memory(&self) -> bool {
        self.tail.capacity() > 0
    }

    /// Drops everything; keeps the last block.
    #[inline]
    pub fn clear(&mut self) {
        self.tail.clear();
        self.deferred = 0;
        if let Some(more) = &mut self.more {
            more.clear();
        }
    }

    /// Gives memory of an empty output back that one block of this length does without.
    pub fn shrink_to(&mut self, max_capacity: usize) {
        debug_assert!(self.is_empty());
        if self.tail.capacity() > max_capacity {
            self.tail = Vec::with_capacity(max_capacity);
        }
        if self.more.as_ref().is_some_and(|more| more.blocks.capacity() + more.pieces.capacity() > MORE_KEPT) {
            self.more = None;
        }
    }

    /// The end, as it is now.
    #[inline]
    pub fn mark(&self) -> Mark {
        let (tail_at, pieces, pieces_len) = match &self.more {
            None => (0, 0, 0),
            Some(more) => (more.tail_at, more.pieces.len(), more.pieces_len),
        };
        Mark { position: tail_at + self.tail.len(), pieces, pieces_len, deferred: self.deferred }
    }

    /// Drops what was written behind `mark`, open deferred headers included.
    #[inline]
    pub fn truncate(&mut self, mark: Mark) {
        self.deferred = mark.deferred;
        let Some(more) = &mut self.more else { return self.tail.truncate(mark.position) };
        debug_assert!(mark.position >= more.sent);
        while mark.position < more.tail_at {
            let Some(block) = more.blocks.pop_back() else { break };
            crate::mark!("an output is cut back over a block");
            more.tail_at -= block.len();
            self.tail = block;
        }
        self.tail.truncate(mark.position - more.tail_at);
        more.pieces.truncate(mark.pieces);
        more.pieces_len = mark.pieces_len;
    }

    /// Bytes written since `mark`.
    #[inline]
    pub fn len_since(&self, mark: Mark) -> usize {
        let now = self.mark();
        now.position - mark.position + now.pieces_len - mark.pieces_len
    }

    /// Adds bytes.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        if bytes.len() <= self.tail.capacity() - self.tail.len() {
            self.tail.extend_from_slice(bytes);
        } else {
            self.put_over_blocks(bytes);
        }
    }

    #[cold]
    fn put_over_blocks(&mut self, mut bytes: &[u8]) {
        loop {
            let free = self.tail.capacity() - self.tail.len();
            let (now, later) = bytes.split_at(free.min(bytes.len()));
            self.tail.extend_from_slice(now);
            if later.is_empty() {
                return;
            }
            self.begin_block(later.len());
            bytes = later;
        }
    }

    /// The block that is written to, with room for `len` bytes, which are few.
    #[inline]
    pub fn room(&mut self, len: usize) -> &mut Vec<u8> {
        if len > self.tail.capacity() - self.tail.len() {
            self.begin_block(len);
        }
        &mut self.tail
    }

    #[cold]
    fn begin_block(&mut self, wanted: usize) {
        let len = (2 * self.tail.capacity()).max(wanted).clamp(BLOCK_MIN, BLOCK_MAX);
        self.seal(Vec::with_capacity(len));
    }

    /// Goes on behind the block that was written to, if anything was.
    fn seal(&mut self, next: Vec<u8>) {
        let block = std::mem::replace(&mut self.tail, next);
        if !block.is_empty() {
            let more = self.more.get_or_insert_default();
            more.tail_at += block.len();
            more.blocks.push_back(block);
        }
    }

    /// Adds a part of a blob by reference.
    pub fn share(&mut self, blob: Blob, range: Range<usize>) {
        if !range.is_empty() {
            let more = self.more.get_or_insert_default();
            more.pieces_len += range.len();
            more.pieces.push_back(Piece { at: more.tail_at + self.tail.len(), content: Content::Blob(blob, range) });
        }
    }

    /// Adds a blob, by reference if it is long.
    pub fn put_blob(&mut self, blob: &Blob) {
        if blob.len() >= SHARED_MIN { self.share(blob.clone(), 0..blob.len()) } else { self.put(blob) }
    }

    /// Appends all that `other` has still to send, and leaves it empty.
    pub fn append(&mut self, other: &mut Output) {
        debug_assert_eq!(other.deferred, 0, "an unfinished reply is moved");
        let nothing_sent = other.more.as_ref().is_none_or(|more| more.sent + more.sent_of_piece == 0);
        if nothing_sent && self.mark() == (Mark { position: 0, pieces: 0, pieces_len: 0, deferred: self.deferred }) {
            // Positions are the same there and here.
            std::mem::swap(&mut self.tail, &mut other.tail);
            std::mem::swap(&mut self.more, &mut other.more);
            return;
        }
        let mut skip = 0;
        if let Some(from) = &mut other.more {
            from.forget_sent_part();
            let base = self.mark().position;
            let more = self.more.get_or_insert_default();
            for piece in from.pieces.drain(..) {
                more.pieces_len += piece.as_slice().len();
                more.pieces.push_back(Piece { at: piece.at - from.sent + base, ..piece });
            }
            skip = from.sent - from.blocks_at;
            for block in from.blocks.drain(..) {
                self.append_block(block, std::mem::take(&mut skip));
            }
        }
        self.put(&other.tail[skip..]);
        other.clear();
    }

    /// Appends a block but for its first bytes: as it is, or, where it fits or is not whole, copied.
    fn append_block(&mut self, block: Vec<u8>, skip: usize) {
        if skip > 0 || block.len() <= self.tail.capacity() - self.tail.len() {
            return self.put(&block[skip..]);
        }
        if self.tail.len() < self.tail.capacity() / 2 {
            self.tail.shrink_to_fit();
        }
        self.seal(block);
    }

    /// What is still to be sent, in order. No slice is empty.
    #[inline]
    pub fn slices(&self) -> Slices<'_> {
        let mut slices =
            Slices { blocks: None, pieces: None, skip: 0, block: &self.tail, block_end: self.tail.len(), position: 0 };
        if let Some(more) = &self.more {
            slices.blocks = Some((more.blocks.iter(), &self.tail));
            slices.pieces = Some(more.pieces.iter().peekable());
            slices.skip = more.sent_of_piece;
            slices.block = &[];
            slices.block_end = more.blocks_at;
            slices.position = more.sent;
        }
        slices
    }

    /// Drops the first `sent` bytes: the socket has taken them. Marks from before are void.
    pub fn advance(&mut self, sent: usize) {
        let len = self.len();
        assert!(sent <= len, "more was sent than there was");
        debug_assert_eq!(self.deferred, 0, "an unfinished reply is being sent");
        if sent == len {
            self.clear();
        } else {
            self.more.get_or_insert_default().advance(sent);
        }
    }

    /// Memory held for this output, shared blobs included: that is what keeps them from being freed.
    pub fn memory(&self) -> usize {
        let more = self.more.as_ref().map_or(0, |more| {
            let blocks: usize = more.blocks.iter().map(Vec::capacity).sum();
            size_of::<More>() + blocks + more.pieces.capacity() * size_of::<Piece>() + more.pieces_len
        });
        self.tail.capacity() + more
    }

    /// Everything still to be sent, copied together; for tests and for callers without vectored writes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.slices().collect::<Vec<_>>().concat()
    }

    /// Where a header will stand that is known only later. They nest; the one opened last must be closed first.
    pub fn open_deferred(&mut self) -> Mark {
        self.deferred += 1;
        self.mark()
    }

    /// Puts `header` where it was opened, in front of all that was written since.
    pub fn close_deferred(&mut self, opened: Mark, header: &[u8]) {
        debug_assert_eq!(opened.deferred, self.deferred, "deferred headers are closed innermost first");
        self.deferred = opened.deferred - 1;
        let tail_at = self.more.as_ref().map_or(0, |more| more.tail_at);
        let fits = header.len() <= self.tail.capacity() - self.tail.len();
        if fits && opened.position >= tail_at && tail_at + self.tail.len() - opened.position <= SHIFT_MAX {
            self.tail.extend_from_slice(header);
            self.tail[opened.position - tail_at..].rotate_right(header.len());
            for piece in self.more.iter_mut().flat_map(|more| more.pieces.range_mut(opened.pieces..)) {
                piece.at += header.len();
            }
            return;
        }
        crate::mark!("a late header becomes a piece");
        let mut text = [0; HEADER_MAX];
        text[..header.len()].copy_from_slice(header);
        let content = Content::Header(text, header.len() as u8);
        let more = self.more.get_or_insert_default();
        more.pieces.insert(opened.pieces, Piece { at: opened.position, content });
        more.pieces_len += header.len();
    }
}

/// What an [`Output`] has still to send, slice by slice.
#[derive(Debug)]
pub struct Slices<'a> {
    /// The blocks behind `block`, and the last one, which is written to.
    blocks: Option<(vec_deque::Iter<'a, Vec<u8>>, &'a [u8])>,
    pieces: Option<Peekable<vec_deque::Iter<'a, Piece>>>,
    /// How much of the next piece has been sent.
    skip: usize,
    block: &'a [u8],
    block_end: usize,
    /// Everything in front of this position was given.
    position: usize,
}

impl<'a> Slices<'a> {
    /// Goes on to the next block, if there is one.
    fn next_block(&mut self) -> Option<()> {
        let (blocks, tail) = self.blocks.as_mut()?;
        self.block = match blocks.next() {
            Some(block) => block,
            None => {
                let tail = *tail;
                self.blocks = None;
                tail
            }
        };
        self.block_end += self.block.len();
        Some(())
    }
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let piece_at = self.pieces.as_mut().and_then(|pieces| pieces.peek()).map(|piece| piece.at);
        if piece_at == Some(self.position) {
            let piece = self.pieces.as_mut()?.next()?;
            return Some(&piece.as_slice()[std::mem::take(&mut self.skip)..]);
        }
        while self.position >= self.block_end {
            self.next_block()?;
        }
        let from = self.block.len() - (self.block_end - self.position);
        let to = self.block.len() - piece_at.map_or(0, |at| self.block_end.saturating_sub(at));
        self.position += to - from;
        Some(&self.block[from..to])
    }
}
