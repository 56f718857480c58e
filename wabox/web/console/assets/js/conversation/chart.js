// The statechart of the conversation: where it stands is lit, the way it came is marked, and what a detour suspended is a
// step away. The picture is drawn by the server once per version; here only its looks change.

import { get } from "../api.js";
import { fill, h, s, sign } from "../dom.js";
import { t } from "../texts.js";
import { marksOf, walked } from "./path.js";

const drawn = new Map(); // reference → promise of SVG text
const JUMPS = 6;
const STEPS = [0.35, 0.5, 0.65, 0.8, 1, 1.25, 1.6];

function picture(ref) {
  if (!drawn.has(ref)) drawn.set(ref, get(`/charts/${encodeURIComponent(ref)}`).catch((problem) => (drawn.delete(ref), Promise.reject(problem))));
  return drawn.get(ref);
}

export function parsed(text) {
  return document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
}

export function chart() {
  const crumbs = h("ol", { class: "crumbs", aria: { label: t("chart.stack") } });
  const view = h("div", { class: "view", tabindex: "0", role: "region", aria: { label: t("chart") } });
  const where = h("p", { class: "where", role: "status" });
  const tools = h("div", { class: "tools" }, sign("minus", t("chart.smaller"), () => zoom(-1)), sign("plus", t("chart.larger"), () => zoom(1)), sign("target", t("chart.centre"), () => centre()));
  const node = h("section", { class: "chart", aria: { label: t("chart") } }, h("header", {}, h("h2", {}, t("chart")), tools), crumbs, view, where);
  let places = [];
  let path = [];
  let chosen = null; // index of a suspended chart somebody looks at; null: the active one
  let shown = "";
  let level = 3;
  let size = null;
  let lit = "";

  const current = () => places[chosen ?? places.length - 1];

  async function draw() {
    const place = current();
    stack();
    if (!place) {
      shown = "";
      fill(view, h("p", { class: "empty" }, t("holder.rest")));
      where.textContent = "";
      return;
    }
    where.textContent = place.states.map((state) => state || place.flow).join(", ").replaceAll(".", " › ");
    if (shown !== place.chart) {
      try {
        const text = await picture(place.chart);
        if (current()?.chart !== place.chart) return;
        const svg = parsed(text);
        size = [Number(svg.getAttribute("width")), Number(svg.getAttribute("height"))];
        fill(view, svg);
        shown = place.chart;
        level = STEPS.findLastIndex((step) => size[0] * step <= Math.max(view.clientWidth * 1.35, 300));
        level = Math.min(Math.max(level, 1), 4);
        scale();
        lit = "";
      } catch (problem) {
        shown = "";
        fill(view, h("p", { class: "empty" }, problem.message));
        return;
      }
    }
    light(view.firstElementChild, place);
  }

  function stack() {
    crumbs.hidden = places.length < 2;
    fill(crumbs, ...places.map((place, index) => h("li", {}, h("button", { type: "button", aria: { current: place === current() ? "true" : null }, onclick: () => ((chosen = index === places.length - 1 ? null : index), draw()) }, h("span", {}, place.flow), index < places.length - 1 && h("small", {}, t("chart.suspended"))))));
  }

  function light(svg, place) {
    const turns = path.filter((turn) => turn.flow === place.flow);
    const edges = [...svg.querySelectorAll(".edge")].map((element) => ({ element, from: element.dataset.from, to: element.dataset.to, initial: element.classList.contains("from-initial"), marks: marksOf(element.dataset.transitions) }));
    const went = walked(edges, turns, place.flow);
    for (const edge of edges) edge.element.classList.toggle("taken", went.edges.has(edge));
    for (const state of svg.querySelectorAll(".state")) {
      const id = state.dataset.state;
      const now = place.states.includes(id);
      state.classList.toggle("fresh", now && !state.classList.contains("lit") && lit !== "");
      state.classList.toggle("lit", now);
      state.classList.toggle("around", !now && id !== "" && place.states.some((leaf) => leaf.startsWith(`${id}.`)));
      state.classList.toggle("visited", !now && went.states.has(id));
    }
    svg.setAttribute("aria-label", t("chart.here", { flow: place.flow, states: place.states.join(", ") }));
    jumps(svg, went.jumps.slice(-JUMPS));
    const now = place.states.join();
    if (lit !== now) centre(lit !== "");
    lit = now;
  }

  // Steps that the picture has no line for: what a word leads to from everywhere.
  function jumps(svg, all) {
    svg.querySelector(".jumps")?.remove();
    const middle = (id) => {
      const box = svg.querySelector(`.state[data-state="${CSS.escape(id)}"] > .box`);
      if (!box) return null;
      const { x, y, width, height } = box.getBBox();
      return { x: x + width / 2, y: y + height / 2, width, height };
    };
    const lines = all.map(([from, to]) => [middle(from), middle(to)]).filter(([a, b]) => a && b);
    svg.append(s("g", { class: "jumps" }, lines.map(([a, b], index) => {
      const bend = (b.x - a.x) / 6 + 24;
      const upwards = b.y < a.y ? 1 : -1;
      const end = b.y + (upwards * b.height) / 2;
      return s("path", { class: `jump age-${lines.length - 1 - index}`, d: `M${a.x} ${a.y - (upwards * a.height) / 2}Q${(a.x + b.x) / 2 + bend} ${(a.y + end) / 2} ${b.x} ${end}`, "marker-end": "url(#wabox-arrow)" });
    })));
  }

  function scale() {
    const svg = view.querySelector("svg");
    if (!svg || !size) return;
    svg.setAttribute("width", Math.round(size[0] * STEPS[level]));
    svg.setAttribute("height", Math.round(size[1] * STEPS[level]));
  }

  function zoom(by) {
    level = Math.min(Math.max(level + by, 0), STEPS.length - 1);
    scale();
    centre();
  }

  function centre(smooth = false) {
    const box = view.querySelector(".state.lit > .box");
    if (!box) return;
    const place = box.getBoundingClientRect();
    const around = view.getBoundingClientRect();
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    view.scrollBy({
      left: place.x + place.width / 2 - around.x - around.width / 2,
      top: place.y + place.height / 2 - around.y - around.height / 2,
      behavior: smooth && !calm ? "smooth" : "instant",
    });
  }

  view.addEventListener("keydown", ({ key }) => (key === "+" ? zoom(1) : key === "-" ? zoom(-1) : null));
  return {
    node,
    // It has just come into sight: what is measured on the picture could not be before.
    appear() {
      requestAnimationFrame(() => {
        const svg = view.querySelector("svg");
        if (svg && current()) light(svg, current());
        centre();
      });
    },
    show(dossier) {
      const known = JSON.stringify([places, path]);
      places = dossier.places;
      const older = path.filter((turn) => !dossier.path.length || turn.at < dossier.path[0].at);
      path = [...older, ...dossier.path];
      if (chosen !== null && chosen >= places.length - 1) chosen = null;
      if (known !== JSON.stringify([places, path]) || !shown) draw();
    },
  };
}
