// The list beside the conversation: cases that wait, mine and colleagues'; everybody; what was closed.

import { get, me } from "../api.js";
import { sorry } from "../dialog.js";
import * as cases from "../cases.js";
import { fill, h } from "../dom.js";
import { shortcut } from "../keys.js";
import { go, path } from "../router.js";
import { gathered, listen } from "../stream.js";
import { t } from "../texts.js";
import { row } from "./row.js";

const VIEWS = ["open", "everyone", "closed"];

export function list() {
  let view = "open";
  let chosen = "";
  let words = "";
  let board = [];
  let closed = [];
  const items = h("div", { class: "items" });
  const search = h("input", { type: "search", placeholder: t("queue.search"), aria: { label: t("queue.search") }, oninput: () => ((words = search.value.trim().toLowerCase()), draw()) });
  const tabs = h("div", { class: "tabs", role: "tablist", aria: { label: t("queue.views") } }, VIEWS.map((name) => h("button", { type: "button", role: "tab", data: { view: name }, onclick: () => look(name) }, t(`queue.${name}`))));
  const node = h("aside", { class: "queue", aria: { label: t("page.queue") } }, h("div", { class: "top" }, tabs, search), items);

  function look(name) {
    view = name;
    read();
    draw();
  }

  const read = gathered(async () => {
    try {
      if (view === "everyone") board = await get("/conversations", { limit: 300 });
      if (view === "closed") closed = await get("/handoffs", { status: "closed", limit: 100 });
    } catch (problem) {
      if (problem.status) sorry(problem);
    }
    draw();
  }, 600);

  function groups() {
    if (view === "everyone") return [["", board.map((spot) => ({ ...spot, id: spot.conversation_id, key: spot.conversation_id }))]];
    if (view === "closed") return [["", closed.map((one) => ({ ...one, key: one.id }))]];
    const open = cases.all().map((one) => ({ ...one, key: one.id }));
    const mine = (one) => one.status === "claimed" && one.agent === me.id;
    return [
      [t("queue.mine"), open.filter(mine)],
      [t("queue.waiting"), open.filter((one) => one.status === "waiting")],
      [t("queue.others"), open.filter((one) => one.status === "claimed" && !mine(one))],
    ];
  }

  function draw() {
    for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.dataset.view === view));
    const focused = document.activeElement?.closest?.(".items a")?.dataset.key;
    const meant = (one) => !words || `${one.customer} ${one.reason ?? ""} ${one.queue ?? ""} ${(one.states ?? []).join(" ")}`.toLowerCase().includes(words);
    const shown = groups().map(([title, all]) => [title, all.filter(meant)]).filter(([, all]) => all.length);
    fill(items, shown.map(([title, all]) => h("section", {}, title && h("h2", {}, title, h("span", { class: "soft" }, ` ${all.length}`)), h("ul", {}, all.map((one) => h("li", {}, row(one, one.conversation_id === chosen)))))));
    if (!shown.length) fill(items, h("p", { class: "empty" }, words ? t("queue.none_found") : view === "open" && cases.ready() ? t("queue.empty") : ""));
    if (focused) items.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  function step(by) {
    const links = [...items.querySelectorAll("a")];
    const at = links.findIndex((link) => link.getAttribute("aria-current") === "true");
    const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by];
    if (next) go(next.getAttribute("href"));
  }

  let ends = [];
  return {
    node,
    choose(id) {
      chosen = id;
      draw();
    },
    begin() {
      ends = [
        cases.watch(draw),
        listen((change) => view !== "open" && (!change || !change.kinds.includes("delivery")) && read()),
        shortcut("j", t("help.next"), () => step(1)),
        shortcut("k", t("help.previous"), () => step(-1)),
        shortcut("/", t("queue.search"), () => search.focus()),
        shortcut("q", t("queue.back"), () => go(path())),
      ];
      search.onkeydown = (event) => event.key === "Escape" && search.blur();
    },
    end() {
      for (const end of ends) end();
    },
  };
}
