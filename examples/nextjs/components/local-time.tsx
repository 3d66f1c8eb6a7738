"use client";

/**
 * A time in the language of the visitor's browser, and marked as such: the page around it may be in another one. Only for what
 * is not prerendered, because a server has another language and time zone.
 */
export function LocalTime({ of, withDate = false }: { of: string; withDate?: boolean }) {
  const format = new Intl.DateTimeFormat([], { timeStyle: "short", ...(withDate && { dateStyle: "medium" }) });
  return (
    <time dateTime={of} lang={format.resolvedOptions().locale}>
      {format.format(new Date(of))}
    </time>
  );
}

/** A day in the language of the visitor's browser. */
export function LocalDay({ of }: { of: string }) {
  const format = new Intl.DateTimeFormat([], { dateStyle: "full" });
  return (
    <time dateTime={dayOf(of)} lang={format.resolvedOptions().locale}>
      {format.format(new Date(of))}
    </time>
  );
}

/** Return the day of a time as YYYY-MM-DD, in the visitor's time zone. */
export function dayOf(time: string): string {
  const date = new Date(time);
  const pad = (part: number) => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}
