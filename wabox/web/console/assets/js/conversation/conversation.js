// One conversation: what was said, a place to answer, where the bot stands, and who it is.

import { get } from "../api.js";
import { sorry } from "../dialog.js";
import { fill, h } from "../dom.js";
import { shortcut } from "../keys.js";
import { gathered, listen } from "../stream.js";
import { t } from "../texts.js";
import { acts } from "./acts.js";
import { chart } from "./chart.js";
import { composer } from "./composer.js";
import { facts } from "./facts.js";
import { head } from "./head.js";
import { transcript } from "./transcript.js";

const NEWEST = 120;
const RECENT = 25; // lines that are read again when something changes

export function conversation(id) {
  const at = `/conversations/${encodeURIComponent(id)}`;
  let dossier = null;
  let over = false;

  const doing = acts(id, { now: () => dossier, reread: () => refresh() });
  const said = transcript({ earlier: (before) => get(at, { lines: NEWEST, before }) });
  const writing = composer(id, { now: () => dossier, said, reread: () => refresh() });
  const top = head(doing, { panel: (name) => show(name), note: () => (show("talk"), writing.note()) });
  const picture = chart();
  const person = facts(doing);
  const talk = h("section", { class: "talk", aria: { label: t("transcript") } }, said.node, writing.node);
  const side = h("aside", { class: "side" }, picture.node, person.node);
  const node = h("section", { class: "conversation", data: { panel: "talk" } }, top.node, talk, side);

  function show(name) {
    node.dataset.panel = node.dataset.panel === name ? "talk" : name;
    top.pressed(node.dataset.panel);
    if (node.dataset.panel === "talk") said.end();
    else picture.appear();
  }

  function took(found, whole) {
    if (over) return;
    dossier = { ...found, skew: Date.now() - found.now };
    said.show(found.lines, { whole, first: found.first });
    top.show(dossier);
    writing.show(dossier);
    picture.show(dossier);
    person.show(dossier);
  }

  async function read(lines) {
    const found = await get(at, { lines });
    // After a long gap the recent lines do not reach those that are shown.
    const gap = dossier && found.first !== null && found.first > said.newest();
    took(gap && lines < NEWEST ? await get(at, { lines: NEWEST }) : found, !dossier || gap || lines === NEWEST);
  }

  const refresh = gathered(async () => {
    try {
      await read(dossier ? RECENT : NEWEST);
    } catch (problem) {
      if (over || !problem.status) return;
      if (problem.status === 404 && !dossier) fill(node, h("p", { class: "empty" }, problem.message));
      else sorry(problem);
    }
  }, 120);

  const ends = [
    listen((change) => {
      if (!change) {
        refresh();
        writing.again();
      } else if (change.kinds.includes("delivery")) said.came(change.outbound_id, change.status) && change.status === "failed" && refresh();
      else if (change.conversation_id === id) refresh();
    }),
    shortcut("r", t("help.reply"), () => writing.focus()),
    shortcut("n", t("note"), () => writing.note()),
    shortcut("c", t("claim"), () => doing.claim()),
    shortcut("t", t("transfer"), () => doing.transfer()),
    shortcut("e", t("give_back"), () => doing.close()),
    shortcut("d", t("chart"), () => show("chart")),
    shortcut("i", t("customer"), () => show("person")),
    shortcut("u", t("understood.show"), () => said.explain()),
  ];
  refresh();
  return {
    node,
    end() {
      over = true;
      for (const end of ends) end();
      writing.keep();
    },
  };
}
