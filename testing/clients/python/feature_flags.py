"""Feature flags in a hash: read many with HMGET, switch several at once with HSET, count users with HINCRBY."""

import threading

from common import connect, empty

flags = empty()
NAMES = ["checkout", "search", "dark-mode", "beta"]

assert flags.hset("flags", mapping={name: "off" for name in NAMES}) == len(NAMES)
assert flags.hmget("flags", NAMES) == ["off"] * len(NAMES)
assert flags.hsetnx("flags", "checkout", "on") == 0
assert flags.hmget("flags", "new", "checkout") == [None, "off"]
assert flags.hgetall("flags") == dict.fromkeys(NAMES, "off")

# A release switches all flags together: no reader sees a mixture.
stop = threading.Event()
mixtures = []


def read():
    conn = connect()
    while not stop.is_set():
        values = conn.hgetall("flags").values()
        if len(set(values)) != 1:
            mixtures.append(list(values))


readers = [threading.Thread(target=read) for _ in range(3)]
for reader in readers:
    reader.start()
for round in range(300):
    flags.hset("flags", mapping={name: ("on", "off")[round % 2] for name in NAMES})
stop.set()
for reader in readers:
    reader.join()
assert not mixtures, mixtures[0]

# A trial ends by itself: its flag is a field with a deadline of its own.
assert flags.hset("flags", "trial", "on") == 1
assert flags.hexpire("flags", 3600, "trial") == [1]
assert 3500 < flags.httl("flags", "trial")[0] <= 3600
assert flags.httl("flags", "beta", "nothing") == [-1, -2]
assert flags.hpersist("flags", "trial") == [1]
assert flags.hexpireat("flags", 1, "trial") == [2] and not flags.hexists("flags", "trial")

# A gradual roll-out kept in bits, and who used it counted in a large hash.
assert flags.setbit("rollout:beta", 1_000, 1) == 0
assert flags.getbit("rollout:beta", 1_000) == 1 and flags.getbit("rollout:beta", 1_001) == 0
with flags.pipeline(transaction=False) as pipe:
    for number in range(2_000):
        pipe.hincrby("uses", f"user:{number % 1_000}", 1)
    pipe.execute()
assert flags.hlen("uses") == 1_000 and flags.object("encoding", "uses") == "hashtable"
assert flags.hincrbyfloat("uses", "user:7", 0.5) == 2.5
found = dict(flags.hscan_iter("uses", match="user:99*", count=100))
assert set(found) == {"user:99", *(f"user:99{n}" for n in range(10))} and set(found.values()) == {"2"}
assert set(flags.hrandfield("uses", 10)) <= {f"user:{n}" for n in range(1_000)}

# All flags there are.
assert sorted(flags.hkeys("flags")) == sorted(NAMES) and flags.hlen("flags") == len(NAMES)
assert flags.hdel("flags", *NAMES) == len(NAMES) and not flags.exists("flags")
