// "What else customers do": a button for everything that is neither a text nor a tap.

import { element } from "./markup.js";

export function happenings(groups, act) {
  return Object.entries(groups).map(([title, names]) => {
    const part = element("fieldset");
    const rows = Object.entries(names).map(([name, sentence]) => {
      const button = element("button", sentence, "happening");
      button.type = "button";
      button.addEventListener("click", () => act(name));
      return button;
    });
    part.append(element("legend", title), ...rows);
    return part;
  });
}
