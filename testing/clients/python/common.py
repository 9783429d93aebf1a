"""What the programs share: a connection to the server under test, and waiting for a condition."""

import os
import time

import redis

PORT = int(os.environ["RUSSET_PORT"])
PROTOCOL = int(os.environ.get("RUSSET_PROTOCOL", "2"))


def connect(decode_responses=True):
    return redis.Redis(
        host="127.0.0.1", port=PORT, protocol=PROTOCOL, decode_responses=decode_responses, socket_timeout=20
    )


def empty():
    """A client on an empty server."""
    client = connect()
    client.flushall()
    return client


def eventually(condition, seconds=10):
    """Waits until the condition holds; how long that takes depends on the machine, that it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.01)


def supports(client, name):
    """Whether the server has a command: some exist on Russet and Valkey but not on Redis 8.2."""
    return bool(client.execute_command("COMMAND LIST", "FILTERBY", "PATTERN", name.lower()))
