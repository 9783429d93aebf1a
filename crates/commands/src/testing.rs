//! The test server of `dispatch`, with all commands.

use dispatch::{Flow, pipeline};
use resp::{Proto, ReplyWriter};
use std::ops::{Deref, DerefMut};

/// A server with all commands, for the tests beside the handlers.
pub struct TestServer(dispatch::testing::TestServer);

impl TestServer {
    pub fn new() -> TestServer {
        TestServer(dispatch::testing::TestServer::new(crate::COMMANDS))
    }
}

impl Deref for TestServer {
    type Target = dispatch::testing::TestServer;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for TestServer {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

#[test]
fn a_connection_gives_back_the_words_of_a_long_command() {
    let mut server = TestServer::new();
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
