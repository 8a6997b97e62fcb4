"""Coroutines in place of threads: shouts every line back, until its first guest has gone."""
import asyncio


async def serve(reader, writer):
    while line := await reader.readline():
        print("heard", line.decode().strip())
        writer.write(line.upper())
        await writer.drain()
    writer.close()
    await writer.wait_closed()
    gone.set()


async def main():
    global gone
    gone = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 5010)
    async with server:
        await gone.wait()
    print("closed")


asyncio.run(main())
