/**
 * Values that outlive the page, in `localStorage`. Browsers may block it, for example in a private window: then they last as
 * long as the page.
 */

const memory = new Map<string, string>();
const listeners = new Set<() => void>();

export function readItem(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return memory.get(key) ?? null;
  }
}

export function writeItem(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    memory.set(key, value);
  }
  for (const listener of listeners) listener();
}

/** Call a function after each change, also by another tab. Returns the function that ends that. */
export function subscribeToStorage(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}
