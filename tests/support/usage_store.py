"""Store and queries of the double of the usage server."""

import hashlib
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aiohttp import web
from usage_rules import (
    INT32,
    LIMITS,
    DatabaseError,
    InvalidError,
    Json,
    bounded,
    check_columns,
    integer,
    mapping,
    moment,
    number,
    text,
)

_ROLES = ("system", "user", "assistant", "tool")
_PRICES = {"openai:gpt-4o-mini": (0.15, 0.6), "anthropic:claude-sonnet-4-5-20250929": (3.0, 15.0)}


class UsageStore:
    """Rows of usage and conversations, apart for each key."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Json]] = defaultdict(list)
        self.kept: dict[str, list[Json]] = defaultdict(list)
        self._now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    # ------------------------------------------------------------------ usage

    def log(self, key: str, body: Json) -> Json:
        row: Json = {
            "id": str(uuid.uuid4()),
            "provider": text(body, "provider"),
            "model": text(body, "model"),
            "input_tokens": integer(body, "input_tokens"),
            "output_tokens": integer(body, "output_tokens"),
            "cached_input_tokens": integer(body, "cached_input_tokens", 0),
            "cost": number(body, "cost"),
            "metadata": mapping(body, "metadata"),
            "conversation_id": None,
        }
        for name in ("alias", "origin", "id_at_origin", "profile"):
            row[name] = body.get(name)
        row["profile"] = row["profile"] or "default"
        if row["cost"] is None:
            row["cost"] = _computed(row)
        check_columns(row)
        row["logged_at"] = self._tick()
        self.rows[key].append(row)
        return {"log_id": row["id"], "cost": row["cost"], "timestamp": row["logged_at"].rstrip("Z")}

    def logs(self, key: str, query: Mapping[str, str]) -> list[Json]:
        limit, offset = bounded(query, "limit", 50, 1, 500), bounded(query, "offset", 0, 0, None)
        rows = [
            row
            for row in reversed(self._between(key, query))
            if all(not query.get(name) or row[name] == query[name] for name in ("alias", "model", "origin"))
        ]
        return [{**row, "cost": round(row["cost"], 8)} for row in rows[offset : offset + limit]]

    def stats(self, key: str, query: Mapping[str, str]) -> Json:
        rows = self._between(key, query, clamp=True)
        if any(row["input_tokens"] + row["output_tokens"] >= INT32 for row in rows):
            raise DatabaseError
        return {
            "summary": {
                "total_requests": len(rows),
                "total_cost": _cost(rows) if rows else "0",
                "total_tokens": sum(row["input_tokens"] + row["output_tokens"] for row in rows),
                "unique_models": len({row["model"] for row in rows}),
                "unique_origins": len({row["origin"] for row in rows} - {None}),
            },
            "by_day": _by_day(rows),
            "by_model": {name: _sums(found) for name, found in _grouped(rows, "model").items()},
            "by_origin": {
                name: {"requests": len(found), "cost": float(_cost(found))}
                for name, found in _grouped(rows, "origin").items()
            },
            "by_alias": {name: _sums(found) for name, found in _grouped(rows, "alias").items()},
        }

    # ------------------------------------------------------------------ conversations

    def log_conversation(self, key: str, body: Json) -> Json:
        if not isinstance(body.get("messages"), list):
            raise InvalidError("missing", "body", "messages")
        if not isinstance(body.get("response"), dict):
            raise InvalidError("missing", "body", "response")
        if not isinstance(body.get("metadata"), dict):
            raise InvalidError("missing", "body", "metadata")
        about = body["metadata"]
        for name in ("provider", "model"):
            if not isinstance(about.get(name), str):
                raise InvalidError("missing", "body", "metadata", name)
        if not isinstance(about.get("origin", ""), str):
            raise InvalidError("string_type", "body", "metadata", "origin")
        cost = about.get("cost") or (about.get("input_cost") or 0) + (about.get("output_cost") or 0)
        name = about.get("alias") or f"{about['provider']}:{about['model']}"
        if len(name) > LIMITS["model"] or cost >= 100:
            raise DatabaseError
        created = self._tick()
        messages = [self._message(message) for message in body["messages"]]
        messages.append(self._message(_spoken(body["response"], about, cost)))
        conversation = {
            "title": f"{about.get('alias') or about['model']} conversation",
            "system_prompt": None,
            "model_alias": name,
            "temperature": 0.7,
            "max_tokens": None,
            "id": str(uuid.uuid4()),
            "api_key_id": key,
            "project_id": None,
            "message_count": len(messages),
            "total_input_tokens": about.get("input_tokens") or 0,
            "total_output_tokens": about.get("output_tokens") or 0,
            "total_cost": float(cost),
            "created_at": created,
            "updated_at": messages[-1]["timestamp"],
            "last_message_at": messages[-1]["timestamp"],
            "messages": [{**message, "conversation_id": None} for message in messages],
        }
        for message in conversation["messages"]:
            message["conversation_id"] = conversation["id"]
        self.kept[key].append(conversation)
        return {"conversation_id": conversation["id"], "message_id": messages[-1]["id"]}

    def create_conversation(self, key: str, body: Json) -> Json:
        created = self._tick()
        conversation = {
            "title": body.get("title"),
            "system_prompt": body.get("system_prompt"),
            "model_alias": body.get("model_alias", "default"),
            "temperature": body.get("temperature", 0.7),
            "max_tokens": body.get("max_tokens"),
            "id": str(uuid.uuid4()),
            "api_key_id": key,
            "project_id": None,
            "message_count": 0,
            "total_input_tokens": 0,
            "total_output_tokens": 0,
            "total_cost": 0.0,
            "created_at": created,
            "updated_at": created,
            "last_message_at": None,
            "messages": [],
        }
        self.kept[key].append(conversation)
        return {name: value for name, value in conversation.items() if name != "messages"}

    def add_messages(self, key: str, identifier: str, body: Json) -> list[Json]:
        found = self._find(key, identifier)
        if "conversation_id" not in body:
            raise InvalidError("missing", "body", "conversation_id")
        if body.get("logging_level", "full") == "none":
            return []
        added = [{**self._message(row), "conversation_id": identifier} for row in body["messages"]]
        if body.get("logging_level") == "metadata":
            added = [{**row, "content": None} for row in added]
        found["messages"] += added
        found["message_count"] += len(added)
        found["total_cost"] += sum(row["metadata"].get("cost", 0.0) for row in added)
        return added

    def _message(self, message: Json) -> Json:
        role, content = message.get("role", "user"), message.get("content")
        if role not in _ROLES or not isinstance(content, (str, type(None))):
            raise DatabaseError
        return {
            "role": role,
            "content": content or None,
            "tool_calls": message.get("tool_calls"),
            "tool_results": None,
            "metadata": message.get("metadata") or {},
            "id": str(uuid.uuid4()),
            "content_hash": hashlib.sha256(content.encode()).hexdigest() if content else None,
            "input_tokens": message.get("input_tokens"),
            "output_tokens": message.get("output_tokens"),
            "timestamp": self._tick(),
        }

    def conversations(self, key: str, query: Mapping[str, str]) -> list[Json]:
        limit, offset = bounded(query, "limit", 20, 1, 100), bounded(query, "offset", 0, 0, None)
        found = list(reversed(self.kept[key]))[offset : offset + limit]
        return [{name: value for name, value in each.items() if name != "messages"} for each in found]

    def conversation(self, key: str, identifier: str, query: Mapping[str, str]) -> Json:
        limit = bounded(query, "message_limit", 100, 1, 1000)
        found = self._find(key, identifier)
        wanted = query.get("include_messages", "true") == "true"
        return {**found, "messages": found["messages"][:limit] if wanted else []}

    def messages(self, key: str, identifier: str, query: Mapping[str, str]) -> list[Json]:
        limit, offset = bounded(query, "limit", 100, 1, 1000), bounded(query, "offset", 0, 0, None)
        messages: list[Json] = self._find(key, identifier)["messages"]
        return messages[offset : offset + limit]

    def _find(self, key: str, identifier: str) -> Json:
        try:
            uuid.UUID(identifier)
        except ValueError:
            raise InvalidError("uuid_parsing", "path", "conversation_id") from None
        for conversation in self.kept[key]:
            if conversation["id"] == identifier:
                return conversation
        raise web.HTTPNotFound(text="Conversation not found")

    # ------------------------------------------------------------------ time

    def _tick(self) -> str:
        self._now += timedelta(milliseconds=7)
        return self._now.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _between(self, key: str, query: Mapping[str, str], *, clamp: bool = False) -> list[Json]:
        end = moment(query.get("end_date"), last=True) or self._now + timedelta(days=1)
        start = moment(query.get("start_date"), last=False) or end - timedelta(days=30)
        if clamp and start > end:
            start = end
        return [row for row in self.rows[key] if start <= datetime.fromisoformat(row["logged_at"]) <= end]


def _computed(row: Json) -> float:
    name = row["model"] if ":" in row["model"] else f"{row['provider']}:{row['model']}"
    given, made = _PRICES.get(name, (0.0, 0.0))
    fresh = row["input_tokens"] - row["cached_input_tokens"]
    return float(fresh * given + row["output_tokens"] * made) / 1e6


def _spoken(response: Json, about: Json, cost: float) -> Json:
    return {
        "role": "assistant",
        "content": response.get("content"),
        "tool_calls": response.get("tool_calls"),
        "input_tokens": about.get("input_tokens"),
        "output_tokens": about.get("output_tokens"),
        "metadata": {
            "model": response.get("model") or about["model"],
            "finish_reason": response.get("finish_reason"),
            "usage": response.get("usage"),
            "provider": about["provider"],
            "cost": float(cost),
        },
    }


def _cost(rows: list[Json]) -> str:
    return str(sum((Decimal(str(row["cost"])).quantize(Decimal("1e-8")) for row in rows), Decimal()))


def _sums(rows: list[Json]) -> Json:
    return {
        "requests": len(rows),
        "cost": _cost(rows),
        "input_tokens": sum(row["input_tokens"] for row in rows),
        "output_tokens": sum(row["output_tokens"] for row in rows),
    }


def _grouped(rows: list[Json], name: str) -> dict[str, list[Json]]:
    groups: dict[str, list[Json]] = defaultdict(list)
    for row in rows:
        if row[name] is not None:
            groups[row[name]].append(row)
    return groups


def _by_day(rows: list[Json]) -> list[Json]:
    """Only the day's most used model counts."""
    days: dict[str, list[Json]] = defaultdict(list)
    for row in rows:
        days[row["logged_at"][:10]].append(row)
    found = []
    for day, of_day in sorted(days.items(), reverse=True):
        top = Counter(row["model"] for row in of_day).most_common(1)[0][0]
        mine = [row for row in of_day if row["model"] == top]
        found.append({"date": day, "requests": len(mine), "cost": _cost(mine), "top_model": top})
    return found
