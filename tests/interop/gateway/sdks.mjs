// What the vendors' SDKs for JavaScript read of a gateway, as one JSON document. Arguments: its URL and a key.
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const [url, key] = process.argv.slice(2);
const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const anthropic = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello" }];
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const found = {};

const chat = { model: "fast", messages };
found.chat = (await openai.chat.completions.create(chat)).choices[0].message.content;
found.streamed = "";
for await (const chunk of await openai.chat.completions.create({ ...chat, stream: true })) {
  found.streamed += chunk.choices[0]?.delta?.content ?? "";
}
found.response = (await openai.responses.create({ model: "fast", input: "Hello" })).output_text;
const tools = [{ type: "function", function: { name: "weather", parameters } }];
found.call = (await openai.chat.completions.create({ ...chat, model: "calls", tools })).choices[0].message.tool_calls[0].function;
found.models = (await openai.models.list()).data.map((model) => model.id);
found.error = await openai.chat.completions.create({ ...chat, model: "none" }).catch((error) => [error.constructor.name, error.status]);
found.cut = await (async () => {
  for await (const _ of await openai.chat.completions.create({ ...chat, model: "cut", stream: true }));
})().catch((error) => error.message);

const message = { model: "fast", max_tokens: 100, messages };
found.message = (await anthropic.messages.create(message)).content[0].text;
found.messageStreamed = await anthropic.messages.stream(message).finalText();
const tool = { name: "weather", input_schema: parameters };
found.use = (await anthropic.messages.create({ ...message, model: "calls", tools: [tool] })).content.find((block) => block.type === "tool_use").input;
found.tokens = (await anthropic.messages.countTokens({ model: "fast", messages })).input_tokens;
found.messageError = await anthropic.messages.create({ ...message, model: "none" }).catch((error) => [error.constructor.name, error.status]);
found.messageCut = await anthropic.messages.stream({ ...message, model: "cut" }).finalText().catch((error) => error.message);

console.log(JSON.stringify(found));
