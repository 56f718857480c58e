// Times that go on: every element with data-since shows how long ago that is, and how bad it is, once a second.

import { h } from "./dom.js";
import { span } from "./texts.js";

const STEPS = [60_000, 5 * 60_000, 15 * 60_000];

// 0: just now … 3: for too long.
export const heat = (ms) => STEPS.filter((step) => ms >= step).length;

export function wait(since, className = "wait") {
  const node = h("time", { class: className, data: { since } });
  show(node);
  return node;
}

// Until `at`: a countdown.
export function left(at, className = "left") {
  const node = h("time", { class: className, data: { until: at } });
  show(node);
  return node;
}

function show(node) {
  if (node.dataset.until) {
    const ms = Number(node.dataset.until) - Date.now();
    node.textContent = span(ms);
    node.dataset.heat = ms < 0 ? 3 : ms < 3_600_000 ? 2 : 0;
    return;
  }
  const ms = Date.now() - Number(node.dataset.since);
  const text = span(ms);
  if (node.textContent !== text) node.textContent = text;
  node.dataset.heat = heat(ms);
}

setInterval(() => document.querySelectorAll("[data-since], [data-until]").forEach(show), 1000);
