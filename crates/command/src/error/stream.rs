//! The errors of commands about streams and their groups.

use super::CommandError;

impl CommandError {
    pub const STREAM_ID: CommandError =
        CommandError::fixed("ERR Invalid stream ID specified as stream command argument");
    pub const INTERVAL_START: CommandError = CommandError::fixed("ERR invalid start ID for the interval");
    pub const INTERVAL_END: CommandError = CommandError::fixed("ERR invalid end ID for the interval");
    pub const XADD_ZERO: CommandError = CommandError::fixed("ERR The ID specified in XADD must be greater than 0-0");
    pub const XADD_NOT_ABOVE: CommandError =
        CommandError::fixed("ERR The ID specified in XADD is equal or smaller than the target stream top item");
    pub const XADD_EXHAUSTED: CommandError =
        CommandError::fixed("ERR The stream has exhausted the last possible ID, unable to add more items");
    pub const XADD_TOO_LARGE: CommandError = CommandError::fixed("ERR Elements are too large to be stored");
    pub const TRIM_TWICE: CommandError =
        CommandError::fixed("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
    pub const TRIM_MAXLEN: CommandError = CommandError::fixed("ERR The MAXLEN argument must be >= 0.");
    pub const TRIM_LIMIT: CommandError = CommandError::fixed("ERR The LIMIT argument must be >= 0.");
    pub const TRIM_LIMIT_ALONE: CommandError =
        CommandError::fixed("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
    pub const TRIM_LIMIT_EXACT: CommandError =
        CommandError::fixed("ERR syntax error, LIMIT cannot be used without the special ~ option");
    pub const IDS_NUMBER: CommandError = CommandError::fixed("ERR Number of IDs must be a positive integer");
    pub const IDS_MISMATCH: CommandError =
        CommandError::fixed("ERR The `numids` parameter must match the number of arguments");
    pub const XSETID_ADDED: CommandError = CommandError::fixed("ERR entries_added must be positive");
    pub const XSETID_ADDED_TOO_FEW: CommandError =
        CommandError::fixed("ERR The entries_added specified in XSETID is smaller than the target stream length");
    pub const XSETID_BELOW_LAST: CommandError =
        CommandError::fixed("ERR The ID specified in XSETID is smaller than the target stream top item");
    pub const XSETID_BELOW_DELETED: CommandError =
        CommandError::fixed("ERR The ID specified in XSETID is smaller than current max_deleted_entry_id");
    pub const XSETID_BELOW_GIVEN: CommandError =
        CommandError::fixed("ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
    pub const XGROUP_NO_KEY: CommandError = CommandError::fixed(
        "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM \
         option to create an empty stream automatically.",
    );
    pub const BUSY_GROUP: CommandError = CommandError::fixed("BUSYGROUP Consumer Group name already exists");
    pub const ENTRIES_READ: CommandError = CommandError::fixed("ERR value for ENTRIESREAD must be positive or -1");
    pub const XAUTOCLAIM_COUNT: CommandError = CommandError::fixed("ERR COUNT must be > 0");
    pub const XREAD_NEW: CommandError = CommandError::fixed(
        "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.",
    );
    pub const XREADGROUP_WITHOUT_GROUP: CommandError = CommandError::fixed("ERR Missing GROUP option for XREADGROUP");

    /// A group that a stream does not have.
    pub fn no_group(group: &[u8], key: &[u8]) -> CommandError {
        let text = CommandError::quoting("NOGROUP No such consumer group '", group, "' for key name '");
        CommandError::of([text.text(), super::as_c_text(key), b"'"].concat())
    }

    /// A group that is not there, or the key of its stream is not.
    pub fn no_key_or_group(key: &[u8], group: &[u8]) -> CommandError {
        let text = CommandError::quoting("NOGROUP No such key '", key, "' or consumer group '");
        CommandError::of([text.text(), super::as_c_text(group), b"'"].concat())
    }

    /// The same for XREADGROUP.
    pub fn no_group_to_read(key: &[u8], group: &[u8]) -> CommandError {
        let text = CommandError::no_key_or_group(key, group);
        CommandError::of([text.text(), b" in XREADGROUP with GROUP option"].concat())
    }

    /// An id that stands for no place in what a consumer has pending.
    pub fn meaningless_to_group(id: &str) -> CommandError {
        CommandError::of(format!(
            "ERR The {id} ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer \
             by specifying a proper ID, or use the > ID to get new messages. The {id} ID would just return an empty \
             result set."
        ))
    }

    /// An option of XREADGROUP, given to XREAD.
    pub fn only_for_groups(option: &str) -> CommandError {
        CommandError::of(format!("ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."))
    }

    /// Not as many ids as streams; `ids` says which there are.
    pub fn unbalanced_streams(command: &str, ids: &str) -> CommandError {
        CommandError::of(format!(
            "ERR Unbalanced '{command}' list of streams: for each stream key {ids} must be specified."
        ))
    }

    /// A number that XCLAIM or XAUTOCLAIM cannot read; `what` begins with a capital where it is an option.
    pub fn not_claim_number(what: &str, command: &str) -> CommandError {
        CommandError::of(format!("ERR Invalid {what} argument for {command}"))
    }

    pub fn unknown_claim_option(word: &[u8]) -> CommandError {
        CommandError::quoting("ERR Unrecognized XCLAIM option '", word, "'")
    }
}
