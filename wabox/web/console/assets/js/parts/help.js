// Every shortcut that works here and now.

import { dialog } from "../dialog.js";
import { h } from "../dom.js";
import { listed } from "../keys.js";
import { t } from "../texts.js";

export function shortcutsDialog() {
  const always = [{ keys: "Enter", text: t("help.send") }, { keys: "Shift Enter", text: t("help.line") }, { keys: "Esc", text: t("help.leave") }];
  const rows = [...listed(), ...always].map(({ keys, text }) => h("div", {}, h("dt", {}, keys.split(" ").map((key) => h("kbd", {}, key))), h("dd", {}, text)));
  return dialog(t("help.title"), () => h("div", { class: "body" }, h("dl", { class: "keys" }, rows)));
}
