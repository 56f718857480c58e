// Dialogs (the browser's own: Escape closes, focus stays inside and comes back) and short messages.

import { button, fill, h, sign } from "./dom.js";
import { t } from "./texts.js";

// `make(close)` gives the content; the promise tells what `close` was called with, undefined when it was given up.
export function dialog(title, make, { kind = "" } = {}) {
  return new Promise((done) => {
    let said;
    const close = (value) => {
      said = value;
      node.close();
    };
    const node = h(
      "dialog",
      { class: kind, aria: { label: title }, onclose: () => (node.remove(), done(said)), onclick: (event) => event.target === node && node.close() },
      h("header", {}, h("h2", {}, title), sign("cross", t("close"), () => node.close())),
      make(close),
    );
    document.body.append(node);
    node.showModal();
    (node.querySelector("[autofocus]") ?? node.querySelector(".body input, .body textarea, .body select, .body button"))?.focus();
  });
}

// A question with one field. `field` is an element with a value; undefined: given up.
export function question(title, words, field, act) {
  return dialog(title, (close) => {
    const go = (event) => {
      event.preventDefault();
      close(field.value ?? true); // a group of fields is asked by whoever made it
    };
    return h("form", { class: "body", onsubmit: go }, words && h("p", { class: "soft" }, words), field, h("footer", {}, button(t("cancel"), () => close()), h("button", { class: "button main" }, act)));
  });
}

const box = h("div", { class: "toasts", role: "status", aria: { live: "polite" } });

export function toast(text, { bad = false } = {}) {
  if (!box.isConnected) document.body.append(box);
  const node = h("p", { class: bad ? "bad" : "" }, text);
  box.append(node);
  setTimeout(() => node.remove(), bad ? 8000 : 4000);
}

export const sorry = (problem) => toast(problem.message, { bad: true });
export { fill };
