// Published versions of the bot, who is still on an older one, and the picture of every chart.

import { get } from "../api.js";
import { dialog, sorry } from "../dialog.js";
import { fill, h, icon } from "../dom.js";
import { parsed } from "../conversation/chart.js";
import { gathered, listen } from "../stream.js";
import { full, known, t, whole } from "../texts.js";
import { left } from "../waits.js";

export function flows(main) {
  const versions = h("div", { class: "versions" });
  const charts = h("div", { class: "charts" });
  main.replaceChildren(h("div", { class: "page" }, h("header", {}, h("h1", {}, t("page.flows"))), h("h2", {}, t("flows.versions")), versions, h("h2", {}, t("flows.charts")), charts));

  const refresh = gathered(async () => {
    try {
      const [reports, live] = await Promise.all([get("/versions"), get("/charts")]);
      fill(versions, ...reports.sort((one, other) => other.version.number - one.version.number).map(version));
      if (!reports.length) fill(versions, h("p", { class: "soft" }, t("flows.folder")));
      if (charts.childElementCount !== live.length) fill(charts, ...live.sort((one, other) => Number(other.main) - Number(one.main) || one.flow.localeCompare(other.flow)).map(chart));
    } catch (problem) {
      if (problem.status) sorry(problem);
    }
  }, 5_000);
  refresh();
  return listen((change) => (!change || change.kinds.includes("state")) && refresh());
}

function version({ version: one, status, conversations, standings, until }) {
  const kind = status === "live" ? "good" : status === "draining" ? "urgent" : "";
  return h(
    "section",
    { class: `card version ${status}` },
    h("h3", {}, t("flows.version", { n: one.number }), " ", h("code", {}, one.id), " ", h("span", { class: `badge ${kind}` }, known("version", status))),
    h("p", { class: "soft" }, t("flows.since", { at: full(one.live_from) }), one.live_until && ` – ${full(one.live_until)}`),
    h("p", {}, h("strong", {}, whole(conversations)), " ", t("flows.conversations"), until && status === "draining" && [" · ", t("flows.until"), " ", left(until)]),
    standings.length > 0 && h("details", {}, h("summary", {}, t("flows.where")), h("ul", {}, standings.map((one) => h("li", {}, h("strong", {}, whole(one.conversations)), " ", one.frames.map((frame) => frame.map((part) => part.split("@")[0]).join(": ")).join(" › "), h("br"), h("small", {}, known("outcome", one.outcome), one.reason && ` – ${one.reason}`))))),
  );
}

function chart(one) {
  return h("button", { type: "button", class: "card pick", onclick: () => show(one) }, icon("flows"), h("strong", {}, one.flow), one.main && h("span", { class: "badge good" }, t("flows.main")), h("span", { class: "soft" }, t("flows.states", { n: one.states })));
}

async function show({ chart: ref, flow }) {
  try {
    const svg = parsed(await get(`/charts/${encodeURIComponent(ref)}`));
    await dialog(flow, () => h("div", { class: "body scroller picture-of" }, svg), { kind: "wide" });
  } catch (problem) {
    sorry(problem);
  }
}
