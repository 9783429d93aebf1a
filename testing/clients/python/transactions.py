"""MULTI/EXEC and WATCH: transfers between accounts by several processes lose no money."""

import multiprocessing
import random

import redis

from common import connect, empty

ACCOUNTS = 5
START = 1_000
TRANSFERS = 60
PROCESSES = 4


def transfer(conn, source, target, amount):
    """Moves money unless the balance is too low; tries again whenever somebody was faster."""
    retries = 0
    with conn.pipeline() as pipe:
        while True:
            try:
                pipe.watch(source, target)
                if int(pipe.get(source)) < amount:
                    pipe.unwatch()
                    return retries
                balance = int(pipe.get(target))
                pipe.multi()
                pipe.decrby(source, amount)
                pipe.set(target, balance + amount)
                pipe.execute()
                return retries
            except redis.WatchError:
                retries += 1


def worker(seed):
    rng = random.Random(seed)
    conn = connect()
    for _ in range(TRANSFERS):
        source, target = rng.sample([f"account:{n}" for n in range(ACCOUNTS)], 2)
        conn.incrby("retries", transfer(conn, source, target, rng.randint(1, 100)))
    conn.close()


def check_rules(client):
    # Nothing of a transaction is visible before EXEC; DISCARD forgets it.
    pipe = client.pipeline()
    pipe.set("t", "1").incr("t").get("t")
    assert client.get("t") is None
    assert pipe.execute() == [True, 2, "2"]
    pipe.set("t", "gone")
    pipe.reset()
    assert client.get("t") == "2"

    # A command that is refused while queueing spoils the whole; one that fails later does not.
    pipe = client.pipeline()
    pipe.set("t", "3").execute_command("GET")
    try:
        pipe.execute()
        raise AssertionError("EXEC went through")
    except redis.ResponseError as error:
        # redis-py raises the first refusal; the server answered EXEC with EXECABORT.
        assert "wrong number of arguments" in str(error), error
    assert client.get("t") == "2"
    pipe = client.pipeline()
    pipe.set("t", "3").pfadd("t", "x").incr("t")
    replies = pipe.execute(raise_on_error=False)
    assert replies[0] is True and "WRONGTYPE" in str(replies[1]) and replies[2] == 4, replies

    # WATCH notices a change by another client, even one that puts the old value back.
    other = connect()
    for change in (lambda: other.set("w", "1"), lambda: other.delete("w"), lambda: other.flushall()):
        client.set("w", "1")
        with client.pipeline() as pipe:
            pipe.watch("w")
            change()
            pipe.multi()
            pipe.set("w", "mine")
            try:
                pipe.execute()
                raise AssertionError("WATCH did not notice")
            except redis.WatchError:
                pass
        assert other.get("w") != "mine"

    # What others do to other keys does not disturb.
    with client.pipeline() as pipe:
        pipe.watch("w")
        other.set("unrelated", "1")
        pipe.multi()
        pipe.set("w", "mine")
        assert pipe.execute() == [True]


if __name__ == "__main__":
    client = empty()
    check_rules(client)
    for n in range(ACCOUNTS):
        client.set(f"account:{n}", START)
    client.set("retries", 0)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=worker, args=(seed,)) for seed in range(PROCESSES)]
    for process in workers:
        process.start()
    for process in workers:
        process.join()
        assert process.exitcode == 0
    balances = [int(balance) for balance in client.mget(f"account:{n}" for n in range(ACCOUNTS))]
    assert sum(balances) == ACCOUNTS * START and min(balances) >= 0, balances
