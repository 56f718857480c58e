// WhatsApp's text formatting as DOM nodes: *bold* _italic_ ~struck~ `code` ```block```, > quotes, - and 1. lists, links.
// Text is data: it only ever becomes text nodes.

const MARKS = { "*": "strong", _: "em", "~": "s", "`": "code" };
const WORD = /[\p{L}\p{N}]/u;
const LINK = /https?:\/\/[^\s<>"]+/iy;
const DEPTH = 5;

export function markup(text) {
  const out = document.createDocumentFragment();
  text.split("```").forEach((piece, index, all) => {
    // A block brings its own line breaks.
    if (index % 2 === 0) return blocks(out, piece.replace(index ? /^\n/ : "", "").replace(index < all.length - 1 ? /\n$/ : "", ""));
    // The last piece was opened and never closed: three literal backticks.
    if (index === all.length - 1) return blocks(out, "```" + piece);
    out.append(element("pre", piece.replace(/^\n|\n$/g, "")));
  });
  return out;
}

export function element(name, text = "", className = "") {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  if (className) node.className = className;
  return node;
}

function blocks(out, text) {
  let list = null;
  let fresh = true;
  for (const line of text.split("\n")) {
    const quote = /^> ?(.+)/.exec(line);
    const bullet = /^[-*] (.+)/.exec(line);
    const number = /^(\d{1,2})\. (.+)/.exec(line);
    if (bullet || number) {
      const kind = bullet ? "ul" : "ol";
      if (list?.localName !== kind) {
        list = document.createElement(kind);
        if (number) list.start = Number(number[1]);
        out.append(list);
      }
      const item = document.createElement("li");
      inline(item, bullet ? bullet[1] : number[2], 0);
      list.append(item);
      fresh = true;
      continue;
    }
    list = null;
    if (quote) {
      const block = document.createElement("blockquote");
      inline(block, quote[1], 0);
      out.append(block);
      fresh = true;
      continue;
    }
    if (!fresh) out.append("\n");
    inline(out, line, 0);
    fresh = false;
  }
}

function inline(out, text, depth) {
  let from = 0;
  const flush = (to) => from < to && out.append(text.slice(from, to));
  for (let at = 0; at < text.length; ) {
    const starts = at === 0 || !WORD.test(text[at - 1]);
    LINK.lastIndex = at;
    const link = starts && LINK.exec(text);
    if (link) {
      const url = link[0].replace(/[.,;:!?)\]}'*_~]+$/, "");
      flush(at);
      out.append(anchor(url));
      from = at += url.length;
      continue;
    }
    const end = starts && text[at] in MARKS && depth < DEPTH ? closing(text, at) : -1;
    if (end < 0) {
      at += 1;
      continue;
    }
    flush(at);
    const node = document.createElement(MARKS[text[at]]);
    const inside = text.slice(at + 1, end);
    if (text[at] === "`") node.textContent = inside;
    else inline(node, inside, depth + 1);
    out.append(node);
    from = at = end + 1;
  }
  flush(text.length);
}

// Where the mark that opens at `at` closes: no blank just inside, no word character just outside.
function closing(text, at) {
  const mark = text[at];
  if (!/\S/.test(text[at + 1] ?? "") || text[at + 1] === mark) return -1;
  for (let end = text.indexOf(mark, at + 2); end > 0; end = text.indexOf(mark, end + 1)) {
    if (/\S/.test(text[end - 1]) && !WORD.test(text[end + 1] ?? "")) return end;
  }
  return -1;
}

export function anchor(url, label = url) {
  const node = element("a", label);
  // Whatever a bot was told to send: only links of the web are links.
  if (/^https?:\/\//i.test(url)) {
    node.href = url;
    node.target = "_blank";
    node.rel = "noopener noreferrer";
  }
  return node;
}
