"""A WebSocket server that sends back what it gets: ADDRESS PORT."""

import asyncio
import sys

from websockets.asyncio.server import serve


async def echo(socket):
    async for message in socket:
        await socket.send(message)


async def main():
    async with serve(echo, sys.argv[1], int(sys.argv[2])):
        print("listening", flush=True)
        await asyncio.Future()


asyncio.run(main())
