/** Network state and page visibility, where the platform is a browser. */

type Listener = (event: { persisted?: boolean }) => void;

interface Platform {
  addEventListener?: (type: string, listener: Listener) => void;
  removeEventListener?: (type: string, listener: Listener) => void;
  navigator?: { onLine?: boolean };
  document?: { hidden?: boolean };
}

const platform: Platform = globalThis;

/** Return whether there may be a network. */
export function isOnline(): boolean {
  return platform.navigator?.onLine !== false;
}

/** Return whether nobody can see the page. */
export function isHidden(): boolean {
  return platform.document?.hidden === true;
}

/**
 * Call `wake` when the network is back or somebody looks at the page again, `offline` when the network is gone, and `hide`
 * when the page is closed or reloaded. Returns the function that ends it.
 */
export function watchPlatform(listeners: { wake: () => void; offline?: () => void; hide?: () => void }): () => void {
  const wakeIfSeen = () => {
    if (!isHidden()) listeners.wake();
  };
  const added: [string, Listener][] = [
    ["online", wakeIfSeen],
    // A page from the browser's cache of pages. The event of a page that was just loaded is not one of them.
    ["pageshow", ({ persisted }) => persisted && wakeIfSeen()],
    ["visibilitychange", wakeIfSeen],
    ["offline", () => listeners.offline?.()],
    ["pagehide", () => listeners.hide?.()],
  ];
  for (const [type, listener] of added) platform.addEventListener?.(type, listener);
  return () => {
    for (const [type, listener] of added) platform.removeEventListener?.(type, listener);
  };
}
