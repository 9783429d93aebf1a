//! Polygons on the map of degrees: their sides are straight there, and do not cross the 180th meridian.

use super::earth::{Bounds, distance};
use super::hash::Position;

/// A polygon of at least three vertices.
pub(super) struct Polygon {
    vertices: Vec<Position>,
}

impl Polygon {
    /// The polygon of these vertices, which are three at least.
    pub(super) fn new(vertices: Vec<Position>) -> Polygon {
        debug_assert!(vertices.len() >= 3);
        Polygon { vertices }
    }

    /// Where distances are measured from: the mean of the vertices as points in space, seen from the middle of the
    /// earth.
    pub(super) fn middle(&self) -> Position {
        let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
        for vertex in &self.vertices {
            let (longitude, latitude) = (vertex.longitude.to_radians(), vertex.latitude.to_radians());
            x += latitude.cos() * longitude.cos();
            y += latitude.cos() * longitude.sin();
            z += latitude.sin();
        }
        let count = self.vertices.len() as f64;
        let (x, y, z) = (x / count, y / count, z / count);
        Position {
            longitude: f64::atan2(y, x).to_degrees(),
            latitude: f64::atan2(z, (x * x + y * y).sqrt()).to_degrees(),
        }
    }

    /// Whether a position is inside: a ray from there to the east meets an odd number of sides.
    pub(super) fn contains(&self, position: Position) -> bool {
        let mut inside = false;
        let mut previous = self.vertices[self.vertices.len() - 1];
        for &vertex in &self.vertices {
            let between = (vertex.latitude > position.latitude) != (previous.latitude > position.latitude);
            if between {
                let share = (position.latitude - vertex.latitude) / (previous.latitude - vertex.latitude);
                let meets = (previous.longitude - vertex.longitude) * share + vertex.longitude;
                inside ^= position.longitude < meets;
            }
            previous = vertex;
        }
        inside
    }

    /// The distance of the farthest vertex, in metres.
    pub(super) fn reach(&self, middle: Position) -> f64 {
        self.vertices.iter().map(|&vertex| distance(middle, vertex)).fold(0.0, f64::max)
    }

    pub(super) fn bounds(&self) -> Bounds {
        let range = |degrees: fn(&Position) -> f64| {
            let all = self.vertices.iter().map(degrees);
            (all.clone().fold(f64::INFINITY, f64::min), all.fold(f64::NEG_INFINITY, f64::max))
        };
        Bounds { longitude: range(|vertex| vertex.longitude), latitude: range(|vertex| vertex.latitude) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_does_not_depend_on_the_order_of_vertices() {
        let at = |longitude, latitude| Position { longitude, latitude };
        let mut vertices = vec![at(0.0, 0.0), at(4.0, 0.0), at(4.0, 4.0), at(2.0, 1.0), at(0.0, 4.0)];
        for _ in 0..2 {
            let polygon = Polygon::new(vertices.clone());
            for (inside, position) in [
                (true, at(1.0, 1.0)),
                (true, at(3.5, 2.0)),
                (true, at(0.5, 2.5)),
                (false, at(2.0, 2.0)),
                (false, at(5.0, 1.0)),
                (false, at(-1.0, 0.5)),
                (false, at(1.0, 5.0)),
            ] {
                assert_eq!(polygon.contains(position), inside, "{position:?}");
            }
            vertices.reverse();
        }
    }
}
