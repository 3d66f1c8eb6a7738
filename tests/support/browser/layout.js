/**
 * Return what is wrong with the layout of a page, as sentences: what overlaps, is cut off, or scrolls sideways.
 *
 * Looks at what the visitor can use: an open dialogue, otherwise an open panel, otherwise the whole page.
 */
() => {
  const PIXEL = 1.5; // glyphs and rounded boxes extend a little
  const problems = new Set();
  const root = document.querySelector("dialog[open]") ?? document.body;
  const panel = document.querySelector("#people[open] .panel");
  const isNarrow = getComputedStyle(document.querySelector(".top")).display === "flex";

  const nameOf = (element) =>
    `${element.localName}${element.id && `#${element.id}`} ${JSON.stringify((element.value ?? element.textContent).trim().slice(0, 30))}`;
  const isShown = (element) =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    !element.closest(".unseen, .continued .head, option, .brand span, title");

  /** Return the part of a box that its scrolling ancestors show, or null. */
  function inSight(element, box) {
    let { left, right, top, bottom } = box;
    for (let parent = element.parentElement; parent && parent !== document.body; parent = parent.parentElement) {
      const { overflowY } = getComputedStyle(parent);
      if (overflowY === "visible") continue;
      const view = parent.getBoundingClientRect();
      top = Math.max(top, view.top);
      bottom = Math.min(bottom, view.bottom);
      if (left < view.left - PIXEL || right > view.right + PIXEL)
        problems.add(`${nameOf(element)} leaves ${nameOf(parent)} sideways`);
    }
    return bottom - top > PIXEL && right - left > PIXEL ? { left, right, top, bottom } : null;
  }

  /** The boxes of controls and of lines of text. */
  const pieces = [];
  function add(element, box) {
    const shown = inSight(element, box);
    if (!shown) return;
    pieces.push({ element, ...shown });
    if (box.left < -PIXEL || box.right > innerWidth + PIXEL) problems.add(`${nameOf(element)} is outside of the screen`);
  }

  const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.nodeType === Node.TEXT_NODE ? node.parentElement : node;
    if (!isShown(element)) continue;
    if (node === element) {
      if (element.matches("input, select, textarea, button, .body")) {
        add(element, element.getBoundingClientRect());
        checkControl(element);
      }
      continue;
    }
    if (!node.data.trim() || element.matches("select, textarea")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) add(element, box);
    if (element.closest("button, label, h1, h2, h3, summary, .note, .connection")) checkWords(node, element);
  }

  /** Words of the page are short enough for a line of their own; only what people write may be broken. */
  function checkWords(node, element) {
    for (const { index, 0: word } of node.data.matchAll(/[\p{L}\p{N}'…]+/gu)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const tops = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (tops.size > 1) problems.add(`the word ${word} is broken in ${nameOf(element)}`);
    }
  }

  /** The text of a control is not cut off. Only a field may scroll what a visitor has written. */
  function checkControl(element) {
    if (element.matches("button") && element.scrollWidth > element.clientWidth + PIXEL)
      problems.add(`${nameOf(element)} is cut off`);
    if (!element.matches("select, input:not([type=checkbox]), textarea")) return;
    const style = getComputedStyle(element);
    const texts = element.matches("select")
      ? [...element.options].map(({ text }) => text)
      : element.value
        ? []
        : [element.placeholder];
    const measure = document.createElement("canvas").getContext("2d");
    // The size that is used: `text-size-adjust` does not change the computed one in all browsers.
    measure.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const arrow = element.matches("select") ? 20 : 0;
    const space = element.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrow;
    for (const text of texts) {
      const { width } = measure.measureText(text);
      if (width > space + PIXEL)
        problems.add(`${nameOf(element)} has ${Math.round(space)} px for ${Math.round(width)} px of ${text}`);
    }
    if (element.scrollHeight > element.clientHeight + PIXEL && element.matches("textarea"))
      problems.add(`${nameOf(element)} shows ${element.clientHeight} of ${element.scrollHeight} px`);
    if (element.clientWidth < 60) problems.add(`${nameOf(element)} is too narrow to write in`);
  }

  // The panel and the button that jumps to the latest message cover what is below them.
  const covers = [panel, document.querySelector("#to-latest")].filter(Boolean);
  const groupOf = (element) => covers.find((cover) => cover.contains(element)) ?? null;
  pieces.forEach((one, index) => {
    for (const other of pieces.slice(index + 1)) {
      if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
      if (groupOf(one.element) !== groupOf(other.element)) continue;
      const width = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const height = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      if (width > PIXEL && height > PIXEL) problems.add(`${nameOf(one.element)} overlaps ${nameOf(other.element)}`);
    }
  });

  for (const scroller of [document.scrollingElement, document.body, ...root.querySelectorAll("*"), root]) {
    const { overflowX } = getComputedStyle(scroller);
    const mayScroll = scroller === document.scrollingElement || overflowX === "auto" || overflowX === "hidden";
    if (mayScroll && isShown(scroller) && scroller.scrollWidth > scroller.clientWidth + PIXEL && !scroller.matches("input"))
      problems.add(`${nameOf(scroller)} is ${scroller.scrollWidth} px wide in ${scroller.clientWidth} px`);
  }

  const heading = document.querySelector("#room-heading");
  if (root === document.body && heading.checkVisibility()) {
    if (heading.scrollHeight > heading.clientHeight + PIXEL) problems.add(`${nameOf(heading)} is cut off`);
    const log = document.querySelector("#log");
    const line = parseFloat(getComputedStyle(log).lineHeight);
    if (log.checkVisibility() && log.clientHeight < 2 * line) problems.add(`the log has ${log.clientHeight} px`);
    const { bottom } = document.querySelector("#compose").getBoundingClientRect();
    if (bottom > innerHeight + PIXEL) problems.add("the composer is below the screen");
    if (!isNarrow) problems.add("the page has the layout of a wide screen");
  }
  return [...problems];
}
