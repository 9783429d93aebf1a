//! Geo: places on the earth in a sorted set, their positions as scores.

mod add;
mod area;
mod commands;
mod earth;
mod hash;
mod lookup;
mod polygon;
mod search;

use command::{Args, CommandError, CommandSpec};
use hash::{LATITUDE_MAX, LONGITUDE_MAX, Position};
use resp::ReplyWriter;

pub static COMMANDS: &[&CommandSpec] = &[
    &add::GEOADD,
    &lookup::GEODIST,
    &lookup::GEOHASH,
    &lookup::GEOPOS,
    &commands::GEORADIUS,
    &commands::GEORADIUSBYMEMBER,
    &commands::GEORADIUSBYMEMBER_RO,
    &commands::GEORADIUS_RO,
    &commands::GEOSEARCH,
    &commands::GEOSEARCHSTORE,
];

/// A unit of length.
#[derive(Clone, Copy)]
struct Unit {
    metres: f64,
}

impl Unit {
    const METRES: Unit = Unit { metres: 1.0 };

    fn parse(args: &Args<'_>, at: usize) -> Result<Unit, CommandError> {
        let units = [("m", 1.0), ("km", 1000.0), ("ft", 0.3048), ("mi", 1609.34)];
        let found = units.iter().find(|(name, _)| args.is(at, name));
        found.map(|&(_, metres)| Unit { metres }).ok_or(CommandError::GEO_UNIT)
    }
}

/// The word at `at` as a number.
fn number(args: &Args<'_>, at: usize, error: CommandError) -> Result<f64, CommandError> {
    base::num::parse_f64(args.word(at)).ok_or(error)
}

/// The words at `at` as longitude and latitude.
fn position(args: &Args<'_>, at: usize) -> Result<Position, CommandError> {
    let (longitude, latitude) = (args.float(at)?, args.float(at + 1)?);
    if longitude.abs() <= LONGITUDE_MAX && latitude.abs() <= LATITUDE_MAX {
        Ok(Position { longitude, latitude })
    } else {
        Err(CommandError::invalid_position(longitude, latitude))
    }
}

/// Replies with a distance, to a ten-thousandth.
fn reply_distance(reply: &mut ReplyWriter, distance: f64) {
    reply.bulk(format!("{distance:.4}").as_bytes());
}

/// Replies with longitude and latitude.
fn reply_position(reply: &mut ReplyWriter, position: Position) {
    reply.array(2);
    reply.double(position.longitude);
    reply.double(position.latitude);
}
