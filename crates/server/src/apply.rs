//! What new values of some options do to the process: sockets, directories, the log, the allocator.

use crate::{alloc, listen, logger};
use net::Listeners;
use options::{Action, Actor, LogLevel, Options, Scalar, Value};

/// Acts on the values that the server starts with.
pub struct AtStart<'a>(pub &'a Options);

impl Actor for AtStart<'_> {
    fn act(&self, action: Action, new: &Value) -> Result<(), String> {
        match action {
            // Sockets are opened by `boot`, which also chooses ports, and the log has begun.
            Action::Listen | Action::SetLogLevel => Ok(()),
            Action::ChangeDirectory => change_directory(new),
            Action::MakeRoom => listen::make_room(clients(new)).or_else(|possible| {
                log::warn!(
                    "maxclients has been reduced to {possible}: that is what the limit of open files (ulimit -n) allows"
                );
                self.0.set_from_server("maxclients", possible.to_string().as_bytes())
            }),
            Action::AllocatorThread => alloc::set_background_thread(new == &Value::Bool(true)),
        }
    }
}

/// Acts on a running server, for a client.
pub struct Running<'a> {
    /// With the new values in them.
    pub options: &'a Options,
    pub listeners: &'a Listeners,
    pub is_local_client: bool,
}

impl Running<'_> {
    /// Listens where `bind` and `port` say now. On failure, the log gets the long text and the client the short one.
    fn listen(&self, refusal: &str) -> Result<(), String> {
        listen::follow(self.options, self.listeners, false).map_err(|listen::Failed(why)| {
            log::warn!("{why}");
            refusal.to_owned()
        })
    }
}

impl Actor for Running<'_> {
    fn act(&self, action: Action, new: &Value) -> Result<(), String> {
        match action {
            Action::Listen if matches!(new, Value::List(_)) => self.listen("Failed to bind to specified addresses."),
            Action::Listen => self.listen("Unable to listen on this port. Check server logs."),
            Action::SetLogLevel => {
                LogLevel::of(new).into_iter().for_each(|level| log::set_max_level(logger::filter(level)));
                Ok(())
            }
            Action::ChangeDirectory => change_directory(new),
            Action::MakeRoom => listen::make_room(clients(new)).map_err(|possible| {
                format!(
                    "The operating system is not able to handle the specified number of clients, try with {possible}"
                )
            }),
            Action::AllocatorThread => alloc::set_background_thread(new == &Value::Bool(true)),
        }
    }

    fn is_local_client(&self) -> bool {
        self.is_local_client
    }
}

fn clients(value: &Value) -> usize {
    usize::of(value).unwrap_or(usize::MAX)
}

fn change_directory(path: &Value) -> Result<(), String> {
    let path = String::from_utf8_lossy(&path.text()).into_owned();
    std::env::set_current_dir(path).map_err(|error| format!("Changing directory: {error}"))
}
