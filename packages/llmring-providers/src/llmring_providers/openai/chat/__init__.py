"""The chat completions API: https://platform.openai.com/docs/api-reference/chat"""
