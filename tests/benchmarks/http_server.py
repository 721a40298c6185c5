"""A server on the loopback interface, in a thread of its own, that gives every request the same answer."""

import socket
import threading

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class HttpServer:
    """Answers one connection after another; requests must come in one piece.

    Attributes:
        url: where it listens.
    """

    def __init__(self, body: bytes) -> None:
        self._answer = _HEAD % len(body) + body
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            with connection:
                while connection.recv(65536):
                    connection.sendall(self._answer)
