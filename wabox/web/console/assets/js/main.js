// The page: navigation around, one screen inside.

import * as cases from "./cases.js";
import { lacking, me } from "./api.js";
import { bar } from "./parts/bar.js";
import { shortcutsDialog } from "./parts/help.js";
import { shortcut } from "./keys.js";
import * as router from "./router.js";
import { begin as listening } from "./stream.js";
import { t } from "./texts.js";
import { h } from "./dom.js";
import { queue } from "./screens/queue.js";
import { map } from "./screens/map.js";
import { numbers } from "./screens/numbers.js";
import { flows } from "./screens/flows.js";
import { unmatched } from "./screens/unmatched.js";

const PAGES = [
  { page: "", sign: "inbox", keys: "g q", show: queue },
  { page: "map", sign: "map", keys: "g m", show: map },
  { page: "numbers", sign: "numbers", keys: "g n", show: numbers },
  { page: "flows", sign: "flows", keys: "g f", show: flows },
  ...(me.owns ? [{ page: "unmatched", sign: "unmatched", keys: "g u", show: unmatched }] : []),
].filter(({ page }) => !lacking(page));

const main = h("main", { id: "main", tabindex: "-1" });
const navigation = bar(PAGES);
document.body.replaceChildren(h("a", { class: "skip", href: "#main" }, t("skip")), navigation.node, main);

for (const { page, keys } of PAGES) shortcut(keys, t(`page.${page || "queue"}`), () => router.go(router.path(page)));
shortcut("?", t("help.title"), shortcutsDialog);

const screens = Object.fromEntries(PAGES.map(({ page, show }) => [page, (id) => show(main, id)]));
screens.conversations = (id) => queue(main, id);
screens.cases = (id) => queue(main, "", id);
router.begin(screens, (page) => {
  main.dataset.screen = page || "queue";
  document.body.dataset.screen = page || "queue";
  navigation.show(page === "conversations" || page === "cases" ? "" : page);
});

const bot = document.body.dataset.bot;
cases.watch((open) => {
  const waiting = open.filter((one) => one.status === "waiting").length;
  document.title = waiting ? `(${waiting}) ${bot}` : `${bot} · wabox`;
  navigation.count(waiting);
});
listening((live) => navigation.live(live));
