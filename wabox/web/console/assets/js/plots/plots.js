// Small plots as SVG. Each has its numbers as text for whoever does not see it.

import { h, s } from "../dom.js";
import { number, share, whole } from "../texts.js";

const WIDE = 600;
const HIGH = 150;

// Bars over time; `second` is drawn as a line over them. `label(index)` names a point.
export function course(values, second, label, names) {
  const most = Math.max(1, ...values, ...second);
  const step = WIDE / values.length;
  const y = (value) => HIGH - (value / most) * (HIGH - 8);
  const bars = values.map((value, index) => s("rect", { class: "bar-of", x: index * step + step * 0.12, y: y(value), width: step * 0.76, height: Math.max(0, HIGH - y(value)), rx: Math.min(3, step * 0.2) }, s("title", {}, `${label(index)}: ${number(value)} ${names[0]}, ${number(second[index] ?? 0)} ${names[1]}`)));
  const points = second.map((value, index) => `${(index + 0.5) * step},${y(value)}`).join(" ");
  const lines = [0.5, 1].map((part) => s("path", { class: "grid", d: `M0 ${y(most * part)}H${WIDE}` }));
  return h(
    "figure",
    { class: "plot" },
    s("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: "none", role: "img", aria: { label: `${names[0]}: ${values.map(number).join(", ")}` } }, lines, bars, s("polyline", { class: "line-of", points })),
    h("figcaption", { class: "axis" }, h("span", {}, label(0)), h("span", { class: "legend" }, h("i", { class: "bars" }), names[0], h("i", { class: "line" }), names[1], h("span", { class: "soft" }, `↑ ${whole(most)}`)), h("span", {}, label(values.length - 1))),
  );
}

// Rows with a bar each: [[name, value, href?]], most first.
export function ranks(rows, { most = 8, unit = number } = {}) {
  const all = rows.reduce((sum, [, value]) => sum + value, 0);
  const top = Math.max(1, ...rows.map(([, value]) => value));
  return h("ol", { class: "ranks" }, rows.slice(0, most).map(([name, value]) => h("li", {}, h("span", { class: "name", dir: "auto" }, name), track(value / top), h("span", { class: "value" }, unit(value), " ", h("small", {}, all ? share(value / all) : "")))));
}

export function track(part) {
  const width = Math.round(Math.min(1, Math.max(0, part)) * 100);
  return s("svg", { class: "track", viewBox: "0 0 100 6", preserveAspectRatio: "none", aria: { hidden: "true" } }, s("rect", { class: "rail", width: 100, height: 6, rx: 3 }), s("rect", { class: "bar-of", width, height: 6, rx: 3 }));
}

// The value below which this share of a histogram's observations lies, seconds; null without any.
export function quantile({ bounds, counts }, part) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (!all) return null;
  let left = part * all;
  for (let index = 0; index < counts.length; index++) {
    if (left <= counts[index]) {
      const low = index ? bounds[index - 1] : 0;
      const high = bounds[index] ?? bounds.at(-1);
      return low + (high - low) * (counts[index] ? left / counts[index] : 0);
    }
    left -= counts[index];
  }
  return bounds.at(-1);
}
