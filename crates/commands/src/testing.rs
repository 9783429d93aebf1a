//! The test server of `dispatch`, with all commands.

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
