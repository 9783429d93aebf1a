//! Shards that another thread holds: who needs one of them is made to wait, and nobody else.

use crate::new_server;
use command::session::waiting::Waiting;
use command::{OwnedArgs, Server};
use dispatch::testing::TestServer;
use dispatch::{Flow, Worker, pipeline};
use engine::{LockedKeys, Scope};
use resp::{Proto, ReplyWriter};
use std::sync::mpsc::channel;

/// Does something while another thread holds all shards.
fn while_all_is_held(server: &Server, act: impl FnOnce()) {
    let (held, is_held) = channel();
    let (done, is_done) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut worker = Worker::new(0, server.workers[0].stats.clone(), 0);
            let keys = LockedKeys::lock(&server.keyspace, Scope::All, 0, &mut worker.effects);
            held.send(()).expect("somebody waits for it");
            // Or whoever was to say so has panicked.
            let _ = is_done.recv();
            drop(keys);
        });
        is_held.recv().expect("the shards are to be had");
        act();
        drop(done);
    });
}

/// Runs a command while another thread holds all shards: it must wait. Then it goes on, and its reply is returned.
fn refused_at_first(server: &mut TestServer, line: &str) -> Vec<u8> {
    let words: OwnedArgs = line.split(' ').map(str::as_bytes).collect();
    let mut reply = ReplyWriter::new(Proto::Resp2);
    let (server, worker, session) = server.parts(0);
    while_all_is_held(server, || {
        let flow = pipeline::run_words(server, worker, session, &mut reply, &words.args(), &mut 0);
        assert_eq!((flow, session.waiting.name()), (Flow::Waits, "busy"));
        assert!(reply.out.is_empty(), "nothing is answered yet");
    });
    session.waiting = Waiting::No;
    pipeline::run_words(server, worker, session, &mut reply, &words.args(), &mut 0);
    reply.out.to_vec()
}

#[test]
fn a_command_whose_shard_is_held_is_tried_again_and_runs_once() {
    let _mark = base::marks::expect("a command finds a shard held");
    let mut server = new_server();
    assert_eq!(refused_at_first(&mut server, "INCR n"), b":1\r\n");
    assert_eq!(refused_at_first(&mut server, "MGET n other"), b"*2\r\n$1\r\n1\r\n$-1\r\n");
    assert_eq!(server.journal(), ["0 INCR n"]);
}

#[test]
fn a_transaction_whose_shard_is_held_keeps_its_queue_and_what_it_watches() {
    let _mark = base::marks::expect("a transaction finds a shard held");
    let mut server = new_server();
    for line in ["WATCH n", "MULTI", "INCR n", "INCR n"] {
        server.run(line);
    }
    assert_eq!(refused_at_first(&mut server, "EXEC"), b"*2\r\n:1\r\n:2\r\n");
    assert_eq!(server.show("EXEC"), "(error) ERR EXEC without MULTI");
}

#[test]
fn a_sweep_leaves_shards_that_are_held_for_later() {
    let _mark = base::marks::expect("a sweep passes over a shard that is held");
    let mut server = new_server();
    server.run("SET k v PX 10");
    server.advance_ms(11);
    server.events();
    let (shared, worker, _) = server.parts(0);
    while_all_is_held(shared, || assert_eq!(worker.sweep(shared, 100), 0, "there is more to do"));
    assert!(server.events().is_empty());
    server.sweep();
    assert_eq!(server.events(), ["0 expired k"]);
}

#[test]
fn replies_that_are_off_and_on_again_within_a_transaction_leave_no_hole_in_its_answer() {
    let _mark = base::marks::expect("a command of a transaction has no reply");
    let mut server = new_server();
    for line in ["MULTI", "CLIENT REPLY OFF", "CLIENT REPLY ON"] {
        server.run(line);
    }
    assert_eq!(server.show("EXEC"), "1) (nil)\n2) OK");
}
