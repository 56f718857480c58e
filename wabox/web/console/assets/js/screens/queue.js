// The desk: whoever waits on one side, the chosen conversation on the other.

import { get } from "../api.js";
import { h } from "../dom.js";
import { sorry } from "../dialog.js";
import { go, path } from "../router.js";
import { t } from "../texts.js";
import { icon } from "../dom.js";
import { list } from "../queue/list.js";
import { conversation } from "../conversation/conversation.js";

let kept = null; // the list stays as it is while conversations are opened one after the other

export function queue(main, id, caseId = "") {
  if (caseId) {
    get(`/handoffs/${encodeURIComponent(caseId)}`).then((found) => go(path("conversations", found.case.conversation_id), { replace: true }), (problem) => (sorry(problem), go(path(), { replace: true })));
    return;
  }
  kept ??= list();
  kept.choose(id);
  const inside = h("div", { class: "desk", data: { open: id ? "yes" : "no" } }, kept.node);
  main.replaceChildren(inside);
  kept.begin();
  if (!id) {
    inside.append(h("section", { class: "nothing" }, icon("inbox"), h("p", {}, t("queue.choose"))));
    return () => kept.end();
  }
  const shown = conversation(id);
  inside.append(shown.node);
  return () => {
    shown.end();
    kept.end();
  };
}
