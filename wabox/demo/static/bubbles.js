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

// `quoted` finds an earlier bubble by id; `pictures` are the demo's own; `tap` and `open` are what the rows do.
export function render(bubble, { quoted, pictures, tap, open }) {
  const theirs = bubble.by === "customer";
  const node = element("div", "", `row ${theirs ? "mine" : "theirs"}`);
  node.id = `m-${bubble.id}`;
  const card = element("div", "", "bubble");
  card.append(element("span", theirs ? "You: " : "", "sr"));
  const { message } = bubble;
  const part = message[message.type ?? "text"] ?? {};
  const content = { theirs, message, part, card, quoted, pictures };
  (KINDS[message.type ?? "text"] ?? other)(content);
  // The time stands in the last line of the text if there is room, as everybody is used to.
  const last = card.lastElementChild;
  const ends = last?.classList.contains("text") && !["UL", "OL", "PRE", "BLOCKQUOTE"].includes(last.lastChild?.nodeName);
  (ends ? last : card).append(meta(bubble, theirs));
  if (!theirs) actions(card, message, part, bubble, tap, open);
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
    if (part.header?.type === "text") heading(card, part.header.text);
    else if (part.header?.type === "image") picture(card, part.header.image ?? {}, pictures);
    if (part.body?.text) words(card, part.body.text);
    if (part.footer?.text) words(card, part.footer.text, "small");
  },

  reaction({ card, part }) {
    card.classList.add("jumbo");
    words(card, part.emoji || "(took its reaction back)");
  },

  location({ card, part }) {
    heading(card, part.name ?? "A place");
    words(card, [part.address, `${part.latitude}, ${part.longitude}`].filter(Boolean).join("\n"));
  },

  document({ card, part }) {
    heading(card, `📄 ${part.filename ?? "document"}`);
    if (part.caption) words(card, part.caption);
  },

  template({ card, part }) {
    heading(card, `Template “${part.name}”`);
    const values = (part.components ?? []).flatMap((c) => c.parameters ?? []).map((p) => p.text ?? p.payload ?? p.type);
    if (values.length) words(card, values.join(" · "));
  },
};

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

function actions(card, message, part, bubble, tap, open) {
  if (message.type !== "interactive") return;
  const rows = element("div", "", "actions");
  const add = (name, label, act) => {
    const button = element("button", "", "action");
    button.type = "button";
    const text = element("span", label);
    text.dir = "auto";
    button.append(icon(name), text);
    button.addEventListener("click", act);
    rows.append(button);
  };
  for (const { reply } of part.action?.buttons ?? []) add("i-reply", reply.title, () => tap(bubble, reply.id));
  if (part.action?.sections) add("i-list", part.action.button, () => open(bubble, part));
  if (part.type === "cta_url") {
    const link = anchor(part.action?.parameters?.url ?? "", part.action?.parameters?.display_text ?? "Open");
    link.className = "action";
    link.prepend(icon("i-out"));
    rows.append(link);
  }
  if (rows.childElementCount) card.append(rows);
}
