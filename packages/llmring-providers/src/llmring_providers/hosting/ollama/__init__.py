"""Ollama's native chat: https://docs.ollama.com/api/chat"""
