// Who is where: every conversation of the last days in its state; the colour says how long it has waited.

import { get } from "../api.js";
import { sorry } from "../dialog.js";
import { fill, h, s } from "../dom.js";
import { parsed } from "../conversation/chart.js";
import { path } from "../router.js";
import { gathered, listen } from "../stream.js";
import { span, t, whole } from "../texts.js";
import { heat } from "../waits.js";

const MOST = 1000;
const DOTS = 120; // of one state; the rest is counted

export function map(main) {
  let view = sessionStorage.getItem("wabox.map") ?? "list";
  let spots = [];
  const body = h("div", { class: "flowmaps" });
  const tabs = h("div", { class: "tabs small", role: "tablist" }, ["list", "picture"].map((name) => h("button", { type: "button", role: "tab", data: { view: name }, onclick: () => ((view = name), sessionStorage.setItem("wabox.map", name), draw()) }, t(`map.${name}`))));
  const legend = h("p", { class: "heats" }, h("span", { class: "dot" }), t("map.bot"), [0, 1, 2, 3].map((level) => [h("span", { class: "dot", data: { heat: level } }), t(`map.heat.${level}`)]));
  main.replaceChildren(h("div", { class: "page" }, h("header", {}, h("h1", {}, t("page.map")), tabs), legend, body));

  const refresh = gathered(async () => {
    try {
      const now = Date.now();
      spots = (await get("/conversations", { limit: MOST })).map((spot) => ({ ...spot, since: spot.case?.waiting_ms == null ? null : now - spot.case.waiting_ms }));
      await draw();
    } catch (problem) {
      if (problem.status) sorry(problem);
    }
  }, 700);

  async function draw() {
    for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.dataset.view === view));
    const flows = new Map();
    for (const spot of spots) {
      const flow = spot.flow ?? "";
      if (!flows.has(flow)) flows.set(flow, new Map());
      for (const state of spot.states.length ? spot.states : [""]) {
        const states = flows.get(flow);
        states.set(state, [...(states.get(state) ?? []), spot]);
      }
    }
    const sorted = [...flows].sort(([one, a], [other, b]) => Number(!one) - Number(!other) || size(b) - size(a));
    const focused = document.activeElement?.dataset?.id;
    fill(body, ...(await Promise.all(sorted.map(([flow, states]) => (view === "picture" && flow ? picture(flow, states) : listed(flow, states))))));
    if (!sorted.length) fill(body, h("p", { class: "empty" }, t("map.empty")));
    if (focused) body.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
  }

  refresh();
  return listen((change) => (!change || !change.kinds.includes("delivery")) && refresh());
}

const size = (states) => [...states.values()].reduce((sum, spots) => sum + spots.length, 0);
const worst = (spots) => Math.max(-1, ...spots.map((spot) => (spot.since === null ? -1 : heat(Date.now() - spot.since))));

function title(flow, states) {
  return h("h2", {}, flow || t("holder.rest"), " ", h("span", { class: "soft" }, whole(size(states))));
}

function listed(flow, states) {
  const rows = [...states].sort(([, a], [, b]) => worst(b) - worst(a) || b.length - a.length);
  return h("section", { class: "card wide" }, title(flow, states), h("ul", { class: "states" }, rows.map(([state, spots]) => h("li", {}, h("span", { class: "name" }, state.replaceAll(".", " › ") || "–"), h("span", { class: "n" }, whole(spots.length)), h("span", { class: "dots" }, spots.slice(0, DOTS).map(dot), spots.length > DOTS && h("small", {}, `+${spots.length - DOTS}`))))));
}

function dot(spot) {
  const told = spot.since === null ? t(spot.case ? "holder.agent" : "holder.bot", { name: spot.case?.agent_name ?? "" }) : `${t("waits_since")} ${span(Date.now() - spot.since)}`;
  return h("a", { class: "dot", href: path("conversations", spot.conversation_id), data: { heat: spot.since === null ? (spot.case ? "held" : null) : heat(Date.now() - spot.since), id: spot.conversation_id }, title: `${spot.customer} · ${told}`, aria: { label: `${spot.customer}, ${told}` } });
}

// The same on the flow's picture: how many are in each state.
async function picture(flow, states) {
  let svg;
  try {
    svg = parsed(await get(`/charts/${encodeURIComponent(flow)}`));
  } catch {
    return listed(flow, states); // an older version's chart
  }
  const section = h("section", { class: "card wide" }, title(flow, states), h("div", { class: "scroller" }, svg));
  requestAnimationFrame(() => {
    for (const [state, spots] of states) {
      const box = svg.querySelector(`.state[data-state="${CSS.escape(state)}"]`);
      const shape = box?.querySelector(":scope > .box");
      if (!shape) continue;
      box.classList.add("busy");
      const { x, y, width } = shape.getBBox();
      svg.append(s("g", { class: "crowd", data: { heat: worst(spots) } }, s("circle", { cx: x + width, cy: y, r: 12 }), s("text", { x: x + width, y: y + 4 }, whole(spots.length)), s("title", {}, spots.slice(0, 20).map((spot) => spot.customer).join(", "))));
    }
  });
  return section;
}
