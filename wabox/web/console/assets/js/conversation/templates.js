// Templates: what WhatsApp takes when the customer last wrote more than 24 hours ago.

import { get } from "../api.js";
import { dialog, sorry } from "../dialog.js";
import { button, fill, h } from "../dom.js";
import { t, tongue } from "../texts.js";

const BLANK = /\{\{\s*(\w+)\s*\}\}/g;

// What was chosen: { name, language, values, text }; undefined when nothing was.
export async function templates(dossier) {
  let all;
  try {
    all = await get("/templates/replies");
  } catch (problem) {
    sorry(problem);
    return undefined;
  }
  const near = (one) => Number(!one.language.startsWith(dossier.language ?? "?"));
  all.sort((one, other) => near(one) - near(other) || one.name.localeCompare(other.name));
  return dialog(t("template"), (close) => {
    const body = h("div", { class: "body" });
    if (!all.length) fill(body, h("p", { class: "soft" }, t("template.none")));
    else list(body, all, close, dossier);
    return body;
  });
}

function list(body, all, close, dossier) {
  const search = h("input", { type: "search", placeholder: t("template.search"), aria: { label: t("template.search") }, oninput: draw });
  const items = h("ul", { class: "picks" });
  function draw() {
    const words = search.value.toLowerCase();
    const meant = all.filter((one) => `${one.name} ${one.body}`.toLowerCase().includes(words));
    fill(items, ...meant.map((one) => h("li", {}, h("button", { type: "button", onclick: () => form(body, one, close, dossier, () => list(body, all, close, dossier)) }, h("span", { class: "row" }, h("strong", {}, one.name), h("span", { class: "soft" }, tongue(one.language.replace("_", "-"))), one.category === "marketing" && h("span", { class: "badge urgent" }, t("template.marketing"))), h("span", { class: "soft", dir: "auto" }, one.body)))));
  }
  draw();
  fill(body, search, items);
  search.focus();
}

function form(body, one, close, dossier, back) {
  const known = dossier.contact.name ?? "";
  const fields = one.variables.map((name) => ({ name, input: h("input", { type: "text", required: true, dir: "auto", maxlength: 500, placeholder: one.examples[name] ?? "", value: /name/i.test(name) ? known.split(" ")[0] : "", oninput: draw }) }));
  const shown = h("blockquote", { class: "preview", dir: "auto" });
  const text = () => one.body.replace(BLANK, (whole, name) => fields.find((field) => field.name === name)?.input.value || whole);
  function draw() {
    fill(shown, one.header && h("strong", {}, one.header), h("p", {}, text()), one.footer && h("small", {}, one.footer));
  }
  draw();
  const done = (event) => {
    event.preventDefault();
    close({ name: one.name, language: one.language, values: Object.fromEntries(fields.map(({ name, input }) => [name, input.value.trim()])), text: text() });
  };
  fill(body, h("form", { onsubmit: done, class: "fields" }, h("h3", {}, one.name), fields.map(({ name, input }) => h("label", { class: "field" }, h("span", {}, t("template.value", { name })), input)), shown, h("footer", {}, button(t("back"), back), h("button", { class: "button main" }, t("send")))));
  (fields[0]?.input ?? body.querySelector("footer .main")).focus();
}
