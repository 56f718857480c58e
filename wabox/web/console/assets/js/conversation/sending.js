// What is on its way: shown at once, and honest about what became of it.
//
// Every act has an id of ours, and the same one twice is done once: so whatever happened to the line, trying again is safe.

import { button, fill, h, icon } from "../dom.js";
import { markup } from "./markup.js";
import { t } from "../texts.js";

export function sending({ said, reread, act }) {
  const lost = new Set();

  function put(data, text, done = () => {}) {
    const state = h("p", { class: "meta", role: "status" });
    const note = data.kind === "note";
    const item = h("li", { class: `${note ? "note" : "agent"} pending`, data: { text } }, h("div", { class: "bubble" }, h("div", { class: "text", dir: "auto" }, markup(text)), state));
    said.pending(item);

    async function go() {
      lost.delete(go);
      item.classList.remove("refused");
      fill(state, h("span", { class: "tick" }, icon("clock")), h("span", {}, t("sending")));
      try {
        await act(data);
        await reread();
        item.remove();
        done();
      } catch (problem) {
        refused(problem);
      }
    }

    function refused(problem) {
      item.classList.add("refused");
      const unknown = problem.status === 0 || problem.status >= 500;
      if (unknown) lost.add(go);
      fill(
        state,
        icon("warn"),
        h("span", {}, unknown ? t("sending.lost") : t("sending.refused", { why: problem.message })),
        button(t("sending.again"), go, { kind: "quiet" }),
        button(t("sending.drop"), () => (lost.delete(go), item.remove()), { kind: "quiet" }),
      );
    }

    go();
  }

  return {
    put,
    // The server is back: what nobody knows the end of is asked again, in its order.
    again() {
      for (const go of [...lost]) go();
    },
  };
}
