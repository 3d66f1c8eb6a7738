/** DOM helpers. */

export function byId(id) {
  return document.getElementById(id);
}

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Make `entries` the children of `list`. Moves as few as possible, so that a focused link or button keeps the focus. */
export function arrange(list, entries) {
  const wanted = new Set(entries);
  for (const entry of [...list.children]) {
    if (!wanted.has(entry)) entry.remove();
  }
  entries.forEach((entry, index) => {
    if (list.children[index] !== entry) list.insertBefore(entry, list.children[index] ?? null);
  });
}
