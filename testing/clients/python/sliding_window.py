"""A rate limit over a sliding window, one transaction a hit, from several processes: the limit is never exceeded."""

import multiprocessing
import time
import uuid

from common import connect, empty, eventually

LIMIT = 50


def allow(conn, user, window_s=600.0):
    now = time.time()
    key = f"window:{user}"
    with conn.pipeline(transaction=True) as pipe:
        pipe.zremrangebyscore(key, "-inf", now - window_s)
        pipe.zadd(key, {f"{now}:{uuid.uuid4()}": now})
        pipe.zcard(key)
        pipe.expire(key, int(window_s) + 1)
        _, _, hits, _ = pipe.execute()
    return hits <= LIMIT


def hammer(queue):
    conn = connect()
    queue.put(sum(allow(conn, "ann") for _ in range(200)))


if __name__ == "__main__":
    client = empty()
    queue = multiprocessing.Queue()
    processes = [multiprocessing.Process(target=hammer, args=(queue,)) for _ in range(4)]
    for process in processes:
        process.start()
    allowed = sum(queue.get() for _ in processes)
    for process in processes:
        process.join()
    assert allowed == LIMIT, f"{allowed} hits of {LIMIT} were allowed"
    assert client.zcard("window:ann") == 800
    assert 0 < client.ttl("window:ann") <= 601

    # What falls out of the window makes room.
    for _ in range(LIMIT):
        assert allow(client, "bob")
    assert not allow(client, "bob")
    eventually(lambda: allow(client, "bob", window_s=0.05))
    assert client.zcard("window:bob") <= LIMIT
