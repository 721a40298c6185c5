"""The child process: llama.cpp's server over one model file, for as long as the parent holds the other end of stdin.

Run as ``python -P -m llmring_providers.local.server``. The first line of stdin is a JSON object with ``weights``,
``name`` and ``api_key`` (which thus shows in no list of processes), the one line of stdout its address. The end of
stdin, which comes whatever the parent dies of, ends the process at once.

In a process of its own since the library holds the interpreter's lock while it loads, waits for unfinished answers when
it is closed, and aborts on an error of its own (``docs/decisions/2026-11-29-a-model-of-ones-own.md``).
"""

import json
import os
import sys
from importlib import import_module
from typing import Any

SLOTS = 4
"""Answers at the same time; further ones wait for their turn."""

CONTEXT = 8192
"""Tokens that the answers under way share, which is what one of them may have at most: the model's own limit.
https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct/blob/main/config.json"""


def load(weights: str, name: str, api_key: str) -> Any:
    """Load the model and return the server, which listens until it is let go of."""
    xllamacpp = import_module("xllamacpp")  # the extra, which has no types
    settings = xllamacpp.CommonParams()
    settings.model.path = weights
    settings.model_alias = {name}
    settings.hostnames = ["127.0.0.1"]
    settings.port = 0
    settings.api_keys = [api_key]
    settings.offline = True
    settings.ui = False
    settings.verbosity = -1
    settings.n_gpu_layers = 0
    settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
    settings.n_threads_http = 2 * SLOTS
    settings.n_parallel = SLOTS
    settings.n_ctx = CONTEXT
    settings.kv_unified = True
    settings.cache_ram_mib = 0  # of prompts that no slot holds: up to 8 GB by default
    settings.warmup = False
    settings.embedding = True
    settings.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return xllamacpp.Server(settings)


def main() -> None:
    server = load(**json.loads(sys.stdin.readline()))
    sys.stdout.write(json.dumps({"address": server.listening_address}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
