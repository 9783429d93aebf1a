//! Tests of reading commands. The tables were observed on Redis 8.2.3.

use super::*;
use crate::client::encode_command;
use base::rng::Rng;

type Command = Vec<Vec<u8>>;

/// What a stream comes to: its commands, then an error or none, and how many bytes are left unread.
type Outcome = (Vec<Command>, Option<ProtocolError>, usize);

/// Feeds `pieces` as a connection would, one read each, and checks what every call promises.
fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Outcome {
    let (mut parser, mut args) = (RequestParser::default(), Vec::new());
    let (mut buffer, mut commands) = (Vec::new(), Vec::new());
    // What the last `Incomplete` said: the command cannot end before.
    let mut need = 0;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            let consumed = match parser.parse(&mut buffer, limits, &mut args) {
                Ok(Status::Complete { consumed }) => {
                    assert!(!args.is_empty());
                    assert!(args.iter().all(|arg| arg.start <= arg.end && arg.end < consumed));
                    assert!(args.windows(2).all(|pair| pair[0].end < pair[1].start));
                    commands.push(args.iter().map(|arg| arg.of(&buffer).to_vec()).collect());
                    consumed
                }
                Ok(Status::Empty { consumed }) => consumed,
                Ok(Status::Incomplete { need: more }) => {
                    assert!(more > buffer.len(), "needs {more}, has {}", buffer.len());
                    need = more;
                    break;
                }
                Err(error) => return (commands, Some(error), buffer.len()),
            };
            assert!(consumed >= need && consumed <= buffer.len());
            need = 0;
            buffer.drain(..consumed);
        }
    }
    (commands, None, buffer.len())
}

fn parse_whole(stream: &[u8]) -> Outcome {
    feed([stream], &Limits::default())
}

fn command(args: &[&[u8]]) -> Command {
    args.iter().map(|arg| arg.to_vec()).collect()
}

#[track_caller]
fn check_error(stream: &[u8], limits: &Limits, text: &str) {
    let (commands, error, _) = feed([stream], limits);
    let error = error.unwrap_or_else(|| panic!("{:?} is accepted", stream.escape_ascii().to_string()));
    assert_eq!((commands.len(), error.to_string().as_str()), (0, text));
}

#[test]
fn broken_requests_get_the_text_of_redis() {
    let unauthenticated = Limits { authenticated: false, ..Limits::default() };
    for count in ["", "a", "1x", " 1", "+1", "01", "00", "-0", "-", "1-", "2147483648", "9223372036854775808"] {
        let stream = format!("*{count}\r\n");
        check_error(stream.as_bytes(), &Limits::default(), "Protocol error: invalid multibulk length");
        check_error(stream.as_bytes(), &unauthenticated, "Protocol error: invalid multibulk length");
    }
    check_error(b"*-9999999999999999999999\r\n", &Limits::default(), "Protocol error: invalid multibulk length");
    for len in ["", "-1", "+4", "04", "4x", " 4", "-0", "536870913", "9223372036854775808", "99999999999999999999999"] {
        let stream = format!("*1\r\n${len}\r\n");
        check_error(stream.as_bytes(), &Limits::default(), "Protocol error: invalid bulk length");
        check_error(stream.as_bytes(), &unauthenticated, "Protocol error: invalid bulk length");
    }
    for (line, got) in [("+4", '+'), ("PING", 'P'), ("", '\r'), ("\n", '\n'), ("'", '\'')] {
        let text = format!("Protocol error: expected '$', got '{got}'");
        check_error(format!("*1\r\n{line}\r\n").as_bytes(), &Limits::default(), &text);
    }
    let quotes = "Protocol error: unbalanced quotes in request";
    for line in [r#""a"b"#, "'a'b", r#""a"#, r#"a"b"#, r#"a"b c"d"#, r#""a\"#, r#""a\""#, "'", r"'a\'"] {
        check_error(format!("ECHO {line}\r\n").as_bytes(), &Limits::default(), quotes);
    }
}

#[test]
fn before_authentication_commands_must_be_small() {
    let limits = Limits { authenticated: false, ..Limits::default() };
    check_error(b"*11\r\n", &limits, "Protocol error: unauthenticated multibulk length");
    check_error(b"*0\r\n*11\r\n", &limits, "Protocol error: unauthenticated multibulk length");
    check_error(b"*1\r\n$16385\r\n", &limits, "Protocol error: unauthenticated bulk length");
    for stream in [b"*10\r\n".as_slice(), b"*1\r\n$16384\r\n", b"*-11\r\n"] {
        assert_eq!(feed([stream], &limits).1, None);
    }
    // Inline commands are not restricted.
    let inline = b"PING ".iter().chain(b"a ".repeat(20).iter()).chain(b"\n").copied().collect::<Vec<_>>();
    assert_eq!(feed([inline.as_slice()], &limits).0[0].len(), 21);
}

#[test]
fn the_offending_byte_is_reported_as_it_is() {
    let (_, error, _) = parse_whole(b"*1\r\n\xff\r\n");
    let mut text = Vec::new();
    error.expect("not a $").append_to(&mut text);
    assert_eq!(text, b"Protocol error: expected '$', got '\xff'");
}

#[test]
fn lines_end_in_time_or_fail() {
    const MAX: usize = 64 * 1024;
    let line = |head: &str, fill: u8, total: usize| {
        let mut line = head.as_bytes().to_vec();
        line.resize(total, fill);
        line
    };
    // Without an end, a line fails with its byte number 65,537.
    for (head, skipped, fill, text) in [
        ("", 0, b'a', "too big inline request"),
        ("", 0, b' ', "too big inline request"),
        ("", 0, 0, "too big inline request"),
        ("a\0", 0, b'a', "too big inline request"),
        ("*", 0, b'1', "too big mbulk count string"),
        ("*\0", 0, b'\r', "too big mbulk count string"),
        ("*1\r\n$", 4, b'1', "too big bulk count string"),
        ("*1\r\n", 4, b'x', "too big bulk count string"),
        ("*1\rx", 4, b'x', "too big bulk count string"),
    ] {
        assert_eq!(parse_whole(&line(head, fill, skipped + MAX)).1, None, "{head:?}");
        check_error(&line(head, fill, skipped + MAX + 1), &Limits::default(), &format!("Protocol error: {text}"));
    }
    let mut inline = line("ECHO ", b'a', MAX);
    inline.push(b'\n');
    assert_eq!(parse_whole(&inline).0, [command(&[b"ECHO", &inline[5..MAX]])]);
    inline.insert(5, b'a');
    check_error(&inline, &Limits::default(), "Protocol error: too big inline request");
}

#[test]
fn what_redis_lets_pass_passes() {
    let ping = || command(&[b"PING"]);
    for stream in [
        b"*1\r\n$4\r\nPING\r\n".as_slice(),
        b"*1\rX$4\rYPINGxy",
        b"*0\r\nPING\r\n",
        b"*-1\r\nPING\n",
        b"*-9223372036854775808\r\nPING\r\n",
        b"\r\nPING\r\n",
        b"\n \t\x0b\x0c\r\r\nPING\r\r\n",
    ] {
        assert_eq!(parse_whole(stream), (vec![ping()], None, 0), "{}", stream.escape_ascii());
    }
    for unfinished in [
        b"*1\n$4\nPING\n".as_slice(),
        b"*\x001\r\n",
        b"*1\r\n$4\0\r\n",
        b"\0\r\nPING\r\n",
        b"*2147483647\r\n",
        b"*1\r\nx",
    ] {
        let (commands, error, _) = parse_whole(unfinished);
        assert_eq!((commands.len(), error), (0, None), "{}", unfinished.escape_ascii());
    }
    assert_eq!(parse_whole(b"*1\r\n$0\r\n\r\n").0, [command(&[b""])]);
    assert_eq!(parse_whole(b"$4\r\nPING\r\n").0, [command(&[b"$4"]), ping()]);
}

#[test]
fn inline_commands_are_split_as_redis_does() {
    for (line, expected) in [
        (r#""a b""#.as_bytes(), vec![b"a b".as_slice()]),
        (br#""a\x41\n\r\t\b\a\q\"\\\xzz""#, vec![b"aA\n\r\t\x08\x07q\"\\xzz"]),
        (br#""\xfF\X41\x4""#, vec![b"\xffX41x4"]),
        (br#"'a\'b\n"'"#, vec![br#"a'b\n""#]),
        (br#"a"b c" d'e'"#, vec![b"ab c", b"de"]),
        (br#""" ''"#, vec![b"", b""]),
        (br"a\nb", vec![br"a\nb"]),
        (b"a\rb\x0b\x0cc", vec![b"a", b"b\x0b\x0cc"]),
        (b"\"a\"\x0b'b'\x0c", vec![b"a", b"b"]),
        (b"", vec![]),
    ] {
        let stream = [b" ECHO ", line, b" \r\n"].concat();
        let expected = command(&[&[b"ECHO".as_slice()], expected.as_slice()].concat());
        assert_eq!(parse_whole(&stream), (vec![expected], None, 0), "{}", line.escape_ascii());
    }
}

#[test]
fn any_two_cuts_give_the_same_commands() {
    let limits = Limits { max_inline: 24, max_bulk_len: 40, ..Limits::default() };
    for stream in [
        b"*2\r\n$3\r\nGET\r\n$12\r\nabcdefghijkl\r\nPING\r\n\r\n*0\r\n*1\r\n$0\r\n\r\n".as_slice(),
        b"ECHO \"a\\x41 b\" 'c'\n*-1\r\n*1\rx$1\ryzzz SET a b\r\n*1\r\n$41\r\n",
        b"*1\r\n$4\r\nPING\r\nPING \"\r\n",
        b"*3\r\n$1\r\na\r\n$02\r\nbb\r\n",
        b"PING\n*1000000000000000000000000000000000000\r\n",
        b"*1\r\n$4\r\nPI\0G\r\n*1\r\n$4\0\r\nabcdefghijklmnopqrstuvwxyz",
        b"*1\r\n$1\r\na\r\nabcdefghijklmnopqrstuvwxyzabc",
    ] {
        let whole = feed([stream], &limits);
        for i in 0..=stream.len() {
            for j in i..=stream.len() {
                let cut = feed([&stream[..i], &stream[i..j], &stream[j..]], &limits);
                assert_eq!((&cut.0, cut.1), (&whole.0, whole.1), "cut at {i} and {j}");
            }
        }
        let by_byte = feed(stream.chunks(1), &limits);
        assert_eq!((by_byte.0, by_byte.1), (whole.0, whole.1));
    }
}

#[test]
fn a_big_bulk_says_how_much_is_missing_from_the_start() {
    let value = vec![b'v'; 1_000_000];
    let mut stream = Vec::new();
    encode_command(&mut stream, &[b"SET", b"k", &value]);
    let (mut parser, mut args) = (RequestParser::default(), Vec::new());
    let header = stream.len() - value.len() - 2;
    for end in (header..stream.len()).step_by(1000) {
        let status = parser.parse(&mut stream[..end], &Limits::default(), &mut args);
        assert_eq!(status, Ok(Status::Incomplete { need: stream.len() }));
        assert_eq!((parser.big_bulk(), args.len()), (Some(stream.len()), 2));
    }
    let consumed = stream.len();
    let status = parser.parse(&mut stream, &Limits::default(), &mut args);
    assert_eq!(status, Ok(Status::Complete { consumed }));
    assert_eq!((args[2].of(&stream), args[2].len()), (value.as_slice(), value.len()));
    assert_eq!(parser.big_bulk(), None);
}

#[test]
fn absurd_limits_do_not_overflow() {
    let limits =
        Limits { max_bulk_len: u64::MAX, max_multibulk: u64::MAX, max_inline: usize::MAX, authenticated: true };
    let stream = format!("*{0}\r\n${0}\r\nabc", i64::MAX).into_bytes();
    for split in 0..stream.len() {
        assert_eq!(feed([&stream[..split], &stream[split..]], &limits), (vec![], None, stream.len()));
    }
}

#[test]
fn reset_begins_anew() {
    let (mut parser, mut args) = (RequestParser::default(), Vec::new());
    let status = parser.parse(&mut b"*3\r\n$3\r\nSET\r\n$5\r\nab".to_vec(), &Limits::default(), &mut args);
    assert_eq!(status, Ok(Status::Incomplete { need: 24 }));
    parser.reset();
    let status = parser.parse(&mut b"PING\n".to_vec(), &Limits::default(), &mut args);
    assert_eq!(status, Ok(Status::Complete { consumed: 5 }));
    assert_eq!(args, [Arg { start: 0, end: 4 }]);
}

#[test]
fn browsers_are_recognized() {
    for name in [b"POST".as_slice(), b"post", b"Host:", b"hOST:", b"post\0x"] {
        assert!(is_cross_protocol_attack(name));
    }
    for name in [b"HOST".as_slice(), b"HOST:x", b"POSTS", b"", b"\0post"] {
        assert!(!is_cross_protocol_attack(name));
    }
}

fn below(rng: &mut Rng, bound: usize) -> usize {
    rng.below(bound as u64) as usize
}

/// A pipeline of random commands in both forms, and what it should come to.
fn random_stream(rng: &mut Rng) -> (Vec<u8>, Vec<Command>) {
    let (mut stream, mut commands) = (Vec::new(), Vec::new());
    for _ in 0..below(rng, 6) {
        let args: Command = (0..1 + below(rng, 5))
            .map(|_| {
                let len = if below(rng, 12) == 0 { below(rng, 2000) } else { below(rng, 14) };
                (0..len).map(|_| rng.next_u64() as u8).collect()
            })
            .collect();
        if below(rng, 3) > 0 {
            encode_command(&mut stream, &args.iter().map(Vec::as_slice).collect::<Vec<_>>());
        } else {
            for arg in &args {
                let escaped: String = arg.iter().map(|byte| format!("\\x{byte:02x}")).collect();
                stream.extend_from_slice(format!("\"{escaped}\" ").as_bytes());
            }
            stream.extend_from_slice(if below(rng, 2) == 0 { b"\r\n" } else { b"\n" });
        }
        commands.push(args);
    }
    (stream, commands)
}

/// Cuts a stream at random: many small pieces or a few big ones.
fn random_cuts<'a>(rng: &mut Rng, mut stream: &'a [u8]) -> Vec<&'a [u8]> {
    let magnitude = below(rng, 11);
    let longest = 1 + below(rng, 1 << magnitude);
    let mut pieces = Vec::new();
    while !stream.is_empty() {
        let (piece, rest) = stream.split_at(stream.len().min(1 + below(rng, longest)));
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

#[test]
fn inline_splitting_agrees_with_the_copying_splitter() {
    let mut rng = Rng::seed(3);
    for _ in 0..20_000 {
        let mut line: Vec<u8> =
            (0..below(&mut rng, 12)).map(|_| b"ab1\"'\\x \t\r\n\xff"[below(&mut rng, 12)]).collect();
        let expected = base::text::split_args(&line);
        let mut args = Vec::new();
        let split = inline::split_in_place(&mut line, &mut args).ok();
        let found = split.map(|()| args.iter().map(|arg| arg.of(&line).to_vec()).collect::<Vec<_>>());
        assert_eq!(found, expected, "{}", line.escape_ascii());
    }
}

#[test]
fn random_pipelines_come_out_as_they_went_in() {
    let mut rng = Rng::seed(1);
    for _ in 0..2000 {
        let (stream, commands) = random_stream(&mut rng);
        let pieces = random_cuts(&mut rng, &stream);
        assert_eq!(feed(pieces, &Limits::default()), (commands, None, 0));
    }
}

#[test]
fn damaged_pipelines_mean_the_same_however_they_are_cut() {
    let mut rng = Rng::seed(2);
    let (mut failed, mut passed) = (0, 0);
    for _ in 0..20_000 {
        let (mut stream, _) = random_stream(&mut rng);
        for _ in 0..below(&mut rng, 4) {
            let at = below(&mut rng, stream.len() + 1);
            match below(&mut rng, 4) {
                0 if at < stream.len() => stream[at] = b"\r\n*$0129-+\"'\\ \0x"[below(&mut rng, 16)],
                1 if at < stream.len() => drop(stream.remove(at)),
                2 => stream.insert(at, b"\r\n*$0129-+\"'\\ \0x"[below(&mut rng, 16)]),
                _ => stream.truncate(stream.len().min(at + 40)),
            }
        }
        let limits = Limits {
            max_bulk_len: 1 + below(&mut rng, 3000) as u64,
            max_multibulk: 4 + below(&mut rng, 3) as u64,
            max_inline: if below(&mut rng, 2) == 0 { 40 } else { 64 * 1024 },
            authenticated: below(&mut rng, 4) > 0,
        };
        let whole = feed([stream.as_slice()], &limits);
        let cut = feed(random_cuts(&mut rng, &stream), &limits);
        assert_eq!((&cut.0, cut.1), (&whole.0, whole.1), "{}", stream.escape_ascii());
        if whole.1.is_some() { failed += 1 } else { passed += 1 }
    }
    // The mutations are neither harmless nor always fatal, else this tests nothing.
    assert!(failed > 2000 && passed > 2000, "{failed} failed, {passed} passed");
}
