"use strict";

const REFRESH_MS = 5000;

function followCalls() {
  const live = document.getElementById("live");
  const follow = document.getElementById("follow");
  if (!live) return;
  let shown = live.innerHTML;
  setInterval(async () => {
    // Rows that somebody has opened or entered stay as they are.
    if (!follow.checked || document.hidden || live.querySelector("details[open]") || live.contains(document.activeElement)) return;
    try {
      const answer = await fetch("/page/live", { redirect: "error" });
      if (!answer.ok) return;
      const text = await answer.text();
      if (text === shown) return;
      shown = text;
      // The server has escaped every text in it, and the page's Content-Security-Policy runs no script of it.
      live.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
    } catch {
      follow.checked = false; // the server has ended, or this session has
    }
  }, REFRESH_MS);
}

/** Yield the data of each event of a stream of server-sent events. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value.replaceAll("\r\n", "\n");
    const events = text.split("\n\n");
    text = events.pop();
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (data.length) yield data.join("\n");
    }
  }
}

/** Show the answer as text as it comes. Returns whether it came to its end. */
async function stream(answer, response) {
  for await (const data of eventsOf(response.body)) {
    if (data === "[DONE]") return true;
    const event = JSON.parse(data);
    if (event.error) throw new Error(event.error.message);
    answer.append(event.choices?.[0]?.delta?.content ?? "");
  }
  return false;
}

function playground() {
  const form = document.getElementById("ask");
  if (!form) return;
  const [model, key, text, send, stop, state, answer] = ["ask-model", "ask-key", "ask-text", "ask-send", "ask-stop", "ask-state", "answer"]
    .map((id) => document.getElementById(id));
  let controller = null;
  stop.addEventListener("click", () => controller?.abort());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    controller = new AbortController();
    send.disabled = true;
    stop.disabled = false;
    answer.replaceChildren();
    state.textContent = "Waiting for the answer …";
    const headers = { "content-type": "application/json" };
    if (key?.value) headers.authorization = `Bearer ${key.value}`;
    const messages = [{ role: "user", content: text.value }];
    try {
      const response = await fetch("/v1/chat/completions", {
        method: "POST",
        headers,
        body: JSON.stringify({ model: model.value, messages, stream: true }),
        signal: controller.signal,
      });
      if (!response.ok) throw new Error((await response.json()).error.message);
      state.textContent = "The answer is coming …";
      const whole = await stream(answer, response);
      const by = response.headers.get("llmring-model");
      state.textContent = whole ? `Answered${by ? ` by ${by}` : ""}.` : "The answer broke off.";
    } catch (error) {
      state.textContent = error.name === "AbortError" ? "Stopped." : `Failed: ${error.message}`;
    } finally {
      send.disabled = false;
      stop.disabled = true;
    }
  });
}

followCalls();
playground();
