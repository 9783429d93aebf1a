"""A rate limit in fixed windows: INCR, and EXPIRE with the first hit of a window."""

import threading

import redis

from common import connect, empty, eventually

client = empty()
LIMIT = 10


def allow(conn, user, window_s=60):
    with conn.pipeline(transaction=True) as pipe:
        pipe.incr(f"rate:{user}")
        pipe.expire(f"rate:{user}", window_s, nx=True)
        hits, _ = pipe.execute()
    return hits <= LIMIT


assert [allow(client, "ann") for _ in range(15)] == [True] * LIMIT + [False] * 5
assert 0 < client.ttl("rate:ann") <= 60
assert allow(client, "bob"), "each user has a window of their own"

# The window ends, and the count begins anew.
client.pexpire("rate:ann", 1)
eventually(lambda: not client.exists("rate:ann"))
assert allow(client, "ann") and client.get("rate:ann") == "1"

# Hits from many connections are all counted.
allowed = []


def hammer():
    conn = connect()
    allowed.extend(allow(conn, "many") for _ in range(100))
    conn.close()


threads = [threading.Thread(target=hammer) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert client.get("rate:many") == "800"
assert sum(allowed) == LIMIT, "exactly the first hits pass"

# Counters are strict about what they count.
client.set("text", "abc")
try:
    client.incr("text")
    raise AssertionError("a text was counted")
except redis.ResponseError as error:
    assert str(error) == "value is not an integer or out of range", error
assert client.get("text") == "abc"
assert client.incrby("n", 5) == 5 and client.decrby("n", 7) == -2
assert client.incrbyfloat("f", 1.5) == 1.5 and client.incrbyfloat("f", "0.1") == 1.6
