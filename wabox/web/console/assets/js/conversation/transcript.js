// What was said. Lines keep their elements, so nothing jumps while somebody reads; new ones are read out.

import { button, h } from "../dom.js";
import { sorry } from "../dialog.js";
import { day, t } from "../texts.js";
import { bubble, tick } from "./bubble.js";

const NEAR = 80; // px from the end that still count as being there

export function transcript({ earlier }) {
  const lines = h("ol", { class: "lines", role: "log", tabindex: "0", aria: { label: t("transcript"), live: "polite", relevant: "additions" } });
  const more = button(t("transcript.earlier"), load, { kind: "quiet", hidden: true });
  const down = button(t("transcript.newest"), () => end(true), { kind: "down", hidden: true });
  const node = h("div", { class: "transcript" }, h("div", { class: "scroll" }, h("p", { class: "more" }, more), lines), down);
  const scroll = node.firstChild;
  const known = new Map(); // key → { line, text, node }
  let first = null;
  let explained = localStorage.getItem("wabox.explained") === "yes";
  lines.classList.toggle("explained", explained);

  const atEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR;
  scroll.addEventListener("scroll", () => (down.hidden = atEnd()), { passive: true });
  new ResizeObserver(() => stick && end()).observe(scroll);
  // A picture that comes late must not push the newest words out of sight.
  lines.addEventListener("load", () => stick && end(), true);
  let stick = true;
  scroll.addEventListener("scroll", () => (stick = atEnd()), { passive: true });

  function end(smooth = false) {
    scroll.scrollTo({ top: scroll.scrollHeight, behavior: smooth ? "smooth" : "instant" });
    stick = true;
    down.hidden = true;
  }

  async function load() {
    try {
      const found = await earlier(first);
      const height = scroll.scrollHeight - scroll.scrollTop;
      put(found.lines);
      first = found.first;
      more.hidden = first === null;
      scroll.scrollTop = scroll.scrollHeight - height;
    } catch (problem) {
      sorry(problem);
    }
  }

  function put(found) {
    for (const line of found) {
      const text = JSON.stringify(line);
      const old = known.get(line.key);
      if (old?.text === text) continue;
      const made = h("li", { class: line.who, data: { key: line.key, type: line.type } }, bubble(line));
      if (old) old.node.replaceWith(made);
      else place(line, made);
      known.set(line.key, { line, text, node: made });
    }
    days();
  }

  function place(line, made) {
    // It is here: what stood for it while it was on its way goes, whatever became of the answer to that.
    if (line.who === "agent" || line.who === "note") [...lines.querySelectorAll(".pending")].find((item) => item.dataset.text === line.text)?.remove();
    const after = [...lines.querySelectorAll("li[data-key]")].reverse().find((one) => Number(one.dataset.key) < line.key);
    if (after) after.after(made);
    else lines.prepend(made);
  }

  function days() {
    let before = "";
    for (const item of [...lines.children]) {
      if (item.classList.contains("day")) item.remove();
    }
    for (const item of [...lines.children]) {
      const line = known.get(Number(item.dataset.key))?.line;
      const name = line ? day(line.at) : before;
      if (name !== before) item.before(h("li", { class: "day" }, h("span", {}, name)));
      before = name;
    }
  }

  return {
    node,
    end,
    newest: () => Math.max(-1, ...known.keys()),
    show(found, { whole, first: from }) {
      const was = stick;
      if (whole) {
        for (const { node: old } of known.values()) old.remove();
        known.clear();
        first = from;
        more.hidden = first === null;
      }
      put(found);
      if (was || whole) end();
      else down.hidden = false;
    },
    // A delivery status came; true when the message is shown here.
    came(outbound, status) {
      const found = [...known.values()].find(({ line }) => line.ref === outbound);
      if (!found) return false;
      found.line = { ...found.line, status };
      found.text = JSON.stringify(found.line);
      found.node.querySelector(".tick")?.replaceWith(tick(found.line));
      return true;
    },
    // What is being sent stands at the end until the transcript has it.
    pending(item) {
      lines.append(item);
      end();
    },
    explain() {
      explained = !explained;
      localStorage.setItem("wabox.explained", explained ? "yes" : "no");
      const was = stick;
      lines.classList.toggle("explained", explained);
      if (was) end();
    },
  };
}
