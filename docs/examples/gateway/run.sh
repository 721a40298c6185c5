#!/bin/sh
# Serve the aliases of this folder's lockfile, and ask with curl as any program could. One key, 20 dollars a month.
set -eu
cd "$(dirname "$0")"
port=${1:-8787}
key=$(llmring serve key create --store serve.db --alias assistant --budget 20/month)
llmring serve --port "$port" --store serve.db &
server=$!
trap 'kill $server 2>/dev/null; rm -f serve.db*' EXIT
until curl -sf "http://127.0.0.1:$port/readyz" >/dev/null; do kill -0 $server && sleep 0.1; done
curl -s "http://127.0.0.1:$port/v1/chat/completions" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
    -d '{"model": "assistant", "messages": [{"role": "user", "content": "Hello"}]}'
echo
