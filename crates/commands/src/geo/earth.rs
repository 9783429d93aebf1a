//! Distances on the earth taken as a ball, and ranges of degrees on it.

use super::hash::Position;

/// The radius of the earth, in metres.
pub(super) const EARTH: f64 = 6_372_797.560_856;

/// The outermost degrees of an area.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) longitude: (f64, f64),
    pub(super) latitude: (f64, f64),
}

/// The distance of two parallels, in metres.
pub(super) fn latitude_distance(one: f64, other: f64) -> f64 {
    EARTH * (other.to_radians() - one.to_radians()).abs()
}

/// The distance of two positions, in metres.
pub(super) fn distance(one: Position, other: Position) -> f64 {
    let v = ((radians(other.longitude) - radians(one.longitude)) / 2.0).sin();
    if v == 0.0 {
        return latitude_distance(one.latitude, other.latitude);
    }
    let (here, there) = (radians(one.latitude), radians(other.latitude));
    let u = ((there - here) / 2.0).sin();
    let a = u * u + here.cos() * there.cos() * v * v;
    2.0 * EARTH * a.sqrt().asin()
}

pub(super) fn radians(degrees: f64) -> f64 {
    degrees * (std::f64::consts::PI / 180.0)
}

pub(super) fn degrees(radians: f64) -> f64 {
    radians / (std::f64::consts::PI / 180.0)
}
