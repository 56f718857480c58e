// Where an agent writes: to the customer, or a note for colleagues. Drafts stay while one looks elsewhere.

import { id as fresh, me, post } from "../api.js";
import { refresh as cases } from "../cases.js";
import { fill, h, icon, sign } from "../dom.js";
import { t } from "../texts.js";
import { sending } from "./sending.js";
import { tools } from "./tools.js";
import { templates } from "./templates.js";

const LONGEST = 4096;
const HIGHEST = 200; // px

export function composer(conversation, { now, said, reread }) {
  const kept = `wabox.draft.${conversation}`;
  const [reply = "", note = ""] = JSON.parse(sessionStorage.getItem(kept) ?? "[]");
  const drafts = { reply, note };
  let mode = "reply";
  let before = "";
  const box = h("textarea", { rows: 1, dir: "auto", maxlength: LONGEST, oninput: grow, onkeydown: typed, enterkeyhint: "send" });
  const hint = h("p", { class: "hint", role: "status" });
  const modes = ["reply", "note"].map((name) => h("button", { type: "button", role: "tab", data: { mode: name }, onclick: () => turn(name) }, name === "reply" ? t("reply") : t("note")));
  const extras = h("div", { class: "extras" });
  const go = h("button", { class: "button main send", aria: { label: t("send") }, title: t("send") }, icon("send"));
  const node = h("form", { class: "composer", hidden: !me.acts, onsubmit: (event) => (event.preventDefault(), submit()) }, hint, h("div", { class: "row" }, h("div", { class: "tabs small", role: "tablist" }, modes), extras), h("div", { class: "field" }, box, go));

  const out = sending({ said, reread, act: (data) => post(...call(data)) });

  function call({ kind, ...data }) {
    return [`/handoffs/${encodeURIComponent(data.case)}/${kind}`, { ...data, case: undefined }];
  }

  function turn(name) {
    drafts[mode] = box.value;
    mode = name;
    box.value = drafts[mode];
    draw();
    grow();
    box.focus();
  }

  function grow() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, HIGHEST)}px`;
  }

  function typed(event) {
    if (event.key === "Escape") box.blur();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  }

  const open = () => now()?.case ?? now()?.earlier[0] ?? null; // a note may follow when all is over
  const windowed = () => (now().closes_at ?? 0) + now().skew > Date.now();
  const writable = () => {
    const dossier = now();
    if (!dossier) return t("loading");
    if (mode === "note") return open() ? null : t("composer.no_case");
    if (!dossier.case) return t("composer.bot");
    if (dossier.case.status === "claimed" && dossier.case.agent !== me.id) return t("composer.other", { name: dossier.case.agent_name ?? dossier.case.agent });
    return windowed() ? null : t("composer.window");
  };

  function draw() {
    const why = writable();
    for (const tab of modes) tab.setAttribute("aria-selected", String(tab.dataset.mode === mode));
    node.dataset.mode = mode;
    box.disabled = Boolean(why);
    go.disabled = Boolean(why);
    const waiting = now()?.case?.status === "waiting" && mode === "reply" && !why;
    hint.textContent = why ?? (waiting ? t("composer.claims") : mode === "note" ? t("composer.note") : "");
    hint.hidden = !hint.textContent;
    const label = mode === "note" ? t("composer.write_note") : t("composer.write");
    box.placeholder = why ? "" : label;
    box.setAttribute("aria-label", label);
    fill(extras, ...buttons());
  }

  function buttons() {
    const dossier = now();
    const answers = dossier?.case && (dossier.case.status === "waiting" || dossier.case.agent === me.id);
    if (mode === "note" || !answers) return [];
    const insert = (text) => {
      box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
      grow();
      box.focus();
    };
    return [
      ...tools({ dossier, insert, send: (data, shown) => put({ kind: "reply", ...data }, shown) }),
      sign("template", t("template"), async () => {
        const chosen = await templates(dossier);
        if (chosen) put({ kind: "reply", template: chosen.name, language: chosen.language, values: chosen.values }, chosen.text);
      }),
    ];
  }

  function put(data, text) {
    const one = open();
    const claims = data.kind === "reply" && one.status === "waiting" ? { claim: true } : {};
    out.put({ id: fresh(), case: one.id, ...claims, ...data }, text, () => cases());
  }

  function submit() {
    const text = box.value.trim();
    if (!text || writable()) return;
    put({ kind: mode, text }, text);
    box.value = "";
    drafts[mode] = "";
    keep();
    grow();
    box.focus();
  }

  function keep() {
    drafts[mode] = box.value;
    if (drafts.reply || drafts.note) sessionStorage.setItem(kept, JSON.stringify([drafts.reply, drafts.note]));
    else sessionStorage.removeItem(kept);
  }

  box.value = drafts.reply;
  draw();
  requestAnimationFrame(grow);
  return {
    node,
    keep,
    show(dossier) {
      const state = JSON.stringify([dossier.case?.id, dossier.case?.status, dossier.case?.agent, dossier.earlier[0]?.id, dossier.closes_at]);
      if (state === before) return;
      before = state;
      draw();
    },
    focus() {
      if (mode !== "reply") turn("reply");
      box.focus();
    },
    note: () => me.acts && turn("note"),
    again: () => out.again(),
  };
}
