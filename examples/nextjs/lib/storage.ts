/**
 * Values that outlive the page, in `localStorage`. Browsers may block it, for example in a private window, and it may be full:
 * then they last as long as the page.
 */

/** The values that could not be written. */
const memory = new Map<string, string>();
const listeners = new Set<() => void>();

export function readItem(key: string): string | null {
  try {
    return memory.get(key) ?? localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function writeItem(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
    memory.delete(key);
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
