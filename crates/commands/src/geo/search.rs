//! Searching an area for places: what the words ask for, and how it is found.
//!
//! As in Redis the key's type is checked first, then the words from left to right; a key that is not there excuses a
//! member that is not. An unsorted reply is in the order of the cells; with COUNT but without ANY, the nearest come
//! first.

use super::area::Area;
use super::hash::{Cell, Position};
use super::polygon::Polygon;
use super::{Unit, number, position, reply_distance, reply_position};
use crate::sorted_set::{form, reply_member, store_at};
use command::spec::work::LONG_ELEMENTS;
use command::{Args, CommandError, CommandResult, Ctx};
use engine::{Event, Key, LockedKeys};
use std::cmp::Ordering;
use std::ops::Bound;
use structures::packed::PackedElement;
use value::SortedSet;
use value::sorted_set::Builder;

/// Where a search begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Position,
    Member,
}

/// Whose words they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Radius { origin: Origin, stores: bool },
    Search,
    SearchStore,
}

/// The order of a reply, by distance.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Rising,
    Falling,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stored {
    Positions,
    Distances,
}

/// What is asked for.
struct Request {
    with_distance: bool,
    with_hash: bool,
    with_position: bool,
    order: Option<Order>,
    count: Option<usize>,
    any: bool,
    middle: Option<Position>,
    area: Option<Area>,
    unit: Unit,
    /// The word that names the target, and what goes there.
    store: Option<(usize, Stored)>,
}

/// A place that was found.
struct Found<'a> {
    member: PackedElement<'a>,
    score: f64,
    /// In metres.
    distance: f64,
    position: Position,
}

impl Style {
    fn is_radius(self) -> bool {
        matches!(self, Style::Radius { .. })
    }

    /// Whether a word that names another key follows STORE and STOREDIST.
    fn names_target(self) -> bool {
        matches!(self, Style::Radius { stores: true, .. })
    }
}

/// Reads the words of one command, from left to right.
struct Reader<'r, 'a> {
    args: &'r Args<'a>,
    at: usize,
    set: Option<&'r SortedSet>,
    style: Style,
    request: Request,
    /// Which of FROMMEMBER and FROMLONLAT was said, even of a key that is not there.
    origin: Option<Origin>,
}

impl Reader<'_, '_> {
    /// The position of the member whose name is the word at `at`.
    fn member(&self, at: usize) -> Result<Option<Position>, CommandError> {
        let Some(set) = self.set else { return Ok(None) };
        let score = set.score(self.args.word(at)).ok_or(CommandError::GEO_NO_MEMBER)?;
        Ok(Some(Position::of_score(score)))
    }

    fn radius(&self, at: usize) -> Result<(Area, Unit), CommandError> {
        let radius = number(self.args, at, CommandError::GEO_RADIUS)?;
        if radius < 0.0 {
            return Err(CommandError::GEO_RADIUS_NEGATIVE);
        }
        let unit = Unit::parse(self.args, at + 1)?;
        Ok((Area::Circle { radius: radius * unit.metres }, unit))
    }

    fn rectangle(&self, at: usize) -> Result<(Area, Unit), CommandError> {
        let width = number(self.args, at, CommandError::GEO_WIDTH)?;
        let height = number(self.args, at + 1, CommandError::GEO_HEIGHT)?;
        if width < 0.0 || height < 0.0 {
            return Err(CommandError::GEO_BOX_NEGATIVE);
        }
        let unit = Unit::parse(self.args, at + 2)?;
        Ok((Area::Box { width: width * unit.metres, height: height * unit.metres }, unit))
    }

    /// The words of GEORADIUS that have fixed places.
    fn fixed(&mut self, origin: Origin) -> CommandResult {
        let at = match origin {
            Origin::Position => {
                self.request.middle = Some(position(self.args, 2)?);
                4
            }
            Origin::Member if self.set.is_none() => {
                self.at = 5;
                return Ok(());
            }
            Origin::Member => {
                self.request.middle = self.member(2)?;
                3
            }
        };
        let (area, unit) = self.radius(at)?;
        (self.request.area, self.request.unit) = (Some(area), unit);
        self.at = at + 2;
        Ok(())
    }

    fn options(&mut self) -> CommandResult {
        while self.at < self.args.len() {
            let (args, at) = (self.args, self.at);
            let left = args.len() - at - 1;
            self.at += 1;
            if args.is(at, "WITHDIST") {
                self.request.with_distance = true;
            } else if args.is(at, "WITHHASH") {
                self.request.with_hash = true;
            } else if args.is(at, "WITHCOORD") {
                self.request.with_position = true;
            } else if args.is(at, "ANY") {
                self.request.any = true;
            } else if args.is(at, "ASC") {
                self.request.order = Some(Order::Rising);
            } else if args.is(at, "DESC") {
                self.request.order = Some(Order::Falling);
            } else if args.is(at, "COUNT") && left >= 1 {
                let count = args.int(at + 1)?;
                let count = usize::try_from(count).ok().filter(|&count| count > 0);
                self.request.count = Some(count.ok_or(CommandError::GEO_COUNT)?);
                self.at += 1;
            } else if self.style.names_target() && left >= 1 && (args.is(at, "STORE") || args.is(at, "STOREDIST")) {
                let what = if args.is(at, "STORE") { Stored::Positions } else { Stored::Distances };
                self.request.store = Some((at + 1, what));
                self.at += 1;
            } else if self.style == Style::SearchStore && args.is(at, "STOREDIST") {
                self.request.store = Some((1, Stored::Distances));
            } else if self.style.is_radius() || !self.origin_or_area(at, left)? {
                return Err(CommandError::SYNTAX);
            }
        }
        Ok(())
    }

    /// An option of GEOSEARCH that says where; returns whether it was one. Of several of the same kind the last one
    /// counts.
    fn origin_or_area(&mut self, at: usize, left: usize) -> Result<bool, CommandError> {
        let (args, origin) = (self.args, self.origin);
        let area = &self.request.area;
        let has_polygon = matches!(area, Some(Area::Polygon(_)));
        let round = matches!(area, None | Some(Area::Circle { .. }));
        let square = matches!(area, None | Some(Area::Box { .. }));
        if args.is(at, "FROMMEMBER") && left >= 1 && origin != Some(Origin::Position) && !has_polygon {
            self.request.middle = self.member(at + 1)?;
            self.origin = Some(Origin::Member);
            self.at += 1;
        } else if args.is(at, "FROMLONLAT") && left >= 2 && origin != Some(Origin::Member) && !has_polygon {
            self.request.middle = Some(position(args, at + 1)?);
            self.origin = Some(Origin::Position);
            self.at += 2;
        } else if args.is(at, "BYRADIUS") && left >= 2 && round {
            let (area, unit) = self.radius(at + 1)?;
            (self.request.area, self.request.unit) = (Some(area), unit);
            self.at += 2;
        } else if args.is(at, "BYBOX") && left >= 3 && square {
            let (area, unit) = self.rectangle(at + 1)?;
            (self.request.area, self.request.unit) = (Some(area), unit);
            self.at += 3;
        } else if args.is(at, "BYPOLYGON") && left >= 1 && origin.is_none() && area.is_none() {
            self.polygon(at + 1)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn polygon(&mut self, at: usize) -> CommandResult {
        let count = self.args.int(at).ok().and_then(|count| i32::try_from(count).ok());
        let count = count.ok_or(CommandError::GEO_VERTICES)?;
        let words = self.args.len() - at - 1;
        let count = usize::try_from(count).ok().filter(|&count| count >= 3 && count <= words / 2);
        let count = count.ok_or(CommandError::GEO_POLYGON)?;
        let vertices = (0..count).map(|number| position(self.args, at + 1 + 2 * number));
        let polygon = Polygon::new(vertices.collect::<Result<_, _>>()?);
        self.request.middle = Some(polygon.middle());
        self.request.area = Some(Area::Polygon(polygon));
        self.request.unit = Unit::METRES;
        self.at = at + 1 + 2 * count;
        Ok(())
    }

    /// What does not go together, or is missing.
    fn finish(self) -> Result<Request, CommandError> {
        let request = self.request;
        if request.store.is_some() && (request.with_distance || request.with_hash || request.with_position) {
            return Err(if self.style.is_radius() {
                CommandError::GEORADIUS_STORE
            } else {
                CommandError::GEOSEARCHSTORE
            });
        }
        if !self.style.is_radius() {
            let has_polygon = matches!(request.area, Some(Area::Polygon(_)));
            if self.origin.is_none() && !has_polygon {
                return Err(CommandError::geo_needs("FROMMEMBER or FROMLONLAT", self.args.word(0)));
            }
            if request.area.is_none() {
                return Err(CommandError::geo_needs("BYRADIUS and BYBOX", self.args.word(0)));
            }
        }
        if request.any && request.count.is_none() {
            return Err(CommandError::GEO_ANY);
        }
        Ok(request)
    }
}

fn parse(args: &Args<'_>, set: Option<&SortedSet>, style: Style) -> Result<Request, CommandError> {
    let request = Request {
        with_distance: false,
        with_hash: false,
        with_position: false,
        order: None,
        count: None,
        any: false,
        middle: None,
        area: None,
        unit: Unit::METRES,
        store: (style == Style::SearchStore).then_some((1, Stored::Positions)),
    };
    let at = if style == Style::SearchStore { 3 } else { 2 };
    let mut reader = Reader { args, at, set, style, request, origin: None };
    if let Style::Radius { origin, .. } = style {
        reader.fixed(origin)?;
    }
    reader.options()?;
    reader.finish()
}

pub(super) fn search(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>, style: Style) -> CommandResult {
    let source = cx.key(usize::from(style == Style::SearchStore));
    let (hasher, limits) = form(cx);
    let set = keys.read_as::<SortedSet>(&source)?;
    let request = parse(args, set, style)?;
    let found = match (set, request.middle, &request.area) {
        (Some(set), Some(middle), Some(area)) => find(set, middle, area, &request),
        _ => Vec::new(),
    };
    let Some((word, what)) = request.store else {
        reply(cx, &found, &request);
        return Ok(());
    };
    // A target that stands in no place of the key specs, as with two STOREs, is not locked.
    let target = args.word(word);
    let target: Key<'_> = *cx.keys.iter().find(|key| key.bytes == target).ok_or(CommandError::SYNTAX)?;
    let mut builder = Builder::new(hasher, found.len());
    for place in &found {
        let score = match what {
            Stored::Positions => place.score,
            Stored::Distances => place.distance / request.unit.metres,
        };
        place.member.with_bytes(|member| builder.push(member, score));
    }
    let event = if style.is_radius() { Event::zset("georadiusstore") } else { Event::zset("geosearchstore") };
    drop(found);
    let result = builder.finish(limits);
    store_at(cx, keys, target, Some(result), event);
    Ok(())
}

/// Places in the cells of an area that are looked at before a search for any of them is called long.
const FIRST_PART: usize = 1000;
/// Words of a search that make each place one more to look at: the vertices of a polygon.
const WORDS_PER_LOOK: usize = 64;

/// How many places will be looked at; 0 where the set has too few for that to be many.
pub(super) fn to_look_at(args: &Args<'_>, keys: &mut LockedKeys<'_>, located: &[Key<'_>], style: Style) -> usize {
    let looks = 1 + args.len() / WORDS_PER_LOOK;
    let set = keys.peek_large::<SortedSet>(&located[usize::from(style == Style::SearchStore)]);
    let Some(set) = set.filter(|set| set.len() * looks >= LONG_ELEMENTS) else { return 0 };
    let Ok(request) = parse(args, Some(set), style) else { return 0 };
    let (Some(middle), Some(area)) = (request.middle, &request.area) else { return 0 };
    let places = |low, high| set.ranks_of_scores(Bound::Included(low), Bound::Excluded(high)).len();
    let cells: Vec<(f64, f64)> = area.cells(middle).into_iter().map(Cell::scores).collect();
    // Cells that are neighbours mostly have scores near each other: all from the least to the greatest are few, then.
    let whole = cells.iter().fold((f64::INFINITY, 0.0), |(from, to), &(low, high)| (low.min(from), high.max(to)));
    if places(whole.0, whole.1) * looks < LONG_ELEMENTS {
        return 0;
    }
    let enough = request.count.filter(|_| request.any).unwrap_or(usize::MAX);
    let mut near =
        candidates(set, middle, area).take(FIRST_PART).filter(|(.., at)| area.distance(middle, *at).is_some());
    if enough <= FIRST_PART && near.nth(enough - 1).is_some() {
        return 0;
    }
    cells.into_iter().map(|(low, high)| places(low, high)).sum::<usize>() * looks
}

/// All places in the cells of an area, in their order.
fn candidates<'a>(
    set: &'a SortedSet,
    middle: Position,
    area: &Area,
) -> impl Iterator<Item = (PackedElement<'a>, f64, Position)> {
    area.cells(middle).into_iter().flat_map(move |cell| {
        let (low, high) = cell.scores();
        let places = set.from_score(Bound::Included(low)).take_while(move |(_, score)| *score < high);
        places.map(|(member, score)| (member, score, Position::of_score(score)))
    })
}

/// The places in an area, in the order of the reply.
fn find<'a>(set: &'a SortedSet, middle: Position, area: &Area, request: &Request) -> Vec<Found<'a>> {
    let mut found = Vec::new();
    let enough = request.count.filter(|_| request.any).unwrap_or(usize::MAX);
    for (member, score, position) in candidates(set, middle, area) {
        if let Some(distance) = area.distance(middle, position) {
            found.push(Found { member, score, distance, position });
            if found.len() >= enough {
                break;
            }
        }
    }
    // The nearest of all are wanted, unless any will do.
    let order = request.order.or(request.count.filter(|_| !request.any).map(|_| Order::Rising));
    let by_distance =
        |one: &Found<'_>, other: &Found<'_>| one.distance.partial_cmp(&other.distance).unwrap_or(Ordering::Equal);
    match order {
        Some(Order::Rising) => found.sort_by(by_distance),
        Some(Order::Falling) => found.sort_by(|one, other| by_distance(other, one)),
        None => {}
    }
    found.truncate(request.count.unwrap_or(usize::MAX));
    found
}

fn reply(cx: &mut Ctx<'_>, found: &[Found<'_>], request: &Request) {
    let extras = [request.with_distance, request.with_hash, request.with_position];
    let extras = extras.iter().filter(|&&with| with).count();
    cx.reply.array(found.len());
    for place in found {
        if extras > 0 {
            cx.reply.array(extras + 1);
        }
        reply_member(cx.reply, place.member);
        if request.with_distance {
            reply_distance(cx.reply, place.distance / request.unit.metres);
        }
        if request.with_hash {
            cx.reply.int(place.score as i64);
        }
        if request.with_position {
            reply_position(cx.reply, place.position);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestServer;

    fn filled() -> TestServer {
        let mut server = TestServer::new();
        server.run("GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 2 2 far");
        server.journal();
        server.events();
        server
    }

    #[test]
    fn the_nearest_are_given_when_some_are_asked_for() {
        let mut server = filled();
        let line = "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km COUNT";
        assert_eq!(server.show(&format!("{line} 1")), "1) \"Catania\"");
        assert_eq!(server.show(&format!("{line} 1 ANY")), "1) \"Palermo\"");
        assert_eq!(server.show(&format!("{line} 9223372036854775807 DESC")), "1) \"Palermo\"\n2) \"Catania\"");
    }

    #[test]
    fn a_target_is_stored_or_deleted() {
        let mut server = filled();
        assert_eq!(server.show("GEORADIUS g 15 37 200 km STORE d"), "(integer) 2");
        assert_eq!(server.show("GEOSEARCHSTORE d g FROMLONLAT 100 37 BYRADIUS 2 km"), "(integer) 0");
        assert_eq!(server.events(), ["0 new d", "0 georadiusstore d", "0 del d"]);
        assert_eq!(server.journal().len(), 2);
        // Only one target is among the key specs, so only one is locked.
        assert!(server.show("GEORADIUS g 15 37 200 km STORE d STORE e").starts_with("(error) ERR syntax"));
    }

    #[test]
    fn polygons_need_three_vertices_and_no_more_memory_than_their_words() {
        let mut server = filled();
        assert_eq!(server.show("GEOSEARCH g BYPOLYGON 3 12 36 16 36 14 40"), "1) \"Palermo\"\n2) \"Catania\"");
        for count in ["2", "2147483647", "-1"] {
            let reply = server.show(&format!("GEOSEARCH g BYPOLYGON {count} 12 36 16 36 14 40"));
            assert_eq!(reply, "(error) ERR GEOSEARCH BYPOLYGON must have at least 3 vertices");
        }
    }

    #[test]
    fn places_are_logged_as_members_with_scores() {
        let mut server = filled();
        server.run("GEOADD g CH NX 0 0 zero 1 1 Palermo");
        assert_eq!(server.journal(), ["0 ZADD g CH NX 3377699720527872 zero 3377822707026402 Palermo"]);
        server.run("GEOADD g XX 0 0 zero");
        assert!(server.journal().is_empty());
    }
}
