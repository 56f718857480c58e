"use strict";
const $ = (id) => document.getElementById(id);
const make = (tag, attrs = {}, ...kids) => { const e = document.createElement(tag); for (const [k, v] of Object.entries(attrs)) if (v !== null) k === "onclick" ? e.onclick = v : e.setAttribute(k, v); e.append(...kids); return e; };
const clock = (ms) => make("time", {datetime: new Date(ms).toISOString(), class: "soft"}, new Date(ms).toLocaleTimeString([], {hour12: false}));
const words = { conversations: "conversations", inbox: "waiting to be handled", outbox: "waiting to leave", handoffs_waiting: "waiting for a person", dead_letters: "unreadable" };
let view = null, chosen = null;
function chips(c) {
  const box = make("span");
  if (c.waits_for_person) box.append(make("span", {class: "state person"}, "waits for a person"), " ");
  for (const s of c.states) box.append(make("span", {class: "state"}, c.chart + (s ? " › " + s.replaceAll(".", " › ") : "")), " ");
  for (const [chart, ...leaves] of [...c.stack].reverse()) box.append(make("span", {class: "state under", title: "suspended; it goes on here"}, "then " + [chart, ...leaves.join(" ").split(".")].filter(Boolean).join(" › ")), " ");
  if (!c.states.length && !c.waits_for_person) box.append(make("span", {class: "soft"}, "at rest"));
  return box;
}
function said(b) {
  const k = b.type, c = b[k] || {};
  if (k === "text") return c.body;
  if (k === "interactive") { const o = [...(c.action.buttons || []).map(x => x.reply.title), ...(c.action.sections || []).flatMap(s => s.rows.map(r => r.title))]; return (c.body ? c.body.text : "") + "\n" + o.map(t => "[" + t + "]").join(" "); }
  return "[" + k + "] " + (c.caption || c.link || "");
}
function line(l) {
  const b = l.body;
  if (l.kind === "out") return make("li", {class: "out"}, clock(l.at), make("p", {dir: "auto"}, said(b)));
  if (l.kind === "in") {
    const why = b.understood ? "understood by " + b.understood[0] + (b.understood[1] ? ": " + b.understood[1] : "") + " · " + b.understood[3] : b.channel;
    return make("li", {class: "in"}, clock(l.at), make("p", {dir: "auto"}, b.text || "[" + b.type + "]", make("span", {class: "why"}, "  " + why + ((b.events || []).filter(e => !b.understood || e !== b.understood[1]).map(e => " · " + e).join("")))));
  }
  return make("li", {class: l.kind}, clock(l.at), make("p", {}, l.kind + " " + JSON.stringify(b)));
}
async function detail() {
  const c = view.conversations.find(x => x.id === chosen); if (!c) return;
  const { lines } = await (await fetch("/console/transcript?conversation=" + encodeURIComponent(c.id))).json();
  if (c.id !== chosen) return;
  const parts = [make("h2", {}, "Where it is"), chips(c)];
  if (c.waits_for_person) parts.push(make("p", {class: "soft"}, c.waits_for_person));
  parts.push(make("h2", {}, "What it knows"), ...(c.knows.length ? c.knows.map(([chart, known]) => make("details", c.knows.length === 1 || chart === c.chart ? {open: ""} : {}, make("summary", {}, chart), make("pre", {}, JSON.stringify(known, null, 2)))) : [make("p", {class: "soft"}, "nothing yet")]));
  parts.push(make("h2", {}, "What was said"), make("ol", {}, ...lines.map(line)));
  $("detail").replaceChildren(...parts);
}
function draw() {
  $("stats").replaceChildren(...Object.entries(view.stats).filter(([k]) => words[k]).map(([k, v]) => make("div", {}, make("dd", {}, String(v)), " ", make("dt", {}, v === 1 && k === "conversations" ? "conversation" : words[k]))));
  if (!view.conversations.some(c => c.id === chosen)) chosen = view.conversations[0] ? view.conversations[0].id : null;
  $("list").replaceChildren(...view.conversations.map(c => make("button", {"aria-current": String(c.id === chosen), onclick: () => { chosen = c.id; draw(); }}, make("div", {class: "row"}, make("strong", {dir: "auto"}, c.name), clock(c.at)), chips(c))));
  detail();
}
const stream = new EventSource("/console/events");
stream.addEventListener("message", (e) => { view = JSON.parse(e.data); draw(); });
stream.addEventListener("error", () => { if (stream.readyState === EventSource.CLOSED) location.assign("/console"); }); // signed out: to the login
