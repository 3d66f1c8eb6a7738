/** Values in the storage of the browser. If it is full or disabled, they last until the page is closed. */

/** The values that could not be written. */
const kept = new Map<string, string>();

/** Return a value, or null. `storage` is a function, because browsers that block storage throw where it is accessed. */
export function read(storage: () => Storage, key: string): string | null {
  try {
    return kept.get(key) ?? storage().getItem(key);
  } catch {
    return null;
  }
}

/** Return a value that was stored as JSON, or null. */
export function readJson<Value>(key: string, storage = () => sessionStorage): Value | null {
  try {
    return JSON.parse(read(storage, key) ?? "null");
  } catch {
    return null; // written by something else
  }
}

/** Save a value, or remove it if it is empty. */
export function write(storage: () => Storage, key: string, value: string): void {
  try {
    if (value) storage().setItem(key, value);
    else storage().removeItem(key);
    kept.delete(key);
  } catch {
    kept.set(key, value);
    console.warn("the browser's storage is full or disabled");
  }
}

/** Remove the values whose keys begin with this. */
export function forget(storage: () => Storage, prefix: string): void {
  for (const key of kept.keys()) if (key.startsWith(prefix)) kept.delete(key);
  try {
    for (const key of Object.keys(storage())) {
      if (key.startsWith(prefix)) storage().removeItem(key);
    }
  } catch {
    // A browser that blocks storage remembers nothing.
  }
}

/**
 * Call a function when another tab has saved a value, "" if it has removed it, also under a key that begins with this one.
 * Returns the function that ends that.
 */
export function watch(watched: string, listener: (value: string) => void): () => void {
  const onStorage = ({ key, newValue }: StorageEvent) => {
    if (key?.startsWith(watched)) listener(newValue ?? "");
  };
  window.addEventListener("storage", onStorage);
  return () => window.removeEventListener("storage", onStorage);
}
