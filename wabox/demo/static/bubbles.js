// One message as the phone shows it: straight from the JSON that was on the wire.

import { anchor, element, markup } from "./markup.js";

const CLOCK = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });
const EXACT = new Intl.DateTimeFormat([], { timeStyle: "medium" });
const EMOJI = /^(?:\p{RGI_Emoji}\s?){1,3}$/v;
const TICKS = { waiting: ["i-clock", "waiting"], sent: ["i-tick", "sent"], delivered: ["i-ticks", "delivered"], read: ["i-ticks", "read"] };

export const time = (at) => CLOCK.format(at);
export const seconds = (at) => EXACT.format(at);

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

// `quoted` finds an earlier bubble by id; `pictures` are the demo's own; `templates` those that were approved; `tap`, `open`
// and `place` are what the rows do.
export function render(bubble, { quoted, pictures, templates, tap, open, place }) {
  const theirs = bubble.by === "customer";
  const node = element("div", "", `row ${theirs ? "mine" : "theirs"}`);
  node.id = `m-${bubble.id}`;
  const card = element("div", "", "bubble");
  card.append(element("span", theirs ? "You: " : "", "sr"));
  const { message } = bubble;
  const part = message[message.type ?? "text"] ?? {};
  const content = { theirs, message, part, card, quoted, pictures, templates };
  (KINDS[message.type ?? "text"] ?? other)(content);
  // The time stands in the last line of the text if there is room, as everybody is used to.
  const last = card.lastElementChild;
  const ends = last?.classList.contains("text") && !["UL", "OL", "PRE", "BLOCKQUOTE"].includes(last.lastChild?.nodeName);
  (ends ? last : card).append(meta(bubble, theirs));
  if (!theirs) actions(card, message, part, bubble, { templates, tap, open, place });
  node.append(card);
  annotate(node, bubble);
  return node;
}

// A bubble that is on the screen already: only ticks and notes ever change, and a button somebody is about to press, or
// has the focus on, must stay the same button.
export function update(node, bubble) {
  node.querySelector(".meta").replaceWith(meta(bubble, bubble.by === "customer"));
  annotate(node, bubble);
}

function annotate(node, bubble) {
  node.querySelector(".note")?.remove();
  if (bubble.note) node.append(element("p", `Your bot did not take it: ${bubble.note}`, "note"));
}

// The text of a message in one line, for quotes.
function gist(message) {
  const part = message[message.type ?? "text"] ?? {};
  const reply = part.button_reply ?? part.list_reply;
  const text = part.body?.text ?? reply?.title ?? (typeof part.body === "string" ? part.body : (part.caption ?? message.type));
  return markup(String(text)).textContent;
}

const KINDS = {
  text({ card, part }) {
    const text = String(part.body ?? "");
    if (EMOJI.test(text)) card.classList.add("jumbo");
    words(card, text);
  },

  image({ card, part, pictures }) {
    picture(card, part, pictures);
    if (part.caption) words(card, part.caption);
  },

  interactive({ card, part, message, quoted, pictures }) {
    const reply = part.button_reply ?? part.list_reply;
    if (reply) {
      const about = message.context && quoted(message.context.id);
      if (about) {
        const quote = element("div", "", "quote");
        quote.append(element("span", gist(about.message)));
        quote.dir = "auto";
        card.append(quote);
      }
      words(card, reply.title);
      if (reply.description) words(card, reply.description, "small");
      return;
    }
    headed(card, part.header, pictures);
    if (part.body?.text) words(card, part.body.text);
    if (part.footer?.text) words(card, part.footer.text, "small");
  },

  reaction({ card, part }) {
    card.classList.add("jumbo");
    words(card, part.emoji || "(took its reaction back)");
  },

  location({ card, part }) {
    heading(card, `📍 ${part.name ?? "A place"}`);
    words(card, [part.address, `${part.latitude}, ${part.longitude}`].filter(Boolean).join("\n"));
  },

  contacts({ card, part }) {
    for (const one of Array.isArray(part) ? part : []) {
      heading(card, `👤 ${one.name?.formatted_name ?? "A contact"}`);
      const facts = [one.org?.company, ...(one.phones ?? []).map((p) => p.phone), ...(one.emails ?? []).map((m) => m.email)];
      const links = (one.urls ?? []).map((u) => u.url);
      words(card, [...facts, ...links].filter(Boolean).join("\n"), "small");
    }
  },

  document({ card, part }) {
    heading(card, `📄 ${part.filename ?? file(part) ?? "document"}`);
    if (part.caption) words(card, part.caption);
  },

  video({ card, part }) {
    if (part.id) player(card, "video", part);
    else heading(card, `🎬 ${file(part) ?? "video"}`);
    if (part.caption) words(card, part.caption);
  },

  audio({ card, part }) {
    if (part.id) player(card, "audio", part);
    else heading(card, `${part.voice ? "🎤 voice message" : "🎵 " + (file(part) ?? "audio")}`);
  },

  sticker({ card, part, pictures }) {
    if (part.id || near(part.link ?? "", pictures)) picture(card, part, pictures);
    else heading(card, `🏷️ sticker ${file(part) ?? ""}`);
  },

  order({ card, part }) {
    heading(card, `🛒 ${part.product_items?.length ?? 0} in the cart`);
    if (part.text) words(card, part.text);
  },

  edit({ card, part }) {
    words(card, "✏️ rewritten:", "small");
    words(card, part.message?.text?.body ?? "");
  },

  revoke({ card }) {
    words(card, "🚫 deleted the message before", "small");
  },

  unsupported({ card, part }) {
    words(card, `(${String(part.type ?? "something").replaceAll("_", " ")}: WhatsApp tells your bot only that there was one)`, "small");
  },

  button({ card, part }) {
    words(card, part.text ?? part.payload ?? "");
  },

  template({ card, part, templates, pictures }) {
    const known = templates?.[part.name]?.[part.language?.code];
    const values = (type) => (part.components ?? []).filter((c) => c.type === type).flatMap((c) => c.parameters ?? []);
    if (!known) {
      heading(card, `Template “${part.name}”`);
      const shown = values("body").map((p) => p.text ?? p.type);
      if (shown.length) words(card, shown.join(" · "));
      return;
    }
    const [head] = values("header");
    if (known.header?.text) heading(card, filled(known.header.text, values("header")));
    else if (known.header) headed(card, head ?? { type: Object.keys(known.header)[0] }, pictures);
    words(card, filled(known.body, values("body")));
    if (known.footer) words(card, known.footer, "small");
  },
};

// A template's text with its values: numbers in their order, names by name.
function filled(text, values) {
  const names = [...new Set([...text.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map((found) => found[1]))];
  if (names.every((name) => /^\d+$/.test(name))) names.sort((one, other) => one - other);
  return text.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, name) => {
    const value = values.find((v) => v.parameter_name === name) ?? values[names.indexOf(name)];
    return value?.text ?? "";
  });
}

function headed(card, header, pictures) {
  if (header?.type === "text") heading(card, header.text);
  else if (header?.type === "image") picture(card, header.image ?? {}, pictures);
  else if (header?.type === "video") heading(card, `🎬 ${file(header.video ?? {}) ?? "video"}`);
  else if (header?.type === "document") heading(card, `📄 ${header.document?.filename ?? file(header.document ?? {}) ?? "document"}`);
}

// The name of a file by its address.
function file(part) {
  try {
    return decodeURIComponent(new URL(part.link).pathname.split("/").pop()) || host(part.link);
  } catch {
    return null;
  }
}

function other({ card, message }) {
  words(card, `(${message.type}: this phone cannot show it)`);
}

function words(card, text, className = "") {
  const node = element("div", "", `text ${className}`);
  node.dir = "auto";
  node.append(markup(String(text)));
  card.append(node);
}

function heading(card, text) {
  const node = element("p", text, "heading");
  node.dir = "auto";
  card.append(node);
}

function picture(card, part, pictures) {
  const source = part.id ? `/phone/media/${encodeURIComponent(part.id)}` : near(part.link ?? "", pictures);
  card.classList.add("pictured");
  if (!source) {
    card.append(element("div", `A picture from ${host(part.link)}. The demo stays off the network.`, "absent"));
    return;
  }
  const image = element("img", "", "picture");
  image.alt = part.caption ? "" : "Picture";
  image.src = source;
  image.addEventListener("error", () => image.replaceWith(element("div", "This picture is not there any more.", "absent")));
  card.append(image);
}

// What the bot uploaded lies here.
function player(card, kind, part) {
  const node = element(kind, "", "player");
  node.controls = true;
  node.preload = "metadata";
  node.src = `/phone/media/${encodeURIComponent(part.id)}`;
  node.setAttribute("aria-label", kind === "video" ? "Video" : part.voice ? "Voice message" : "Audio");
  card.append(node);
}

// Meta would fetch the link. The demo has no network, so it shows what lies here: its own files, by whatever name of
// this machine they are linked, and for the reserved example domains the product picture of the same name.
function near(link, pictures) {
  if (/^data:image\/(png|jpeg|webp);/.test(link)) return link;
  let url;
  try {
    url = new URL(link);
  } catch {
    return null;
  }
  if (url.origin === location.origin) return url.pathname;
  const shelf = `products/${url.pathname.split("/").pop()}`;
  const example = /(^|\.)example(\.(com|net|org))?$/.test(url.hostname) || /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  return example && pictures.includes(shelf) ? `/phone/static/${shelf}` : null;
}

function host(link) {
  try {
    return new URL(link).host;
  } catch {
    return "somewhere else";
  }
}

function meta(bubble, theirs) {
  const node = element("span", "", "meta");
  node.setAttribute("aria-live", "off");
  node.append(element("time", time(bubble.at)));
  if (theirs) {
    const [name, label] = bubble.note ? ["i-clock", "waiting for your bot"] : TICKS[bubble.tick];
    const mark = element("span", "", `tick ${bubble.note ? "waiting" : bubble.tick}`);
    mark.append(icon(name), element("span", label, "sr"));
    mark.title = label;
    node.append(mark);
  }
  return node;
}

function actions(card, message, part, bubble, { templates, tap, open, place }) {
  const rows = element("div", "", "actions");
  const add = (name, label, act) => {
    const button = element("button", "", "action");
    button.type = "button";
    const text = element("span", label);
    text.dir = "auto";
    button.append(icon(name), text);
    if (act) button.addEventListener("click", act);
    else {
      button.disabled = true;
      button.title = "The demo's phone cannot open this";
    }
    rows.append(button);
  };
  const link = (url, label) => {
    const node = anchor(url, label);
    node.className = "action";
    node.prepend(icon("i-out"));
    rows.append(node);
  };
  if (message.type === "template") {
    const known = templates?.[part.name]?.[part.language?.code];
    for (const button of known?.buttons ?? []) {
      if (button.type === "quick_reply") add("i-reply", button.title, () => tap(bubble, button.title));
      else if (button.type === "url") link(button.value, button.title);
      else add("i-out", button.title, null);
    }
  }
  if (message.type === "interactive") {
    for (const { reply } of part.action?.buttons ?? []) add("i-reply", reply.title, () => tap(bubble, reply.id));
    if (part.type === "list") add("i-list", part.action.button, () => open(bubble, part));
    if (part.type === "cta_url") link(part.action?.parameters?.url ?? "", part.action?.parameters?.display_text ?? "Open");
    if (part.type === "location_request_message") add("i-out", "Send location", place);
    if (part.type === "flow") add("i-list", part.action?.parameters?.flow_cta ?? "Open", null);
    if (part.type === "catalog_message") add("i-list", "View catalog", null);
    if (part.type === "product") add("i-list", `View ${part.action?.product_retailer_id ?? "product"}`, null);
    if (part.type === "product_list") add("i-list", "View items", null);
  }
  if (rows.childElementCount) card.append(rows);
}
