//! The path of commands, with all commands there are: waiting, running elsewhere, being refused a shard.
//!
//! Here and not beside the code, because `dispatch` knows no command; and not beside the commands, because they know
//! nothing of it.

mod blocking;
mod long;
mod parsing;
mod refusals;

use dispatch::testing::TestServer;

/// A server with all commands.
fn new_server() -> TestServer {
    TestServer::new(commands::COMMANDS)
}
