/** Elements of formatted messages. They contain the whole text as it was typed: what formats it is hidden. */

import { copyText } from "./copy.js";
import { byId, make, setText } from "./dom.js";
import { nodeOf as pieceNode } from "./formatting.js";
import { type Part, parse } from "./markup.js";

const copyNote = byId("copy-note", HTMLElement);

/** Only what is wider than its box can be scrolled, for which the keyboard has to reach it. */
const widths = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.setAttribute("tabindex", "0");
    else target.removeAttribute("tabindex");
  }
});

/** Return the formatted body of a message in place of the plain one, or null if nothing in its text is formatted. */
export function formattedBody(plain: HTMLElement, text: string): HTMLElement | null {
  const parts = parse(text);
  if (!parts) return null;
  const body = document.createElement("div"); // a paragraph cannot contain lists
  for (const { name, value } of plain.attributes) body.setAttribute(name, value);
  body.append(...parts.map(nodeOf));
  body.normalize();
  return body;
}

const INLINE = "strong, em, code";

/**
 * Return what is selected in a body as it was typed: with the markers of blocks, and of each other part that is selected as a
 * whole. Return null within code, which is copied without.
 */
export function typedText(selected: Range, body: Element): string | null {
  if (elementAt(selected.commonAncestorContainer).closest("code, pre")) return null;
  const typed = selected.cloneRange();
  const [first, last] = [partsAround(selected.startContainer, body), partsAround(selected.endContainer, body)];
  for (const part of first) if (isWhole(part, selected)) typed.setStartBefore(part);
  for (const part of last) if (isWhole(part, selected)) typed.setEndAfter(part);
  const cut = [...first, ...last].filter((part) => part.matches(INLINE) && !isWhole(part, selected));
  const left = cut.flatMap((part) => [...part.querySelectorAll(":scope > [hidden]")]);
  for (const mark of left) mark.classList.add("left");
  const content = typed.cloneContents();
  for (const mark of left) mark.classList.remove("left");
  for (const mark of content.querySelectorAll(".left")) mark.remove();
  return (content.textContent ?? "").replace(/^\n/, ""); // the first marker follows a line feed
}

function nodeOf(part: Part): Node | string {
  if (typeof part === "string") return part;
  if (!("tag" in part)) return pieceNode(part);
  const nodes = part.parts.map(nodeOf);
  if (part.tag === "mark") {
    const mark = document.createElement("span");
    mark.hidden = true;
    mark.append(...nodes);
    return mark;
  }
  const element = document.createElement(part.tag);
  element.append(...nodes);
  if (part.tag === "code") element.dir = "ltr"; // as of links: the signs between words would change places
  if (part.number !== undefined) (element as HTMLLIElement).value = part.number;
  return part.code === undefined ? element : codeBlock(element, part.code);
}

function codeBlock(element: HTMLElement, code: string): HTMLElement {
  const block = make("div", "code");
  const button = make("button", "plain copy");
  block.dir = "ltr";
  button.type = "button";
  button.tabIndex = -1;
  // The style sheet shows this label. As text, it would be a part of the message.
  button.setAttribute("aria-label", "Copy code");
  button.addEventListener("click", () => copyCode(code, element));
  block.append(element, button);
  widths.observe(element);
  return block;
}

/** Copy the text of a code block. If that does not work, select it. */
async function copyCode(text: string, code: Element): Promise<void> {
  setText(copyNote, ""); // a second copy is announced, too
  if (await copyText(text)) {
    setText(copyNote, "Code copied");
  } else {
    document.getSelection()?.selectAllChildren(code);
    setText(copyNote, "Please copy the selected code.");
  }
}

/** Return the elements around a node that are within the body, from the inside. */
function partsAround(node: Node, body: Element): Element[] {
  const parts: Element[] = [];
  for (let part: Element | null = elementAt(node); part && part !== body; part = part.parentElement) parts.push(part);
  return parts;
}

/** Test whether all that is visible of a part is selected, apart from what is outside of it. */
function isWhole(part: Element, selected: Range): boolean {
  const [before, after] = [document.createRange(), document.createRange()];
  before.selectNodeContents(part);
  after.selectNodeContents(part);
  if (part.contains(selected.startContainer)) before.setEnd(selected.startContainer, selected.startOffset);
  else before.collapse(true);
  if (part.contains(selected.endContainer)) after.setStart(selected.endContainer, selected.endOffset);
  else after.collapse(false);
  return !isVisible(before) && !isVisible(after);
}

function isVisible(range: Range): boolean {
  const content = range.cloneContents();
  for (const mark of content.querySelectorAll("[hidden]")) mark.remove();
  return content.textContent !== "";
}

function elementAt(node: Node): Element {
  return node instanceof Element ? node : (node.parentElement as Element);
}
