"""The tab of one request: the pace and the account of the key that it came with."""

from llmring_types import LLMRequest, Usage

from llmring._money.accounts import Payer
from llmring.serve._keys import GatewayKey, Ledger
from llmring.tokens import estimate_tokens


class Tab:
    """Counts a request against the limits of its key; without a key there are none.

    Args:
        key: that the client has sent.
        ledger: of the store that the key is in.
    """

    def __init__(self, key: GatewayKey | None = None, ledger: Ledger | None = None) -> None:
        self.key = key
        self._ledger = ledger
        self._second = 0
        self._counted = 0

    @property
    def account(self) -> Payer | None:
        """The account that pays; ``None`` where nothing bounds it."""
        if self.key is None or self._ledger is None:
            return None
        return self._ledger.account(self.key)

    async def open(self, request: LLMRequest | None) -> None:
        """Count the request, and the tokens that it brings and asks for.

        Args:
            request: asks a model; ``None`` for one that uses no tokens, as a count of them.

        Raises:
            ProviderRateLimitError: it is beyond the pace of its key.
            ConfigurationError: the store of keys cannot be used.
        """
        key = self.key
        if key is None or self._ledger is None or (key.rpm is None and key.tpm is None):
            return
        tokens = 0
        if key.tpm is not None and request is not None:
            tokens = min(estimate_tokens(request) + (request.max_tokens or 0), key.tpm)
        self._second = await self._ledger.admit(key, tokens)
        self._counted = tokens

    def close(self, usage: Usage | None) -> None:
        """Count what was used in place of the estimate; ``None`` leaves that."""
        key = self.key
        if key is None or key.tpm is None or self._ledger is None or usage is None:
            return
        used = usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)
        self._ledger.correct(key, self._second, used - self._counted)

    async def written(self) -> None:
        """Wait until what the request has cost is in the store, or cannot be written."""
        if self._ledger is not None:
            await self._ledger.written()
