"""Keys and accounts in Redis or Valkey, for the gateways of several machines."""

from llmring.serve._keys._redis.keys import RedisKeys

__all__ = ["RedisKeys"]
