// What customers wrote and the bot did not understand, in groups; the owner says what each means, and wabox learns it.

import { get, post } from "../api.js";
import { dialog, sorry } from "../dialog.js";
import { button, fill, h } from "../dom.js";
import { known, share, t, tongue, whole } from "../texts.js";

const NEW = "+faq";

export function unmatched(main) {
  let lesson = null;
  const decided = new Map(); // group id → { to, answer }
  const body = h("div", { class: "groups" });
  const count = h("p", { class: "soft" });
  const learn = button(t("learn.do"), go, { kind: "main", disabled: true });
  main.replaceChildren(h("div", { class: "page" }, h("header", {}, h("div", {}, h("h1", {}, t("page.unmatched")), count), learn), body));

  async function read() {
    fill(body, h("p", { class: "empty" }, t("loading")));
    try {
      lesson = await get("/learn", { days: 30 });
      count.textContent = t("learn.count", { missed: whole(lesson.missed), messages: whole(lesson.messages), since: whole(lesson.since_then) });
      draw();
    } catch (problem) {
      fill(body, h("p", { class: "empty" }, problem.message));
    }
  }

  function draw() {
    fill(body, ...lesson.groups.map(group));
    if (!lesson.groups.length) fill(body, h("p", { class: "empty" }, t("learn.none")));
    ready();
  }

  function ready() {
    learn.disabled = !decided.size;
    learn.querySelector("span").textContent = decided.size ? t("learn.do_n", { n: decided.size }) : t("learn.do");
  }

  function group(one) {
    const node = h("section", { class: "card group", aria: { label: one.sayings[0]?.text } });
    const decide = async (to) => {
      let answer = {};
      if (to === NEW) {
        const made = await question(one, lesson);
        if (!made) return show();
        [to, answer] = [`faq:${made.key}`, made.answer];
      }
      if (to) decided.set(one.id, { group: one.id, to, answer });
      else decided.delete(one.id);
      show();
      ready();
    };
    function show() {
      const chosen = decided.get(one.id)?.to ?? "";
      const others = lesson.intents.filter((intent) => !one.suggestions.includes(intent));
      const option = (value, text) => h("option", { value, selected: value === chosen }, text);
      const select = h(
        "select",
        { aria: { label: t("learn.means") }, onchange: ({ target }) => decide(target.value) },
        option("", t("learn.means")),
        one.suggestions.length > 0 && h("optgroup", { label: t("learn.suggested") }, one.suggestions.map((intent) => option(intent, intent))),
        h("optgroup", { label: t("learn.intents") }, others.map((intent) => option(intent, intent))),
        h("optgroup", { label: t("learn.else") }, option(NEW, t("learn.faq")), option("oos", t("learn.oos")), option("ignore", t("learn.ignore"))),
        chosen.startsWith("faq:") && option(chosen, chosen),
      );
      node.classList.toggle("decided", Boolean(chosen));
      fill(
        node,
        h("div", { class: "many" }, h("strong", {}, whole(one.times)), h("small", {}, t("learn.customers", { n: one.customers }))),
        h("ul", { class: "sayings" }, one.sayings.slice(0, 5).map((saying) => h("li", {}, h("q", { dir: "auto", lang: saying.language }, saying.text), saying.times > 1 && h("small", {}, ` × ${whole(saying.times)}`)))),
        h("p", { class: "soft about" }, [Object.keys(one.languages).map(tongue).join(", "), Object.keys(one.states).slice(0, 3).join(", "), Object.keys(one.reasons).map((reason) => known("missed", reason)).join(", ")].filter(Boolean).join(" · ")),
        h("div", { class: "row decide" }, one.suggestions.slice(0, 2).map((intent) => h("button", { type: "button", class: `button${chosen === intent ? " main" : ""}`, onclick: () => decide(chosen === intent ? "" : intent) }, intent)), select),
      );
    }
    show();
    return node;
  }

  async function go() {
    learn.disabled = true;
    try {
      const learnt = await post("/learn", { map: [...decided.values()], days: 30 });
      decided.clear();
      await told(learnt);
      await read();
    } catch (problem) {
      sorry(problem);
      ready();
    }
  }

  read();
}

// A new question of the FAQ: its key, and what the bot answers in each of its languages.
function question(group, { languages }) {
  const key = h("input", { type: "text", required: true, pattern: "[a-z][a-z0-9_]*", value: "", placeholder: "gift_wrap" });
  const answers = languages.map((language) => ({ language, field: h("textarea", { rows: 2, dir: "auto", lang: language, maxlength: 1000 }) }));
  return dialog(t("learn.faq"), (close) => {
    const done = (event) => {
      event.preventDefault();
      close({ key: key.value, answer: Object.fromEntries(answers.filter(({ field }) => field.value.trim()).map(({ language, field }) => [language, field.value.trim()])) });
    };
    return h("form", { class: "body fields", onsubmit: done }, h("q", { dir: "auto" }, group.sayings[0]?.text), h("label", { class: "field" }, h("span", {}, t("learn.key")), key), answers.map(({ language, field }) => h("label", { class: "field" }, h("span", {}, t("learn.answer", { language: tongue(language) })), field)), h("footer", {}, button(t("cancel"), () => close()), h("button", { class: "button main" }, t("learn.keep"))));
  });
}

function told(learnt) {
  const score = learnt.accuracy === null ? null : t("learn.accuracy", { after: share(learnt.accuracy), before: learnt.before === null ? "–" : share(learnt.before) });
  return dialog(t("learn.done"), () =>
    h("div", { class: "body" }, score && h("p", {}, score), h("ul", {}, learnt.files.map((file) => h("li", {}, h("code", {}, file)))), learnt.reread.length > 0 && h("ul", {}, learnt.reread.slice(0, 12).map((one) => h("li", {}, h("q", { dir: "auto" }, one.text), " ", `${one.before ?? "–"} → ${one.after ?? "–"}`))), learnt.notes.map((note) => h("p", { class: "soft" }, note)), h("p", { class: "soft" }, t("learn.publish"))),
  );
}
