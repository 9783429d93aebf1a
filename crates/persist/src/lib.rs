//! persist: values as bytes that outlive the process, or travel to another one.
//!
//! So far this is [`rdb`], the format of Redis' snapshots and of DUMP. It does no IO: bytes come in and go out.

#![forbid(unsafe_code)]

pub mod rdb;
