// What a person does about a conversation besides writing: take it, give it to others, give it back.

import { get, id as fresh, me, post } from "../api.js";
import { dialog, question, sorry, toast } from "../dialog.js";
import { button, h } from "../dom.js";
import { refresh } from "../cases.js";
import { known, t } from "../texts.js";

export function acts(conversation, { now, reread }) {
  const open = () => now()?.case ?? null;

  async function done(act, data) {
    try {
      await post(act, { id: fresh(), ...data });
      return true;
    } catch (problem) {
      sorry(problem);
      return false;
    } finally {
      reread();
      refresh();
    }
  }

  const on = (name, data = {}) => done(`/handoffs/${encodeURIComponent(open().id)}/${name}`, data);
  const mine = () => open()?.status === "claimed" && open().agent === me.id;
  const offered = () => (open()?.status === "waiting" ? open().offered : null);
  const theirs = () => (open()?.status === "claimed" && open().agent !== me.id) || Boolean(offered() && offered() !== me.id);

  async function sure(title, words, act) {
    return dialog(title, (close) => h("div", { class: "body" }, h("p", {}, words), h("footer", {}, button(t("cancel"), () => close(false)), button(act, () => close(true), { kind: "main", autofocus: true }))));
  }

  return {
    open,
    mine,
    theirs,
    async claim() {
      if (!now() || !me.acts || mine()) return;
      if (!open()) {
        if (await sure(t("step_in"), t("step_in.why"), t("step_in"))) await done(`/conversations/${encodeURIComponent(conversation)}/take`, {});
      } else if (theirs()) {
        const name = open().offered_name ?? open().agent_name ?? open().agent;
        if (await sure(t("take_over"), t(offered() ? "take_over.offered" : "take_over.why", { name }), t("take_over"))) await on("claim", { take: true });
      } else await on("claim");
    },
    async decline() {
      if (offered() === me.id && (await on("decline"))) toast(t("decline.done"));
    },
    async transfer() {
      if (!open() || !me.acts) return;
      const [queues, people] = await Promise.all([get("/queues"), get("/colleagues")]).catch((problem) => (sorry(problem), [null]));
      if (!queues) return;
      const field = h(
        "select",
        { required: true },
        h("optgroup", { label: t("queues") }, queues.filter((one) => one.name !== open().queue).map((one) => h("option", { value: `queue:${one.name}` }, `${one.title || known("queue", one.name)} · ${t("queue.waiting_n", { n: one.waiting })}`))),
        h("optgroup", { label: t("colleagues") }, people.filter((one) => one.id !== open().agent).map((one) => h("option", { value: `to:${one.id}` }, one.name))),
      );
      if (!field.querySelector("option")) return toast(t("transfer.nowhere"));
      const why = h("input", { type: "text", maxlength: 500, placeholder: t("transfer.note") });
      const to = await question(t("transfer"), t("transfer.why"), h("div", { class: "fields" }, field, why), t("transfer"));
      if (to === undefined) return;
      const [kind, ...rest] = field.value.split(":");
      const text = why.value.trim() || null;
      await on("transfer", { [kind]: rest.join(":"), text, take: theirs() });
    },
    async close() {
      if (!open() || !me.acts) return;
      const field = h("input", { type: "text", maxlength: 200, placeholder: t("give_back.placeholder") });
      const outcome = await question(t("give_back"), t("give_back.why"), field, t("give_back"));
      if (outcome === undefined) return;
      if (await on("close", { text: outcome.trim() || null, take: theirs() })) toast(t("give_back.done"));
    },
    async wish(who, wish, words) {
      try {
        await post("/contacts/wish", { who, wish, words, by: me.id });
      } catch (problem) {
        sorry(problem);
      }
      reread();
    },
  };
}
