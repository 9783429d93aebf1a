"""Rooms of a chat: channels, patterns and shard channels, as a library uses them."""

import threading

from common import PROTOCOL, connect, empty, eventually

client = empty()

# What the library makes of each kind of subscription, with handlers of its own.
heard = []
listener = connect().pubsub()
listener.subscribe(**{"room:1": lambda message: heard.append(("room", message["data"]))})
listener.psubscribe(**{"room:*": lambda message: heard.append((message["channel"], message["data"]))})
listener.ssubscribe(**{"shard": lambda message: heard.append(("shard", message["data"]))})
thread = listener.run_in_thread(sleep_time=0.01)
eventually(lambda: client.pubsub_numsub("room:1") == [("room:1", 1)] and client.pubsub_numpat() == 1)
eventually(lambda: client.pubsub_shardnumsub("shard") == [("shard", 1)])
assert client.pubsub_channels("room:*") == ["room:1"]
assert client.publish("room:1", "hello") == 2
assert client.publish("room:2", "hello") == 1
assert client.publish("hall", "hello") == 0
assert client.spublish("shard", "hello") == 1
eventually(lambda: len(heard) == 4)
assert heard == [("room", "hello"), ("room:1", "hello"), ("room:2", "hello"), ("shard", "hello")], heard
thread.stop()
thread.join(10)
eventually(lambda: client.pubsub_channels() == [] and client.pubsub_numpat() == 0)

# Many rooms with many people, each of whom hears what is said in its room, in order.
ROOMS, PEOPLE, LINES = 5, 40, 30
people = []
for number in range(PEOPLE):
    person = connect().pubsub(ignore_subscribe_messages=True)
    person.subscribe(f"room:{number % ROOMS}")
    people.append(person)
eventually(lambda: sum(count for _, count in client.pubsub_numsub(*[f"room:{r}" for r in range(ROOMS)])) == PEOPLE)


def talk(room):
    speaker = connect()
    for line in range(LINES):
        assert speaker.publish(f"room:{room}", line) == PEOPLE // ROOMS
    with speaker.pipeline(transaction=False) as pipeline:
        for line in range(LINES, 2 * LINES):
            pipeline.publish(f"room:{room}", line)
        assert pipeline.execute() == [PEOPLE // ROOMS] * LINES


speakers = [threading.Thread(target=talk, args=(room,)) for room in range(ROOMS)]
for speaker in speakers:
    speaker.start()
for number, person in enumerate(people):
    lines = []
    while len(lines) < 2 * LINES:
        message = person.get_message(timeout=10)
        if message is not None:
            assert message["channel"] == f"room:{number % ROOMS}"
            lines.append(int(message["data"]))
    assert lines == list(range(2 * LINES))
for speaker in speakers:
    speaker.join(10)
assert client.info("clients")["pubsub_clients"] == PEOPLE
for person in people:
    person.close()
eventually(lambda: client.info("clients")["pubsub_clients"] == 0)

# A subscriber may ask whether the connection is alive, and goes back to what it was when nothing is left.
own = connect().pubsub()
own.subscribe("x")
assert own.get_message(timeout=5)["type"] == "subscribe"
if PROTOCOL == 2:
    own.ping("alive")
    assert own.get_message(timeout=5)["data"] == "alive"
own.unsubscribe()
assert own.get_message(timeout=5)["type"] == "unsubscribe"
