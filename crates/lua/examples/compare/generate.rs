//! Pieces of scripts, at random: for each library calls that are right, nearly right, and wrong.

use base::rng::Rng;

type Generate = fn(&mut Rng) -> String;

const GROUPS: [(&str, Generate); 9] = [
    ("cjson-encode", cjson_encode),
    ("cjson-decode", cjson_decode),
    ("cmsgpack", cmsgpack),
    ("struct", structs),
    ("bit", bit),
    ("string", string),
    ("pattern", pattern),
    ("table", table),
    ("base", base_functions),
];

pub fn find(name: &str) -> Option<Generate> {
    GROUPS.iter().find(|(group, _)| *group == name).map(|(_, generate)| *generate)
}

pub fn names() -> String {
    GROUPS.map(|(name, _)| name).join("|")
}

fn pick<'a>(rng: &mut Rng, among: &[&'a str]) -> &'a str {
    among[rng.below(among.len() as u64) as usize]
}

fn one_in(rng: &mut Rng, chances: u64) -> bool {
    rng.below(chances) == 0
}

/// Bytes as a literal of Lua.
fn literal(bytes: &[u8]) -> String {
    let mut text = String::from("'");
    for &byte in bytes {
        text.push_str(&format!("\\{byte:03}"));
    }
    text.push('\'');
    text
}

fn number(rng: &mut Rng) -> String {
    const SPECIAL: [&str; 31] = [
        "0", "-0", "1", "-1", "127", "128", "-32", "-33", "255", "256", "65535", "65536", "2^31", "-2^31", "2^31-1",
        "2^32", "2^32-1", "2^53", "2^62", "2^63", "-2^63", "2^64", "1e300", "-1e300", "1/0", "-1/0", "0/0", "0.1",
        "1.5", "1e15", "1e-7",
    ];
    match rng.below(6) {
        0..3 => pick(rng, &SPECIAL).to_owned(),
        3 => (rng.below(40) as i64 - 10).to_string(),
        4 => format!("{:?}", f64::from_bits(rng.next_u64() & !(1 << 62))),
        _ => format!("{}/{}", rng.below(1000), 1 + rng.below(64)),
    }
}

fn bytes(rng: &mut Rng, most: u64) -> Vec<u8> {
    let length = rng.below(most + 1);
    (0..length)
        .map(|_| match rng.below(4) {
            0 => rng.below(256) as u8,
            1 => b"\0\"\\/\n\x7f%-."[rng.below(9) as usize],
            _ => b'a' + rng.below(4) as u8,
        })
        .collect()
}

fn text(rng: &mut Rng) -> String {
    let most = if one_in(rng, 12) { 300 } else { 6 };
    literal(&bytes(rng, most))
}

fn value(rng: &mut Rng, depth: u32) -> String {
    match rng.below(if depth == 0 { 7 } else { 12 }) {
        0 | 1 => number(rng),
        2 | 3 => text(rng),
        4 => pick(rng, &["true", "false", "nil", "cjson.null"]).to_owned(),
        5 => number(rng),
        6 if one_in(rng, 8) => "function() end".to_owned(),
        6 => "{}".to_owned(),
        _ => {
            let count = rng.below(5);
            let is_list = one_in(rng, 2);
            let fields: Vec<String> = (0..count)
                .map(|_| match rng.below(8) {
                    _ if is_list => value(rng, depth - 1),
                    0 => format!("[{}]={}", 1 + rng.below(30), value(rng, depth - 1)),
                    1 => format!("[{}]={}", pick(rng, &["1.5", "-1", "true", "2^31", "'1'"]), value(rng, depth - 1)),
                    2 => value(rng, depth - 1),
                    // One such key at most, since their order is not the same everywhere.
                    _ => format!("[{}]={}", 1 + rng.below(4), value(rng, depth - 1)),
                })
                .collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}

/// An argument of any kind, wrong ones among them.
fn argument(rng: &mut Rng) -> String {
    match rng.below(8) {
        0..3 => number(rng),
        3..6 => text(rng),
        6 => value(rng, 1),
        _ => pick(rng, &["nil", "true", "{}", "print", "''", "'10'", "'0x10'", "' 5 '", "tostring"])
            .replace("print", "type"),
    }
}

fn arguments(rng: &mut Rng, most: u64) -> String {
    let count = rng.below(most + 1);
    let arguments: Vec<String> = (0..count).map(|_| argument(rng)).collect();
    arguments.join(",")
}

fn cjson_encode(rng: &mut Rng) -> String {
    let mut piece = String::from("local c = cjson.new() ");
    for _ in 0..rng.below(3) {
        let option = pick(
            rng,
            &[
                "encode_sparse_array",
                "encode_max_depth",
                "encode_number_precision",
                "encode_keep_buffer",
                "encode_invalid_numbers",
                "decode_max_depth",
                "decode_invalid_numbers",
            ],
        );
        let value = match rng.below(3) {
            0 => arguments(rng, 3),
            1 => pick(
                rng,
                &["true", "false", "'null'", "'on'", "'off'", "1", "2", "14", "true,1,1", "false,0", "nil,3,2"],
            )
            .to_owned(),
            _ => rng.below(16).to_string(),
        };
        if one_in(rng, 3) {
            return format!("{piece} return c.{option}({value})");
        }
        piece.push_str(&format!("pcall(c.{option},{value}) ").replace(",)", ")"));
    }
    if one_in(rng, 20) {
        return format!("{piece} return c.encode({})", arguments(rng, 3));
    }
    format!("{piece} return c.encode({})", value(rng, 4))
}

fn json(rng: &mut Rng, depth: u32) -> Vec<u8> {
    let mut out = Vec::new();
    match rng.below(if depth == 0 { 6 } else { 9 }) {
        0 => {
            const NUMBERS: [&str; 26] = [
                "0",
                "-0",
                "1",
                "1.5",
                "1e5",
                "1E+5",
                "1e-5",
                "-12",
                "0x1F",
                "01",
                "1.",
                "-.5",
                "+1",
                "nan",
                "-nan",
                "inf",
                "-Infinity",
                "1e400",
                "123456789012345678901234567890",
                "0.1",
                "1e",
                "0x",
                "-",
                "nan(12)",
                "2.5e-324",
                "0x1p4",
            ];
            out.extend(pick(rng, &NUMBERS).bytes());
        }
        1 => out.extend(pick(rng, &["true", "false", "null", "nul", "True", "NULL"]).bytes()),
        2 => out.extend(format!("{}", rng.below(100_000)).bytes()),
        3 => out.extend(format!("{:?}", f64::from_bits(rng.next_u64() & !(1 << 62))).bytes()),
        4 | 5 => json_string(rng, &mut out),
        6 => {
            out.push(b'{');
            for index in 0..rng.below(4) {
                if index > 0 {
                    out.push(b',');
                }
                json_string(rng, &mut out);
                out.push(b':');
                out.extend(json(rng, depth - 1));
            }
            out.push(b'}');
        }
        _ => {
            out.push(b'[');
            for index in 0..rng.below(4) {
                if index > 0 {
                    out.extend(pick(rng, &[",", ", ", " ,\n\t"]).bytes());
                }
                out.extend(json(rng, depth - 1));
            }
            out.push(b']');
        }
    }
    out
}

fn json_string(rng: &mut Rng, out: &mut Vec<u8>) {
    out.push(b'"');
    for _ in 0..rng.below(6) {
        match rng.below(8) {
            0 => out.extend(
                pick(rng, &["\\n", "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\r", "\\t", "\\x", "\\", "\\'"]).bytes(),
            ),
            1 => out.extend(
                pick(
                    rng,
                    &[
                        "\\u0041",
                        "\\u00e9",
                        "\\u20AC",
                        "\\ud83d\\ude00",
                        "\\ud800",
                        "\\udc00",
                        "\\u12",
                        "\\ud83d\\u0041",
                        "\\u0000",
                    ],
                )
                .bytes(),
            ),
            2 => out.push(rng.below(256) as u8),
            _ => out.push(b'a' + rng.below(5) as u8),
        }
    }
    out.push(b'"');
}

fn mutate(rng: &mut Rng, bytes: &mut Vec<u8>, alphabet: &[u8]) {
    for _ in 0..rng.below(3) {
        let at = rng.below(bytes.len() as u64 + 1) as usize;
        let byte =
            if one_in(rng, 4) { rng.below(256) as u8 } else { alphabet[rng.below(alphabet.len() as u64) as usize] };
        match rng.below(4) {
            0 => bytes.insert(at, byte),
            1 => bytes.truncate(at),
            2 if at < bytes.len() => {
                bytes.remove(at);
            }
            _ if at < bytes.len() => bytes[at] = byte,
            _ => bytes.push(byte),
        }
    }
}

fn cjson_decode(rng: &mut Rng) -> String {
    let mut document = json(rng, 4);
    if one_in(rng, 2) {
        mutate(rng, &mut document, b"{}[]:,\"\\ 0-+.eEnutf");
    }
    let options = match rng.below(6) {
        0 => "c.decode_invalid_numbers(false) ",
        1 => "c.decode_max_depth(2) ",
        _ => "",
    };
    let call = if one_in(rng, 30) { arguments(rng, 2) } else { literal(&document) };
    format!("local c = cjson.new() {options}return c.decode({call})")
}

fn cmsgpack(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => {
            let count = rng.below(4);
            let values: Vec<String> = (0..count).map(|_| value(rng, 3)).collect();
            format!("return cmsgpack.pack({})", values.join(","))
        }
        1 => format!("return cmsgpack.unpack(cmsgpack.pack({}))", value(rng, 4)),
        _ => {
            const CODES: [u8; 40] = [
                0, 1, 0x7f, 0x80, 0x81, 0x82, 0x90, 0x91, 0x92, 0xa0, 0xa1, 0xa2, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc7,
                0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde,
                0xdf, 0xe0, 0xff, 0xf0, 5,
            ];
            let length = rng.below(12);
            let data: Vec<u8> = (0..length)
                .map(|_| match rng.below(4) {
                    0 => rng.below(256) as u8,
                    1 => rng.below(3) as u8,
                    _ => CODES[rng.below(40) as usize],
                })
                .collect();
            let data = literal(&data);
            match rng.below(6) {
                0 => format!("return cmsgpack.unpack_one({data},{})", argument(rng)),
                1 => format!("return cmsgpack.unpack_limit({data},{},{})", argument(rng), argument(rng)),
                2 => format!("return cmsgpack.unpack_limit({data},{},{})", rng.below(4), rng.below(6)),
                3 => format!("return cmsgpack.unpack_one({data},{})", rng.below(6)),
                4 if one_in(rng, 4) => format!(
                    "return cmsgpack.{}({})",
                    pick(rng, &["unpack", "unpack_one", "unpack_limit"]),
                    arguments(rng, 3)
                ),
                _ => format!("return cmsgpack.unpack({data})"),
            }
        }
    }
}

fn structs(rng: &mut Rng) -> String {
    let mut format = String::new();
    for _ in 0..1 + rng.below(6) {
        format.push_str(pick(
            rng,
            &[
                "b",
                "B",
                "h",
                "H",
                "l",
                "L",
                "T",
                "f",
                "d",
                "s",
                "c",
                "c0",
                "c3",
                "x",
                "i",
                "I",
                "i1",
                "i3",
                "I8",
                "i9",
                "i16",
                "i32",
                "i33",
                "i0",
                ">",
                "<",
                "!",
                "!2",
                "!4",
                "!3",
                "!16",
                " ",
                "Z",
                "=",
                "4",
                "c99999999999",
                "I2",
            ],
        ));
    }
    let format = if one_in(rng, 40) { argument(rng) } else { format!("'{format}'") };
    match rng.below(4) {
        0 => format!("return struct.size({format})"),
        1 => format!("return struct.pack({format},{})", arguments(rng, 6)).replace(",)", ")"),
        2 => {
            let numbers: Vec<String> = (0..6).map(|_| if one_in(rng, 3) { text(rng) } else { number(rng) }).collect();
            format!("return struct.pack({format},{})", numbers.join(","))
        }
        _ => {
            let mut data = bytes(rng, 40);
            if one_in(rng, 2) {
                data.iter_mut().for_each(|byte| *byte &= 3);
            }
            let place = if one_in(rng, 3) { format!(",{}", argument(rng)) } else { String::new() };
            format!("return struct.unpack({format},{}{place})", literal(&data))
        }
    }
}

fn bit(rng: &mut Rng) -> String {
    let function = pick(
        rng,
        &["tobit", "bnot", "bswap", "band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "tohex"],
    );
    let arguments = if one_in(rng, 4) {
        arguments(rng, 3)
    } else {
        let count = 1 + rng.below(3);
        let numbers: Vec<String> = (0..count).map(|_| number(rng)).collect();
        numbers.join(",")
    };
    format!("return bit.{function}({arguments})")
}

fn string(rng: &mut Rng) -> String {
    let place = |rng: &mut Rng| {
        if one_in(rng, 5) { argument(rng) } else { (rng.below(14) as i64 - 6).to_string() }
    };
    match rng.below(8) {
        0 => format!("return string.byte({},{},{})", text(rng), place(rng), place(rng)),
        1 => format!("return string.sub({},{},{})", text(rng), place(rng), place(rng)),
        2 => format!("return string.rep({},{})", text(rng), rng.below(5)),
        3 => {
            let function =
                pick(rng, &["len", "lower", "upper", "reverse", "byte", "char", "rep", "sub", "format", "find"]);
            format!("return string.{function}({})", arguments(rng, 3)).replace("1e300", "3").replace("2^", "1+")
        }
        4 => format!("return ({}):find({},{},true)", text(rng), text(rng), place(rng)),
        5 => format!("return {} .. {}", argument(rng), argument(rng)),
        6 => format!(
            "return tostring({}), tonumber({}), tonumber({},{})",
            number(rng),
            argument(rng),
            text(rng),
            2 + rng.below(36)
        ),
        _ => {
            let mut format = String::new();
            let mut values = Vec::new();
            for _ in 0..1 + rng.below(3) {
                let flags = pick(
                    rng,
                    &[
                        "", "", "", "-", "+", " ", "#", "0", "05", "-5", "20", "5.3", ".0", ".10", ".3", "-+ #0",
                        "100", ".100",
                    ],
                );
                let letter = pick(
                    rng,
                    &["d", "i", "u", "c", "x", "X", "o", "e", "E", "f", "g", "G", "q", "s", "s", "%", "z", "a"],
                );
                format.push_str(&format!("%{flags}{letter} "));
                values.push(match letter {
                    "s" | "q" => text(rng),
                    "c" => rng.below(256).to_string(),
                    "d" | "i" | "u" | "x" | "X" | "o" => {
                        pick(rng, &["0", "1", "-1", "255", "2^31", "1.7", "-1.7", "'12'", "'x'"]).to_owned()
                    }
                    _ => number(rng),
                });
            }
            if one_in(rng, 8) {
                values.pop();
            }
            format!("return string.format('{format}',{})", values.join(",")).replace(",)", ")")
        }
    }
}

fn pattern(rng: &mut Rng) -> String {
    const ITEMS: [&str; 46] = [
        "a", "b", ".", "a*", "a+", "a-", "a?", ".*", ".-", ".+", "%a", "%d*", "%w+", "%s", "%S-", "%p", "%x", "%z",
        "%l?", "%u", "%c", "[ab]", "[^a]", "[a-c]+", "[%a_]*", "[]]", "[^]]", "[a-]", "(", ")", "()", "(a)", "(.-)",
        "(%w+)", "%1", "%2", "%b()", "%bxy", "%f[%w]", "^", "$", "%.", "%%", "[", "%", "%f",
    ];
    let mut pattern = String::new();
    if one_in(rng, 4) {
        pattern.push('^');
    }
    for _ in 0..1 + rng.below(5) {
        pattern.push_str(pick(rng, &ITEMS));
    }
    if one_in(rng, 5) {
        pattern.push('$');
    }
    if one_in(rng, 25) {
        pattern.push('\0');
        pattern.push('a');
    }
    let length = rng.below(14);
    let subject: Vec<u8> = (0..length).map(|_| b"aaabbcA1 _(x)y.%\0\n]"[rng.below(19) as usize]).collect();
    let (subject, pattern) = (literal(&subject), literal(pattern.as_bytes()));
    match rng.below(6) {
        0 => format!("return string.find({subject},{pattern})"),
        1 => format!("return string.find({subject},{pattern},{})", rng.below(12) as i64 - 5),
        2 => format!("return string.match({subject},{pattern},{})", rng.below(12) as i64 - 5),
        3 => format!(
            "local r = {{}} for a, b, c in string.gmatch({subject},{pattern}) do r[#r+1] = {{a, b, c}} end return r"
        ),
        _ => {
            let replacement = match rng.below(7) {
                0 => "function(a, b) return b end".to_owned(),
                1 => "{a='x', b=false, c=5, aa=true}".to_owned(),
                2 => "function() return {} end".to_owned(),
                3 => argument(rng),
                4 => "setmetatable({}, {__index = function(t, k) return k .. k end})".to_owned(),
                _ => format!("'{}'", pick(rng, &["", "x", "%0", "%1", "<%1%2>", "%%", "%", "%9", "a%zb", "%0%0"])),
            };
            let count = if one_in(rng, 3) { format!(",{}", rng.below(4) as i64 - 1) } else { String::new() };
            format!("return string.gsub({subject},{pattern},{replacement}{count})")
        }
    }
}

fn table(rng: &mut Rng) -> String {
    let count = rng.below(8);
    let items: Vec<String> = (0..count)
        .map(|_| match rng.below(6) {
            0 => text(rng),
            1 if one_in(rng, 4) => argument(rng),
            _ => rng.below(20).to_string(),
        })
        .collect();
    let list = items.join(",");
    // A server would move a billion of values to insert one at -2^31.
    let place = |rng: &mut Rng| match rng.below(12) {
        0 => pick(rng, &["nil", "'2'", "'x'", "{}", "1.7", "true", "0/0"]).to_owned(),
        _ => (rng.below(12) as i64 - 2).to_string(),
    };
    match rng.below(9) {
        0 => format!("return table.concat({{{list}}},{},{},{})", text(rng), place(rng), place(rng)),
        1 => format!("local t = {{{list}}} table.insert(t,{},{}) return t", place(rng), place(rng)),
        2 => format!("local t = {{{list}}} return table.remove(t,{}), t", place(rng)),
        3 => format!("local t = {{{list}}} table.sort(t) return t"),
        4 => {
            format!("local t = {{{list}}} table.sort(t, function(a, b) return tostring(a) > tostring(b) end) return t")
        }
        5 => format!("return table.maxn({{{list}, [{}]=1}}), table.getn({{{list}}})", place(rng)),
        6 => format!("return unpack({{{list}}},{},{})", place(rng), place(rng)).replace("2^", "1+"),
        7 => {
            let function =
                pick(rng, &["concat", "foreach", "foreachi", "getn", "insert", "maxn", "remove", "setn", "sort"]);
            format!("return table.{function}({},{})", argument(rng), place(rng))
        }
        _ => format!("return select({},{list})", place(rng)).replace(",)", ")"),
    }
}

const BASE_FUNCTIONS: &[&str] = &[
    "assert",
    "error",
    "getmetatable",
    "setmetatable",
    "ipairs",
    "next",
    "pairs",
    "pcall",
    "rawequal",
    "rawget",
    "rawset",
    "select",
    "tonumber",
    "type",
    "unpack",
    "xpcall",
    "loadstring",
    "load",
    "collectgarbage",
];

fn base_functions(rng: &mut Rng) -> String {
    match rng.below(10) {
        0 => format!(
            "return math.{}({})",
            pick(rng, &["floor", "ceil", "abs", "fmod", "mod", "modf", "frexp", "ldexp", "max", "min", "pow", "sqrt"]),
            arguments(rng, 3)
        ),
        1 => format!(
            "math.randomseed({}) return math.random(), math.random({}), math.random(5, 20)",
            number(rng),
            1 + rng.below(50)
        ),
        2 => format!("math.randomseed(7) return math.random({})", arguments(rng, 3)),
        3 => {
            let function = pick(rng, BASE_FUNCTIONS);
            format!("return {function}({})", arguments(rng, 3)).replace("2^", "1+").replace("1e300", "3")
        }
        4 => format!(
            "return redis.{}({})",
            pick(rng, &["error_reply", "status_reply", "sha1hex", "setresp"]),
            arguments(rng, 2)
        ),
        5 => format!(
            "return {} {} {}",
            argument(rng),
            pick(rng, &["+", "-", "*", "/", "%", "^", "==", "<", "<=", "~=", "and", "or"]),
            argument(rng)
        ),
        6 => format!("return loadstring({})", literal(&bytes(rng, 8))),
        7 => {
            const SOURCES: [&str; 12] = [
                "return 1",
                "x = 1",
                "return (",
                "for i = 1 do end",
                "local a = 'x",
                "return [==[ x ]=] ]==]",
                "goto x",
                "--[[ x",
                "return 0x",
                "return 1..2",
                "break",
                "return '\\300'",
            ];
            format!("local f, e = loadstring({}) return e or f()", literal(pick(rng, &SOURCES).as_bytes()))
        }
        8 => format!("return tostring({}), tonumber({}), #{}", number(rng), argument(rng), text(rng)),
        _ => format!(
            "local c = coroutine.create(function(...) local a = coroutine.yield(...) error(a) end) \
             return coroutine.resume(c,{}), coroutine.resume(c,{}), coroutine.status(c), coroutine.resume(c)",
            argument(rng),
            argument(rng)
        ),
    }
}
