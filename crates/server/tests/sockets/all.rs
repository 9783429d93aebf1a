//! The tests that run on servers of two workers and of one.

#[path = "blocking.rs"]
pub mod blocking;
#[path = "limits.rs"]
pub mod limits;
#[path = "listening.rs"]
pub mod listening;
#[path = "noise.rs"]
pub mod noise;
#[path = "pipelines.rs"]
pub mod pipelines;
#[path = "pubsub.rs"]
pub mod pubsub;
#[path = "support.rs"]
pub mod support;
#[path = "tracking.rs"]
pub mod tracking;
#[path = "visits.rs"]
pub mod visits;
#[path = "workers.rs"]
pub mod workers;
