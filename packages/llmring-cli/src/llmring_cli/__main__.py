"""``python -m llmring_cli``, where scripts are not on the path."""

import sys

if not sys.flags.safe_path:
    # Python puts the working directory here, which may hold packages of a stranger (docs.python.org, sys_path_init).
    del sys.path[0]

from llmring_cli import main

main()
