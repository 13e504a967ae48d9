"""A gRPC server that answers with what it is sent, by grpcio from PyPI: ADDRESS NAME. On TERM it ends as such servers do.

Messages are plain bytes, so that nothing has to be generated.
"""

import signal
import sys
import time
from concurrent import futures

import grpc

ADDRESS, NAME = sys.argv[1], sys.argv[2]


def unary(request, context):
    meta = dict(context.invocation_metadata())
    if meta.get("fail"):
        context.abort(grpc.StatusCode.NOT_FOUND, "asked to: 100 % ü")
    while meta.get("hold") and context.is_active():
        time.sleep(0.05)
    context.send_initial_metadata((("who", NAME),))
    context.set_trailing_metadata((("seen-bin", b"\0\xff"), ("length", str(len(request)))))
    return request


def down(request, _context):
    for number in range(int(request)):
        yield str(number).encode()


def up(requests, _context):
    return str(sum(int(request) for request in requests)).encode()


def both(requests, _context):
    for request in requests:
        yield request


HANDLERS = {
    "Unary": grpc.unary_unary_rpc_method_handler(unary),
    "Down": grpc.unary_stream_rpc_method_handler(down),
    "Up": grpc.stream_unary_rpc_method_handler(up),
    "Both": grpc.stream_stream_rpc_method_handler(both),
}

server = grpc.server(futures.ThreadPoolExecutor(max_workers=32), options=[("grpc.so_reuseport", 0)])
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", HANDLERS),))
server.add_insecure_port(ADDRESS)
server.start()
signal.signal(signal.SIGTERM, lambda *_: server.stop(30))
server.wait_for_termination()
