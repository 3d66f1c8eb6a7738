/** Dates and times. Browsers write them in the visitor's language; all other texts of the page are English. */

import { make } from "./dom.js";

type Options = Intl.DateTimeFormatOptions;

const TIME: Options = { timeStyle: "short" };
const DATE_AND_TIME: Options = { dateStyle: "medium", timeStyle: "short" };

/** The formatters that this task has made: to make one takes twenty times as long as to use it. */
const formatters = new Map<Options, Intl.DateTimeFormat>();

/** The language of dates, for the attribute `lang`: screen readers choose the voice by it. */
export const DATE_LANGUAGE = new Intl.DateTimeFormat().resolvedOptions().locale;

/** Write a moment in the visitor's language. Use a constant for the options, so that a formatter is made only once. */
export function formatMoment(moment: Date, options: Options = DATE_AND_TIME): string {
  // The time zone of the system may be another one in a later task.
  if (formatters.size === 0) setTimeout(() => formatters.clear(), 0);
  const formatter = formatters.get(options) ?? new Intl.DateTimeFormat([], options);
  formatters.set(options, formatter);
  return formatter.format(moment);
}

export function timeOf(moment: Date, options = TIME): HTMLTimeElement {
  const time = make("time", "", formatMoment(moment, options));
  time.dateTime = moment.toISOString();
  time.lang = DATE_LANGUAGE;
  return time;
}

/** Return the time of a moment, with the date unless it is today. */
export function momentOf(time: string): HTMLTimeElement {
  const moment = new Date(time);
  return timeOf(moment, isToday(moment) ? TIME : DATE_AND_TIME);
}

export function isToday(moment: Date): boolean {
  return moment.toDateString() === new Date().toDateString();
}
