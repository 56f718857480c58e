// Buttons above the place where an agent writes: canned answers, and files. Each gets { dossier, insert(text), send(data, shown) }.

import { get, lacking, upload } from "../api.js";
import { dialog, sorry } from "../dialog.js";
import { fill, h, sign } from "../dom.js";
import { t } from "../texts.js";

export function tools({ dossier, insert, send }) {
  const one = dossier.case.id;
  const files = lacking("files") ? [] : [sign("attach", t("attach"), () => attach(one, send))];
  return [sign("quick", t("canned"), async () => insert((await canned(one)) ?? "")), ...files];
}

// The words of the chosen one, to be read over before they leave.
async function canned(one) {
  let all;
  try {
    all = await get("/canned", { case: one });
  } catch (problem) {
    sorry(problem);
    return undefined;
  }
  return dialog(t("canned"), (close) => {
    const items = h("ul", { class: "picks" });
    const search = h("input", { type: "search", placeholder: t("canned.search"), aria: { label: t("canned.search") }, oninput: draw });
    function draw() {
      const words = search.value.toLowerCase();
      const meant = all.filter((answer) => `${answer.name} ${answer.title} ${answer.text}`.toLowerCase().includes(words));
      fill(items, ...meant.map((answer) => h("li", {}, h("button", { type: "button", onclick: () => close(answer.text) }, h("strong", { dir: "auto" }, answer.title || answer.name), h("span", { class: "soft", dir: "auto" }, answer.text), answer.missing.length > 0 && h("span", { class: "badge urgent", dir: "auto" }, t("canned.missing", { names: answer.missing.join(", ") }))))));
      if (!all.length) fill(items, h("li", { class: "soft" }, t("canned.none")));
    }
    draw();
    return h("div", { class: "body" }, search, items);
  });
}

function attach(one, send) {
  const input = h("input", { type: "file" });
  input.onchange = async () => {
    const [file] = input.files;
    if (!file) return;
    const caption = h("input", { type: "text", dir: "auto", maxlength: 1000, placeholder: t("attach.caption") });
    const sure = await dialog(file.name, (close) => h("form", { class: "body fields", onsubmit: (event) => (event.preventDefault(), close(true)) }, preview(file), caption, h("footer", {}, h("button", { class: "button main" }, t("send")))));
    if (!sure) return;
    try {
      const stored = await upload(`/handoffs/${encodeURIComponent(one)}/files`, file);
      send({ file: stored.id, text: caption.value.trim() || null }, caption.value.trim() || `📎 ${file.name}`);
    } catch (problem) {
      sorry(problem);
    }
  };
  input.click();
}

function preview(file) {
  if (!file.type.startsWith("image/")) return h("p", { class: "soft" }, file.name);
  const src = URL.createObjectURL(file);
  return h("img", { class: "picture", src, alt: file.name, onload: () => URL.revokeObjectURL(src) });
}
