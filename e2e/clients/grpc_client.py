"""Calls a gRPC server, by grpcio from PyPI. `calls ADDRESS`: each kind of call, what it saw as JSON. `load ADDRESS FILE`: calls
without a pause, by eight threads and streams, until FILE is there; how many, by whom, what failed, and how many the ending server
cancelled, as JSON.
"""

import collections
import json
import os
import sys
import threading

import grpc

MODE, ADDRESS = sys.argv[1], sys.argv[2]
# No failure is to be hidden here.
OPTIONS = [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)]


def methods(channel):
    return (
        channel.unary_unary("/test.Echo/Unary"),
        channel.unary_stream("/test.Echo/Down"),
        channel.stream_unary("/test.Echo/Up"),
        channel.stream_stream("/test.Echo/Both"),
    )


def failure(call):
    try:
        call()
    except grpc.RpcError as error:
        return [error.code().name, error.details()]
    return None


def ping_pong(both, count):
    """Each answer before the next question: nothing on the way may wait for more."""
    turn = threading.Semaphore(1)

    def questions():
        for number in range(count):
            turn.acquire()
            yield str(number).encode()

    answers = []
    for answer in both(questions(), timeout=60):
        answers.append(int(answer))
        turn.release()
    return answers == list(range(count))


def calls():
    with grpc.insecure_channel(ADDRESS, options=OPTIONS) as channel:
        unary, down, up, both = methods(channel)
        large = os.urandom(3_000_000)
        answer, call = unary.with_call(b"hello", timeout=60)
        trailing = {key: value.hex() if key.endswith("-bin") else value for key, value in call.trailing_metadata()}
        failed = failure(lambda: unary(b"", metadata=(("fail", "1"),), timeout=60))
        late = failure(lambda: unary(b"", metadata=(("hold", "1"),), timeout=0.5))
        print(json.dumps({
            "answer": answer.decode(),
            "who": dict(call.initial_metadata())["who"],
            "trailing": trailing,
            "large": unary(large, timeout=60) == large,
            "failed": failed,
            "late": late and late[0],
            "down": len(list(down(b"5000", timeout=60))),
            "up": up((str(number).encode() for number in range(1000)), timeout=60).decode(),
            "both": ping_pong(both, 500),
        }))


def load():
    seen, failed, lock = collections.Counter(), [], threading.Lock()
    # A server of grpcio that stops answers so to calls that it has taken and not yet begun: 9 times in 25 stops under this load
    # with nobody in between. It may have been at work, for all that others can tell.
    by_server = ["CANCELLED", "CANCELLED"]

    def run():
        with grpc.insecure_channel(ADDRESS, options=OPTIONS) as channel:
            unary, _, _, both = methods(channel)
            while not os.path.exists(sys.argv[3]):
                try:
                    _, call = unary.with_call(b"x" * 1000, timeout=60)
                    who = dict(call.initial_metadata())["who"]
                    whole = ping_pong(both, 5)
                except grpc.RpcError as error:
                    with lock:
                        failed.append([error.code().name, error.details()])
                else:
                    with lock:
                        seen[who] += 1
                        if not whole:
                            failed.append(["CUT", who])

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cancelled = failed.count(by_server)
    print(json.dumps({"seen": seen, "failed": [one for one in failed if one != by_server], "cancelled": cancelled}))


{"calls": calls, "load": load}[MODE]()
