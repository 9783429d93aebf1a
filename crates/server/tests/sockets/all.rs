//! The tests that run on servers of two workers and of one.

#[path = "blocking.rs"]
mod blocking;
#[path = "limits.rs"]
mod limits;
#[path = "listening.rs"]
mod listening;
#[path = "noise.rs"]
mod noise;
#[path = "pipelines.rs"]
mod pipelines;
#[path = "support.rs"]
pub mod support;
#[path = "tracking.rs"]
mod tracking;
#[path = "visits.rs"]
mod visits;
#[path = "workers.rs"]
mod workers;
