//! Requests: the words and the error found in a stream do not depend on where its packets end.

use crate::soup;
use base::rng::Rng;
use resp::{Limits, RequestParser, Status};

const PIECES: &[&[u8]] = &[
    b"*1\r\n$4\r\nPING\r\n",
    b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
    b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n",
    b"*2\r\n",
    b"*0\r\n",
    b"*-1\r\n",
    b"$3\r\n",
    b"$-1\r\n",
    b"abc\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"PING\r\n",
    b"SET k \"a\\x41\\n\"\r\n",
    b"SET k 'it\\'s'\n",
    b"\"",
    b"'",
    b"\0",
    b" ",
    b"*",
    b"$",
    b"99999999999999999999",
];

/// What a stream said: its commands, and whether it ended in an error.
#[derive(Debug, PartialEq)]
struct Said {
    commands: Vec<Vec<Vec<u8>>>,
    error: Option<String>,
}

/// Parses a stream that arrives in packets, as a connection does: what is not consumed stays in front.
fn listen(packets: &[&[u8]], limits: &Limits) -> Said {
    let mut said = Said { commands: Vec::new(), error: None };
    let mut parser = RequestParser::default();
    let mut args = Vec::new();
    let mut input: Vec<u8> = Vec::new();
    for packet in packets {
        input.extend_from_slice(packet);
        loop {
            match parser.parse(&mut input, limits, &mut args) {
                Ok(Status::Complete { consumed }) => {
                    said.commands.push(args.iter().map(|arg| arg.of(&input).to_vec()).collect());
                    args.clear();
                    input.drain(..consumed);
                }
                Ok(Status::Empty { consumed }) => {
                    assert!(consumed > 0, "nothing was consumed");
                    input.drain(..consumed);
                }
                Ok(Status::Incomplete { .. }) => break,
                Err(error) => {
                    said.error = Some(format!("{error:?}"));
                    return said;
                }
            }
            if input.is_empty() {
                break;
            }
        }
    }
    said
}

pub fn round(rng: &mut Rng) {
    let stream = soup(rng, PIECES, 30);
    let limits = Limits {
        max_bulk_len: 1000,
        max_multibulk: 100,
        max_inline: 64 + rng.below(1000) as usize,
        authenticated: rng.below(4) > 0,
    };
    let whole = listen(&[&stream], &limits);
    let each: Vec<&[u8]> = stream.chunks(1).collect();
    let mut splits = vec![each];
    for _ in 0..3 {
        let longest = 1 + rng.below(stream.len() as u64);
        let mut packets = Vec::new();
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let (packet, behind) = rest.split_at((1 + rng.below(longest) as usize).min(rest.len()));
            packets.push(packet);
            rest = behind;
        }
        splits.push(packets);
    }
    for packets in splits {
        let said = listen(&packets, &limits);
        let lens: Vec<usize> = packets.iter().map(|packet| packet.len()).collect();
        assert_eq!(said, whole, "{:?} in packets of {lens:?}", stream.escape_ascii().to_string());
    }
}
