// Addresses of the console: /console/<page>/<id>. Every place has one, so it can be sent to a colleague.

let screens = {};
let leave = () => {};
let told = () => {};

export const path = (page = "", id = "") => `/console${page ? `/${page}` : ""}${id ? `/${encodeURIComponent(id)}` : ""}`;

export function place() {
  const [, , page = "", id = ""] = location.pathname.split("/");
  return { page, id: decodeURIComponent(id) };
}

// `known`: page → function (id) that shows it and may return what is to be done on leaving it.
export function begin(known, changed) {
  screens = known;
  told = changed;
  addEventListener("popstate", show);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='/console']");
    if (!link || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.button || link.hasAttribute("download")) return;
    event.preventDefault();
    go(link.getAttribute("href"));
  });
  show();
}

export function go(href, { replace = false } = {}) {
  if (href === location.pathname) return;
  history[replace ? "replaceState" : "pushState"]({}, "", href);
  show();
}

function show() {
  leave();
  const { page, id } = place();
  told(page, id);
  leave = (screens[page] ?? screens[""])(id) ?? (() => {});
}
