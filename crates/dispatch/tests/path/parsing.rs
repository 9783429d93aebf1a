//! Commands that arrive in pieces.

use crate::new_server;
use dispatch::{Flow, pipeline};
use resp::{Proto, ReplyWriter};

#[test]
fn a_connection_gives_back_the_words_of_a_long_command() {
    let mut server = new_server();
    let mut input = b"*10001\r\n$3\r\nDEL\r\n".to_vec();
    input.extend(b"$1\r\nk\r\n".repeat(10_000));
    let half = input.len() / 2;
    let mut reply = ReplyWriter::new(Proto::Resp2);
    let (server, worker, session) = server.parts(0);
    let outcome = pipeline::run(server, worker, session, &mut input[..half], &mut reply);
    assert_eq!((outcome.consumed, outcome.flow), (0, Flow::Continue));
    assert!(session.partial.capacity() > 4000, "it goes on where it stopped");
    let outcome = pipeline::run(server, worker, session, &mut input, &mut reply);
    assert_eq!(outcome.consumed, input.len());
    assert_eq!(reply.out.to_vec(), b":0\r\n");
    assert_eq!(session.partial.capacity(), 0);
}

#[test]
fn a_command_that_comes_word_by_word_costs_no_more_than_its_words() {
    const WORDS: usize = 400_000;
    let mut server = new_server();
    let mut input = format!("*{}\r\n$6\r\nEXISTS\r\n", WORDS + 1).into_bytes();
    let head = input.len();
    input.extend(b"$1\r\nk\r\n".repeat(WORDS));
    let mut reply = ReplyWriter::new(Proto::Resp2);
    let (server, worker, session) = server.parts(0);
    let begin = std::time::Instant::now();
    for words in 0..=WORDS {
        assert!(
            reply.out.is_empty() && begin.elapsed().as_secs() < 30,
            "{words} words, which are copied again and again"
        );
        let outcome = pipeline::run(server, worker, session, &mut input[..head + 7 * words], &mut reply);
        assert_eq!(outcome.consumed == 0, words < WORDS);
    }
    assert_eq!(reply.out.to_vec(), b":0\r\n");
}
