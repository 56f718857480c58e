// "Try to break it": four buttons for the next message, and a row for everything else that can go wrong, with how much of it.

import { element } from "./markup.js";

const AMOUNTS = { off: "off", "1x": "once", "5%": "5 %", "30%": "30 %", on: "always" };

export class Faults {
  constructor(rows, count, post) {
    this.rows = rows;
    this.count = count;
    this.post = post;
    this.selects = new Map(); // fault → its <select>
    // The column is as high as the window: what opens at its end would not be seen.
    const details = rows.closest("details");
    details.addEventListener("toggle", () => details.open && details.scrollIntoView());
    for (const button of document.querySelectorAll("[data-fault]")) {
      button.addEventListener("click", () => post(`faults/${button.dataset.fault}`));
    }
  }

  list(groups) {
    this.selects.clear();
    const parts = Object.entries(groups).map(([title, kinds]) => {
      const part = element("fieldset");
      part.append(element("legend", title), ...Object.entries(kinds).map(([name, sentence]) => this.row(name, sentence)));
      return part;
    });
    this.rows.replaceChildren(...parts);
  }

  row(name, sentence) {
    const label = element("label", "", "fault");
    const select = document.createElement("select");
    for (const [amount, words] of Object.entries(AMOUNTS)) select.append(new Option(words, amount));
    select.addEventListener("change", () => this.post(`faults/${name}?amount=${encodeURIComponent(select.value)}`));
    label.append(element("span", sentence), select);
    this.selects.set(name, select);
    return label;
  }

  show(armed) {
    for (const button of document.querySelectorAll("[data-fault]")) {
      const on = button.dataset.fault in armed;
      button.classList.toggle("armed", on);
      button.setAttribute("aria-pressed", String(on));
    }
    for (const [name, select] of this.selects) {
      const amount = armed[name] ?? "off";
      // Amounts that nobody can choose here come from the command line or a test.
      for (const option of [...select.options]) if (!(option.value in AMOUNTS)) option.remove();
      if (!(amount in AMOUNTS)) select.append(new Option(amount, amount));
      select.value = amount;
      select.closest(".fault").classList.toggle("armed", amount !== "off");
    }
    const many = Object.keys(armed).length;
    this.count.textContent = `${many} on`;
    this.count.hidden = many === 0;
  }
}
