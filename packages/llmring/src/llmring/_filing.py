"""The part of the ring that registers files."""

from os import PathLike
from typing import TYPE_CHECKING

from llmring._chat import Chat

if TYPE_CHECKING:
    from llmring.files import RegisteredFile


class ListsFiles:
    """Registers files, for :attr:`LLMRequest.files`, and lists them; without ``await``."""

    _chat: Chat

    def register_file(self, path: str | PathLike[str], file_id: str | None = None) -> str:
        """Register a file and return its id: ``LLMRequest(messages, files=[ring.register_file("report.pdf")])``.

        Nothing is sent yet. A call uploads the file to the provider that it asks, unless the same content is there
        already; it is hashed again at each use, and a changed one is uploaded anew, the old copy deleted. OpenAI gets
        PDF files so, Anthropic PDF, plain text and images, Gemini whatever it reads; everything else, and whatever goes
        to other providers, is sent inline. The time for an upload counts towards the timeout of the attempt.

        Args:
            path: of a file that can be read. It may be registered more than once.
            file_id: an id of your own; one that is taken then means this file.

        Raises:
            FileNotFoundError: no such file; other ``OSError`` where it cannot be read.
        """
        return self._chat.files.register(path, file_id)

    def list_registered_files(self) -> "list[RegisteredFile]":
        """Return the registered files with their copies at providers, oldest first. Nothing is sent."""
        return self._chat.files.shown()


class RegistersFiles(ListsFiles):
    """Registers files, and deletes what providers keep of them."""

    async def deregister_file(self, file_id: str) -> bool:
        """Forget a file and delete its copies at all providers; ``False`` if it is not registered.

        A copy that cannot be deleted is logged as a warning. One whose content is registered under another id too
        stays. Files that were not deregistered stay at their providers: ``llmring files list`` shows them.
        """
        return await self._chat.files.deregister(file_id)
