import asyncio


async def main():
    reader, writer = await asyncio.open_connection("127.0.0.1", 5010)
    for word in ("one", "two"):
        writer.write(f"{word}\n".encode())
        await writer.drain()
        print((await reader.readline()).decode().strip())
    writer.close()
    await writer.wait_closed()


if __name__ == "__main__":
    asyncio.run(main())
