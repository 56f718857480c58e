// One line of the transcript as an element.

import { fileOf } from "../api.js";
import { h, icon } from "../dom.js";
import { clock, full, known, share, t, tongue } from "../texts.js";
import { markup } from "./markup.js";

const TICKS = { queued: "clock", sending: "clock", unknown: "clock", sent: "tick", delivered: "ticks", read: "ticks", played: "ticks", failed: "warn" };

export function bubble(line) {
  if (line.who === "event") return event(line);
  const who = line.who === "customer" ? t("who.customer") : line.who === "bot" ? t("who.bot") : line.by === "phone" ? t("who.phone") : line.by;
  return h(
    "div",
    { class: "bubble" },
    h("p", { class: line.who === "customer" ? "sr" : "by", dir: "auto" }, line.who === "note" ? t("who.note", { name: line.by }) : who),
    line.media && media(line),
    words(line),
    line.options.length > 0 && h("ul", { class: "options" }, line.options.map((title) => h("li", { dir: "auto" }, title))),
    h("p", { class: "meta" }, line.edited_at && h("span", {}, t("edited")), h("time", { datetime: new Date(line.at).toISOString(), title: full(line.at) }, clock(line.at)), line.status && tick(line)),
    line.reason && line.status === "failed" && h("p", { class: "problem" }, line.reason),
    line.read && read(line.read),
  );
}

export function tick(line) {
  const name = known("delivery", line.status);
  return h("span", { class: `tick ${line.status}`, role: "img", title: name, aria: { label: name } }, icon(TICKS[line.status] ?? "clock"));
}

function words(line) {
  if (line.deleted_at) return h("p", { class: "text soft" }, t("deleted"));
  if (line.text) return h("div", { class: "text", dir: "auto" }, line.type === "template" ? h("span", {}, icon("template"), " ", line.text) : markup(line.text));
  return line.media ? null : h("p", { class: "text soft" }, known("type", line.type));
}

function event(line) {
  const told = line.type === "error" ? t("event.error", { text: line.text }) : t(`event.${line.type}`, { name: line.by, text: line.text });
  return h("p", { class: "event" }, h("span", { dir: "auto" }, told), " ", h("time", { title: full(line.at) }, clock(line.at)));
}

function media({ media: file, ref }) {
  const kind = known("type", file.kind);
  if (file.status === "link") {
    const here = file.link && new URL(file.link).host === location.host;
    if (here && (file.kind === "image" || file.kind === "sticker")) return h("img", { class: "picture", src: new URL(file.link).pathname, alt: kind, loading: "lazy" });
    return h("p", { class: "file" }, icon("file"), file.link ? h("a", { href: file.link, target: "_blank", rel: "noopener noreferrer" }, file.name ?? kind) : h("span", {}, file.name ?? kind));
  }
  if (file.status !== "stored") return h("p", { class: "file soft" }, icon(file.status === "waiting" ? "clock" : "warn"), h("span", {}, t(`media.${file.status}`, { kind })));
  const src = fileOf(ref);
  const type = file.mime_type ?? "";
  if (type.startsWith("image/")) return h("a", { href: src, target: "_blank", rel: "noopener" }, h("img", { class: "picture", src, alt: kind, loading: "lazy" }));
  if (type.startsWith("audio/")) return h("audio", { controls: true, preload: "none", src, aria: { label: kind } });
  if (type.startsWith("video/")) return h("video", { class: "picture", controls: true, preload: "none", src, aria: { label: kind } });
  return h("p", { class: "file" }, icon("file"), h("a", { href: src, download: true, dir: "auto" }, file.name ?? kind));
}

// What the bot understood and how sure it was; shown when somebody wants to know.
function read(found) {
  const sure = found.tier === "structured" ? known("tier", found.tier) : found.intent ? `${found.intent} ${share(found.confidence)}` : t("understood.nothing");
  const near = found.candidates.filter(([intent]) => intent !== found.intent).map(([intent, confidence]) => `${intent} ${share(confidence)}`);
  return h(
    "p",
    { class: "read" },
    h("span", { class: "meter", aria: { hidden: "true" } }, h("span", { class: `sure-${Math.round(found.confidence * 10)}` })),
    h("strong", {}, sure),
    h("span", {}, [found.tier !== "structured" && known("tier", found.tier), found.language && tongue(found.language), found.tier !== "structured" && found.why].filter(Boolean).join(" · ")),
    near.length > 0 && h("span", {}, t("understood.near", { intents: near.join(", ") })),
  );
}
