//! The errors a command answers with: the only place where their texts stand.
//!
//! The first word of a text is the error's code; INFO counts errors by it. A text is bytes, because it may quote what
//! a client sent, and that is quoted as it came.

mod stream;

use std::borrow::Cow;
use std::fmt;

/// An error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandError(Cow<'static, [u8]>);

/// What a handler gives back: the reply is written already, or nothing of it counts.
pub type CommandResult = Result<(), CommandError>;

impl CommandError {
    pub const WRONG_TYPE: CommandError =
        CommandError::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
    pub const SYNTAX: CommandError = CommandError::fixed("ERR syntax error");
    pub const NOT_INTEGER: CommandError = CommandError::fixed("ERR value is not an integer or out of range");
    pub const NOT_FLOAT: CommandError = CommandError::fixed("ERR value is not a valid float");
    pub const OUT_OF_RANGE: CommandError = CommandError::fixed("ERR value is out of range");
    pub const MUST_BE_POSITIVE: CommandError = CommandError::fixed("ERR value is out of range, must be positive");
    pub const BUSY_KEY: CommandError = CommandError::fixed("BUSYKEY Target key name already exists.");
    pub const INVALID_TTL: CommandError = CommandError::fixed("ERR Invalid TTL value, must be >= 0");
    pub const IDLETIME: CommandError = CommandError::fixed("ERR Invalid IDLETIME value, must be >= 0");
    pub const FREQ: CommandError = CommandError::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255");
    pub const BAD_PAYLOAD: CommandError = CommandError::fixed("ERR DUMP payload version or checksum are wrong");
    pub const BAD_DATA: CommandError = CommandError::fixed("ERR Bad data format");
    pub const NO_SUCH_KEY: CommandError = CommandError::fixed("ERR no such key");
    pub const SAME_OBJECT: CommandError = CommandError::fixed("ERR source and destination objects are the same");
    pub const INDEX_OUT_OF_RANGE: CommandError = CommandError::fixed("ERR index out of range");
    pub const INVALID_DB: CommandError = CommandError::fixed("ERR DB index is out of range");
    pub const OVERFLOW: CommandError = CommandError::fixed("ERR increment or decrement would overflow");
    pub const STRING_TOO_LONG: CommandError =
        CommandError::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
    pub const OFFSET_OUT_OF_RANGE: CommandError = CommandError::fixed("ERR offset is out of range");
    pub const DECREMENT_OVERFLOW: CommandError = CommandError::fixed("ERR decrement would overflow");
    pub const NAN_OR_INFINITY: CommandError = CommandError::fixed("ERR increment would produce NaN or Infinity");
    pub const INVALID_NUMKEYS: CommandError = CommandError::fixed("ERR invalid numkeys value or out of range");
    pub const ZADD_NX_XX: CommandError =
        CommandError::fixed("ERR XX and NX options at the same time are not compatible");
    pub const ZADD_GT_LT_NX: CommandError =
        CommandError::fixed("ERR GT, LT, and/or NX options at the same time are not compatible");
    pub const ZADD_INCR_PAIRS: CommandError =
        CommandError::fixed("ERR INCR option supports a single increment-element pair");
    pub const SCORE_NAN: CommandError = CommandError::fixed("ERR resulting score is not a number (NaN)");
    pub const NOT_SCORE_RANGE: CommandError = CommandError::fixed("ERR min or max is not a float");
    pub const NOT_LEX_RANGE: CommandError = CommandError::fixed("ERR min or max not valid string range item");
    pub const WEIGHT_NOT_FLOAT: CommandError = CommandError::fixed("ERR weight value is not a float");
    pub const LIMIT_NEGATIVE: CommandError = CommandError::fixed("ERR LIMIT can't be negative");
    pub const GEO_UNIT: CommandError = CommandError::fixed("ERR unsupported unit provided. please use M, KM, FT, MI");
    pub const GEO_RADIUS: CommandError = CommandError::fixed("ERR need numeric radius");
    pub const GEO_RADIUS_NEGATIVE: CommandError = CommandError::fixed("ERR radius cannot be negative");
    pub const GEO_WIDTH: CommandError = CommandError::fixed("ERR need numeric width");
    pub const GEO_HEIGHT: CommandError = CommandError::fixed("ERR need numeric height");
    pub const GEO_BOX_NEGATIVE: CommandError = CommandError::fixed("ERR height or width cannot be negative");
    pub const GEO_VERTICES: CommandError = CommandError::fixed("ERR invalid number of vertices");
    pub const GEO_POLYGON: CommandError = CommandError::fixed("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices");
    pub const GEO_NO_MEMBER: CommandError = CommandError::fixed("ERR could not decode requested zset member");
    pub const GEO_COUNT: CommandError = CommandError::fixed("ERR COUNT must be > 0");
    pub const GEO_ANY: CommandError = CommandError::fixed("ERR the ANY argument requires COUNT argument");
    pub const GEORADIUS_STORE: CommandError = CommandError::fixed(
        "ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
    );
    pub const GEOSEARCHSTORE: CommandError =
        CommandError::fixed("ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options");
    pub const ZRANGE_LIMIT: CommandError =
        CommandError::fixed("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    pub const ZRANGE_WITHSCORES: CommandError =
        CommandError::fixed("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    pub const TOO_MANY_KEYS: CommandError =
        CommandError::fixed("ERR Number of keys can't be greater than number of args");
    pub const SORT_NOT_DOUBLE: CommandError =
        CommandError::fixed("ERR One or more scores can't be converted into double");
    pub const NEGATIVE_LIMIT: CommandError = CommandError::fixed("ERR LIMIT can't be negative");
    pub const REPLY_TOO_LONG: CommandError =
        CommandError::fixed("ERR reply exceeds maximum allowed size (proto-max-bulk-len)");
    pub const LCS_NOT_STRINGS: CommandError = CommandError::fixed("ERR The specified keys must contain string values");
    pub const LCS_LEN_AND_IDX: CommandError =
        CommandError::fixed("ERR If you want both the length and indexes, please just use IDX.");
    pub const LCS_TOO_LONG: CommandError = CommandError::fixed("ERR String too long for LCS");
    pub const LCS_TOO_MUCH_MEMORY: CommandError =
        CommandError::fixed("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
    pub const OUT_OF_MEMORY: CommandError =
        CommandError::fixed("OOM command not allowed when used memory > 'maxmemory'.");
    pub const NO_AUTH: CommandError = CommandError::fixed("NOAUTH Authentication required.");
    pub const WRONG_PASS: CommandError =
        CommandError::fixed("WRONGPASS invalid username-password pair or user is disabled.");
    pub const EXEC_ABORT: CommandError =
        CommandError::fixed("EXECABORT Transaction discarded because of previous errors.");
    pub const TIMEOUT_NOT_INTEGER: CommandError = CommandError::fixed("ERR timeout is not an integer or out of range");
    pub const TIMEOUT_NOT_FLOAT: CommandError = CommandError::fixed("ERR timeout is not a float or out of range");
    pub const UNBLOCKED: CommandError = CommandError::fixed("UNBLOCKED client unblocked via CLIENT UNBLOCK");
    pub const TIMEOUT_NEGATIVE: CommandError = CommandError::fixed("ERR timeout is negative");
    pub const TIMEOUT_OUT_OF_RANGE: CommandError = CommandError::fixed("ERR timeout is out of range");
    pub const NOVALUES_NOT_HSCAN: CommandError = CommandError::fixed("ERR NOVALUES option can only be used in HSCAN");
    pub const INVALID_CURSOR: CommandError = CommandError::fixed("ERR invalid cursor");
    pub const HELLO_NO_AUTH: CommandError = CommandError::fixed(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> \
         <pass> option can be used to authenticate the client and select the RESP protocol version at the same time",
    );
    pub const NO_PROTO: CommandError = CommandError::fixed("NOPROTO unsupported protocol version");
    pub const PROTO_NOT_INTEGER: CommandError =
        CommandError::fixed("ERR Protocol version is not an integer or out of range");
    pub const NO_PASSWORD_SET: CommandError = CommandError::fixed(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
         configuration is correct?",
    );
    pub const PAUSE_MODE: CommandError = CommandError::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL");
    pub const UNBLOCK_REASON: CommandError =
        CommandError::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
    pub const NO_SUCH_CLIENT: CommandError = CommandError::fixed("ERR No such client");
    pub const INVALID_CLIENT_ID: CommandError = CommandError::fixed("ERR Invalid client ID");
    pub const NOT_IN_IMPORT_MODE: CommandError = CommandError::fixed("ERR Server is not in import mode");
    pub const TWO_REDIRECTIONS: CommandError =
        CommandError::fixed("ERR A client can only redirect to a single other client");
    pub const PREFIX_WITHOUT_BROADCAST: CommandError =
        CommandError::fixed("ERR PREFIX option requires BCAST mode to be enabled");
    pub const SWITCHES_BROADCAST: CommandError = CommandError::fixed(
        "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.",
    );
    pub const BROADCAST_WITH_OPTIONS: CommandError =
        CommandError::fixed("ERR OPTIN and OPTOUT are not compatible with BCAST");
    pub const OPT_IN_AND_OUT: CommandError =
        CommandError::fixed("ERR You can't specify both OPTIN mode and OPTOUT mode");
    pub const SWITCHES_OPTIONS: CommandError = CommandError::fixed(
        "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.",
    );
    pub const CACHING_YES_WITHOUT_OPT_IN: CommandError =
        CommandError::fixed("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
    pub const CACHING_NO_WITHOUT_OPT_OUT: CommandError =
        CommandError::fixed("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");
    pub const NO_REDIRECT_TARGET: CommandError =
        CommandError::fixed("ERR The client ID you want redirect to does not exist");
    pub const CACHING_WITHOUT_TRACKING: CommandError = CommandError::fixed(
        "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled",
    );
    pub const MONITOR_IN_EXEC: CommandError = CommandError::fixed("ERR MONITOR isn't allowed for DENY BLOCKING client");
    pub const MONITOR_HAS_NO_KEYS: CommandError = CommandError::fixed("ERR Replica can't interact with the keyspace");
    pub const INVALID_COMMAND: CommandError = CommandError::fixed("ERR Invalid command specified");
    pub const NO_KEY_ARGUMENTS: CommandError = CommandError::fixed("ERR The command has no key arguments");
    pub const INVALID_ARGUMENT_COUNT: CommandError =
        CommandError::fixed("ERR Invalid number of arguments specified for command");
    pub const INVALID_ARGUMENTS: CommandError = CommandError::fixed("ERR Invalid arguments specified for command");
    pub const GENPASS_BITS: CommandError = CommandError::fixed(
        "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096",
    );
    pub const NO_ACL_FILE: CommandError = CommandError::fixed(
        "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL \
         SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order \
         to store users in the Redis configuration.",
    );
    pub const NO_RANDOMNESS: CommandError = CommandError::fixed("ERR the system gives no random numbers");
    pub const NO_ACL_USERS: CommandError =
        CommandError::fixed("ERR ACL users and rules are not supported by this server yet");
    pub const DEFAULT_USER_STAYS: CommandError = CommandError::fixed("ERR The 'default' user cannot be removed");
    pub const LOG_COUNT: CommandError = CommandError::fixed("ERR count should be greater than or equal to -1");
    pub const LOG_TYPE: CommandError =
        CommandError::fixed("ERR type should be one of the following: slow, large-request, large-reply");
    pub const NO_SHUTDOWN: CommandError = CommandError::fixed("ERR No shutdown in progress.");
    pub const SHUTDOWN_FAILED: CommandError = CommandError::fixed("ERR Errors trying to SHUTDOWN. Check logs.");
    pub const NOT_SDS: CommandError = CommandError::fixed("ERR Not an sds encoded string.");
    pub const NOT_LISTPACK: CommandError = CommandError::fixed("ERR Not a listpack encoded object.");
    pub const NOT_QUICKLIST: CommandError = CommandError::fixed("ERR Not a quicklist encoded object.");
    pub const NOT_HASH_TABLE: CommandError =
        CommandError::fixed("ERR The value stored at the specified key is not represented using an hash table");
    pub const NO_CLUSTER: CommandError = CommandError::fixed("ERR This instance has cluster support disabled");
    pub const MODULE_NOT_LOADED: CommandError =
        CommandError::fixed("ERR Error loading the extension. Please check the server logs.");
    pub const NO_SUCH_MODULE: CommandError =
        CommandError::fixed("ERR Error unloading module: no such module with that name");
    pub const DEBUG_DB: CommandError = CommandError::fixed("ERR Out of range database");
    pub const POPULATE_TOO_MUCH: CommandError =
        CommandError::fixed("ERR so many keys take more memory than this machine has");
    pub const DEBUG_CLUSTER_ONLY: CommandError =
        CommandError::fixed("ERR Debug option only available for cluster mode enabled setup!");
    pub const DEBUG_RELOAD_OPTION: CommandError =
        CommandError::fixed("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    pub const DEBUG_RELOAD_NOSAVE: CommandError =
        CommandError::fixed("ERR this server has no RDB file yet that DEBUG RELOAD NOSAVE could load");
    pub const DEBUG_RELOAD_DUPLICATES: CommandError = CommandError::fixed(
        "ERR the keys are there already, and only MERGE allows DEBUG RELOAD NOFLUSH to replace them",
    );
    pub const DEBUG_RELOAD_FAILED: CommandError =
        CommandError::fixed("ERR Error trying to load the RDB dump, check server logs.");
    pub const DEBUG_LOADAOF: CommandError = CommandError::fixed("ERR this server has no append-only file yet");
    pub const DEBUG_PROTOCOL_TYPE: CommandError = CommandError::fixed(
        "ERR Wrong protocol type name. Please use one of the following: \
         string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false",
    );
    pub const NOT_IN_RESP2: CommandError = CommandError::fixed("ERR RESP2 is not supported by this command");
    pub const PACKED_THRESHOLD: CommandError =
        CommandError::fixed("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
    pub const LPOS_RANK: CommandError = CommandError::fixed(
        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start \
         from the end of the list",
    );
    pub const LPOS_COUNT: CommandError = CommandError::fixed("ERR COUNT can't be negative");
    pub const LPOS_MAXLEN: CommandError = CommandError::fixed("ERR MAXLEN can't be negative");
    pub const NUMKEYS_NOT_POSITIVE: CommandError = CommandError::fixed("ERR numkeys should be greater than 0");
    pub const COUNT_NOT_POSITIVE: CommandError = CommandError::fixed("ERR count should be greater than 0");
    pub const BIT_OFFSET: CommandError = CommandError::fixed("ERR bit offset is not an integer or out of range");
    pub const BIT_VALUE: CommandError = CommandError::fixed("ERR bit is not an integer or out of range");
    pub const BIT_WANTED: CommandError = CommandError::fixed("ERR The bit argument must be 1 or 0.");
    pub const BITOP_NOT_SOURCES: CommandError =
        CommandError::fixed("ERR BITOP NOT must be called with a single source key.");
    pub const BITFIELD_TYPE: CommandError = CommandError::fixed(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
    );
    pub const BITFIELD_OVERFLOW: CommandError = CommandError::fixed("ERR Invalid OVERFLOW type specified");
    pub const BITFIELD_RO: CommandError = CommandError::fixed("ERR BITFIELD_RO only supports the GET subcommand");
    pub const NOT_HLL: CommandError = CommandError::fixed("WRONGTYPE Key is not a valid HyperLogLog string value.");
    pub const CORRUPTED_HLL: CommandError = CommandError::fixed("INVALIDOBJ Corrupted HLL object detected");
    pub const HLL_NO_KEY: CommandError = CommandError::fixed("ERR The specified key does not exist");
    pub const HLL_NOT_SPARSE: CommandError = CommandError::fixed("ERR HLL encoding is not sparse");
    pub const HLL_SIMD: CommandError = CommandError::fixed("ERR Argument must be ON or OFF");
    pub const HASH_NOT_INTEGER: CommandError = CommandError::fixed("ERR hash value is not an integer");
    pub const FIELDS_MISSING: CommandError =
        CommandError::fixed("ERR Mandatory argument FIELDS is missing or not at the right position");
    pub const FIELDS_NUMBER: CommandError = CommandError::fixed("ERR Number of fields must be a positive integer");
    pub const FIELDS_NUMBER_TO_EXPIRE: CommandError =
        CommandError::fixed("ERR Parameter `numFields` should be greater than 0");
    pub const FIELDS_NUMBER_TO_SET: CommandError = CommandError::fixed("ERR invalid number of fields");
    pub const FIELDS_MISMATCH: CommandError =
        CommandError::fixed("ERR The `numfields` parameter must match the number of arguments");
    pub const FIELD_CONDITIONS: CommandError =
        CommandError::fixed("ERR Only one of FXX or FNX arguments can be specified");
    pub const FIELD_EXPIRATIONS: CommandError =
        CommandError::fixed("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    pub const NEGATIVE_EXPIRE: CommandError = CommandError::fixed("ERR invalid expire time, must be >= 0");
    pub const HASH_NOT_FLOAT: CommandError = CommandError::fixed("ERR hash value is not a float");
    pub const INFINITE_INCREMENT: CommandError = CommandError::fixed("ERR value is NaN or Infinity");
    pub const NESTED_MULTI: CommandError = CommandError::fixed("ERR MULTI calls can not be nested");
    pub const WATCH_IN_MULTI: CommandError = CommandError::fixed("ERR WATCH inside MULTI is not allowed");
    pub const EXEC_WITHOUT_MULTI: CommandError = CommandError::fixed("ERR EXEC without MULTI");
    pub const DISCARD_WITHOUT_MULTI: CommandError = CommandError::fixed("ERR DISCARD without MULTI");
    pub const NOT_IN_MULTI: CommandError = CommandError::fixed("ERR Command not allowed inside a transaction");

    pub const FIRST_DB: CommandError = CommandError::fixed("ERR invalid first DB index");
    pub const SECOND_DB: CommandError = CommandError::fixed("ERR invalid second DB index");
    pub const FREQUENCY_NOT_TRACKED: CommandError = CommandError::fixed(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching \
         between policies at runtime LRU and LFU data will take some time to adjust.",
    );
    pub const IDLE_TIME_NOT_TRACKED: CommandError = CommandError::fixed(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between \
         policies at runtime LRU and LFU data will take some time to adjust.",
    );
    pub const WAITAOF_WITHOUT_AOF: CommandError =
        CommandError::fixed("ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
    pub const EXPIRE_NX: CommandError =
        CommandError::fixed("ERR NX and XX, GT or LT options at the same time are not compatible");
    pub const EXPIRE_GT_LT: CommandError =
        CommandError::fixed("ERR GT and LT options at the same time are not compatible");
    pub const CLIENT_ID_NOT_POSITIVE: CommandError = CommandError::fixed("ERR client-id should be greater than 0");
    pub const NOT_DIGEST: CommandError = CommandError::fixed("ERR digest must be exactly 16 hexadecimal characters");

    /// An error whose text never varies.
    const fn fixed(text: &'static str) -> CommandError {
        CommandError(Cow::Borrowed(text.as_bytes()))
    }

    /// An error with something computed in its text.
    fn of(text: impl Into<Vec<u8>>) -> CommandError {
        CommandError(Cow::Owned(text.into()))
    }

    /// An error that quotes a word of the request, between two pieces of text.
    fn quoting(before: &str, word: &[u8], after: &str) -> CommandError {
        CommandError::of([before.as_bytes(), as_c_text(word), after.as_bytes()].concat())
    }

    /// An error of the process around the commands, in its words.
    pub fn of_host(text: String) -> CommandError {
        CommandError::of(text)
    }

    pub fn unsupported_option(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR Unsupported option ", word, "")
    }

    pub fn unrecognized_option(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR Unrecognized option '", word, "'")
    }

    pub fn unknown_argument(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR unknown argument: ", word, "")
    }

    pub fn hello_option(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR Syntax error in HELLO option '", word, "'")
    }

    pub fn unknown_category(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR Unknown category '", word, "'")
    }

    pub fn user_not_found(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR User '", word, "' not found")
    }

    pub fn command_not_found(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR Command '", word, "' not found")
    }

    /// A user that CLIENT LIST and CLIENT KILL are to filter by.
    pub fn no_such_user(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR No such user '", word, "'")
    }

    pub fn unknown_client_type(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR Unknown client type '", word, "'")
    }

    /// Letters (flags, capabilities) that are none, in the filter so called.
    pub fn unknown_letters(what: &str, filter: &str, word: &[u8]) -> CommandError {
        CommandError::quoting(&format!("ERR Unknown {what} found in the {filter} filter: "), word, "")
    }

    pub fn not_integer(what: &str) -> CommandError {
        CommandError::of(format!("ERR {what} is not an integer or out of range"))
    }

    pub fn not_positive(what: &str) -> CommandError {
        CommandError::of(format!("ERR {what} should be greater than 0"))
    }

    pub fn no_such_db(what: &str, databases: usize) -> CommandError {
        CommandError::of(format!("ERR {what} number should be between 0 and {}", databases - 1))
    }

    /// A protected command; only an option at start can allow it.
    pub fn not_allowed(command: &str, option: &str) -> CommandError {
        CommandError::of(format!(
            "ERR {command} command not allowed. If the {option} option is set to \"local\", you can run it from a \
             local connection, otherwise you need to set this option in the configuration file, and then restart the \
             server."
        ))
    }

    pub fn self_test_failed(failure: &str) -> CommandError {
        CommandError::of(format!("TESTFAILED {failure}"))
    }

    pub fn text(&self) -> &[u8] {
        &self.0
    }

    pub fn unknown_command(name: &[u8], args: impl Iterator<Item = Vec<u8>>) -> CommandError {
        // Redis shows at most 128 bytes of the name and of all arguments together.
        const SHOWN_MAX: usize = 128;
        let mut shown = Vec::new();
        for arg in args {
            if shown.len() >= SHOWN_MAX {
                break;
            }
            let arg = as_c_text(&arg);
            let room = SHOWN_MAX - shown.len();
            shown.push(b'\'');
            shown.extend_from_slice(&arg[..arg.len().min(room)]);
            shown.extend_from_slice(b"' ");
        }
        let name = as_c_text(name);
        let mut text = b"ERR unknown command '".to_vec();
        text.extend_from_slice(&name[..name.len().min(SHOWN_MAX)]);
        text.extend_from_slice(b"', with args beginning with: ");
        text.extend_from_slice(&shown);
        CommandError::of(text)
    }

    pub fn unknown_subcommand(name: &[u8], container: &str) -> CommandError {
        let after = format!("'. Try {} HELP.", container.to_uppercase());
        CommandError::quoting("ERR unknown subcommand '", &name[..name.len().min(128)], &after)
    }

    pub fn wrong_arity(full_name: &str) -> CommandError {
        CommandError::of(format!("ERR wrong number of arguments for '{full_name}' command"))
    }

    pub fn not_for_subscribers(full_name: &str) -> CommandError {
        CommandError::of(format!(
            "ERR Can't execute '{full_name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed \
             in this context"
        ))
    }

    /// Words that fit no form of a subcommand.
    pub fn subcommand_syntax(subcommand: &[u8], container: &str) -> CommandError {
        let subcommand = &subcommand[..subcommand.len().min(128)];
        let after = format!("'. Try {} HELP.", container.to_uppercase());
        CommandError::quoting("ERR unknown subcommand or wrong number of arguments for '", subcommand, &after)
    }

    /// A name that would break the lines of CLIENT LIST; `what` begins the sentence.
    pub fn special_characters(what: &str) -> CommandError {
        CommandError::of(format!("ERR {what} cannot contain spaces, newlines or special characters."))
    }

    pub fn not_between(min: i64, max: i64) -> CommandError {
        CommandError::of(format!("ERR value is out of range, value must between {min} and {max}"))
    }

    pub fn no_latency_samples(event: &[u8]) -> CommandError {
        CommandError::quoting("ERR No samples available for event '", event, "'")
    }

    /// Two prefixes of CLIENT TRACKING of which one begins with the other.
    pub fn prefix_overlaps(prefix: &[u8], which: &str, other: &[u8]) -> CommandError {
        let (prefix, other) = (lossy(prefix), lossy(other));
        CommandError::of(format!(
            "ERR Prefix '{prefix}' overlaps with {which} prefix '{other}'. Prefixes for a single client must not overlap."
        ))
    }

    /// Options of a geo search of which one must be given; the command's name is quoted as it was sent.
    pub fn geo_needs(options: &str, command: &[u8]) -> CommandError {
        CommandError::quoting(&format!("ERR exactly one of {options} can be specified for "), command, "")
    }

    pub fn invalid_position(longitude: f64, latitude: f64) -> CommandError {
        CommandError::of(format!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"))
    }

    pub fn no_input_keys(command: &str) -> CommandError {
        CommandError::of(format!("ERR at least 1 input key is needed for '{command}' command"))
    }

    pub fn bitop_sources(operation: &str) -> CommandError {
        CommandError::of(format!("ERR BITOP {operation} must be called with at least two source keys."))
    }

    pub fn unknown_pfdebug(subcommand: &[u8]) -> CommandError {
        CommandError::quoting("ERR Unknown PFDEBUG subcommand '", subcommand, "'")
    }

    /// EXEC that was refused itself: its transaction is gone, and this is why.
    pub fn exec_abort(reason: &CommandError) -> CommandError {
        let reason = reason.text().strip_prefix(b"ERR ").unwrap_or(reason.text());
        CommandError::of([b"EXECABORT Transaction discarded because of: ", reason].concat())
    }

    pub fn invalid_expire(command: &str) -> CommandError {
        CommandError::of(format!("ERR invalid expire time in '{command}' command"))
    }
}

impl From<engine::WrongKind> for CommandError {
    fn from(_: engine::WrongKind) -> CommandError {
        CommandError::WRONG_TYPE
    }
}

/// A word as Redis prints it in an error: as C text, which ends at the first NUL.
fn as_c_text(word: &[u8]) -> &[u8] {
    word.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Bytes as text: those that are not UTF-8 keep their value as Latin-1, so that nothing is lost from sight.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().map(|&byte| char::from(byte)).collect()),
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&lossy(&self.0))
    }
}

impl std::error::Error for CommandError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_they_came_up_to_their_first_nul() {
        let words = [b"A\0B".to_vec(), b"\xff\xfe\0\x01".to_vec(), vec![b'x'; 200], b"gone".to_vec()];
        let error = CommandError::unknown_command(b"ge\0t", words.into_iter());
        let mut expected = b"ERR unknown command 'ge', with args beginning with: 'A' '\xff\xfe' '".to_vec();
        expected.extend_from_slice(&[b'x'; 128 - 9]);
        expected.extend_from_slice(b"' ");
        assert_eq!(error.text(), expected);
        assert_eq!(
            CommandError::unknown_subcommand(b"\xfe\0x", "acl").text(),
            b"ERR unknown subcommand '\xfe'. Try ACL HELP."
        );
    }
}
