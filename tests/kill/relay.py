"""A TCP relay as a program: relay.py HOST:PORT FILE. Each new connection goes to the HOST:PORT that FILE holds then;
SIGUSR1 cuts all connections. What one side does not read stays in the relay and the kernel, as in a network."""

import asyncio
import pathlib
import signal
import sys


class Relay:
    def __init__(self, target):
        self.target, self.open = pathlib.Path(target), set()

    async def pass_on(self, reader, writer):
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def accept(self, reader, writer):
        host, port = self.target.read_text().rsplit(":", 1)
        try:
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self.open.add(pair)
        await asyncio.gather(self.pass_on(reader, far_writer), self.pass_on(far_reader, writer))
        self.open.discard(pair)

    def cut(self):
        for pair in self.open:
            for writer in pair:
                writer.transport.abort()


async def main(listen, target):
    host, port = listen.rsplit(":", 1)
    relay = Relay(target)
    server = await asyncio.start_server(relay.accept, host, int(port))
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, relay.cut)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
