"""Conversations: messages that grow, are trimmed to fit, branch, and are kept in a file or a store.

``conversation = Conversation(ring, "assistant", system="Be brief.")``, then ``await conversation.send("Hello")``.
"""

from llmring.conversation._conversation import Conversation
from llmring.conversation._store import ConversationStore, StoredConversation
from llmring.conversation._stream import ConversationStream
from llmring.conversation._trimming import trimmed

__all__ = ["Conversation", "ConversationStore", "ConversationStream", "StoredConversation", "trimmed"]
