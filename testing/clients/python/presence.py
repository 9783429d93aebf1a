"""Who is online: a session is a key that expires, and whoever listens to its events hears of it."""

import time

from common import connect, empty

SESSIONS = 50

client = empty()
before = client.config_get("notify-keyspace-events")["notify-keyspace-events"]
client.config_set("notify-keyspace-events", "K$gxE")
try:
    events = connect().pubsub()
    events.psubscribe("__keyspace@0__:online:*")
    ended = connect().pubsub()
    ended.subscribe("__keyevent@0__:expired")
    assert events.get_message(timeout=5)["type"] == "psubscribe"
    assert ended.get_message(timeout=5)["type"] == "subscribe"

    def receive(listener):
        message = listener.get_message(timeout=10)
        assert message is not None, "nothing was heard"
        return message["channel"], message["data"]

    # Somebody comes, stays a little longer, and leaves.
    client.set("online:ann", 1, ex=100)
    assert receive(events) == ("__keyspace@0__:online:ann", "set")
    assert receive(events) == ("__keyspace@0__:online:ann", "expire")
    client.expire("online:ann", 200)
    assert receive(events) == ("__keyspace@0__:online:ann", "expire")
    client.delete("online:ann")
    assert receive(events) == ("__keyspace@0__:online:ann", "del")

    # Others just stop to be heard of. Nobody asks for their keys, and all are told of the end, soon after it.
    due = {}
    for number in range(SESSIONS):
        milliseconds = 20 + number * 4
        due[f"online:{number}"] = time.monotonic() + milliseconds / 1000
        client.set(f"online:{number}", 1, px=milliseconds)
    late = []
    while due:
        channel, key = receive(ended)
        assert channel == "__keyevent@0__:expired"
        late.append(time.monotonic() - due.pop(key))
    late.sort()
    assert late[0] > -0.05, f"before its time: {late[0]}"
    # Half of them within the bound that the server keeps, whatever else the machine does.
    assert late[len(late) // 2] < 0.1, f"late by {late[len(late) // 2]} s"
    assert client.dbsize() == 0

    # A key that is not one of ours is not heard of, nor is what nobody listens to.
    client.set("offline:ann", 1)
    client.lpush("online:list", 1)
    client.set("online:bob", 1)
    heard = [receive(events) for _ in range(2 * SESSIONS + SESSIONS)]
    assert receive(events) == ("__keyspace@0__:online:bob", "set"), heard
    events.punsubscribe()
    assert events.get_message(timeout=5)["type"] == "punsubscribe"
finally:
    client.config_set("notify-keyspace-events", before)
