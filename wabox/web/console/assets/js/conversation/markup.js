// WhatsApp's formatting in a line of text: *bold* _italic_ ~struck~ `code`, and links. Text only ever becomes text nodes.

import { h } from "../dom.js";

const MARKS = { "*": "strong", _: "em", "~": "s", "`": "code" };
const PIECE = /https?:\/\/[^\s<>"]+|(?<![\p{L}\p{N}])([*_~`])(?=\S)([^\n]*?\S)\1(?![\p{L}\p{N}])/gu;

export function markup(text) {
  const out = document.createDocumentFragment();
  let from = 0;
  for (const found of text.matchAll(PIECE)) {
    out.append(text.slice(from, found.index));
    from = found.index + found[0].length;
    if (found[1]) {
      out.append(h(MARKS[found[1]], {}, found[1] === "`" ? found[2] : markup(found[2])));
      continue;
    }
    const url = found[0].replace(/[.,;:!?)\]}'*_~]+$/u, "");
    out.append(h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url), found[0].slice(url.length));
  }
  out.append(text.slice(from));
  return out;
}
