//! How long parsing and replying take, per command, for pipelines of 16. Run with `--release`.
//!
//! Each figure is the median of several rounds over the same buffer, so all is in the cache.

use std::hint::black_box;
use std::time::Instant;

use resp::{Limits, Output, Proto, ReplyWriter, RequestParser, Status, client::encode_command};

const PIPELINE: usize = 16;
const ROUNDS: usize = 15;
const REPEAT: usize = 40_000;

fn main() {
    let key = b"key:000000012345".as_slice();
    let value = [b'x'; 64];
    for (name, args) in [
        ("*2 GET key(3)", vec![b"GET".as_slice(), b"key"]),
        ("*2 GET key(16)", vec![b"GET", key]),
        ("*3 SET key(16) value(64)", vec![b"SET", key, &value]),
        ("*1 PING", vec![b"PING"]),
    ] {
        let mut stream = Vec::new();
        for _ in 0..PIPELINE {
            encode_command(&mut stream, &args);
        }
        report(name, || parse_all(&mut stream));
    }
    let mut inline = b"GET key:000000012345\r\n".repeat(PIPELINE);
    report("inline GET key(16)", || parse_all(&mut inline));

    let mut writer = ReplyWriter::new(Proto::Resp2);
    report("reply +OK", || reply_all(&mut writer, ReplyWriter::ok));
    report("reply :12345", || reply_all(&mut writer, |writer| writer.int(black_box(12345))));
    report("reply bulk(64)", || reply_all(&mut writer, |writer| writer.bulk(black_box(&value))));
    report("reply null", || reply_all(&mut writer, ReplyWriter::null));
}

fn parse_all(stream: &mut [u8]) {
    let (limits, mut parser, mut args) = (Limits::default(), RequestParser::default(), Vec::with_capacity(8));
    for _ in 0..REPEAT {
        let mut pos = 0;
        while pos < stream.len() {
            match parser.parse(black_box(&mut stream[pos..]), black_box(&limits), &mut args) {
                Ok(Status::Complete { consumed }) => pos += consumed,
                other => panic!("the stream is whole commands, got {other:?}"),
            }
            black_box(&args);
        }
    }
}

fn reply_all(writer: &mut ReplyWriter, reply: impl Fn(&mut ReplyWriter)) {
    for _ in 0..REPEAT {
        for _ in 0..PIPELINE {
            reply(writer);
        }
        black_box(&writer.out);
        Output::clear(&mut writer.out);
    }
}

/// Prints the median time of one of the commands in a run of [`REPEAT`] pipelines.
fn report(name: &str, mut run: impl FnMut()) {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_nanos() as f64 / (REPEAT * PIPELINE) as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:26} {:6.1} ns (best {:.1})", times[ROUNDS / 2], times[0]);
}
