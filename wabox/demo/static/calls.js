// "What just happened": the HTTP calls between WhatsApp and the bot, newest first. The delivery statuses of a message
// stand under the send that they are about, whatever order things arrive in.

import { seconds } from "./bubbles.js";
import { element } from "./markup.js";

const KEEP = 200;
const VERBS = {
  handshake: () => "WhatsApp asked: is this webhook yours?",
  message: (call, who) => `${who} ${call.title}`,
  send: (call, who) => `Bot → ${who}: ${call.title}`,
  read: (call, who) => `Bot read it${call.title.includes("typing") ? " and is typing" : ""} (${who})`,
  status: (call) => call.title,
};

export class Calls {
  constructor(list, quiet, name) {
    this.list = list;
    this.quiet = quiet;
    this.name = name;
    this.reset([]);
  }

  reset(calls) {
    this.rows = new Map(); // call id → its <li>
    this.sends = new Map(); // wamid → the <li> of the send
    this.list.replaceChildren();
    this.quiet.hidden = false;
    for (const call of calls) this.put(call);
  }

  put(call) {
    this.quiet.hidden = true;
    const old = this.rows.get(call.id);
    const row = this.row(call);
    this.rows.set(call.id, row);
    if (old) {
      row.firstChild.open = old.firstChild.open;
      row.querySelector("ol").append(...old.querySelector("ol").children);
      const focused = old.firstChild.contains(document.activeElement);
      old.replaceWith(row);
      if (focused) row.querySelector("summary").focus();
    } else {
      this.list.prepend(row);
    }
    this.place(call, row);
    while (this.list.childElementCount > KEEP) this.drop(this.list.lastElementChild);
  }

  drop(row) {
    for (const gone of [row, ...row.querySelectorAll(".call")]) {
      this.rows.delete(Number(gone.dataset.id));
      this.sends.delete(gone.dataset.about);
    }
    row.remove();
  }

  // Bring statuses under their send, whichever came first.
  place(call, row) {
    const id = call.about;
    if (!id) return;
    row.dataset.about = id;
    if (call.kind === "send") {
      this.sends.set(id, row);
      const early = [...this.list.children].filter((other) => other !== row && other.dataset.about === id);
      row.querySelector("ol").append(...early.reverse());
    } else if (call.kind === "status") {
      if (row.parentElement === this.list) this.sends.get(id)?.querySelector("ol").append(row);
    }
  }

  row(call) {
    const row = element("li", "", `call k-${call.kind} ${call.ok === null ? "open" : call.ok ? "good" : "bad"}`);
    row.dataset.id = call.id;
    const details = document.createElement("details");
    const line = document.createElement("summary");
    const what = element("span", VERBS[call.kind](call, call.customer ? this.name(call.customer) : "nobody"), "what");
    what.dir = "auto";
    const answer = element("span", call.answer, "answer");
    line.append(element("span", "", "dot"), what, element("time", seconds(call.at)), answer);
    details.append(line);
    // The JSON is drawn when somebody looks: most calls are never opened.
    details.addEventListener("toggle", () => details.open && details.childElementCount === 1 && details.append(...this.whole(call)));
    row.append(details, element("ol", "", "statuses"));
    return row;
  }

  whole(call) {
    const head = [call.request, ...Object.entries(call.headers).map(([name, value]) => `${name}: ${value}`)].join("\n");
    const parts = [element("pre", head, "head"), element("pre", JSON.stringify(call.body, null, 1), "json")];
    if (call.reply) parts.push(element("p", `answer ${call.answer}`, "label"), element("pre", JSON.stringify(call.reply, null, 1), "json"));
    return parts;
  }
}
