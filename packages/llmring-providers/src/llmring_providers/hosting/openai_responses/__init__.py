"""OpenAI's responses API: https://platform.openai.com/docs/api-reference/responses"""
