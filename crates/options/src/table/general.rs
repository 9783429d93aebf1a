//! Options of the process: threads, logging, directories, security switches, shutdown.

use crate::setting::{LogLevel, Permission, Setting, TextSetting};
use crate::spec::{
    Action, BOOL, COUNT, Default, Effect::*, Kind, Special, TEXT, TEXT_OR_EMPTY, TextRule, int, option, text,
};
use base::event_class::Class;

const LOCAL: Kind = Kind::Enum(Permission::WORDS);
const SHUTDOWN: Kind = Kind::Special(Special::ShutdownOptions);
const NO_PINNING: &str = "threads are not pinned to cores";
const NO_FORK: &str = "nothing is forked";
const OWN_PACE: &str = "background work follows its own deadlines";

options! {
    general: General;

    option(
        "threads",
        int(1, 1024),
        "",
        Live,
        "Worker threads, each with its own event loop; the default is one per core.",
    )
    .immutable_here()
    .default_from(Default::Cores),
    option(
        "io-threads",
        int(1, 128),
        "1",
        NoMeaning("every worker reads, runs and writes; see threads"),
        "Threads for reading and writing sockets.",
    )
    .immutable(),
    option("databases", int(1, i32::MAX as i64), "16", Live, "Number of databases.").immutable(),
    option("daemonize", BOOL, "no", Live, "Run in the background.").immutable(),
    option(
        "supervised",
        Kind::Enum(&["upstart", "systemd", "auto", "no"]),
        "no",
        NotYet("telling the supervisor"),
        "Supervisor to tell that the server is ready.",
    )
    .immutable(),
    option("pidfile", TEXT, "", Live, "File to which the process id is written.").immutable(),
    option(
        "loglevel",
        Kind::Enum(LogLevel::WORDS),
        "notice",
        Live,
        "Least severity of messages that are logged.",
    )
    .action(Action::SetLogLevel) => loglevel: Setting<LogLevel>,
    option("logfile", TEXT_OR_EMPTY, "", Live, "Log file; empty logs to the standard output.").immutable(),
    option(
        "log-format",
        Kind::Enum(&["legacy", "logfmt", "json"]),
        "legacy",
        NotYet("other formats of the log"),
        "Format of log lines.",
    ),
    option(
        "log-timestamp-format",
        Kind::Enum(&["legacy", "iso8601", "milliseconds"]),
        "legacy",
        NotYet("other formats of the log"),
        "Format of times in log lines.",
    ),
    option("syslog-enabled", BOOL, "no", NotYet("syslog"), "Log to syslog as well.").immutable(),
    option("syslog-ident", TEXT, "redis", NotYet("syslog"), "Name of the server in syslog.").immutable(),
    option(
        "syslog-facility",
        Kind::Enum(&["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"]),
        "local0",
        NotYet("syslog"),
        "Facility of messages in syslog.",
    )
    .immutable(),
    option("always-show-logo", BOOL, "no", Live, "Show a logo with port and PID in the log at start.").immutable(),
    option("set-proc-title", BOOL, "yes", NotYet("the title of the process"), "Show facts in the process title.")
        .immutable(),
    option(
        "proc-title-template",
        Kind::Text { rule: TextRule::TitleTemplate, keep_empty: true },
        "{title} {listen-addr} {server-mode}",
        NotYet("the title of the process"),
        "Title of the process, with variables in braces.",
    ),
    option("dir", Kind::Special(Special::Directory), "", Live, "Working directory, where data files are kept.")
        .default_from(Default::WorkingDirectory)
        .protected()
        .multi()
        .action(Action::ChangeDirectory),
    option("requirepass", TEXT, "", Live, "Password of the default user.").secret() => requirepass: TextSetting,
    option("aclfile", TEXT_OR_EMPTY, "", NotYet("ACL files"), "File with users and what they may do.")
        .immutable()
        .vital(),
    option("acllog-max-len", int(0, i64::MAX), "128", Live, "Entries kept in the log of refusals.")
        => acllog_max_len: Setting<usize>,
    option(
        "acl-pubsub-default",
        Kind::Enum(&["allchannels", "resetchannels"]),
        "resetchannels",
        NotYet("ACL users"),
        "What a new user may do with channels.",
    ),
    option("enable-protected-configs", LOCAL, "no", Live, "Who may change protected options.")
        .immutable() => enable_protected_configs: Setting<Permission>,
    option("enable-debug-command", LOCAL, "no", Live, "Who may use DEBUG.").immutable()
        => enable_debug_command: Setting<Permission>,
    option("enable-module-command", LOCAL, "no", Live, "Who may use MODULE.").immutable()
        => enable_module_command: Setting<Permission>,
    option(
        "hide-user-data-from-log",
        BOOL,
        "no",
        NoMeaning("no key or value is ever logged"),
        "Keep keys and values out of the log.",
    ),
    option(
        "notify-keyspace-events",
        Kind::Special(Special::KeyspaceEvents),
        "",
        Live,
        "Classes of keyspace events to publish; empty publishes none.",
    ) => notify_keyspace_events: Setting<Class>,
    option("hz", COUNT, "10", NoMeaning(OWN_PACE), "Times per second that background work runs, from 1 to 500.")
        .clamp(1, 500) => hz: Setting<u32>,
    option(
        "dynamic-hz",
        BOOL,
        "yes",
        NoMeaning(OWN_PACE),
        "Run background work more often when there are many clients.",
    ),
    option("shutdown-timeout", COUNT, "10", NotYet("replication"), "Seconds that a shutdown waits for replicas."),
    option("shutdown-on-sigint", SHUTDOWN, "default", NotYet("snapshots"), "How to shut down on SIGINT."),
    option("shutdown-on-sigterm", SHUTDOWN, "default", NotYet("snapshots"), "How to shut down on SIGTERM."),
    option("crash-log-enabled", BOOL, "yes", NotYet("crash reports"), "Log a report when the server crashes."),
    option(
        "crash-memcheck-enabled",
        BOOL,
        "yes",
        NoMeaning("a crash report does not test memory"),
        "Test memory after a crash.",
    ),
    option("use-exit-on-panic", BOOL, "no", NoMeaning("a broken invariant aborts"), "Exit instead of aborting.")
        .hidden(),
    option("watchdog-period", COUNT, "0", NotYet("the watchdog"), "Milliseconds of a stall that is reported.").hidden(),
    option(
        "disable-thp",
        BOOL,
        "yes",
        NoMeaning("without forks, huge pages do no harm"),
        "Turn transparent huge pages off for the server.",
    )
    .immutable(),
    option(
        "oom-score-adj",
        OOM,
        "no",
        NotYet("scores for the kernel"),
        "Whether to tell the kernel whom to kill first.",
    ),
    option(
        "oom-score-adj-values",
        Kind::Special(Special::OomScores),
        "0 200 800",
        NotYet("scores for the kernel"),
        "Scores of a primary, a replica and a background process.",
    ),
    option("server-cpulist", TEXT, "", NoMeaning(NO_PINNING), "Cores for the server's threads.")
        .alias(&["server_cpulist"])
        .immutable(),
    option("bio-cpulist", TEXT, "", NoMeaning(NO_PINNING), "Cores for background threads.")
        .alias(&["bio_cpulist"])
        .immutable(),
    option("aof-rewrite-cpulist", TEXT, "", NoMeaning(NO_FORK), "Cores for rewriting the append-only file.")
        .alias(&["aof_rewrite_cpulist"])
        .immutable(),
    option("bgsave-cpulist", TEXT, "", NoMeaning(NO_FORK), "Cores for saving a snapshot.")
        .alias(&["bgsave_cpulist"])
        .immutable(),
    option(
        "ignore-warnings",
        TEXT_OR_EMPTY,
        "",
        NoMeaning("no warning stops the server"),
        "Warnings of the system check that do not stop the server.",
    ),
    option(
        "locale-collate",
        text(TextRule::Locale),
        "",
        NoMeaning("SORT ALPHA compares bytes"),
        "Locale by which SORT ALPHA compares.",
    ),
    option(
        "availability-zone",
        TEXT_OR_EMPTY,
        "",
        NotYet("the zone in INFO and HELLO"),
        "Zone that clients are told, to choose a near server.",
    ),
    option(
        "extended-redis-compatibility",
        BOOL,
        "no",
        NoMeaning("the server always presents itself as Redis"),
        "Present the server to clients as Redis.",
    ),
    option("import-mode", BOOL, "no", NotYet("import sources"), "Keep expired keys while data is imported."),
}

const OOM: Kind = Kind::Enum(&["no", "yes", "relative", "absolute"]);
