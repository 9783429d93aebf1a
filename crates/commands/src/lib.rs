//! commands: to be written.
