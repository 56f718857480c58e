// The phone: what the server says becomes bubbles; what the person does becomes a POST. The server is the only memory.

import { icon, render, time, update } from "./bubbles.js";
import { Calls } from "./calls.js";
import { Faults } from "./faults.js";
import { happenings } from "./happenings.js";
import { element } from "./markup.js";

const $ = (id) => document.getElementById(id);
const [chat, log, typing, openers, text, sheet, veil] = ["chat", "log", "typing", "openers", "text", "sheet", "veil"].map($);

const people = new Map(); // key → customer
const threads = new Map(); // key → Map(id → bubble), in order
const unseen = new Map(); // key → how many
const told = new Set(); // ids of what we said was read
const typingUntil = new Map();
const calls = new Calls($("calls"), $("quiet"), (key) => people.get(key)?.name ?? "Somebody");
const faults = new Faults($("faults"), $("armed"), post);
let me = decodeURIComponent(location.hash.slice(1));
let pictures = [];
let templates = {};
let shift = 0; // server's clock minus ours
let sheetOpener = null;

// ── what the server says ──────────────────────────────────────────────────────────────────────────────────────────────

const source = new EventSource("/phone/events");
const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));

source.addEventListener("open", () => ($("offline").hidden = true));
source.addEventListener("error", () => {
  $("offline").hidden = false;
  // A closed EventSource does not come back by itself; the page, loaded again, does.
  if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 3000);
});

on("state", (state) => {
  shift = state.now - Date.now();
  pictures = state.pictures;
  templates = state.templates;
  people.clear();
  threads.clear();
  for (const customer of state.customers) {
    people.set(customer.key, customer);
    threads.set(customer.key, new Map());
  }
  for (const bubble of state.bubbles) threads.get(bubble.customer)?.set(bubble.id, bubble);
  if (!people.has(me)) me = state.customers[0]?.key;
  $("business").textContent = state.business.name;
  document.title = `${state.business.name} · wabox demo`;
  calls.reset(state.exchanges);
  $("happenings").replaceChildren(...happenings(state.happenings, (name) => write(`${me}/do/${name}`)));
  faults.list(state.kinds);
  faults.show(state.faults);
  show();
});

on("bubble", (bubble) => {
  const thread = threads.get(bubble.customer);
  if (!thread) return;
  const fresh = !thread.has(bubble.id);
  thread.set(bubble.id, bubble);
  if (fresh && bubble.by === "business") typingUntil.delete(bubble.customer);
  if (bubble.customer === me) {
    const atEnd = nearEnd();
    const old = $(`m-${bubble.id}`);
    if (old) update(old, bubble);
    else append(bubble);
    chrome();
    if (atEnd || (fresh && bubble.by === "customer")) toEnd();
    seen();
  } else if (fresh && bubble.by === "business") {
    unseen.set(bubble.customer, (unseen.get(bubble.customer) ?? 0) + 1);
    drawPeople();
  }
});

on("typing", ({ customer, until }) => {
  typingUntil.set(customer, until - shift);
  setTimeout(chrome, until - shift - Date.now() + 50);
  const atEnd = nearEnd();
  chrome();
  if (atEnd) toEnd();
});

on("exchange", (exchange) => calls.put(exchange));
on("faults", (armed) => faults.show(armed));

// ── what it looks like ────────────────────────────────────────────────────────────────────────────────────────────────

function show() {
  location.replace(`#${encodeURIComponent(me)}`);
  unseen.delete(me);
  // Only what is said from now on is news for a screen reader.
  log.setAttribute("aria-live", "off");
  log.replaceChildren();
  for (const bubble of threads.get(me).values()) append(bubble);
  requestAnimationFrame(() => log.setAttribute("aria-live", "polite"));
  closeSheet();
  drawPeople();
  chrome();
  toEnd();
  seen();
}

function append(bubble) {
  const before = log.lastElementChild;
  if (before?.dataset.day !== day(bubble.at)) log.append(divider(bubble.at));
  log.append(draw(bubble));
}

function draw(bubble) {
  const node = render(bubble, {
    quoted: (id) => threads.get(me).get(id),
    pictures,
    tap: (from, option) => write(`${me}/tap`, { option, message: from.id }),
    open: openList,
    place: () => write(`${me}/place`, {}),
    templates,
  });
  node.dataset.day = day(bubble.at);
  return node;
}

const day = (at) => new Date(at).toDateString();

function divider(at) {
  const today = day(Date.now() + shift) === day(at);
  const node = element("p", today ? "Today" : new Intl.DateTimeFormat([], { dateStyle: "long" }).format(at), "day");
  node.dataset.day = day(at);
  return node;
}

// Everything around the bubbles: typing dots, the line under the name, suggestions.
function chrome() {
  const writing = (typingUntil.get(me) ?? 0) > Date.now();
  typing.hidden = !writing;
  $("subtitle").textContent = writing ? "typing …" : `you are ${people.get(me)?.name ?? ""}`;
  const empty = threads.get(me)?.size === 0;
  if (empty !== !openers.hidden || openers.dataset.for !== me) {
    openers.hidden = !empty;
    openers.dataset.for = me;
    openers.replaceChildren(element("p", "Everything here stays on this machine. Start with one of these, or write what you like."));
    for (const line of people.get(me)?.suggestions ?? []) {
      const button = element("button", line, "opener");
      button.type = "button";
      button.addEventListener("click", () => say(line));
      openers.append(button);
    }
  }
}

function drawPeople() {
  const rows = [...people.values()].map((customer) => {
    const button = element("button", "", "person");
    button.type = "button";
    button.setAttribute("aria-pressed", String(customer.key === me));
    const who = element("span", "", "who");
    const name = element("b", customer.name);
    const note = element("span", customer.note);
    name.dir = note.dir = "auto";
    who.append(name, note);
    const id = element("span", customer.number ? `+${customer.number}` : customer.user_id, "number");
    id.title = customer.number ? "phone number" : "business-scoped user id: this customer's webhooks carry no phone number";
    const face = element("span", [...customer.name][0], "face");
    face.setAttribute("aria-hidden", "true");
    button.append(face, who, id);
    const count = unseen.get(customer.key);
    if (count) button.append(element("span", String(count), "badge"));
    button.addEventListener("click", () => {
      me = customer.key;
      show();
      closeSide();
    });
    return button;
  });
  $("people").replaceChildren(...rows);
}

const nearEnd = () => chat.scrollHeight - chat.scrollTop - chat.clientHeight < 120;
const toEnd = () => chat.scrollTo({ top: chat.scrollHeight });
// A picture that arrives late must not push the newest bubble out of sight.
log.addEventListener("load", () => nearEnd() || toEnd(), true);

// ── what the person does ──────────────────────────────────────────────────────────────────────────────────────────────

async function post(path, body) {
  const binary = body instanceof Blob;
  const headers = body && !binary ? { "content-type": "application/json" } : {};
  try {
    const answer = await fetch(`/phone/api/${path}`, { method: "POST", headers, body: body && !binary ? JSON.stringify(body) : body });
    if (!answer.ok) toast((await answer.json().catch(() => ({}))).detail ?? `The server answered ${answer.status}.`);
  } catch {
    toast("The server cannot be reached.");
  }
}

// Messages leave one after the other, in the order in which they were written.
let queue = Promise.resolve();
const write = (path, body) => (queue = queue.then(() => post(path, body)));
const say = (words) => write(`${me}/say`, { text: words });

// Read means: on the screen, in front of a person.
function seen() {
  if (document.visibilityState !== "visible") return;
  const unread = [...(threads.get(me)?.values() ?? [])].filter(({ by, tick, id }) => by === "business" && tick !== "read" && !told.has(id));
  if (!unread.length) return;
  for (const bubble of unread) told.add(bubble.id);
  post(`${me}/read`);
}
document.addEventListener("visibilitychange", seen);

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const line = text.value.trim();
  if (!line) return;
  text.value = "";
  grow();
  say(line);
});

text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  $("composer").requestSubmit();
});
text.addEventListener("input", grow);

function grow() {
  text.style.height = "auto";
  text.style.height = `${Math.min(text.scrollHeight, 132)}px`;
  $("composer").classList.toggle("ready", text.value.trim() !== "");
}

$("more").addEventListener("toggle", () => $("more").open && $("more").scrollIntoView());

$("attach").addEventListener("click", () => $("file").click());
$("file").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  event.target.value = "";
  if (!file) return;
  try {
    write(`${me}/picture`, await shrink(file));
  } catch {
    toast("This file is no picture.");
  }
});

// As a phone does before it sends: at most 1280 pixels, JPEG, nothing of where it was taken.
async function shrink(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, 1280 / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  const brush = canvas.getContext("2d");
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.82));
}

document.querySelector("[data-again]").addEventListener("click", () => post(`${me}/again`));

// ── the list's bottom sheet ───────────────────────────────────────────────────────────────────────────────────────────

function openList(bubble, part) {
  sheetOpener = document.activeElement;
  const head = element("header", "", "sheet-top");
  const close = element("button", "", "icon");
  close.type = "button";
  close.append(icon("i-close"), element("span", "Close", "sr"));
  close.addEventListener("click", closeSheet);
  const title = element("h3", part.action.button);
  title.id = "sheet-title";
  title.dir = "auto";
  head.append(close, title);
  const body = element("div", "", "sheet-rows");
  for (const section of part.action.sections) {
    if (section.title) body.append(Object.assign(element("h4", section.title), { dir: "auto" }));
    for (const option of section.rows) {
      const button = element("button", "", "option");
      button.type = "button";
      button.append(Object.assign(element("b", option.title), { dir: "auto" }));
      if (option.description) button.append(Object.assign(element("span", option.description), { dir: "auto" }));
      button.addEventListener("click", () => {
        closeSheet();
        write(`${me}/tap`, { option: option.id, message: bubble.id });
      });
      body.append(button);
    }
  }
  sheet.replaceChildren(head, body);
  behind(true);
  body.querySelector("button")?.focus();
}

function closeSheet() {
  if (sheet.hidden) return;
  behind(false);
  sheetOpener?.focus();
}

// While the sheet is up, the rest of the phone is out of reach, for the keyboard too.
function behind(up) {
  sheet.hidden = veil.hidden = !up;
  for (const node of [chat, $("composer")]) node.inert = up;
}

veil.addEventListener("click", closeSheet);
sheet.addEventListener("keydown", (event) => {
  if (!["ArrowDown", "ArrowUp"].includes(event.key)) return;
  const rows = [...sheet.querySelectorAll(".option")];
  const next = rows.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1);
  rows[Math.max(0, Math.min(rows.length - 1, next))]?.focus();
  event.preventDefault();
});

// ── small screens: the rest lies behind the phone ─────────────────────────────────────────────────────────────────────

function closeSide() {
  if (!document.body.classList.contains("side-open")) return;
  document.body.classList.remove("side-open");
  $("phone").inert = false;
  $("open-side").setAttribute("aria-expanded", "false");
  $("open-side").focus();
}

$("open-side").addEventListener("click", () => {
  document.body.classList.add("side-open");
  $("phone").inert = true;
  $("open-side").setAttribute("aria-expanded", "true");
  $("close-side").focus();
});
$("close-side").addEventListener("click", closeSide);

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (!sheet.hidden) closeSheet();
  else closeSide();
});

let toastTimer = 0;
function toast(sentence) {
  $("toast").textContent = sentence;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => ($("toast").hidden = true), 5000);
}

function tick() {
  $("clock").textContent = time(Date.now() + shift);
}
tick();
setInterval(tick, 10_000);
if (matchMedia("(min-width: 700px)").matches) text.focus();
