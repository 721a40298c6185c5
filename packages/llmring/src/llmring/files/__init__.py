"""Registered files: uploaded to each provider that is really asked, and kept in step with what is on the disk."""

from llmring.files._registered import FileCopy, RegisteredFile

__all__ = ["FileCopy", "RegisteredFile"]
