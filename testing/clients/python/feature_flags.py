"""Feature flags as strings: read many with MGET, switch several at once with MSET."""

import threading

from common import connect, empty

flags = empty()
NAMES = [f"flag:{name}" for name in ("checkout", "search", "dark-mode", "beta")]

assert flags.mset({name: "off" for name in NAMES})
assert flags.mget(NAMES) == ["off"] * len(NAMES)
assert flags.msetnx({"flag:checkout": "on", "flag:new": "on"}) is False
assert flags.mget("flag:new", "flag:checkout") == [None, "off"]

# A release switches all flags together: no reader sees a mixture.
stop = threading.Event()
mixtures = []


def read():
    conn = connect()
    while not stop.is_set():
        values = conn.mget(NAMES)
        if len(set(values)) != 1:
            mixtures.append(values)


readers = [threading.Thread(target=read) for _ in range(3)]
for reader in readers:
    reader.start()
for round in range(300):
    flags.mset({name: ("on", "off")[round % 2] for name in NAMES})
stop.set()
for reader in readers:
    reader.join()
assert not mixtures, mixtures[0]

# A gradual roll-out kept in bits: one bit a user.
assert flags.setbit("rollout:beta", 1_000, 1) == 0
assert flags.setbit("rollout:beta", 7, 1) == 0
assert flags.getbit("rollout:beta", 1_000) == 1 and flags.getbit("rollout:beta", 1_001) == 0
assert flags.bitcount("rollout:beta") == 2

# All flags there are.
found = set(flags.scan_iter("flag:*"))
assert found == set(NAMES)
assert flags.getset("flag:beta", "50%") in ("on", "off")
assert flags.getdel("flag:beta") == "50%" and flags.get("flag:beta") is None
