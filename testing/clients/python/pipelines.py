"""Pipelines: order, errors in the middle, large batches, large values."""

import redis

from common import empty

client = empty()

# Replies come in order, and an error in the middle spoils nothing after it.
pipe = client.pipeline(transaction=False)
pipe.set("k", "v").pfadd("k", "x").append("k", "w").get("k").execute_command("NOSUCH", "a").ping()
replies = pipe.execute(raise_on_error=False)
assert replies[0] is True and replies[2:4] == [2, "vw"] and replies[5] is True, replies
assert isinstance(replies[1], redis.ResponseError) and "WRONGTYPE" in str(replies[1])
assert "unknown command" in str(replies[4]), replies[4]

# Ten thousand commands in one batch, on many keys.
COUNT = 10_000
pipe = client.pipeline(transaction=False)
for n in range(COUNT):
    pipe.set(f"p:{n}", n, ex=600)
assert pipe.execute() == [True] * COUNT
pipe = client.pipeline(transaction=False)
for n in range(COUNT):
    pipe.get(f"p:{n}")
assert pipe.execute() == [str(n) for n in range(COUNT)]
assert client.dbsize() == COUNT + 1

# The same as a transaction: thousands of queued commands, one answer.
pipe = client.pipeline(transaction=True)
for n in range(2_000):
    pipe.incr("counter")
assert pipe.execute() == list(range(1, 2_001))

# Values that are far larger than any buffer, between small ones.
big = "x" * (8 << 20)
pipe = client.pipeline(transaction=False)
pipe.set("big", big).ping().get("big").ping().strlen("big")
replies = pipe.execute()
assert replies[2] == big and replies[4] == len(big)

# Empty and odd keys and values.
for value in ("", "\r\n", "\0", "$-1\r\n", "ünïcode ✓"):
    assert client.set(f"odd:{value}", value) and client.get(f"odd:{value}") == value
