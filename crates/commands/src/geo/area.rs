//! The areas that are searched, and the cells that cover them.
//!
//! A search looks at one cell around the middle and at its eight neighbours, of a size such that together they cover
//! the area. The order of the cells is that of an unsorted reply, so it is the same as in Redis: the middle, N, S, E,
//! W, NE, NW, SE, SW.

use super::earth::{Bounds, EARTH, degrees, distance, latitude_distance, radians};
use super::hash::{Cell, Position, STEPS};
use super::polygon::Polygon;

/// Half the width of the map, in metres.
const MAP: f64 = 20_037_726.37;

/// What a search covers. Lengths are in metres.
pub(super) enum Area {
    Circle { radius: f64 },
    Box { width: f64, height: f64 },
    Polygon(Polygon),
}

impl Area {
    /// How far a position in the area is from the middle; none outside.
    pub(super) fn distance(&self, middle: Position, position: Position) -> Option<f64> {
        match self {
            Area::Circle { radius } => Some(distance(middle, position)).filter(|distance| distance <= radius),
            Area::Box { width, height } => {
                if latitude_distance(position.latitude, middle.latitude) > height / 2.0 {
                    return None;
                }
                let beside = Position { longitude: middle.longitude, latitude: position.latitude };
                if distance(position, beside) > width / 2.0 {
                    return None;
                }
                Some(distance(middle, position))
            }
            Area::Polygon(polygon) => polygon.contains(position).then(|| distance(middle, position)),
        }
    }

    /// Half the height, half the width, and how far it reaches from the middle.
    fn extent(&self, middle: Position) -> (f64, f64, f64) {
        match self {
            Area::Circle { radius } => (*radius, *radius, *radius),
            Area::Box { width, height } => {
                let (width, height) = (width / 2.0, height / 2.0);
                (height, width, (width * width + height * height).sqrt())
            }
            Area::Polygon(polygon) => {
                let reach = polygon.reach(middle);
                (reach, reach, reach)
            }
        }
    }

    fn bounds(&self, middle: Position) -> Bounds {
        if let Area::Polygon(polygon) = self {
            return polygon.bounds();
        }
        let (height, width, _) = self.extent(middle);
        let latitude = degrees(height / EARTH);
        // The parallel that is nearer to a pole is the shorter one, and so spans more degrees.
        let at = if middle.latitude < 0.0 { middle.latitude - latitude } else { middle.latitude + latitude };
        let longitude = degrees(width / EARTH / radians(at).cos());
        Bounds {
            longitude: (middle.longitude - longitude, middle.longitude + longitude),
            latitude: (middle.latitude - latitude, middle.latitude + latitude),
        }
    }

    /// The cells to look at, in order.
    pub(super) fn cells(&self, middle: Position) -> Vec<Cell> {
        let bounds = self.bounds(middle);
        let (_, _, reach) = self.extent(middle);
        let mut steps = steps_for(reach, middle.latitude);
        let mut cell = Cell::around(middle, steps);
        if !covers(cell, bounds) && steps > 1 {
            steps -= 1;
            cell = Cell::around(middle, steps);
        }
        let area = cell.area();
        let mut cells: Vec<Cell> = Vec::with_capacity(NEIGHBOURS.len());
        for (columns, rows) in NEIGHBOURS {
            // Where the middle cell alone reaches beyond the area on a side, that side has nothing.
            let nothing = steps >= 2
                && ((rows < 0 && area.latitude.0 < bounds.latitude.0)
                    || (rows > 0 && area.latitude.1 > bounds.latitude.1)
                    || (columns < 0 && area.longitude.0 < bounds.longitude.0)
                    || (columns > 0 && area.longitude.1 > bounds.longitude.1));
            let found = cell.moved(columns, rows);
            // Of the largest cells there are so few that neighbours are the same.
            if !nothing && cells.last() != Some(&found) {
                cells.push(found);
            }
        }
        cells
    }
}

/// The middle, N, S, E, W, NE, NW, SE, SW: columns and rows away.
const NEIGHBOURS: [(i64, i64); 9] = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (-1, 1), (1, -1), (-1, -1)];

/// Whether a cell's four neighbours reach as far as the bounds.
fn covers(cell: Cell, bounds: Bounds) -> bool {
    cell.moved(0, 1).area().latitude.1 >= bounds.latitude.1
        && cell.moved(0, -1).area().latitude.0 <= bounds.latitude.0
        && cell.moved(1, 0).area().longitude.1 >= bounds.longitude.1
        && cell.moved(-1, 0).area().longitude.0 <= bounds.longitude.0
}

/// The size of cells of which nine cover what lies within `reach` metres, nearly always.
fn steps_for(reach: f64, latitude: f64) -> u32 {
    if reach == 0.0 {
        return STEPS;
    }
    let mut steps = 1i32;
    let mut reach = reach;
    while reach < MAP {
        reach *= 2.0;
        steps += 1;
    }
    steps -= 2;
    // Towards the poles cells are narrower.
    if latitude.abs() > 66.0 {
        steps -= 1;
        if latitude.abs() > 80.0 {
            steps -= 1;
        }
    }
    steps.clamp(1, STEPS as i32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_that_redis_prints() {
        let palermo = Position::of_score(Position { longitude: 13.361389, latitude: 38.115556 }.score());
        let catania = Position::of_score(Position { longitude: 15.087269, latitude: 37.502669 }.score());
        assert_eq!(format!("{:.4}", distance(palermo, catania)), "166274.1516");
    }

    #[test]
    fn cells_cover_the_area() {
        let middle = Position { longitude: 15.0, latitude: 37.0 };
        for radius in [0.0, 1.0, 100.0, 10_000.0, 300_000.0, 5_000_000.0] {
            let cells = Area::Circle { radius }.cells(middle);
            assert!(!cells.is_empty() && cells.len() <= 9);
            for (north, east) in [(1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0), (0.7, 0.7)] {
                let position = Position {
                    latitude: middle.latitude + north * degrees(radius * 0.99 / EARTH),
                    longitude: middle.longitude + east * degrees(radius * 0.99 / EARTH),
                };
                if position.latitude.abs() < 80.0 {
                    let score = position.score();
                    assert!(cells.iter().any(|cell| (cell.scores().0..cell.scores().1).contains(&score)), "{radius}");
                }
            }
        }
    }
}
