"""Drives an agent through its RPC with serfclient from PyPI: HOST PORT TOKEN PEER NODE. Prints what it saw as JSON.

What serfclient has a method for is asked by that; the rest goes through its connection.
"""

import json
import sys

import msgpack
from serfclient import SerfClient

HOST, PORT, TOKEN, PEER = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
NODE = sys.argv[5]


def connect():
    return SerfClient(host=HOST, port=PORT, rpc_auth=TOKEN, timeout=60)


def text(value):
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def plain(value):
    """msgpack's bytes as text, all the way down."""
    if isinstance(value, dict):
        return {text(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return text(value)


def records(response):
    """What follows an answer. serfclient loses count when records come right behind it: each may be in either half."""
    if "Error" not in plain(response.head):
        yield plain(response.head)
    for pair in response.body:
        for half in (plain(pair.head), plain(pair.body)):
            if "Error" not in half:
                yield half


def done(response):
    head = plain(response.head)
    assert head["Error"] == "", head
    return plain(response.body)


seen = {}
client = connect()
members = client.members().body
seen["members"] = sorted(
    [text(m["Name"]), list(m["Addr"]), m["Port"], text(m["Status"]), plain(m["Tags"])]
    for m in ({text(key): value for key, value in member.items()} for member in members[list(members)[0]])
)
filtered = done(client.members(tags={"role": "d."}))
seen["filtered"] = [member["Name"] for member in filtered["Members"]]
seen["joined"] = done(client.join([PEER]))["Num"]
failed = client.join(["127.0.0.1:1"])
seen["join_failed"] = [plain(failed.head)["Error"], plain(failed.body)["Num"]]
seen["stats"] = sorted(done(client.stats()))
client.force_leave("nobody")

# One connection listens; what it hears comes in order.
listener = connect()
stream = listener.stream("user:deploy,query:load")
assert plain(stream.head)["Error"] == "", stream.head
assert plain(client.event("deploy", "v1", coalesce=False).head)["Error"] == ""
seen["event"] = plain(next(stream.body).body)

asker = connect()
answers = asker.connection.call(
    "query",
    {"Name": "load", "Payload": "cpu?", "RequestAck": True, "Timeout": 4 * 10**9, "FilterNodes": [NODE]},
    stream=True,
)
query = plain(next(stream.body).body)
seen["query"] = {key: query[key] for key in ("Event", "Name", "Payload", "ID")}
listener.connection._socket.sendall(
    msgpack.packb({"Command": "respond", "Seq": 99}) + msgpack.packb({"ID": query["ID"], "Payload": "fine"})
)
seen["answers"] = []
for answer in records(answers):
    seen["answers"].append([answer["Type"], answer["From"], answer["Payload"]])
    # The last, although serfclient may show it before others.
    if len(seen["answers"]) == 3:
        break
seen["answers"].sort()

seen["keys"] = sorted(done(client.connection.call("list-keys"))["Keys"].values())
tags = client.connection.call("tags", {"Tags": {"by": "python"}, "DeleteTags": []}, expect_body=False)
assert plain(tags.head)["Error"] == "", tags.head
coordinate = done(client.connection.call("get-coordinate", {"Node": NODE}))
seen["coordinate"] = [coordinate["Ok"], len(coordinate["Coord"]["Vec"])]
monitor = connect().connection.call("monitor", {"LogLevel": "DEBUG"}, stream=True)
seen["log"] = "] " in next(records(monitor))["Log"]

stranger = SerfClient(host=HOST, port=PORT, timeout=60)
refused = stranger.connection.call("stats", expect_body=False)
seen["refused"] = plain(refused.head)["Error"]
print(json.dumps(seen))
