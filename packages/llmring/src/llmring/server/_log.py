"""The observer that reports to the usage server."""

import logging
from collections.abc import Callable, Iterable

from llmring_types.exceptions import LLMRingError, ServerConnectionError, ServerTimeoutError

from llmring._json import ENCODE_ERRORS
from llmring._records import CallRecord
from llmring._redaction import Redactor
from llmring._settings import known_secrets
from llmring.server._client import ServerClient
from llmring.server._delivery import Delivery
from llmring.server._payloads import conversation, is_reportable, usage_row

_logger = logging.getLogger("llmring.server")


class _Parcel:
    """A record, and what of it was delivered already."""

    def __init__(self, record: CallRecord, *, with_conversation: bool) -> None:
        self.record = record
        self.with_conversation = with_conversation
        self.conversation_id: str | None = None


class ServerLog:
    """Reports calls to a usage server, in the background. The protocol has no batches: a call is a request, or two.

    A row is sent again only where it surely has not arrived: the server was not there, or dropped the connection. A
    row that got no answer in time may have been stored, and what the server refused it would refuse again: both are
    let go. There is one warning when the server goes away, and one for each kind of refusal; the rest is silence.

    Args:
        client: speaks to the server.
        conversations: report messages and answers beside tokens, cost and model.
        secrets: returns the values that must not be reported, should a host repeat one: by default those of the
            environment.
    """

    def __init__(
        self,
        client: ServerClient,
        *,
        conversations: bool = False,
        secrets: Callable[[], Iterable[str]] = known_secrets,
    ) -> None:
        self.client = client
        self._secrets = secrets
        self._conversations = conversations
        self._delivery = Delivery(self._deliver)
        self._away = False
        self._warned: set[str] = set()

    def __call__(self, record: CallRecord, /) -> None:
        if is_reportable(record):
            self._delivery.offer(_Parcel(record, with_conversation=self._conversations))
            if self._delivery.lost and not self._away:
                self._warn_once(
                    "slow", f"the usage server {self.client.host} is too slow; records are left out"
                )

    async def aclose(self) -> None:
        """Deliver what waits, for at most five seconds, and close the connections."""
        await self._delivery.aclose()
        lost, self._delivery.lost = self._delivery.lost, 0
        if lost:
            self._warn_away(f"{lost} records were not delivered to the usage server {self.client.host}")
        await self.client.aclose()

    async def _deliver(self, parcel: _Parcel) -> bool:
        try:
            await self._send(parcel)
        except ServerTimeoutError as error:
            self._warn_away(f"{error}; what was sent to it may not be stored")
            return True
        except ServerConnectionError as error:
            self._warn_away(f"{error}; usage is kept back until it is there again, within limits")
            return False
        except LLMRingError as error:
            self._warn_once(_kind(error), f"usage was not stored: {error}")
            return True
        except ENCODE_ERRORS as error:
            self._warn_once("unwritable", f"usage was not reported, it cannot be written as JSON: {error}")
            return True
        self._away = False
        return True

    async def _send(self, parcel: _Parcel) -> None:
        if parcel.with_conversation:
            await self._send_conversation(parcel)
        conversation_id = parcel.record.conversation_id or parcel.conversation_id
        await self.client.log(self._without_secrets(usage_row(parcel.record, conversation_id)))

    def _without_secrets(self, body: bytes) -> bytes:
        return b"".join(Redactor(self._secrets()).pieces([body]))

    async def _send_conversation(self, parcel: _Parcel) -> None:
        """Store the exchange first, whose id the row has; the row does without where the exchange is not taken."""
        try:
            parcel.conversation_id = await self.client.log_conversation(
                self._without_secrets(conversation(parcel.record))
            )
        except ServerTimeoutError as error:
            self._warn_away(f"{error}; a conversation that was sent to it may not be stored")
        except ServerConnectionError:
            raise
        except LLMRingError as error:
            self._warn_once(f"conversation {_kind(error)}", f"a conversation was not stored: {error}")
        except ENCODE_ERRORS as error:
            self._warn_once(
                "unwritable", f"a conversation was not reported, it cannot be written as JSON: {error}"
            )
        parcel.with_conversation = False

    def _warn_away(self, message: str) -> None:
        if not self._away:
            self._away = True
            _logger.warning(message)

    def _warn_once(self, kind: str, message: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            _logger.warning(message)


def _kind(error: LLMRingError) -> str:
    return f"{type(error).__name__} {getattr(error, 'status_code', None)}"
