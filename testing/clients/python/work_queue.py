"""A reliable work queue: BLMOVE into a list per worker, and a worker that dies with a job in its hands."""

import threading

import redis

from common import connect, empty, eventually

client = empty()
JOBS = 300
WORKERS = 5


def work(name, dies_after=None):
    """Takes jobs until it is told to stop; one that dies leaves its last job in its own list."""
    conn = connect()
    taken = 0
    while True:
        job = conn.blmove("jobs", f"doing:{name}", 10, "LEFT", "RIGHT")
        assert job is not None, "the queue ran dry"
        taken += 1
        if taken == dies_after:
            conn.connection_pool.disconnect()
            return
        with conn.pipeline(transaction=True) as pipe:
            pipe.lrem(f"doing:{name}", 1, job)
            if job != "stop":
                pipe.rpush("done", job)
            assert pipe.execute()[0] == 1, "the job was in the worker's own list"
        if job == "stop":
            conn.close()
            return


threads = [threading.Thread(target=work, args=(name,)) for name in range(WORKERS)]
dying = threading.Thread(target=work, args=("dying", 7))
for thread in [*threads, dying]:
    thread.start()
eventually(lambda: client.info("clients")["blocked_clients"] == WORKERS + 1)

producers = [connect() for _ in range(3)]
for job in range(JOBS):
    producers[job % 3].rpush("jobs", f"job:{job}")

# What the dead worker held goes back to the front of the queue, and is done by another.
eventually(lambda: client.llen("jobs") == 0)
while dying.is_alive():
    # It did not get its seven jobs yet: others were faster.
    producers[0].rpush("jobs", "extra")
    dying.join(0.01)
assert client.llen("doing:dying") == 1
while client.lmove("doing:dying", "jobs", "RIGHT", "LEFT"):
    pass
for _ in range(WORKERS):
    client.rpush("jobs", "stop")
for thread in threads:
    thread.join()
done = client.lrange("done", 0, -1)
assert sorted(job for job in done if job != "extra") == sorted(f"job:{job}" for job in range(JOBS))
assert client.exists("jobs", *(f"doing:{name}" for name in range(WORKERS)), "doing:dying") == 0

# Several queues by priority, with BLPOP and BLMPOP.
client.rpush("low", "l1", "l2")
client.rpush("high", "h1")
order = [client.blpop(["high", "low"], 1)[1] for _ in range(3)]
assert order == ["h1", "l1", "l2"]
client.rpush("low", *range(5))
assert client.blmpop(1, 2, "high", "low", direction="RIGHT", count=3) in (
    ["low", ["4", "3", "2"]],
    ("low", ["4", "3", "2"]),
)
assert client.blpop(["high"], 0.02) is None

# Whoever waits can be called off.
waiter = connect()
waiting_id = waiter.client_id()
outcome = []


def wait_for_ever():
    try:
        outcome.append(waiter.blpop("nothing", 0))
    except redis.ResponseError as error:
        outcome.append(str(error))


thread = threading.Thread(target=wait_for_ever)
thread.start()
eventually(lambda: client.info("clients")["blocked_clients"] == 1)
assert client.client_unblock(waiting_id, error=True)
thread.join()
assert outcome == ["UNBLOCKED client unblocked via CLIENT UNBLOCK"], outcome
