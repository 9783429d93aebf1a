//! A whole server inside a test, on a port that the system chooses.

use crate::boot::{Running, start};
use options::{Invocation, invocation};
use std::net::SocketAddr;
use std::sync::Arc;

/// A server that ends with the test.
pub struct TestServer {
    running: Option<Running>,
    addr: SocketAddr,
}

impl TestServer {
    /// Starts one. `args` are command line arguments besides the port.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(args: &[&str]) -> TestServer {
        let defaults =
            ["--port", "0", "--bind", "127.0.0.1", "--threads", "2", "--save", "", "--enable-debug-command", "yes"];
        let args: Vec<Vec<u8>> = defaults.iter().chain(args).map(|arg| arg.as_bytes().to_vec()).collect();
        let options = match invocation(&args, crate::VERSION, &mut std::io::empty()) {
            Ok(Invocation::Run(options)) => Arc::new(*options),
            Ok(Invocation::Print { text, .. }) => panic!("no server was asked for: {text}"),
            Err(error) => panic!("{error}"),
        };
        let running = start(options, true).unwrap_or_else(|error| panic!("{error}"));
        let addr = running.addr.expect("the server listens on TCP");
        TestServer { running: Some(running), addr }
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What all its workers share.
    pub fn server(&self) -> &Arc<command::Server> {
        let running = self.running.as_ref().expect("it runs until it is dropped");
        &running.server
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}
