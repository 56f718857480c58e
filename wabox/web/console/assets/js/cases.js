// Open cases, read again when one changes; the queue and the page's title show them.

import { get } from "./api.js";
import { gathered, listen } from "./stream.js";

let open = [];
let read = false;
const watchers = new Set();

export const all = () => open;
export const ready = () => read;
export const byConversation = (id) => open.find((one) => one.conversation_id === id);

// Calls `show` now and whenever they change; returns what ends it.
export function watch(show) {
  watchers.add(show);
  if (read) show(open);
  return () => watchers.delete(show);
}

export const refresh = gathered(async () => {
  try {
    const found = await get("/handoffs");
    const now = Date.now();
    open = found.map((one) => ({ ...one, since: one.waiting_ms === null ? null : now - one.waiting_ms }));
    read = true;
    for (const show of watchers) show(open);
  } catch (problem) {
    if (problem.status) console.warn(problem.message); // without an answer the page says already that it is offline
  }
});

listen((change) => {
  if (!change || change.kinds.includes("case") || (change.case_id && change.kinds.includes("message"))) refresh();
});
refresh();
