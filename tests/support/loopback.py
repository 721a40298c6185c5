"""A raw server on the loopback interface that tests script."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NamedTuple

_PATIENCE_S = 10.0


@contextmanager
def nobody() -> Iterator[str]:
    """An address that refuses connections: taken, so that no other test gets it, and not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


class Heard(NamedTuple):
    """A request as the server read it. Header names are in lower case."""

    line: str
    headers: Mapping[str, str]
    body: bytes


class Connection:
    """The server's end of one connection."""

    def __init__(self, below: socket.socket) -> None:
        self._socket = below
        self._buffer = b""

    def receive(self) -> Heard | None:
        """Read the next request; ``None`` once the client has gone."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._fill():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        line, *fields = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)
        }
        size = int(headers.get("content-length", "0"))
        while len(self._buffer) < size and self._fill():
            pass
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return Heard(line, headers, body)

    def take(self, count: int) -> bytes:
        """Read so many bytes, fewer only once the client has gone."""
        while len(self._buffer) < count and self._fill():
            pass
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def wait_until_gone(self) -> int:
        """Read until the client has closed or reset the connection; returns how many bytes came before."""
        size = 0
        with suppress(ConnectionError):
            while data := self._socket.recv(65536):
                size += len(data)
        return size

    def shut(self) -> None:
        """Close in good order, before the script ends."""
        self._socket.close()

    def reset(self) -> None:
        """Close so that the client's system reports a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def _fill(self) -> bool:
        try:
            data = self._socket.recv(65536)
        except ConnectionError:
            return False
        self._buffer += data
        return bool(data)


Script = Callable[[Connection], None]
StartServer = Callable[..., "Loopback"]


class Loopback:
    """Runs a script in a thread for each connection. ``gone`` counts those whose script has ended."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.gone = 0
        self._script = script
        self._context = context
        self._changed = threading.Condition()
        self._errors: list[BaseException] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()
        host = "localhost" if context else "127.0.0.1"
        self.host = f"{host}:{self._listener.getsockname()[1]}"
        self.url = f"{'https' if context else 'http'}://{self.host}"

    def wait_gone(self, count: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.gone >= count, _PATIENCE_S), (
                "the client has not closed"
            )

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        self._listener.close()
        assert not self._errors, self._errors

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                below, _ = self._listener.accept()
                self.connections += 1
                self._threads.append(threading.Thread(target=self._serve, args=(below,)))
                self._threads[-1].start()

    def _serve(self, below: socket.socket) -> None:
        below.settimeout(_PATIENCE_S)
        try:
            if self._context is not None:
                below = self._context.wrap_socket(below, server_side=True)
            self._script(Connection(below))
        except (ConnectionError, ssl.SSLError):
            pass  # the client has gone, which tests look for in ``gone``
        except BaseException as error:  # noqa: BLE001 - reported by the test that started the server
            self._errors.append(error)
        finally:
            below.close()
            with self._changed:
                self.gone += 1
                self._changed.notify_all()
