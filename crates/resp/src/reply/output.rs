//! What is to go to a socket: a vector of bytes, and pieces that lie between them by reference.
//!
//! ```text
//! bytes   [ *2 $3 abc $20000 | \r\n ]
//!                            ^ at
//! pieces                   [ (at, blob, 0..20000) ]
//! ```
//!
//! A piece sits in front of `bytes[at]`; several may share a position, then their order counts. Pieces are sorted by
//! position. Most outputs have none, and are a plain vector.
//!
//! A piece is either a part of a blob or a header that became known late (see [`Output::close_deferred`]): putting
//! that header into `bytes` would move all the data behind it.
//!
//! Sending: [`Output::slices`] lends what is left, in order; [`Output::advance`] drops what the kernel took.

use std::ops::Range;

use super::{Blob, HEADER_MAX};

/// A late header moves at most this much data; with more behind it, it becomes a piece of its own.
const SHIFT_MAX: usize = 8 * 1024;

/// Bytes already sent are dropped from the vector when there are this many and they are the larger half.
const COMPACT_MIN: usize = 64 * 1024;

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
    bytes: usize,
    pieces: usize,
    pieces_len: usize,
    /// Deferred headers open at this point, to catch closing them out of order.
    deferred: u32,
}

/// Bytes on their way to a socket.
#[derive(Debug, Default)]
pub struct Output {
    pub(super) bytes: Vec<u8>,
    pieces: Vec<Piece>,
    /// Of all pieces together, those already sent included.
    pieces_len: usize,
    /// How much of `bytes` has been sent.
    sent_bytes: usize,
    /// How many pieces have been sent whole, and how much of the next one.
    sent_pieces: usize,
    sent_of_piece: usize,
    /// The lengths of the pieces sent whole.
    sent_pieces_len: usize,
    deferred: u32,
}

impl Output {
    /// Bytes still to be sent.
    #[inline]
    pub fn len(&self) -> usize {
        let pieces = self.pieces_len - self.sent_pieces_len - self.sent_of_piece;
        self.bytes.len() - self.sent_bytes + pieces
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops everything; keeps the vectors' capacity.
    #[inline]
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.pieces.clear();
        self.pieces_len = 0;
        self.sent_bytes = 0;
        self.sent_pieces = 0;
        self.sent_of_piece = 0;
        self.sent_pieces_len = 0;
        self.deferred = 0;
    }

    /// Gives back capacity beyond `max_capacity` that nothing needs.
    pub fn shrink_to(&mut self, max_capacity: usize) {
        self.bytes.shrink_to(max_capacity);
        if self.pieces.is_empty() {
            self.pieces = Vec::new();
        }
    }

    /// The end, as it is now.
    #[inline]
    pub fn mark(&self) -> Mark {
        Mark {
            bytes: self.bytes.len(),
            pieces: self.pieces.len(),
            pieces_len: self.pieces_len,
            deferred: self.deferred,
        }
    }

    /// Drops what was written behind `mark`, open deferred headers included.
    pub fn truncate(&mut self, mark: Mark) {
        debug_assert!(mark.bytes >= self.sent_bytes && mark.pieces >= self.sent_pieces);
        self.bytes.truncate(mark.bytes);
        self.pieces.truncate(mark.pieces);
        self.pieces_len = mark.pieces_len;
        self.deferred = mark.deferred;
    }

    /// Bytes written since `mark`.
    #[inline]
    pub fn len_since(&self, mark: Mark) -> usize {
        self.bytes.len() - mark.bytes + self.pieces_len - mark.pieces_len
    }

    /// Appends all that `other` has still to send, and leaves it empty.
    pub fn append(&mut self, other: &mut Output) {
        if other.sent_of_piece > 0 {
            // A part of a piece is rare (a partial write) and cheap to describe: shorten the piece itself.
            other.forget_sent_part();
        }
        let base = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes[other.sent_bytes..]);
        for mut piece in other.pieces.drain(other.sent_pieces..) {
            piece.at = piece.at - other.sent_bytes + base;
            self.pieces_len += piece.as_slice().len();
            self.pieces.push(piece);
        }
        other.clear();
    }

    /// What is still to be sent, in order. No slice is empty.
    #[inline]
    pub fn slices(&self) -> Slices<'_> {
        Slices {
            bytes: &self.bytes,
            pos: self.sent_bytes,
            pieces: self.pieces[self.sent_pieces..].iter(),
            skip: self.sent_of_piece,
            next_piece: None,
        }
    }

    /// Drops the first `sent` bytes: the socket has taken them. Marks from before are void.
    pub fn advance(&mut self, mut sent: usize) {
        assert!(sent <= self.len(), "more was sent than there was");
        debug_assert_eq!(self.deferred, 0, "an unfinished reply is being sent");
        if sent == self.len() {
            self.clear();
            return;
        }
        while let Some(piece) = self.pieces.get(self.sent_pieces) {
            let before = sent.min(piece.at - self.sent_bytes);
            self.sent_bytes += before;
            sent -= before;
            let left = piece.as_slice().len() - self.sent_of_piece;
            if sent < left {
                self.sent_of_piece += sent;
                self.compact();
                return;
            }
            sent -= left;
            self.sent_pieces_len += left + self.sent_of_piece;
            self.sent_of_piece = 0;
            self.sent_pieces += 1;
        }
        self.sent_bytes += sent;
        self.compact();
    }

    /// Memory held for this output, shared blobs included: that is what keeps them from being freed.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.pieces.capacity() * size_of::<Piece>() + self.pieces_len - self.sent_pieces_len
    }

    /// Everything still to be sent, copied together; for tests and for callers without vectored writes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.slices().collect::<Vec<_>>().concat()
    }

    pub(super) fn push_blob(&mut self, blob: Blob, range: Range<usize>) {
        self.pieces_len += range.len();
        self.pieces.push(Piece { at: self.bytes.len(), content: Content::Blob(blob, range) });
    }

    pub(super) fn open_deferred(&mut self) -> Mark {
        self.deferred += 1;
        self.mark()
    }

    /// Puts `header` where the deferred aggregate was opened, in front of all that was written since.
    pub(super) fn close_deferred(&mut self, opened: Mark, header: &[u8]) {
        debug_assert_eq!(opened.deferred, self.deferred, "deferred aggregates are closed innermost first");
        self.deferred = opened.deferred - 1;
        let behind = self.bytes.len() - opened.bytes;
        if behind <= SHIFT_MAX {
            self.bytes.extend_from_slice(header);
            self.bytes[opened.bytes..].rotate_right(header.len());
            for piece in &mut self.pieces[opened.pieces..] {
                piece.at += header.len();
            }
            return;
        }
        let mut text = [0; HEADER_MAX];
        text[..header.len()].copy_from_slice(header);
        let content = Content::Header(text, header.len() as u8);
        self.pieces.insert(opened.pieces, Piece { at: opened.bytes, content });
        self.pieces_len += header.len();
    }

    /// Makes a partly sent piece one that begins where sending stopped.
    fn forget_sent_part(&mut self) {
        let sent = std::mem::take(&mut self.sent_of_piece);
        match &mut self.pieces[self.sent_pieces].content {
            Content::Blob(_, range) => range.start += sent,
            Content::Header(text, len) => {
                text.copy_within(sent..usize::from(*len), 0);
                *len -= sent as u8;
            }
        }
        self.pieces_len -= sent;
    }

    /// Drops what has been sent, when that is worth the copy: what is moved is less than what was sent, so over
    /// the life of an output each byte is moved at most once on average.
    fn compact(&mut self) {
        if self.sent_pieces > 0 {
            self.pieces.drain(..self.sent_pieces);
            self.pieces_len -= self.sent_pieces_len;
            self.sent_pieces = 0;
            self.sent_pieces_len = 0;
        }
        if self.sent_bytes >= COMPACT_MIN && self.sent_bytes * 2 >= self.bytes.len() {
            self.bytes.drain(..self.sent_bytes);
            for piece in &mut self.pieces {
                piece.at -= self.sent_bytes;
            }
            self.sent_bytes = 0;
        }
    }
}

/// What an [`Output`] has still to send, slice by slice.
#[derive(Debug)]
pub struct Slices<'a> {
    bytes: &'a [u8],
    pos: usize,
    pieces: std::slice::Iter<'a, Piece>,
    /// How much of the next piece has been sent.
    skip: usize,
    /// A piece whose turn it is, after the bytes in front of it.
    next_piece: Option<&'a [u8]>,
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if let Some(piece) = self.next_piece.take() {
            return Some(piece);
        }
        let Some(piece) = self.pieces.next() else {
            let rest = &self.bytes[self.pos..];
            self.pos = self.bytes.len();
            return (!rest.is_empty()).then_some(rest);
        };
        let slice = &piece.as_slice()[std::mem::take(&mut self.skip)..];
        let before = &self.bytes[self.pos..piece.at];
        self.pos = piece.at;
        if before.is_empty() {
            return Some(slice);
        }
        self.next_piece = Some(slice);
        Some(before)
    }
}
