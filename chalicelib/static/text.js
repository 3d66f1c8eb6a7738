/** Helpers for text from users. */

const FEW_EMOJI = makeFewEmoji();

/** Replace control characters and line breaks by spaces: the server refuses messages that contain them. */
export function oneLine(text) {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, " ");
}

/** Test whether a text is one to six emoji and nothing else. Always false in browsers without the "v" flag. */
export function isEmoji(text) {
  return FEW_EMOJI?.test(text) ?? false;
}

// A literal with the "v" flag is a syntax error in browsers from before 2023, and the page would stay blank.
function makeFewEmoji() {
  try {
    return new RegExp(String.raw`^\s*(?:\p{RGI_Emoji}\s*){1,6}$`, "v");
  } catch {
    return null;
  }
}

/** Set the text of an element only if it differs, so that live regions do not announce it twice. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function showError(element, sentence) {
  element.hidden = !sentence;
  setText(element, sentence);
}

/** Turn an error text of the server into a sentence: upper-case start, full stop. */
export function sentence(text) {
  const start = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}
