//! Everything that can keep a command from running now: arity, authentication, MULTI, memory, a pause.

use crate::worker::Worker;
use command::server::pause::Paused;
use command::session::Queued;
use command::spec::registry::Command;
use command::spec::{Flags, Run};
use command::{Args, CommandError, CommandResult, OwnedArgs, Server, Session, WorkerState};
use options::Permission;
use resp::Proto;
use std::sync::atomic::Ordering;

/// What the gates say of a command that is not refused.
pub enum Gate<'a> {
    Run(&'a Command),
    Queued,
    Postponed,
}

/// Everything that can keep a command from running now.
#[inline]
pub fn check<'a>(
    server: &Server,
    worker: &Worker,
    session: &mut Session,
    command: Option<&'a Command>,
    args: &Args<'_>,
) -> Result<Gate<'a>, CommandError> {
    let Some(command) = command else {
        return Err(server.registry.resolve(args).err().unwrap_or(CommandError::SYNTAX));
    };
    let spec = command.spec;
    if !spec.takes(args.len()) || (matches!(spec.run, Run::Container) && args.len() < 2) {
        return Err(CommandError::wrong_arity(&command.full_name));
    }
    if session.must_authenticate(&server.tunables) && !spec.flags.has(Flags::NO_AUTH) {
        return Err(CommandError::NO_AUTH);
    }
    if spec.flags.any(Flags::DEBUG.or(Flags::MODULE)) {
        is_permitted(server, session, command)?;
    }
    if session.monitor && spec.flags.any(Flags::READONLY.or(Flags::WRITE).or(Flags::MAY_REPLICATE)) {
        return Err(CommandError::MONITOR_HAS_NO_KEYS);
    }
    if worker.state.settings.memory_mark != i64::MAX {
        has_memory(server, &worker.state, session, command)?;
    }
    if session.subscriptions.is_some() && session.proto == Proto::Resp2 && !spec.flags.has(Flags::FOR_SUBSCRIBERS) {
        return Err(CommandError::not_for_subscribers(&command.full_name));
    }
    let queues = session.multi.is_some() && !spec.flags.has(Flags::NOT_QUEUED);
    if queues && spec.flags.has(Flags::NO_MULTI) {
        return Err(CommandError::NOT_IN_MULTI);
    }
    // A pause holds up the queueing of a command as it holds up the command itself.
    let postponed = match server.pause.now(worker.state.now.unix_ms) {
        Paused::Nothing => false,
        Paused::All => true,
        Paused::Writes => has_flag(server, session, command, Flags::WRITE.or(Flags::MAY_REPLICATE)),
    };
    if postponed {
        return Ok(Gate::Postponed);
    }
    if queues {
        queue(session, command, args);
        return Ok(Gate::Queued);
    }
    Ok(Gate::Run(command))
}

/// Refuses what the configuration has to permit.
#[cold]
fn is_permitted(server: &Server, session: &Session, command: &Command) -> CommandResult {
    let options = &server.tunables.general;
    let (option, permission) = if command.spec.flags.has(Flags::DEBUG) {
        ("enable-debug-command", options.enable_debug_command.get())
    } else {
        ("enable-module-command", options.enable_module_command.get())
    };
    let allowed = match permission {
        Permission::Yes => true,
        Permission::Local => session.local,
        Permission::No => false,
    };
    if allowed {
        return Ok(());
    }
    let name = command.full_name.split('|').next().unwrap_or_default().to_uppercase();
    Err(CommandError::not_allowed(&name, option))
}

/// Refuses what may take memory while more than `maxmemory` is in use.
fn has_memory(server: &Server, state: &WorkerState, session: &Session, command: &Command) -> CommandResult {
    if has_flag(server, session, command, Flags::DENYOOM) && server.host.thread_memory() > state.settings.memory_mark {
        return Err(CommandError::OUT_OF_MEMORY);
    }
    Ok(())
}

/// Whether a command (or, for EXEC, a queued one) has any of these flags.
fn has_flag(server: &Server, session: &Session, command: &Command, flags: Flags) -> bool {
    match (&command.spec.run, &session.multi) {
        (Run::Exec, Some(multi)) => {
            multi.queue.iter().any(|queued| server.registry.by_id(queued.command).spec.flags.any(flags))
        }
        _ => command.spec.flags.any(flags),
    }
}

#[cold]
fn queue(session: &mut Session, command: &Command, args: &Args<'_>) {
    let Some(multi) = &mut session.multi else { return };
    if multi.aborted {
        // EXEC will refuse: nothing of the queue is needed.
        return;
    }
    multi.queue.push(Queued { command: command.id, args: OwnedArgs::copy(args) });
    session.info.multi.store(multi.queue.len() as i64, Ordering::Relaxed);
    let memory = args.from(0).map(<[u8]>::len).sum::<usize>() + args.len() * size_of::<resp::Arg>();
    session.info.multi_memory.fetch_add(memory, Ordering::Relaxed);
}
