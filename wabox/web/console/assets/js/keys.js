// Shortcuts. Each is one key, or two one after the other (g q); none of them works while somebody types.

const shortcuts = new Map();
let before = "";
let at = 0;

// `keys`: "c" or "g q". Returns what takes it away again; `text` is what the list of shortcuts says.
export function shortcut(keys, text, act) {
  const own = { text, act };
  const older = shortcuts.get(keys);
  shortcuts.set(keys, own);
  return () => {
    if (shortcuts.get(keys) !== own) return;
    if (older) shortcuts.set(keys, older);
    else shortcuts.delete(keys);
  };
}

export const listed = () => [...shortcuts].map(([keys, { text }]) => ({ keys, text }));

const typing = (node) => node.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  if (document.querySelector("dialog[open]")) return;
  const key = event.key;
  const two = Date.now() - at < 1200 ? shortcuts.get(`${before} ${key}`) : null;
  const found = two ?? shortcuts.get(key);
  before = key;
  at = Date.now();
  if (!found) return;
  event.preventDefault();
  found.act();
});
