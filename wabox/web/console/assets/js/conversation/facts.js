// The customer: who it is, what they agreed to, what the bot knows, and what was before.

import { get, me } from "../api.js";
import { dialog } from "../dialog.js";
import { button, fill, h } from "../dom.js";
import { full, known, t, tongue } from "../texts.js";

export function facts(acts) {
  const node = h("section", { class: "facts", aria: { label: t("customer") } });
  let before = "";
  return {
    node,
    show(dossier) {
      const now = JSON.stringify([dossier.contact, dossier.consent, dossier.places, dossier.case?.reason, dossier.case?.brief, dossier.case?.opened_at, dossier.earlier, dossier.language]);
      if (now === before) return;
      before = now;
      const open = new Set([...node.querySelectorAll("details")].filter((one) => one.open).map((one) => one.dataset.name));
      fill(node, h("h2", {}, t("customer")), ...who(dossier, acts), reason(dossier), brief(dossier), alerts(dossier), ...slots(dossier), earlier(dossier));
      for (const one of node.querySelectorAll("details")) if (open.has(one.dataset.name)) one.open = true;
    },
  };
}

const pair = (name, value) => (value ? [h("dt", {}, name), h("dd", { dir: "auto" }, value)] : []);

function who({ contact, language, consent }, acts) {
  const agreed = consent.stopped ? h("span", { class: "badge urgent" }, t("consent.stopped")) : consent.marketing ? t("consent.yes") : consent.marketing === false ? t("consent.no") : t("consent.never");
  const id = contact.wa_id ? `+${contact.wa_id}` : contact.user_id;
  const list = h(
    "dl",
    {},
    pair(t("contact.phone"), contact.wa_id && `+${contact.wa_id}`),
    pair(t("contact.username"), contact.username && `@${contact.username}`),
    pair(t("contact.id"), contact.user_id),
    pair(t("contact.language"), language && tongue(language)),
    h("dt", {}, t("consent")),
    h("dd", {}, agreed, me.acts && [" ", button(t("consent.change"), () => change(id, acts), { kind: "quiet" })]),
  );
  return [list];
}

// What a customer said elsewhere: on the phone, at the counter.
function change(id, acts) {
  const words = h("input", { type: "text", maxlength: 500, placeholder: t("consent.words") });
  return dialog(t("consent"), (close) => {
    const say = (wish) => button(t(`wish.${wish}`), async () => (close(), await acts.wish(id, wish, words.value.trim())));
    return h("div", { class: "body fields" }, h("p", { class: "soft" }, t("consent.why")), words, h("div", { class: "stack" }, ["opt_in", "opt_out", "stop", "start"].map(say)));
  });
}

function reason({ case: one }) {
  if (!one) return null;
  return h("dl", { class: "box" }, pair(t("case.reason"), known("reason", one.reason)), pair(t("case.queue"), one.queue), pair(t("case.opened"), full(one.opened_at)));
}

function brief({ case: one }) {
  if (!one?.brief) return null;
  return h("section", { class: "brief" }, h("h3", {}, t("brief")), h("p", { dir: "auto" }, one.brief), h("small", { class: "soft" }, t("brief.why")));
}

// Who was told that somebody waits, asked for when somebody wants to know.
function alerts({ case: one }) {
  if (!one) return null;
  const list = h("ul", { class: "earlier" });
  const summary = h("summary", {}, t("alerts"));
  const read = async () => {
    const found = await get(`/handoffs/${encodeURIComponent(one.id)}`, { lines: 1 }).catch(() => null);
    fill(list, ...(found?.alerts ?? []).map((alert) => h("li", {}, h("strong", { dir: "auto" }, alert.to), " ", h("span", { class: alert.status === "refused" ? "badge urgent" : "soft" }, known("alert", alert.status)), h("span", { class: "soft", dir: "auto" }, [full(alert.at), alert.reason].filter(Boolean).join(" · ")))));
    if (!found?.alerts.length) fill(list, h("li", { class: "soft" }, t("alerts.none")));
    const missed = (found?.alerts ?? []).filter((alert) => alert.status === "refused").length;
    fill(summary, t("alerts"), missed ? [" ", h("span", { class: "badge urgent" }, t("alerts.missed", { n: missed }))] : null);
  };
  if (one.status === "waiting") read(); // it matters most while nobody has the case
  return h("details", { data: { name: "alerts" }, ontoggle: (event) => event.target.open && read() }, summary, list);
}

function slots({ places }) {
  return places.filter((place) => Object.keys(place.context).length).reverse().map((place) => h("details", { data: { name: place.flow } }, h("summary", {}, t("facts.knows", { flow: place.flow })), h("dl", {}, Object.entries(place.context).flatMap(([name, value]) => pair(name, shown(value))))));
}

function shown(value) {
  if (value === null || value === "") return "–";
  if (typeof value !== "object") return String(value);
  return h("code", {}, JSON.stringify(value, null, 1).slice(0, 600));
}

function earlier({ earlier: cases }) {
  if (!cases.length) return null;
  return h("details", { data: { name: "earlier" } }, h("summary", {}, t("facts.earlier", { n: cases.length })), h("ul", { class: "earlier" }, cases.map((one) => h("li", {}, h("strong", { dir: "auto" }, one.outcome ?? known("reason", one.reason)), h("span", { class: "soft" }, [full(one.closed_at ?? one.opened_at), one.agent_name, one.rating && "★".repeat(one.rating)].filter(Boolean).join(" · "))))));
}
