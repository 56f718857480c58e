// Who it is, who has it, how long there is time, and what can be done.

import { me } from "../api.js";
import { button, face, fill, h, sign } from "../dom.js";
import { path } from "../router.js";
import { t } from "../texts.js";
import { left, wait } from "../waits.js";

export function head(acts, { panel, note }) {
  const title = h("h1", { dir: "auto" });
  const mark = h("span", { class: "mark" });
  const state = h("p", { class: "state" });
  const buttons = h("div", { class: "acts" });
  const chart = sign("chart", t("chart"), () => panel("chart"), { key: "d" });
  const person = sign("person", t("customer"), () => panel("person"), { key: "i" });
  const node = h(
    "header",
    { class: "head" },
    h("a", { class: "sign back", href: path(), title: t("queue.back"), aria: { label: t("queue.back") } }, sign("back", "", () => {}).firstChild),
    mark,
    h("div", { class: "name" }, title, state),
    buttons,
    h("div", { class: "panels" }, chart, person),
  );
  let before = "";

  return {
    node,
    pressed(name) {
      chart.setAttribute("aria-pressed", String(name === "chart"));
      person.setAttribute("aria-pressed", String(name === "person"));
    },
    show(dossier) {
      const { contact, holder } = dossier;
      const one = dossier.case;
      const name = contact.name || contact.username || (contact.wa_id ? `+${contact.wa_id}` : contact.user_id);
      if (title.textContent !== name) {
        title.textContent = name;
        fill(mark, face(name));
      }
      const now = JSON.stringify([holder, one?.status, one?.agent, one?.waiting_ms === null, one?.offered, dossier.closes_at, dossier.quiet_until, one?.id]);
      if (now === before) return;
      before = now;
      fill(state, ...told(dossier, one, holder));
      const focused = document.activeElement?.closest?.(".acts button")?.dataset.act;
      fill(buttons, ...(me.acts ? choices(acts, one, note) : []));
      if (focused) buttons.querySelector(`[data-act="${focused}"]`)?.focus();
    },
  };
}

function told(dossier, one, holder) {
  const found = [];
  const name = one?.agent_name ?? one?.agent ?? "";
  if (holder === "agent") found.push(h("span", { class: "badge held", dir: "auto" }, one.agent === me.id ? t("holder.you") : t("holder.agent", { name })));
  else found.push(h("span", { class: `badge holder-${holder}` }, t(`holder.${holder}`)));
  if (one?.offered) {
    const mine = one.offered === me.id;
    found.push(h("span", { class: `badge${mine ? " urgent" : ""}`, dir: "auto" }, mine ? t("offered.you") : t("offered.to", { name: one.offered_name }), " ", left(Date.now() + one.offered_ms)));
  }
  if (dossier.quiet_until) found.push(h("span", { class: "soft" }, t("holder.until"), " ", left(dossier.quiet_until + dossier.skew)));
  if (one && one.waiting_ms !== null) found.push(h("span", {}, t("waits_since"), " ", wait(Date.now() - one.waiting_ms, "wait")));
  const ms = dossier.closes_at === null ? -1 : dossier.closes_at - dossier.now;
  if (ms <= 0) found.push(h("span", { class: "badge urgent" }, t("window.closed")));
  else if (ms < 6 * 3_600_000) found.push(h("span", { class: "soft" }, t("window.closes"), " ", left(dossier.closes_at + dossier.skew)));
  return found;
}

function choices(acts, one, note) {
  const made = (name, label, act, options) => button(label, act, { ...options, data: { act: name } });
  const found = [];
  if (!one) found.push(made("claim", t("step_in"), acts.claim, { sign: "hand", key: "c" }));
  else if (acts.theirs()) found.push(made("claim", t("take_over"), acts.claim, { sign: "hand", key: "c" }));
  else if (one.status === "waiting") found.push(made("claim", t("claim"), acts.claim, { sign: "hand", kind: "main", key: "c" }));
  if (one?.offered && one.offered === me.id) found.push(made("decline", t("decline"), acts.decline, {}));
  if (one) found.push(made("transfer", t("transfer"), acts.transfer, { sign: "transfer", key: "t" }));
  if (one && acts.mine()) found.push(made("close", t("give_back"), acts.close, { sign: "close", kind: "main", key: "e" }));
  return found;
}
