//! A host for tests: commands that need no server, and results as one line of text.

#![allow(dead_code, reason = "each test uses a part of it")]

use lua::{Call, CompileError, Engine, Host, Interrupt, Purpose, Push, Results, ScriptError, Settings};

/// What the reference has scripts see.
pub fn settings(purpose: Purpose) -> Settings {
    Settings { purpose, memory_max: 64 << 20, version: "8.2.3", version_number: 0x0008_0203 }
}

/// Runs a script on an engine of its own.
pub fn run(script: &str) -> String {
    run_on(&mut Engine::new(settings(Purpose::Scripts)), script.as_bytes(), &mut TestHost::default())
}

/// Runs a script; what it returns, or its error after a minus.
pub fn run_on(engine: &mut Engine, script: &[u8], host: &mut dyn Host) -> String {
    let chunk = match engine.compile("user_script", script) {
        Ok(chunk) => chunk,
        Err(CompileError(text)) => return format!("-ERR Error compiling script (new function): {}", shown(&text)),
    };
    let mut results = Text::default();
    let call = Call { keys: &[b"key"], arguments: &[b"argument", b"7"] };
    let outcome = engine.call(&chunk, call, host, &mut results);
    engine.release(chunk);
    match outcome {
        Ok(()) => results.line,
        Err(error) => format!("-{}", described(&error)),
    }
}

/// An error as the reference words it, without the hash of the script.
pub fn described(error: &ScriptError) -> String {
    let mut text = shown(&error.message);
    if let (Some(source), Some(line)) = (&error.source, error.line) {
        text.push_str(&format!(" script: on {}:{line}.", shown(source)));
    }
    text
}

/// Bytes as text: what is not printable as `\xNN`.
pub fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => text.push_str(&format!("\\x{byte:02x}")),
        }
    }
    text
}

/// Knows a few commands, and ends a script that has been asked about too often.
pub struct TestHost {
    pub interrupts_left: u32,
    pub interrupts: u32,
    pub calls: u32,
    pub log: Vec<String>,
    pub resp: u8,
}

impl Default for TestHost {
    fn default() -> TestHost {
        TestHost { interrupts_left: u32::MAX, interrupts: 0, calls: 0, log: Vec::new(), resp: 2 }
    }
}

impl Host for TestHost {
    fn call(&mut self, words: &[&[u8]], reply: &mut Push<'_, '_>) {
        self.calls += 1;
        match (words[0].to_ascii_lowercase().as_slice(), &words[1..]) {
            (b"ping", []) => reply.status(b"PONG"),
            (b"echo", [word]) => reply.bulk(word),
            (b"len", words) => reply.integer(words.len() as i64),
            (b"list", words) => {
                reply.array(words.len());
                words.iter().for_each(|word| reply.bulk(word));
            }
            (b"map", words) => {
                reply.map(words.len() / 2);
                words.iter().for_each(|word| reply.bulk(word));
            }
            (b"set", words) => {
                reply.set(words.len());
                words.iter().for_each(|word| reply.bulk(word));
            }
            (b"nest", []) => {
                reply.array(3);
                reply.map(1);
                reply.bulk(b"k");
                reply.array(2);
                reply.set(0);
                reply.double(2.5);
                reply.nil();
                reply.verbatim(b"txt", b"text");
            }
            (b"null", []) => reply.boolean(false),
            (b"big", []) => reply.big_number(b"12345678901234567890"),
            (b"fail", []) => reply.error(b"WRONG what", true),
            (b"nothing", []) => {}
            _ => reply.error(b"ERR Unknown Redis command called from script", true),
        }
    }

    fn interrupt(&mut self) -> Interrupt {
        self.interrupts += 1;
        match self.interrupts_left.checked_sub(1) {
            Some(left) => {
                self.interrupts_left = left;
                Interrupt::Continue
            }
            None => Interrupt::Kill("ERR Error: killed by the test"),
        }
    }

    fn log(&mut self, level: u8, text: &[u8]) {
        self.log.push(format!("{level} {}", shown(text)));
    }

    fn set_resp(&mut self, version: u8) {
        self.resp = version;
    }

    fn set_repl(&mut self, _: u8) {}

    fn may_run(&mut self, words: &[&[u8]]) -> Option<bool> {
        (words[0] == b"get").then_some(true)
    }
}

/// Results as text: `[1, "two", +three, -four]`.
#[derive(Default)]
pub struct Text {
    pub line: String,
    /// For each container that is open: what is missing, and what ends it.
    open: Vec<(usize, char)>,
}

impl Text {
    fn value(&mut self, text: &str) {
        self.line.push_str(text);
        self.done();
    }

    fn done(&mut self) {
        while let Some((missing, end)) = self.open.last_mut() {
            *missing -= 1;
            if *missing > 0 {
                self.line.push_str(", ");
                return;
            }
            self.line.push(*end);
            self.open.pop();
        }
    }

    fn begin(&mut self, start: &str, end: char, values: usize) {
        self.line.push_str(start);
        if values == 0 {
            self.line.push(end);
            self.done();
        } else {
            self.open.push((values, end));
        }
    }
}

impl Results for Text {
    fn nil(&mut self) {
        self.value("nil");
    }

    fn boolean(&mut self, value: bool) {
        self.value(&value.to_string());
    }

    fn integer(&mut self, value: i64) {
        self.value(&value.to_string());
    }

    fn bulk(&mut self, bytes: &[u8]) {
        self.value(&format!("\"{}\"", shown(bytes)));
    }

    fn status(&mut self, text: &[u8]) {
        self.value(&format!("+{}", shown(text)));
    }

    fn error(&mut self, text: &[u8], _: bool) {
        self.value(&format!("-{}", shown(text)));
    }

    fn double(&mut self, value: f64) {
        self.value(&format!(",{value}"));
    }

    fn big_number(&mut self, text: &[u8]) {
        self.value(&format!("({}", shown(text)));
    }

    fn verbatim(&mut self, format: &[u8], text: &[u8]) {
        self.value(&format!("={}:{}", shown(format), shown(text)));
    }

    fn array(&mut self, length: usize) {
        self.begin("[", ']', length);
    }

    fn map(&mut self, pairs: usize) {
        self.begin("%{", '}', 2 * pairs);
    }

    fn set(&mut self, members: usize) {
        self.begin("~{", '}', members);
    }
}

/// A script that returns as one text what a piece of a script returns or raises, with types and all digits. The piece
/// begins in its first line.
pub fn shown_script(piece: &str) -> String {
    const SHOW: &str = r#"
end
local function show(value, depth)
  local kind = type(value)
  if kind == 'number' then return string.format('%.17g', value) end
  if kind == 'string' then
    local shown = string.gsub(value, '[%c"\\\127-\255]', function(c) return string.format('\\%d', string.byte(c)) end)
    return '"' .. shown .. '"'
  end
  if kind ~= 'table' then return value == cjson.null and 'null' or kind == 'boolean' and tostring(value) or kind end
  if depth > 40 then return '...' end
  local parts = {}
  for k, v in pairs(value) do parts[#parts + 1] = show(k, depth + 1) .. '=' .. show(v, depth + 1) end
  table.sort(parts)
  return '{' .. table.concat(parts, ',') .. '}'
end
local function all(...)
  local parts = {}
  for i = 1, select('#', ...) do parts[i] = show((select(i, ...)), 0) end
  return table.concat(parts, ' ')
end
return all(pcall(piece))
"#;
    format!("local function piece() {piece}{SHOW}")
}
