"""A WebSocket client: 100 messages to URL and back, and 100 more on the same connection once FILE is there."""

import asyncio
import os
import sys

from websockets.asyncio.client import connect


async def rounds(socket):
    for number in range(100):
        message = os.urandom(number * 97) if number % 2 else "x" * number
        await socket.send(message)
        assert await socket.recv() == message
    return 100


async def main():
    async with connect(sys.argv[1]) as socket:
        print(f"first: {await rounds(socket)}", flush=True)
        while not os.path.exists(sys.argv[2]):
            await asyncio.sleep(0.05)
        count = await rounds(socket)
        await socket.close()
        print(f"second: {count}, closed {socket.protocol.close_code}", flush=True)


asyncio.run(main())
