/** Helpers for text that people wrote. */

const FEW_EMOJI = makeFewEmoji();

/** The server refuses control characters; a pasted tab should not cost anyone a message. */
export function oneLine(text) {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ");
}

/** Emoji and nothing else, few enough to be shown large; never in a browser that cannot tell. */
export function isEmoji(text) {
  return FEW_EMOJI?.test(text) ?? false;
}

// To browsers from before 2023 a literal with this flag is a syntax error, and the whole page would stay blank.
function makeFewEmoji() {
  try {
    return new RegExp(String.raw`^\s*(?:\p{RGI_Emoji}\s*){1,6}$`, "v");
  } catch {
    return null;
  }
}

/** Set text only where it differs, so that live regions do not say the same thing twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function showError(element, sentence) {
  element.hidden = !sentence;
  setText(element, sentence);
}

/** The server's reasons, as sentences of their own. */
export function sentence(text) {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}
