// Elements, made in one call. Text of customers only ever becomes text nodes.

const SVG = "http://www.w3.org/2000/svg";

// h("button", { class: "x", onclick: f, aria: { label: "…" }, data: { id: 1 }, disabled: true }, …children)
export function h(name, props = {}, ...children) {
  return dress(document.createElement(name), props, children);
}

export function s(name, props = {}, ...children) {
  return dress(document.createElementNS(SVG, name), props, children);
}

function dress(node, props, children) {
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "data") Object.assign(node.dataset, value);
    else if (key === "aria") for (const [name, said] of Object.entries(value)) said !== null && said !== undefined && node.setAttribute(`aria-${name}`, said);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "value" || key === "checked") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

const ICONS = {
  inbox: "M3 12h5l2 3h4l2-3h5M5 5h14l2 7v6a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-6z",
  map: "M9 4 3 6.5v13L9 17l6 2.5 6-2.5V4l-6 2.5zM9 4v13m6-10.500v13",
  numbers: "M4 20V10m6 10V4m6 16v-7m5 7H2",
  flows: "M6 4h5v4H6zM13 16h5v4h-5zM8.500 8v4h7v4",
  unmatched: "M12 21a9 9 0 1 0-8-5l-1 5 5-1a9 9 0 0 0 4 1zM9.500 9.500a2.500 2.500 0 1 1 3.500 2.300c-.7.3-1 .8-1 1.500M12 16.500v.1",
  back: "M15 5l-7 7 7 7",
  send: "M4 12 20 4l-4 16-4-7z",
  note: "M5 4h14v11l-5 5H5zM14 20v-5h5",
  close: "M5 12.500l4.500 4.500L19 7.500",
  cross: "M6 6l12 12M18 6 6 18",
  transfer: "M4 8h14l-4-4M20 16H6l4 4",
  hand: "M7 11V6a1.500 1.500 0 0 1 3 0v4-6a1.500 1.500 0 0 1 3 0v6-5a1.500 1.500 0 0 1 3 0v6-3a1.500 1.500 0 0 1 3 0v6a7 7 0 0 1-7 7c-3 0-4.500-1.500-6-4l-2.500-4.500c.8-1 2-1 3 0z",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3 2",
  person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4 21c0-4 3.500-7 8-7s8 3 8 7",
  chart: "M5 5h6v4H5zM13 15h6v4h-6zM8 9v8h5",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  sun: "M12 17a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM12 1v3m0 16v3M1 12h3m16 0h3M4.200 4.200l2.100 2.100m11.400 11.400 2.100 2.100M4.200 19.800l2.100-2.100M17.700 6.300l2.100-2.100",
  moon: "M20 14.500A8.500 8.500 0 0 1 9.500 4 8.500 8.500 0 1 0 20 14.500z",
  auto: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 3v18M12 7h6M12 12h8.500M12 17h6",
  template: "M4 4h16v16H4zM4 9h16M9 9v11",
  quick: "M13 2 4 14h7l-1 8 9-12h-7z",
  file: "M6 2h8l5 5v15H6zM14 2v5h5",
  attach: "M20 11.500 12 19.500a5 5 0 0 1-7-7l8.500-8.500a3.500 3.500 0 0 1 5 5L10 17.500a2 2 0 0 1-3-3l7.500-7.500",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  target: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  keyboard: "M2 6h20v12H2zM6 10h.1M10 10h.1M14 10h.1M18 10h.1M7 14h10",
  leave: "M15 4h5v16h-5M10 8l-4 4 4 4M6 12h10",
  tick: "M4 12.500l5 5L20 6.500",
  ticks: "M1 12.500l5 5L16 6.500M10 15.500l2 2L23 6.500",
  warn: "M12 3 1.500 21h21zM12 10v5m0 2.500v.1",
};

export function icon(name) {
  return s("svg", { class: "icon", viewBox: "0 0 24 24", aria: { hidden: "true" } }, s("path", { d: ICONS[name] ?? ICONS.file }));
}

export const fill = (node, ...children) => node.replaceChildren(...children.flat().filter(Boolean));

// A button with a sign and words; `key` is its shortcut, told to whoever hovers.
export function button(label, onclick, { sign = null, kind = "", key = null, ...more } = {}) {
  const title = key ? `${label} (${key})` : null;
  return h("button", { type: "button", class: `button ${kind}`, onclick, title, aria: { keyshortcuts: key }, ...more }, sign && icon(sign), h("span", {}, label));
}

// Without words on it; they are its label.
export function sign(name, label, onclick, { key = null, ...more } = {}) {
  const title = key ? `${label} (${key})` : label;
  return h("button", { type: "button", class: "sign", onclick, title, aria: { label, keyshortcuts: key }, ...more }, icon(name));
}

const HUES = 8;

// Two letters on one of eight colours, always the same for the same name.
export function face(name) {
  const letters = [...(name.match(/[\p{L}\p{N}]/gu) ?? ["?"])];
  const words = name.split(/\s+/u).filter((word) => /[\p{L}\p{N}]/u.test(word));
  const initials = words.length > 1 ? [...words[0]].find((one) => /[\p{L}\p{N}]/u.test(one)) + [...words.at(-1)].find((one) => /[\p{L}\p{N}]/u.test(one)) : letters[0];
  let sum = 0;
  for (const sign of name) sum = (sum * 31 + sign.codePointAt(0)) % 9973;
  return h("span", { class: `face hue-${sum % HUES}`, aria: { hidden: "true" } }, initials.toUpperCase());
}
