//! What is told of one connection: the line of CLIENT LIST.
//!
//! What other workers' clients did in their running turn is not in it yet. About the client that asks, the line
//! tells what the running command adds.

use base::text::c_string;
use command::clients::{ClientInfo, client_flags};
use command::error::lossy;
use command::session::Session;
use command::{Args, Ctx};
use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

/// The letters for a client's state.
pub(super) fn flags(client: &ClientInfo) -> String {
    let on = |flag| client.has_flag(flag);
    let letters = [
        (on(client_flags::MONITOR), 'O'),
        (on(client_flags::PUBSUB), 'P'),
        (on(client_flags::MULTI), 'x'),
        (on(client_flags::BLOCKED | client_flags::POSTPONED), 'b'),
        (on(client_flags::TRACKING), 't'),
        (on(client_flags::TRACKING_BROKEN), 'R'),
        (on(client_flags::TRACKING_BROADCAST), 'B'),
        (client.watching().1, 'd'),
        (on(client_flags::CLOSE_AFTER_REPLY), 'c'),
        (on(client_flags::UNIX_SOCKET), 'U'),
        (on(client_flags::READONLY), 'r'),
        (on(client_flags::NO_EVICT), 'e'),
        (on(client_flags::NO_TOUCH), 'T'),
    ];
    let flags: String = letters.iter().filter(|(on, _)| *on).map(|(_, letter)| letter).collect();
    if flags.is_empty() { "N".to_owned() } else { flags }
}

/// Seconds since a time in milliseconds.
pub(super) fn seconds_since(cx: &Ctx<'_>, then_ms: i64) -> i64 {
    cx.now().unix_ms.div_euclid(1000) - then_ms.div_euclid(1000)
}

/// The line about a client, without the line's end. `args` are the words of the running command.
pub fn line(cx: &Ctx<'_>, client: &ClientInfo, args: &Args<'_>) -> String {
    let own = client.id == cx.session.id;
    let texts = client.texts.lock().clone();
    let load = |value: &std::sync::atomic::AtomicUsize| value.load(Relaxed);
    let argv_memory = if own { args.from(0).map(<[u8]>::len).sum() } else { load(&client.argv_memory) };
    let idle = if own { 0 } else { seconds_since(cx, client.last_interaction_ms.load(Relaxed)).max(0) };
    // Who asks sees the request that asks.
    let request = if own { args.request_len() } else { 0 };
    let (input, input_free) = (load(&client.query_buffer).max(request), load(&client.query_buffer_free));
    let (multi_memory, output) = (load(&client.multi_memory), load(&client.output_memory));
    let total = size_of::<Session>()
        + size_of::<ClientInfo>()
        + input
        + input_free
        + argv_memory
        + multi_memory
        + load(&client.subscription_memory)
        + output;
    let [sub, psub, ssub] = client.subscriptions.each_ref().map(load);
    let command = match client.last_command.load(Relaxed) {
        usize::MAX => "NULL",
        id => cx.server.registry.by_id(id).full_name.as_str(),
    };
    let mut line = String::with_capacity(400);
    let written = write!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={idle} flags={} db={} sub={sub} psub={psub} ssub={ssub} multi={} watch={} \
         qbuf={input} qbuf-free={input_free} argv-mem={argv_memory} multi-mem={multi_memory} rbs=0 rbp=0 obl=0 oll={} \
         omem={output} tot-mem={total} events={} cmd={command} user={} redir={} resp={} lib-name={} lib-ver={} \
         io-thread={} tot-net-in={} tot-net-out={} tot-cmds={}",
        client.id,
        client.addr,
        client.laddr,
        client.fd,
        lossy(c_string(&texts.name)),
        seconds_since(cx, client.created_ms).max(0),
        flags(client),
        client.db.load(Relaxed),
        client.multi.load(Relaxed),
        client.watching().0,
        usize::from(output > 0),
        if output > 0 { "rw" } else { "r" },
        texts.user,
        client.redirect.load(Relaxed),
        client.resp.load(Relaxed),
        lossy(c_string(&texts.lib_name)),
        lossy(c_string(&texts.lib_ver)),
        client.worker,
        client.net_in.load(Relaxed),
        client.net_out.load(Relaxed),
        client.commands.load(Relaxed),
    );
    written.expect("a string takes whatever is written to it");
    line
}
