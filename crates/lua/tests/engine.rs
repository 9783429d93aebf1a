//! What scripts are and do here: the sandbox, values both ways, errors, interrupts.

mod support;

use lua::{Call, Engine, Failure, Purpose};
use support::{TestHost, Text, run, run_on, settings};

#[test]
fn values_come_back_as_replies() {
    for (script, reply) in [
        ("return 1", "1"),
        ("return 3.99", "3"),
        ("return -3.99", "-3"),
        ("return 1e300", "-9223372036854775808"),
        ("return 'a\\0b'", "\"a\\x00b\""),
        ("return {1,2,nil,3}", "[1, 2]"),
        ("return {1,{2,{3,'x'}},true,false,1.5}", "[1, [2, [3, \"x\"]], true, false, 1]"),
        ("return {1,{},function() end,3}", "[1, [], nil, 3]"),
        ("return {ok='fine'}", "+fine"),
        ("return {err='MY error'}", "-MY error"),
        ("return {err=5,ok='x',1,2}", "+x"),
        ("return {err='a\\0b', 1}", "-a"),
        ("return {double=3.5}", ",3.5"),
        ("return {big_number='12'}", "(12"),
        ("return {verbatim_string={format='txt',string='s'}}", "=txt:s"),
        ("return {map={a={map={}}}}", "%{\"a\", %{}}"),
        ("return {map={[{1}]={2}}}", "%{[1], [2]}"),
        ("return {set={a=true}}", "~{\"a\"}"),
        ("return {x=1}", "[]"),
        ("return", "nil"),
        ("return KEYS[1]..ARGV[2]..#ARGV", "\"key72\""),
        ("return {1, {err='q'}, {ok='z'}}", "[1, -q, +z]"),
    ] {
        assert_eq!(run(script), reply, "{script}");
    }
}

#[test]
fn errors_are_worded_as_redis_words_them() {
    for (script, error) in [
        ("x = = 1", "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '='"),
        ("\n\nfoo=1", "-ERR user_script:3: Attempt to modify a readonly table script: on @user_script:3."),
        (
            "return foo",
            "-ERR user_script:1: Script attempted to access nonexistent global variable 'foo' script: on @user_script:1.",
        ),
        ("error('x')", "-ERR user_script:1: x script: on @user_script:1."),
        ("error({err='abc', ok='y'})", "-abc script: on @user_script:1."),
        ("error({})", "-ERR unknown error script: on @user_script:1."),
        ("error()", "-ERR nil script: on @user_script:1."),
        ("local x; x.y = 1", "-ERR user_script:1: attempt to index local 'x' (a nil value) script: on @user_script:1."),
        ("redis.call('fail')", "-WRONG what script: on @user_script:1."),
        ("return redis.pcall('fail')", "-WRONG what"),
        ("return {pcall(redis.call, 'fail')}", "[false, \"WRONG what\"]"),
        (
            "redis.call()",
            "-ERR Please specify at least one argument for this redis lib call script: on @user_script:1.",
        ),
        (
            "redis.call({})",
            "-ERR Lua redis lib command arguments must be strings or integers script: on @user_script:1.",
        ),
        ("loadstring('foo=1')()", "-ERR [string \"foo=1\"]:1: Attempt to modify a readonly table script: on foo=1:1."),
        ("return {pcall(string.rep)}", "[false, \"bad argument #1 to '?' (string expected, got no value)\"]"),
    ] {
        assert_eq!(run(script), error, "{script}");
    }
}

#[test]
fn commands_get_words_and_give_values() {
    for (script, reply) in [
        ("return redis.call('ping').ok", "\"PONG\""),
        ("return redis.call('list', 1, 2.5, 'x', 1e20, 0.1, -0)", "[\"1\", \"2.5\", \"x\", \"1e+20\", \"0.1\", \"0\"]"),
        ("return redis.call('list')", "[]"),
        ("return redis.call('map', 'a', 'b').map.a", "\"b\""),
        ("return redis.call('set', 'a').set.a", "true"),
        ("local r = redis.call('nest') return {r, r[1].map.k[2].double, #r}", "[[%{\"k\", [~{}, ,2.5]}], 2, 3]"),
        ("return redis.call('nest')[3].verbatim_string.string", "\"text\""),
        ("return redis.call('null')", "false"),
        ("return redis.call('big').big_number", "\"12345678901234567890\""),
        ("return redis.call('nothing')", "nil"),
        ("return redis.call('nosuch')", "-ERR Unknown Redis command called from script script: on @user_script:1."),
    ] {
        assert_eq!(run(script), reply, "{script}");
    }
}

#[test]
fn what_scripts_share_cannot_be_changed() {
    for script in [
        "redis.call = 1",
        "redis = 1",
        "string.x = 1",
        "_G.x = 1",
        "_G._G = 1",
        "KEYS = 1",
        "rawset(_G, 'x', 1)",
        "rawset(redis, 'call', 1)",
        "table.insert(redis, 1)",
        "setmetatable(_G, {})",
        "setmetatable(redis, {__index = 1})",
        "getmetatable('').__index = 1",
        "getmetatable(_G).__index = 1",
        "rawset(getmetatable(''), '__index', 1)",
        "loadstring('redis.call = 1')()",
        "setmetatable({}, {__newindex = _G}).x = 1",
        "getmetatable('').__index.x = 1",
    ] {
        let error = run(script);
        assert!(error.contains("Attempt to modify a readonly table"), "{script}: {error}");
    }
    // What is behind a view does not come out of it.
    for script in [
        "for k, v in pairs(_G) do if v == _G then return k end end",
        "return getmetatable('').__index == string and '_G'",
        "return _G._G == _G and rawget(_G, '_G') == _G and '_G'",
        "local f, t, k = pairs(redis) return t == redis and '_G'",
        "return getmetatable(redis) == nil and '_G'",
        "return next(getmetatable(_G)) == '__index' and '_G'",
    ] {
        assert_eq!(run(script), "\"_G\"", "{script}");
    }
}

#[test]
fn the_names_are_those_of_redis() {
    let script = "local r = {} for k in pairs(_G) do r[#r + 1] = k end table.sort(r) return table.concat(r, ' ')";
    let names = "\"ARGV KEYS _G _VERSION assert bit cjson cmsgpack collectgarbage coroutine error gcinfo getmetatable \
                 ipairs load loadstring math next os pairs pcall rawequal rawget rawset redis select server setmetatable \
                 string struct table tonumber tostring type unpack xpcall\"";
    assert_eq!(run(script), names);
}

#[test]
fn an_engine_is_as_it_was_after_each_script() {
    let mut engine = Engine::new(settings(Purpose::Scripts));
    let mut host = TestHost::default();
    run_on(&mut engine, b"collectgarbage('stop') collectgarbage('setpause', 5)", &mut host);
    assert_eq!(run_on(&mut engine, b"return collectgarbage('setpause', 5)", &mut host), "200");
    engine.collect();
    let before = engine.memory();
    for _ in 0..1_000 {
        run_on(&mut engine, b"local t = {} for i = 1, 100 do t[i] = {i .. 'x'} end return #t", &mut host);
    }
    engine.collect();
    assert!(engine.memory() < before + 16_000, "{} after {before}", engine.memory());
}

#[test]
fn a_chunk_runs_again_and_again() {
    let mut engine = Engine::new(settings(Purpose::Scripts));
    let mut host = TestHost::default();
    let chunk = engine.compile("user_script", b"KEYS[1] = KEYS[1] .. 'x' return KEYS[1] .. ARGV[1]").expect("a script");
    for number in 0..10 {
        let (key, argument) = (format!("key{number}"), number.to_string());
        let call = Call { keys: &[key.as_bytes()], arguments: &[argument.as_bytes()] };
        let mut results = Text::default();
        engine.call(&chunk, call, &mut host, &mut results).expect("it runs");
        assert_eq!(results.line, format!("\"key{number}x{number}\""));
    }
    engine.release(chunk);
}

#[test]
fn nothing_catches_the_end_of_a_script() {
    for script in [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() while true do end end) end",
        "while true do coroutine.wrap(function() while true do end end)() end",
        "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
        "local function f() coroutine.wrap(f)() coroutine.wrap(f)() end while true do pcall(f) end",
        "local function f() pcall(f) pcall(f) end f()",
        "while true do load(function() while true do end end) end",
        "while true do pcall(load, function() return 'x = ' end) end",
        "while true do pcall(redis.call, 'ping') end",
        "while true do collectgarbage() end",
        "setmetatable({}, {__index = function() while true do end end}).x = nil local t = setmetatable({}, \
         {__index = function() while true do end end}) while true do pcall(function() return t.x end) end",
        "table.sort({1, 2, 3}, function() while true do end end)",
    ] {
        let mut host = TestHost { interrupts_left: 20, ..TestHost::default() };
        let error = run_on(&mut Engine::new(settings(Purpose::Scripts)), script.as_bytes(), &mut host);
        assert!(error.starts_with("-ERR ERR Error: killed by the test"), "{script}: {error}");
        assert!(host.interrupts < 50, "{script}");
    }
}

#[test]
fn a_script_that_was_ended_runs_nothing_more() {
    let mut engine = Engine::new(settings(Purpose::Scripts));
    let chunk = engine
        .compile("user_script", b"xpcall(function() while true do end end, redis.call) redis.call('ping')")
        .expect("a script");
    let mut host = TestHost { interrupts_left: 3, ..TestHost::default() };
    let error = engine.call(&chunk, Call::default(), &mut host, &mut Text::default()).expect_err("it was ended");
    assert_eq!((error.failure, error.line, host.calls), (Failure::Killed, Some(1), 0));
    let again = run_on(&mut engine, b"return redis.call('ping')", &mut TestHost::default());
    assert_eq!(again, "+PONG");
    engine.release(chunk);
}
