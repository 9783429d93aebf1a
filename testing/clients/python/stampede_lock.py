"""A lock against cache stampedes: SET NX with a TTL, released only by its owner."""

import secrets
import threading
import time

import redis

from common import connect, empty, eventually, supports

client = empty()


def acquire(conn, name, ttl_ms=30_000):
    token = secrets.token_hex(16)
    return token if conn.set(name, token, nx=True, px=ttl_ms) else None


def release_watch(conn, name, token):
    """Compares and deletes in an optimistic transaction: whoever changes the lock meanwhile wins."""
    with conn.pipeline() as pipe:
        while True:
            try:
                pipe.watch(name)
                if pipe.get(name) != token:
                    return False
                pipe.multi()
                pipe.delete(name)
                return pipe.execute() == [1]
            except redis.WatchError:
                continue


def release_delifeq(conn, name, token):
    return conn.execute_command("DELIFEQ", name, token) == 1


releases = [release_watch]
if supports(client, "DELIFEQ"):
    releases.append(release_delifeq)

for release in releases:
    # Only the owner releases.
    token = acquire(client, "lock")
    assert token and acquire(client, "lock") is None
    assert not release(client, "lock", "somebody else")
    assert client.get("lock") == token
    assert release(client, "lock", token)
    assert not release(client, "lock", token)

    # A lock that has expired and belongs to another now is left alone.
    old = acquire(client, "lock", ttl_ms=1)
    eventually(lambda: not client.exists("lock"))
    new = acquire(client, "lock")
    assert not release(client, "lock", old)
    assert client.get("lock") == new
    assert release(client, "lock", new)

    # Many readers miss at once; one computes, the others find the value.
    client.delete("value", "computed")
    inside = []

    def reader():
        conn = connect()
        deadline = time.monotonic() + 20
        while conn.get("value") is None:
            assert time.monotonic() < deadline, "nobody computed the value"
            token = acquire(conn, "lock")
            if token is None:
                time.sleep(0.001)
                continue
            inside.append(token)
            assert len(inside) == 1, "two threads hold the lock"
            if conn.get("value") is None:
                conn.incr("computed")
                conn.set("value", "expensive", ex=60)
            inside.remove(token)
            assert release(conn, "lock", token)
        conn.close()

    threads = [threading.Thread(target=reader) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get("computed") == "1", "the value was computed once"
    assert not client.exists("lock")
