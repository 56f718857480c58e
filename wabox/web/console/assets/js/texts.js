// The operator's language: words from texts/<language>.json, numbers and times as that language writes them.

export const LANGUAGES = { en: "English", es: "Español", ar: "العربية", hi: "हिन्दी" };
// What wabox itself can speak to an agent on WhatsApp.
export const CARDS = ["ar", "bn", "de", "en", "es", "fr", "hi", "id", "pt", "sw", "tr", "ur"];
export const language = document.documentElement.lang;

const words = await (await fetch(new URL(`../texts/${language}.json`, import.meta.url))).json();

// t("queue.waiting", { n: 3 })
export function t(key, values = {}) {
  const found = words[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const PLURAL = new Intl.PluralRules(language);

// The same for so many: "numbers.started.one", or what the key itself says; `shown` is the number as it is written.
export const counted = (key, count, shown = whole(count)) => t(`${key}.${PLURAL.select(count)}` in words ? `${key}.${PLURAL.select(count)}` : key, { n: shown });

// Words for a value that the server names; what it invents later is shown as it is.
export const known = (group, value) => words[`${group}.${value}`] ?? String(value ?? "");

const CLOCK = new Intl.DateTimeFormat(language, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });
const FULL = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const NUMBER = new Intl.NumberFormat(language, { maximumFractionDigits: 1 });
const WHOLE = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });
const SHARE = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
const NAMES = new Intl.DisplayNames(language, { type: "language" });

export const clock = (at) => CLOCK.format(at);
export const day = (at) => DAY.format(at);
export const full = (at) => FULL.format(at);
export const number = (n) => NUMBER.format(n);
export const whole = (n) => WHOLE.format(n);
export const share = (n) => SHARE.format(n);

export function tongue(code) {
  try {
    return NAMES.of(code);
  } catch {
    return code;
  }
}

const unit = (name) => new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "narrow", maximumFractionDigits: 0 });
const UNITS = { second: unit("second"), minute: unit("minute"), hour: unit("hour"), day: unit("day") };

// How long, in two units at most: 42s · 12m · 2h 5m · 3d.
export function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return UNITS.second.format(seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return UNITS.minute.format(minutes);
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${UNITS.hour.format(hours)} ${UNITS.minute.format(minutes % 60)}` : UNITS.hour.format(hours);
  return UNITS.day.format(Math.floor(hours / 24));
}
