// The numbers that people watch: those of `wabox stats` and of /metrics, from the same source.

import { get, lacking } from "../api.js";
import { sorry } from "../dialog.js";
import { fill, h } from "../dom.js";
import { course, quantile, ranks, track } from "../plots/plots.js";
import { gathered, listen } from "../stream.js";
import { clock, counted, day, known, number, share, span, t, whole } from "../texts.js";
import { heat } from "../waits.js";

const RANGES = [24, 168, 720];
const OFTEN = 5_000; // ms between two looks at most
const SPEEDS = ["webhook_ack_seconds", "delivery_seconds", "queue_wait_seconds", "timer_lateness_seconds"];

export function numbers(main) {
  let hours = Number(sessionStorage.getItem("wabox.hours")) || 168;
  const body = h("div", { class: "cards" });
  const tabs = h("div", { class: "tabs small", role: "tablist", aria: { label: t("numbers.range") } }, RANGES.map((range) => h("button", { type: "button", role: "tab", data: { range }, onclick: () => ((hours = range), sessionStorage.setItem("wabox.hours", range), refresh()) }, t(`numbers.${range}`))));
  main.replaceChildren(h("div", { class: "page" }, h("header", {}, h("h1", {}, t("page.numbers")), tabs), body));

  const refresh = gathered(async () => {
    for (const tab of tabs.children) tab.setAttribute("aria-selected", String(Number(tab.dataset.range) === hours));
    try {
      const [stats, figures, queues, closed] = await Promise.all([lacking("stats") ? null : get("/stats", { hours }), get("/figures"), get("/queues"), get("/handoffs", { status: "closed", limit: 500 })]);
      const since = stats?.since ?? Date.now() - hours * 3_600_000;
      const rated = closed.filter((one) => one.closed_at >= since && one.rating);
      fill(body, ...(stats ? cards(stats, reader(figures), queues, rated) : standing(reader(figures), queues, rated)));
    } catch (problem) {
      if (problem.status) sorry(problem);
    }
  }, OFTEN);
  refresh();
  return listen(() => refresh());
}

function reader(samples) {
  const by = (name) => samples.filter((one) => one.name === name);
  return { by, value: (name) => by(name).reduce((sum, one) => sum + one.value, 0), has: (name) => by(name).length > 0 };
}

function card(title, ...inside) {
  return h("section", { class: "card" }, h("h2", {}, title), ...inside);
}

function tile(title, value, below = "", bad = false) {
  return h("div", { class: `tile${bad ? " bad" : ""}` }, h("span", { class: "soft" }, title), h("strong", {}, value), h("small", {}, below));
}

// What is known without counters.
function standing(figures, queues, rated) {
  const waiting = queues.reduce((sum, one) => sum + one.waiting, 0);
  return [
    h("div", { class: "tiles" }, tile(t("queue.waiting"), whole(waiting)), csat(rated), outbox(figures)),
    h("p", { class: "soft" }, t("numbers.now")),
    h("div", { class: "columns" }, [lines(queues), card(t("numbers.speed"), table(["", "p50", "p95", "p99"], speeds([], figures)))].filter(Boolean)),
  ];
}

function csat(rated) {
  return tile(t("numbers.csat"), rated.length ? number(rated.reduce((sum, one) => sum + one.rating, 0) / rated.length) : "–", t("numbers.ratings", { n: rated.length }));
}

function outbox(figures) {
  const oldest = figures.value("outbox_oldest_seconds");
  return tile(t("numbers.outbox"), whole(figures.value("outbox_messages")), oldest ? span(oldest * 1000) : "", oldest > 60);
}

function lines(queues) {
  if (!queues.length) return null;
  return card(t("queues"), table([t("queue"), t("queue.waiting"), t("numbers.claimed"), t("numbers.longest"), t("numbers.told")], queues.map((one) => [one.title || one.name, one.waiting, one.claimed, one.waiting ? h("span", { data: { heat: heat(one.longest_ms) } }, span(one.longest_ms)) : "–", one.most_minutes ? `${one.least_minutes}–${one.most_minutes} min` : "–"])));
}

function cards(stats, figures, queues, rated) {
  const heard = Object.values(stats.tiers).reduce((sum, n) => sum + n, 0);
  const lost = Object.values(stats.fallbacks).reduce((sum, n) => sum + n, 0);
  const handed = Object.values(stats.handoffs).reduce((sum, n) => sum + n, 0);
  const back = Object.values(stats.returns).reduce((sum, n) => sum + n, 0);
  const started = stats.flows.reduce((sum, flow) => sum + flow.started, 0);
  const limit = figures.value("free_messages_limit");
  const label = (index) => when(stats, index);
  return [
    h(
      "div",
      { class: "tiles" },
      tile(t("numbers.inbound"), whole(stats.inbound), counted("numbers.started", started)),
      tile(t("numbers.outbound"), whole(stats.outbound), t("numbers.failed", { n: whole(stats.failed) }), stats.failed > 0),
      tile(t("numbers.understood"), heard ? share(1 - lost / heard) : "–", t("numbers.lost", { n: whole(lost) })),
      tile(t("numbers.handed"), whole(handed), started ? t("numbers.of_conversations", { share: share(Math.min(1, handed / started)) }) : ""),
      csat(rated),
      limit ? tile(t("numbers.free"), `${whole(figures.value("free_messages_used"))} / ${whole(limit)}`, t("numbers.this_month"), figures.value("free_messages_used") > limit * 0.9) : null,
      figures.value("llm_limit_today") ? tile(t("numbers.llm"), number(figures.value("llm_spent_today")), t("numbers.of", { n: number(figures.value("llm_limit_today")) })) : null,
      outbox(figures),
      tile(t("numbers.back"), whole(back), t("numbers.errors", { n: whole(stats.errors) }), stats.errors > 0),
    ),
    h("section", { class: "card wide" }, h("h2", {}, t("numbers.course")), course(stats.course, stats.handed, label, [t("numbers.messages"), t("numbers.cases")])),
    h("div", { class: "columns" }, [
    lines(queues),
    card(t("numbers.flows"), table([t("flow"), t("numbers.begun"), t("numbers.done"), t("numbers.expired"), ""], stats.flows.filter((one) => one.started || one.done).map((one) => [one.flow, whole(one.started), whole(one.done), whole(one.expired), one.started ? track(one.done / one.started) : ""]))),
    card(t("numbers.drop"), table([t("state"), t("numbers.entered"), t("numbers.left"), ""], stats.states.filter((one) => one.entered && one.state).slice(0, 12).map((one) => [h("span", {}, one.state.replaceAll(".", " › "), " ", h("small", {}, one.flow)), whole(one.entered), whole(one.expired), track(one.expired / one.entered)]))),
    card(t("numbers.tiers"), ranks(Object.entries(stats.tiers).map(([name, n]) => [known("tier", name), n]))),
    card(t("numbers.intents"), ranks(Object.entries(stats.intents))),
    lost ? card(t("numbers.causes"), ranks(Object.entries(stats.fallbacks).map(([name, n]) => [known("cause", name), n]))) : null,
    handed ? card(t("numbers.handoffs"), ranks(Object.entries(stats.handoffs).map(([name, n]) => [name === "none" ? t("numbers.no_intent") : name, n]))) : null,
    card(t("numbers.speed"), table(["", "p50", "p95", "p99"], speeds(stats.times, figures))),
    ]),
  ].filter(Boolean);
}

function speeds(times, figures) {
  const ms = (seconds) => (seconds === null ? "–" : seconds >= 10 ? span(seconds * 1000) : seconds >= 1 ? `${number(seconds)} s` : `${number(seconds * 1000)} ms`);
  const rows = SPEEDS.flatMap((name) => figures.by(name).map((one) => [t(`speed.${name}`), ...[0.5, 0.95, 0.99].map((part) => ms(quantile(one, part)))]));
  const tiers = times.filter((one) => one.what.startsWith("understanding ")).map((one) => [one.what.replace(/^understanding (\S+)/u, (whole, tier) => `${t("speed.understanding")}: ${known("tier", tier)}`), ms(one.p50), ms(one.p95), ms(one.p99)]);
  return [...rows.filter((row) => row[1] !== "–"), ...tiers];
}

function table(heads, rows) {
  if (!rows.length) return h("p", { class: "soft" }, t("numbers.nothing"));
  return h("div", { class: "scroller" }, h("table", {}, h("thead", {}, h("tr", {}, heads.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, rows.map(([first, ...others]) => h("tr", {}, h("th", { scope: "row", dir: "auto" }, first), others.map((cell) => h("td", {}, cell)))))));
}

function when(stats, index) {
  const at = (Math.floor(stats.since / 3_600_000) + index * stats.every) * 3_600_000;
  return stats.every < 6 ? `${stats.until - stats.since > 90_000_000 ? `${day(at)} ` : ""}${clock(at)}` : day(at);
}
