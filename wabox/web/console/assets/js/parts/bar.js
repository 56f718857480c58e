// The navigation: pages, whether the server can be heard, who is signed in and how the page looks.

import { me } from "../api.js";
import { account } from "./account.js";
import { face, h, icon } from "../dom.js";
import { path } from "../router.js";
import { t } from "../texts.js";

export function bar(pages) {
  const count = h("span", { class: "count", hidden: true });
  const links = pages.map(({ page, sign, keys }) => {
    const name = t(`page.${page || "queue"}`);
    return h("a", { href: path(page), data: { page }, title: `${name} (${keys})`, aria: { keyshortcuts: keys } }, icon(sign), h("span", {}, name), page === "" && count);
  });
  const lost = h("p", { class: "lost", role: "status", hidden: true }, icon("warn"), h("span", {}, t("lost")));
  const who = h("button", { type: "button", class: "who", title: t("account"), onclick: account }, face(me.name), h("span", { dir: "auto" }, me.name));
  const node = h("nav", { class: "bar", aria: { label: t("navigation") } }, h("a", { class: "brand", href: path(), dir: "auto" }, document.body.dataset.bot), h("div", { class: "pages" }, links), lost, who);
  return {
    node,
    show(page) {
      for (const link of links) link.dataset.page === page ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
    },
    count(n) {
      count.hidden = !n;
      count.textContent = n;
      count.setAttribute("aria-label", t("queue.waiting_n", { n }));
    },
    live(now) {
      lost.hidden = now;
      document.body.classList.toggle("offline", !now);
    },
  };
}
