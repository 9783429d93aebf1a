//! The commands that search: GEORADIUS and its kin, GEOSEARCH, GEOSEARCHSTORE. `search` does it.

use super::search::{Origin, Style, search, to_look_at};
use command::spec::Work;
use command::spec::{
    ArgKind, ArgSpec, Flags, Group, KeyFlags, KeySpec, Run, Shape, arg, block, double, integer, key, one_of, string,
    token,
};
use command::{Args, CommandResult, CommandSpec, Ctx};
use engine::LockedKeys;

const UNIT: ArgSpec = one_of("unit", &[token("m", "M"), token("km", "KM"), token("ft", "FT"), token("mi", "MI")]);
const ORDER: ArgSpec = one_of("order", &[token("asc", "ASC"), token("desc", "DESC")]).optional();
const COUNT: ArgSpec =
    block("count-block", &[integer("count").token("COUNT"), token("any", "ANY").optional()]).optional();
/// GEORADIUS tells since when there is ANY, its kin do not.
const COUNT_SINCE: ArgSpec =
    block("count-block", &[integer("count").token("COUNT"), token("any", "ANY").optional().since("6.2.0")]).optional();
const WITHCOORD: ArgSpec = token("withcoord", "WITHCOORD").optional();
const WITHDIST: ArgSpec = token("withdist", "WITHDIST").optional();
const WITHHASH: ArgSpec = token("withhash", "WITHHASH").optional();
const STORE: ArgSpec = one_of(
    "store",
    &[
        arg("storekey", ArgKind::Key(1)).token("STORE").display("key"),
        arg("storedistkey", ArgKind::Key(2)).token("STOREDIST").display("key"),
    ],
)
.optional();
const FROM: ArgSpec = one_of(
    "from",
    &[
        string("member").token("FROMMEMBER"),
        block("fromlonlat", &[double("longitude"), double("latitude")]).token("FROMLONLAT"),
    ],
);
const BY: ArgSpec = one_of(
    "by",
    &[
        block("circle", &[double("radius").token("BYRADIUS"), UNIT]),
        block("box", &[double("width").token("BYBOX"), double("height"), UNIT]),
    ],
);

const RADIUS: Style = Style::Radius { origin: Origin::Position, stores: true };
const RADIUS_RO: Style = Style::Radius { origin: Origin::Position, stores: false };
const BY_MEMBER: Style = Style::Radius { origin: Origin::Member, stores: true };
const BY_MEMBER_RO: Style = Style::Radius { origin: Origin::Member, stores: false };

pub static GEORADIUS: CommandSpec = CommandSpec {
    name: "GEORADIUS",
    group: Group::Geo,
    since: "3.2.0",
    summary: "Gives or stores the places around a position.",
    complexity: "O(N + log M), with the number of places in the squares around the circle and of those in it",
    arity: -6,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::MOVABLEKEYS),
    keys: &[
        KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS)),
        KeySpec::keyword("STORE", 6, KeyFlags::OW.or(KeyFlags::UPDATE)),
        KeySpec::keyword("STOREDIST", 6, KeyFlags::OW.or(KeyFlags::UPDATE)),
    ],
    args: &[
        key("key"),
        double("longitude"),
        double("latitude"),
        double("radius"),
        UNIT,
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT_SINCE,
        ORDER,
        STORE,
    ],
    history: &[("6.2.0", "`COUNT` takes `ANY`."), ("7.0.0", "Units may be in capitals.")],
    deprecated: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")),
    reply: Shape::ARRAY.or(Shape::INTEGER),
    run: Run::Keyed(georadius),
    work: Work::Told(|args, keys, located| to_look_at(args, keys, located, RADIUS)),
    ..CommandSpec::DEFAULT
};

pub static GEORADIUS_RO: CommandSpec = CommandSpec {
    name: "GEORADIUS_RO",
    group: Group::Geo,
    since: "3.2.10",
    summary: "Gives the places around a position.",
    complexity: "O(N + log M), with the number of places in the squares around the circle and of those in it",
    arity: -6,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        key("key"),
        double("longitude"),
        double("latitude"),
        double("radius"),
        UNIT,
        WITHCOORD,
        WITHDIST,
        WITHHASH,
        COUNT_SINCE,
        ORDER,
    ],
    history: &[("6.2.0", "`COUNT` takes `ANY`."), ("7.0.0", "Units may be in capitals.")],
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")),
    reply: Shape::ARRAY,
    run: Run::Keyed(georadius_ro),
    work: Work::Told(|args, keys, located| to_look_at(args, keys, located, RADIUS_RO)),
    ..CommandSpec::DEFAULT
};

pub static GEORADIUSBYMEMBER: CommandSpec = CommandSpec {
    name: "GEORADIUSBYMEMBER",
    group: Group::Geo,
    since: "3.2.0",
    summary: "Gives or stores the places around a place.",
    complexity: "O(N + log M), with the number of places in the squares around the circle and of those in it",
    arity: -5,
    flags: Flags::WRITE.or(Flags::DENYOOM).or(Flags::MOVABLEKEYS),
    keys: &[
        KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS)),
        KeySpec::keyword("STORE", 5, KeyFlags::OW.or(KeyFlags::UPDATE)),
        KeySpec::keyword("STOREDIST", 5, KeyFlags::OW.or(KeyFlags::UPDATE)),
    ],
    args: &[key("key"), string("member"), double("radius"), UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER, STORE],
    history: &[("6.2.0", "`COUNT` takes `ANY`."), ("7.0.0", "Units may be in capitals.")],
    deprecated: Some(("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments")),
    reply: Shape::ARRAY.or(Shape::INTEGER),
    run: Run::Keyed(georadiusbymember),
    work: Work::Told(|args, keys, located| to_look_at(args, keys, located, BY_MEMBER)),
    ..CommandSpec::DEFAULT
};

pub static GEORADIUSBYMEMBER_RO: CommandSpec = CommandSpec {
    name: "GEORADIUSBYMEMBER_RO",
    group: Group::Geo,
    since: "3.2.10",
    summary: "Gives the places around a place.",
    complexity: "O(N + log M), with the number of places in the squares around the circle and of those in it",
    arity: -5,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), string("member"), double("radius"), UNIT, WITHCOORD, WITHDIST, WITHHASH, COUNT, ORDER],
    history: &[("6.2.0", "`COUNT` takes `ANY`."), ("7.0.0", "Units may be in capitals.")],
    deprecated: Some(("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")),
    reply: Shape::ARRAY,
    run: Run::Keyed(georadiusbymember_ro),
    work: Work::Told(|args, keys, located| to_look_at(args, keys, located, BY_MEMBER_RO)),
    ..CommandSpec::DEFAULT
};

pub static GEOSEARCH: CommandSpec = CommandSpec {
    name: "GEOSEARCH",
    group: Group::Geo,
    since: "6.2.0",
    summary: "Gives the places within a circle, a box or a polygon.",
    complexity: "O(N + log M), with the number of places in the squares around the area and of those in it",
    arity: -7,
    flags: Flags::READONLY,
    keys: &[KeySpec::at(1, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[key("key"), FROM, BY, ORDER, COUNT, WITHCOORD, WITHDIST, WITHHASH],
    history: &[("7.0.0", "Units may be in capitals.")],
    reply: Shape::ARRAY,
    run: Run::Keyed(geosearch),
    work: Work::Told(|args, keys, located| to_look_at(args, keys, located, Style::Search)),
    ..CommandSpec::DEFAULT
};

pub static GEOSEARCHSTORE: CommandSpec = CommandSpec {
    name: "GEOSEARCHSTORE",
    group: Group::Geo,
    since: "6.2.0",
    summary: "Stores the places within a circle, a box or a polygon.",
    complexity: "O(N + log M), with the number of places in the squares around the area and of those in it",
    arity: -8,
    flags: Flags::WRITE.or(Flags::DENYOOM),
    keys: &[KeySpec::at(1, KeyFlags::OW.or(KeyFlags::UPDATE)), KeySpec::at(2, KeyFlags::RO.or(KeyFlags::ACCESS))],
    args: &[
        key("destination"),
        arg("source", ArgKind::Key(1)),
        FROM,
        BY,
        ORDER,
        COUNT,
        token("storedist", "STOREDIST").optional(),
    ],
    history: &[("7.0.0", "Units may be in capitals.")],
    reply: Shape::INTEGER,
    run: Run::Keyed(geosearchstore),
    work: Work::Told(|args, keys, located| to_look_at(args, keys, located, Style::SearchStore)),
    ..CommandSpec::DEFAULT
};

fn georadius(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    search(cx, keys, args, RADIUS)
}

fn georadius_ro(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    search(cx, keys, args, RADIUS_RO)
}

fn georadiusbymember(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    search(cx, keys, args, BY_MEMBER)
}

fn georadiusbymember_ro(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    search(cx, keys, args, BY_MEMBER_RO)
}

fn geosearch(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    search(cx, keys, args, Style::Search)
}

fn geosearchstore(cx: &mut Ctx<'_>, keys: &mut LockedKeys<'_>, args: &Args<'_>) -> CommandResult {
    search(cx, keys, args, Style::SearchStore)
}
