"""Three processes with a cache each: who changes something says so on a channel, and all forget it."""

import multiprocessing
import os

from common import connect, empty, eventually

PROCESSES = 3
KEYS = 20
CHANGES = 150


def process(number, start, done):
    client = connect()
    cache = {}
    listener = connect().pubsub(ignore_subscribe_messages=False)
    listener.subscribe("changed")
    assert listener.get_message(timeout=10)["type"] == "subscribe"
    start.wait()

    def listen(seconds=0.0):
        """Forgets what others have changed so far."""
        while True:
            message = listener.get_message(timeout=seconds)
            if message is None:
                return
            cache.pop(message["data"], None)

    def read(key):
        listen()
        if key not in cache:
            cache[key] = client.get(key)
        return cache[key]

    for change in range(CHANGES):
        key = f"page:{(change * 7 + number) % KEYS}"
        assert read(key) is not None
        if change % 3 == number:
            # The change first, then the word: whoever reads in between reads the new value.
            with client.pipeline() as transaction:
                transaction.set(key, f"{number}:{change}").publish("changed", key)
                _, receivers = transaction.execute()
            assert receivers == PROCESSES, receivers
    for page in range(KEYS):
        read(f"page:{page}")
    done.wait()
    # All has been said by now. What is still in the cache is what the server has.
    listen(0.2)
    stale = {key: value for key, value in cache.items() if value != client.get(key)}
    assert not stale, f"process {number} keeps {stale}"
    os._exit(0)


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    client = empty()
    client.mset({f"page:{number}": "first" for number in range(KEYS)})
    start, done = context.Barrier(PROCESSES), context.Barrier(PROCESSES)
    processes = [context.Process(target=process, args=(number, start, done)) for number in range(PROCESSES)]
    for one in processes:
        one.start()
    for one in processes:
        one.join(40)
        assert one.exitcode == 0, f"a process ended with {one.exitcode}"
    eventually(lambda: client.pubsub_numsub("changed") == [("changed", 0)])
    assert client.pubsub_channels() == []
