//! A published message, and how it is written to clients.

use super::{Kind, Name};
use base::Blob;
use resp::{Proto, ReplyWriter};
use smallvec::SmallVec;
use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

/// A message on its way to the workers that have subscribers.
pub struct Publication {
    pub kind: Kind,
    /// As it is sent in RESP3 to whoever has subscribed to the channel. In RESP2 only the first byte differs.
    bytes: Vec<u8>,
    /// The channel's name within that, and where its header begins.
    channel: Range<usize>,
    channel_header: usize,
    /// The patterns that somebody has subscribed to and that match.
    pub patterns: SmallVec<[Name; 1]>,
    /// The client that published it and has heard of it already; 0 for none.
    pub except: u64,
}

impl Publication {
    pub(super) fn new(kind: Kind, channel: &[u8], payload: &[u8], patterns: SmallVec<[Name; 1]>) -> Publication {
        let name: &[u8] = if kind == Kind::Shard { b"smessage" } else { b"message" };
        let mut bytes = Vec::with_capacity(channel.len() + payload.len() + 64);
        bytes.extend_from_slice(b">3\r\n");
        push_bulk(&mut bytes, name);
        let channel_header = bytes.len();
        push_bulk(&mut bytes, channel);
        let end = bytes.len() - 2;
        push_bulk(&mut bytes, payload);
        Publication { kind, bytes, channel: end - channel.len()..end, channel_header, patterns, except: 0 }
    }

    pub fn channel(&self) -> &[u8] {
        &self.bytes[self.channel.clone()]
    }

    /// Bytes that it holds.
    pub fn memory(&self) -> usize {
        size_of::<Publication>() + self.bytes.capacity()
    }

    /// Writes it to a client that has subscribed to the channel, or to a pattern.
    pub fn write(&self, reply: &mut ReplyWriter, pattern: Option<&[u8]>) {
        let mut bytes = Vec::with_capacity(self.bytes.len());
        self.append_to(&mut bytes, reply.proto, pattern);
        reply.raw(&bytes);
    }

    /// Appends it as it is sent to who has subscribed to the channel, or to a pattern.
    fn append_to(&self, out: &mut Vec<u8>, proto: Proto, pattern: Option<&[u8]>) {
        out.push(match proto {
            Proto::Resp2 => b'*',
            Proto::Resp3 => b'>',
        });
        match pattern {
            None => out.extend_from_slice(&self.bytes[1..]),
            Some(pattern) => {
                out.extend_from_slice(b"4\r\n");
                push_bulk(out, b"pmessage");
                push_bulk(out, pattern);
                out.extend_from_slice(&self.bytes[self.channel_header..]);
            }
        }
    }
}

fn push_bulk(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'$');
    base::num::write_u64(out, text.len() as u64);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

/// Messages that the same clients are sent together, written once for each protocol that is spoken among them.
pub struct Messages {
    publications: SmallVec<[Arc<Publication>; 1]>,
    /// What the clients have subscribed to, if it is not the channel.
    pattern: Option<Name>,
    resp2: OnceCell<Blob>,
    resp3: OnceCell<Blob>,
}

impl Messages {
    pub fn new(publication: Arc<Publication>, pattern: Option<Name>) -> Messages {
        let publications = SmallVec::from_buf([publication]);
        Messages { publications, pattern, resp2: OnceCell::new(), resp3: OnceCell::new() }
    }

    /// Adds a message for the same clients; nothing may be written yet.
    pub fn push(&mut self, publication: Arc<Publication>) {
        debug_assert!(self.resp2.get().is_none() && self.resp3.get().is_none(), "the messages are not written yet");
        self.publications.push(publication);
    }

    /// The client that is not to hear of them.
    pub fn except(&self) -> u64 {
        self.publications[0].except
    }

    /// The messages, as they are sent in a protocol.
    pub fn written(&self, proto: Proto) -> &Blob {
        let cell = match proto {
            Proto::Resp2 => &self.resp2,
            Proto::Resp3 => &self.resp3,
        };
        cell.get_or_init(|| {
            let mut bytes = Vec::new();
            for publication in &self.publications {
                publication.append_to(&mut bytes, proto, self.pattern.as_deref());
            }
            bytes.into()
        })
    }
}
