/** The part of the page that an on-screen keyboard leaves visible. Safari on phones covers the page instead of resizing it. */

const COVERED_PX = 1;

const root = document.documentElement;

/** Keep the size and the place of the visible part in custom properties of the style sheet, while it is smaller than the page. */
export function followViewport(): void {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const follow = () => {
    // What the visitor enlarges with two fingers, they move around in by themselves.
    const height = viewport.height * viewport.scale;
    const isCovered = root.clientHeight - height > COVERED_PX;
    setLength("--visible-height", isCovered ? height : null);
    if (viewport.scale === 1) setLength("--visible-top", isCovered ? viewport.offsetTop : null);
  };
  viewport.addEventListener("resize", follow);
  viewport.addEventListener("scroll", follow);
  follow();
}

function setLength(name: string, pixels: number | null): void {
  if (pixels === null) root.style.removeProperty(name);
  else root.style.setProperty(name, `${pixels}px`);
}
