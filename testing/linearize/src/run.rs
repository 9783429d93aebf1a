//! Lets clients loose on a server, window by window, and has every window's history checked.
//!
//! Two ways. [`threads`] gives each client a thread: this is the test of the server, and what overlaps is up to the
//! machine. [`lockstep`] runs all clients on one thread and draws who takes the next step: the same seed gives the
//! same history, which is how seeded faults are found for sure. Both stop at the first violation.

use crate::checker::{Entry, History, Stamps, Verdict, check, show};
use crate::client::{Client, Fault};
use crate::harness::{Connection, server};
use crate::model::{CLIENTS_MAX, State};
use crate::operation::{Generator, Operation, Work};
use base::rng::Rng;
use resp::client::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard};

/// States that the search of one window may enter. Almost all windows need no more than they have operations.
const BUDGET: usize = 200_000;

/// How clients are let loose.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub work: Work,
    pub clients: usize,
    /// Windows at most.
    pub windows: u64,
    /// Operations of one client in one window, or a few more.
    pub operations: usize,
    pub seed: u64,
    pub fault: Fault,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Windows that were judged.
    pub windows: u64,
    pub undecided: u64,
    pub operations: usize,
    /// Operations that were invoked while another was under way.
    pub overlaps: usize,
    /// States that the searches entered.
    pub entered: usize,
    /// The first violation, in words.
    pub violation: Option<String>,
}

impl Plan {
    fn players(&self) -> Vec<Player> {
        let server = server(self.clients);
        (0..self.clients).map(|number| self.player(number, Connection::new(&server, number))).collect()
    }

    /// Clients that share a worker.
    fn players_of_one_worker(&self) -> Vec<Player> {
        let first = Connection::new(&server(1), 0);
        let others: Vec<Connection> = (1..self.clients).map(|_| first.beside()).collect();
        std::iter::once(first)
            .chain(others)
            .enumerate()
            .map(|(number, connection)| self.player(number, connection))
            .collect()
    }

    fn player(&self, number: usize, connection: Connection) -> Player {
        assert!(self.clients <= CLIENTS_MAX, "the model's state has room for {CLIENTS_MAX} clients");
        let seed = self.seed << 8 | number as u64;
        Player {
            number,
            client: Client::new(connection, self.fault),
            generator: Generator::new(seed),
            rng: Rng::seed(seed),
        }
    }
}

/// A client, and what it draws its operations from.
struct Player {
    number: usize,
    client: Client,
    generator: Generator,
    /// Says when it lets others run.
    rng: Rng,
}

/// Judges one window after the other; each begins with the values that the one before it ended with.
#[derive(Default)]
struct Judge {
    state: State,
    outcome: Outcome,
}

impl Judge {
    /// Closes a window: nothing runs, so what a client reads now of all keys belongs to the history.
    fn close(&mut self, plan: &Plan, mut history: History, reader: &mut Player, stamps: &Stamps) {
        let operation = State::read_all(plan.work);
        let invoked = stamps.next();
        let reply = loop {
            if let Some(reply) = reader.client.step(&operation, stamps) {
                break reply;
            }
        };
        let after = State::of_all(plan.work, &reply);
        history[0].push(Entry { operation, reply, invoked, responded: stamps.next() });

        let (verdict, entered) = check(&self.state, &history, BUDGET);
        let outcome = &mut self.outcome;
        outcome.windows += 1;
        outcome.entered += entered;
        outcome.operations += history.iter().map(Vec::len).sum::<usize>();
        outcome.overlaps += overlaps(&history);
        match verdict {
            Verdict::Linearizable => {}
            Verdict::Undecided => outcome.undecided += 1,
            Verdict::Violation { explained } => {
                let text = show(&self.state, &history);
                let window = outcome.windows;
                outcome.violation =
                    Some(format!("{plan:?}, window {window}: no order for more than {explained} operations\n{text}"));
            }
        }
        self.state = after;
    }

    fn goes_on(&self, plan: &Plan) -> bool {
        self.outcome.violation.is_none() && self.outcome.windows < plan.windows
    }
}

/// Operations that were invoked before all earlier ones were answered.
fn overlaps(history: &History) -> usize {
    let mut entries: Vec<&Entry> = history.iter().flatten().collect();
    entries.sort_by_key(|entry| entry.invoked);
    let mut latest = None;
    let overlapping = entries.iter().filter(|entry| {
        let overlaps = latest.is_some_and(|latest| entry.invoked < latest);
        latest = latest.max(Some(entry.responded));
        overlaps
    });
    overlapping.count()
}

/// What the threads of a run share.
struct Crew {
    plan: Plan,
    stamps: Stamps,
    barrier: Barrier,
    stop: AtomicBool,
    /// The window's entries, of each client.
    entries: Vec<Mutex<Vec<Entry>>>,
    panic: Mutex<Option<String>>,
}

/// Runs every client on a thread of its own; the first client's is the caller's, which judges between windows.
pub fn threads(plan: Plan) -> Outcome {
    let crew = Crew {
        plan,
        stamps: Stamps::default(),
        barrier: Barrier::new(plan.clients),
        stop: AtomicBool::new(false),
        entries: (0..plan.clients).map(|_| Mutex::default()).collect(),
        panic: Mutex::default(),
    };
    let mut players = plan.players();
    let mut leader = players.remove(0);
    let mut judge = Judge::default();
    std::thread::scope(|scope| {
        for mut player in players {
            let crew = &crew;
            scope.spawn(move || while crew.window(&mut player) {});
        }
        while crew.window(&mut leader) {
            crew.guard(|| judge.close(&plan, crew.take_history(), &mut leader, &crew.stamps));
            // Said between two windows only, so that all threads hear of it at the same barrier.
            crew.stop.store(!judge.goes_on(&plan) || lock(&crew.panic).is_some(), Ordering::SeqCst);
        }
    });
    let panic = lock(&crew.panic).take();
    Outcome { violation: panic.or(judge.outcome.violation.take()), ..judge.outcome }
}

impl Crew {
    /// Runs one client's part of the next window and waits for the others; `false` when there is none any more.
    fn window(&self, player: &mut Player) -> bool {
        self.barrier.wait();
        if self.stop.load(Ordering::SeqCst) {
            return false;
        }
        self.guard(|| {
            let seen = self.run_program(player);
            *lock(&self.entries[player.number]) = seen;
        });
        self.barrier.wait();
        true
    }

    fn run_program(&self, player: &mut Player) -> Vec<Entry> {
        let mut seen = Vec::new();
        for operation in player.generator.program(self.plan.work, self.plan.operations) {
            let invoked = self.stamps.next();
            player.may_yield();
            let reply = loop {
                if let Some(reply) = player.client.step(&operation, &self.stamps) {
                    break reply;
                }
                std::thread::yield_now();
            };
            player.may_yield();
            let invoked = player.client.take_gave_up().unwrap_or(invoked);
            seen.push(Entry { operation, reply, invoked, responded: self.stamps.next() });
        }
        seen
    }

    fn take_history(&self) -> History {
        self.entries.iter().map(|entries| std::mem::take(&mut *lock(entries))).collect()
    }

    /// Keeps a panic (of a handler that reaches for a shard it has not locked, say) from leaving the other threads at
    /// their barrier for ever.
    fn guard(&self, work: impl FnOnce()) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(work)) {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a thread panicked".to_owned());
            *lock(&self.panic) = Some(format!("{:?}: {text}", self.plan));
        }
    }
}

impl Player {
    /// With few processors threads would run whole programs one after the other.
    fn may_yield(&mut self) {
        if self.rng.below(4) == 0 {
            std::thread::yield_now();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it holds this")
}

/// Runs all clients on this thread; who takes the next step is drawn. Invocation and response are steps too, so that
/// operations overlap in the history as they would between threads.
pub fn lockstep(plan: Plan) -> Outcome {
    take_turns(plan, plan.players())
}

/// The same on a server of one worker.
pub fn lockstep_on_one_worker(plan: Plan) -> Outcome {
    take_turns(plan, plan.players_of_one_worker())
}

fn take_turns(plan: Plan, mut players: Vec<Player>) -> Outcome {
    let stamps = Stamps::default();
    let mut rng = Rng::seed(plan.seed);
    let mut judge = Judge::default();
    while judge.goes_on(&plan) {
        let mut turns: Vec<Turn> = players.iter_mut().map(|player| Turn::new(player, &plan)).collect();
        let mut running: Vec<usize> = (0..plan.clients).collect();
        while !running.is_empty() {
            let at = rng.below(running.len() as u64) as usize;
            let number = running[at];
            if !turns[number].advance(&mut players[number].client, &stamps) {
                running.swap_remove(at);
            }
        }
        let history = turns.into_iter().map(|turn| turn.seen).collect();
        judge.close(&plan, history, &mut players[0], &stamps);
    }
    judge.outcome
}

/// One client's part of a window in lockstep.
struct Turn {
    program: std::vec::IntoIter<Operation>,
    current: Option<Operation>,
    invoked: u64,
    reply: Option<Value>,
    seen: Vec<Entry>,
}

impl Turn {
    fn new(player: &mut Player, plan: &Plan) -> Turn {
        let program = player.generator.program(plan.work, plan.operations).into_iter();
        Turn { program, current: None, invoked: 0, reply: None, seen: Vec::new() }
    }

    /// Takes one step; `false` when there is none left.
    fn advance(&mut self, client: &mut Client, stamps: &Stamps) -> bool {
        let Some(operation) = self.current.take() else {
            self.current = self.program.next();
            self.invoked = stamps.next();
            return self.current.is_some();
        };
        match self.reply.take() {
            None => {
                self.reply = client.step(&operation, stamps);
                self.current = Some(operation);
            }
            Some(reply) => {
                let invoked = client.take_gave_up().unwrap_or(self.invoked);
                self.seen.push(Entry { operation, reply, invoked, responded: stamps.next() });
            }
        }
        true
    }
}
