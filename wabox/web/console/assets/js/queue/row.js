// One line of the list: who, since when, why, and who has it.

import { me } from "../api.js";
import { face, h } from "../dom.js";
import { path } from "../router.js";
import { clock, day, known, t } from "../texts.js";
import { wait } from "../waits.js";

export function row(one, current) {
  const found = one.case === undefined ? one : one.case; // a spot of the board has a case, or none
  const since = one.since ?? (found?.waiting_ms === null || found?.waiting_ms === undefined ? null : Date.now() - found.waiting_ms);
  const status = found?.status ?? "bot";
  const where = one.states ? [one.flow, ...(one.states ?? [])].filter(Boolean).join(" · ") : one.queue;
  const why = found?.status === "closed" ? found.outcome : found ? found.reason : where || t("holder.rest");
  return h(
    "a",
    { href: path("conversations", one.conversation_id), data: { key: one.key, status }, class: "case", aria: { current: current ? "true" : null } },
    face(one.customer),
    h("span", { class: "who", dir: "auto" }, one.customer),
    since && status !== "closed" ? wait(since, "wait pill") : h("time", { class: "soft" }, when(one.closed_at ?? one.updated_at ?? one.opened_at)),
    h("span", { class: "why", dir: "auto" }, known("reason", why)),
    badge(found),
  );
}

function badge(found) {
  if (!found) return null;
  if (found.status === "claimed") return h("span", { class: "badge held", dir: "auto" }, found.agent_name ?? found.agent);
  if (found.status === "closed") return found.rating ? h("span", { class: "badge", aria: { label: t("rating_n", { n: found.rating }) } }, "★".repeat(found.rating)) : null;
  if (found.offered) return h("span", { class: `badge${found.offered === me.id ? " urgent" : ""}`, dir: "auto" }, found.offered === me.id ? t("offered.you") : t("offered.to", { name: found.offered_name }));
  const urgent = found.priority > 0;
  return h("span", { class: `badge${urgent ? " urgent" : ""}`, dir: "auto" }, found.queue === "default" ? t("status.waiting") : found.queue);
}

function when(at) {
  return new Date(at).toDateString() === new Date().toDateString() ? clock(at) : day(at);
}
