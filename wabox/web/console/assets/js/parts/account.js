// Who is signed in, the languages, the theme, and the ways out.

import { get, me, post } from "../api.js";
import { dialog, sorry } from "../dialog.js";
import { button, h, icon } from "../dom.js";
import { CARDS, LANGUAGES, language, t, tongue } from "../texts.js";
import { shortcutsDialog } from "./help.js";

const THEMES = { auto: "auto", light: "sun", dark: "moon" };

export function account() {
  return dialog(me.name, (close) => h("div", { class: "body" }, themes(), languages(), cards(), h("p", { class: "row" }, button(t("help.title"), () => (close(), shortcutsDialog()), { sign: "keyboard" })), ways()), { kind: "small" });
}

function themes() {
  const root = document.documentElement;
  const choose = (name) => {
    root.dataset.theme = name;
    localStorage.setItem("wabox.theme", name);
  };
  return h(
    "fieldset",
    {},
    h("legend", {}, t("theme")),
    h("div", { class: "choices" }, Object.entries(THEMES).map(([name, sign]) => h("label", {}, h("input", { type: "radio", name: "theme", checked: root.dataset.theme === name, onchange: () => choose(name) }), icon(sign), h("span", {}, t(`theme.${name}`))))),
  );
}

function languages() {
  const choose = ({ target }) => {
    localStorage.setItem("wabox.language", target.value);
    location.reload();
  };
  const options = Object.entries(LANGUAGES).map(([code, name]) => h("option", { value: code, selected: code === language, lang: code }, name));
  return h("label", { class: "field" }, h("span", {}, t("language")), h("select", { onchange: choose }, options));
}

// Of the cards on WhatsApp that tell of cases: the account's, wherever it is signed in.
function cards() {
  const choose = ({ target }) => post("/agents/me/language", { language: target.value || null }).catch(sorry);
  const box = h("select", { name: "cards", disabled: true, onchange: choose });
  const filled = ({ language: spoken }) => {
    const codes = spoken && !CARDS.includes(spoken) ? [spoken, ...CARDS] : CARDS;
    box.append(h("option", { value: "" }, t("cards.first")), ...codes.map((code) => h("option", { value: code, selected: code === spoken }, tongue(code))));
    box.disabled = false;
  };
  get("/agents/me").then(filled).catch(sorry);
  return h("label", { class: "field" }, h("span", {}, t("cards")), box);
}

// Plain forms: they work in whatever state the rest of the page is.
function ways() {
  const { csrf } = document.body.dataset;
  return h(
    "form",
    { method: "post", action: "/console/logout", class: "row ends" },
    h("input", { type: "hidden", name: "csrf", value: csrf }),
    h("button", { class: "button" }, icon("leave"), h("span", {}, t("sign_out"))),
    h("button", { class: "button quiet", name: "everywhere", value: "yes" }, t("sign_out_everywhere")),
  );
}
