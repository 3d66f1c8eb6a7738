/** The part of Next.js that the example uses, for its tests: links and a router that change the address, and load no page. */

import { type ComponentProps, useSyncExternalStore } from "react";

export interface Metadata {
  readonly title: string;
}

const listeners = new Set<() => void>();

export default function Link({
  href,
  prefetch: _,
  ...props
}: ComponentProps<"a"> & { href: string; prefetch?: false }) {
  return (
    <a
      {...props}
      href={href}
      onClick={(event) => {
        event.preventDefault();
        go(href);
      }}
    />
  );
}

export function go(path: string): void {
  window.history.pushState(null, "", path);
  for (const listener of listeners) listener();
}

export function useSearchParams(): URLSearchParams {
  return new URLSearchParams(useSyncExternalStore(subscribe, () => location.search));
}

export function usePathname(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

export const useRouter = () => ({ push: go });

export function redirect(path: string): never {
  throw new Error(`expected no redirection: ${path}`);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
