/** Dates and times. Browsers write them in the visitor's language; all other texts of the page are English. */

import { make } from "./dom.js";

const TIME = { timeStyle: "short" } as const;

/** The language of dates, for the attribute `lang`: screen readers choose the voice by it. */
export const DATE_LANGUAGE = new Intl.DateTimeFormat().resolvedOptions().locale;

export function timeOf(moment: Date, options: Intl.DateTimeFormatOptions = TIME): HTMLTimeElement {
  const time = make("time", "", moment.toLocaleString([], options));
  time.dateTime = moment.toISOString();
  time.lang = DATE_LANGUAGE;
  return time;
}

/** Return the time of a moment, with the date unless it is today. */
export function momentOf(time: string): HTMLTimeElement {
  const moment = new Date(time);
  return timeOf(moment, isToday(moment) ? TIME : { dateStyle: "medium", ...TIME });
}

export function isToday(moment: Date): boolean {
  return moment.toDateString() === new Date().toDateString();
}
