//! Positions as numbers: 26 bits of latitude and 26 of longitude, interleaved, longitude in front.
//!
//! ```text
//! bit 51                              0
//!     lon lat lon lat ... lon lat lon lat      a cell of `steps` bits each way is a prefix of 2 * steps bits
//! ```
//!
//! A sorted set keeps them as scores, which hold 52 bits exactly; so a cell is a range of scores. The arithmetic is in
//! the order that gives the digits Redis prints. A position on the upper edge of a range has one bit more.

/// Bits each way of a position in a sorted set.
pub(super) const STEPS: u32 = 26;
/// Positions nearer to the poles are refused: the map that the cells are of ends there.
pub(super) const LATITUDE_MAX: f64 = 85.051_128_78;
pub(super) const LONGITUDE_MAX: f64 = 180.0;
/// The latitudes of a geohash as others write it.
const STANDARD_LATITUDE_MAX: f64 = 90.0;

/// A position, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    pub(super) longitude: f64,
    pub(super) latitude: f64,
}

/// A cell: `2^steps` of them lie side by side each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) longitude: u64,
    pub(super) latitude: u64,
    pub(super) steps: u32,
}

/// Where a cell lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Area {
    pub(super) longitude: (f64, f64),
    pub(super) latitude: (f64, f64),
}

/// Puts a bit between any two.
fn spread(bits: u64) -> u64 {
    let bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    let bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    let bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    let bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

/// Takes every other bit.
fn gather(bits: u64) -> u64 {
    let bits = bits & 0x5555_5555_5555_5555;
    let bits = (bits | bits >> 1) & 0x3333_3333_3333_3333;
    let bits = (bits | bits >> 2) & 0x0f0f_0f0f_0f0f_0f0f;
    let bits = (bits | bits >> 4) & 0x00ff_00ff_00ff_00ff;
    let bits = (bits | bits >> 8) & 0x0000_ffff_0000_ffff;
    (bits | bits >> 16) & 0x0000_0000_ffff_ffff
}

/// How many of `2^steps` parts of `-max..max` lie below.
fn part(value: f64, max: f64, steps: u32) -> u64 {
    let fraction = (value + max) / (max + max);
    (fraction * (1u64 << steps) as f64) as u64
}

fn bounds(part: u64, max: f64, steps: u32) -> (f64, f64) {
    let scale = max + max;
    let count = (1u64 << steps) as f64;
    (-max + (part as f64 / count) * scale, -max + ((part + 1) as f64 / count) * scale)
}

impl Cell {
    /// The cell around a position.
    pub(super) fn around(position: Position, steps: u32) -> Cell {
        Cell {
            longitude: part(position.longitude, LONGITUDE_MAX, steps),
            latitude: part(position.latitude, LATITUDE_MAX, steps),
            steps,
        }
    }

    pub(super) fn bits(self) -> u64 {
        spread(self.latitude) | spread(self.longitude) << 1
    }

    pub(super) fn area(self) -> Area {
        Area {
            longitude: bounds(self.longitude, LONGITUDE_MAX, self.steps),
            latitude: bounds(self.latitude, LATITUDE_MAX, self.steps),
        }
    }

    /// The scores of the positions in the cell: from the first to before the second.
    pub(super) fn scores(self) -> (f64, f64) {
        let shift = 2 * (STEPS - self.steps);
        ((self.bits() << shift) as f64, ((self.bits() + 1) << shift) as f64)
    }

    /// The cell so many columns and rows away; the map is round in both directions.
    pub(super) fn moved(self, columns: i64, rows: i64) -> Cell {
        let mask = (1u64 << self.steps) - 1;
        let moved = |part: u64, by: i64| if by == 0 { part } else { part.wrapping_add_signed(by) & mask };
        Cell { longitude: moved(self.longitude, columns), latitude: moved(self.latitude, rows), ..self }
    }
}

impl Position {
    /// The score that stands for the position.
    pub(super) fn score(self) -> f64 {
        Cell::around(self, STEPS).bits() as f64
    }

    /// The middle of the cell that a score stands for; none for a score that no position has.
    pub(super) fn of_score(score: f64) -> Position {
        let bits = score as u64;
        let cell = Cell { longitude: gather(bits >> 1), latitude: gather(bits), steps: STEPS };
        let area = cell.area();
        let middle = |(low, high): (f64, f64), max: f64| ((low + high) / 2.0).clamp(-max, max);
        Position { longitude: middle(area.longitude, LONGITUDE_MAX), latitude: middle(area.latitude, LATITUDE_MAX) }
    }

    /// The geohash that others use: eleven letters, of which the last says nothing.
    pub(super) fn geohash(self) -> [u8; 11] {
        const LETTERS: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let latitude = part(self.latitude, STANDARD_LATITUDE_MAX, STEPS);
        let longitude = part(self.longitude, LONGITUDE_MAX, STEPS);
        let bits = spread(latitude) | spread(longitude) << 1;
        std::array::from_fn(|at| {
            let letter = if at < 10 { bits >> (52 - 5 * (at + 1)) & 31 } else { 0 };
            LETTERS[letter as usize]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base::rng::Rng;

    #[test]
    fn bits_are_interleaved_and_back() {
        let mut rng = Rng::seed(5);
        for _ in 0..1000 {
            let bits = rng.next_u64() >> 32;
            assert_eq!(gather(spread(bits)), bits);
            assert_eq!(gather(spread(bits) << 1), 0);
        }
    }

    #[test]
    fn a_position_comes_back_as_the_middle_of_its_cell() {
        let mut rng = Rng::seed(6);
        for _ in 0..1000 {
            let share = |rng: &mut Rng| (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0;
            let position = Position { longitude: share(&mut rng) * 180.0, latitude: share(&mut rng) * LATITUDE_MAX };
            let found = Position::of_score(position.score());
            assert!((found.longitude - position.longitude).abs() < 3e-6);
            assert!((found.latitude - position.latitude).abs() < 2e-6);
            assert_eq!(found.score(), position.score());
            let cell = Cell::around(position, 9);
            let (low, high) = cell.scores();
            assert!((low..high).contains(&position.score()));
            assert_eq!(cell.moved(1, -1).moved(-1, 1), cell);
        }
    }
}
