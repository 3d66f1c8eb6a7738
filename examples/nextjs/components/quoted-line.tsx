"use client";

import { cutText, type Quote } from "chalice-chat-client";
import type { UseRoom } from "chalice-chat-client/react";
import { useEffect, useRef } from "react";

const MAX_LENGTH = 100;

/** The first line of a message that another one answers. Null if it does not exist any more. */
export function QuotedLine({ quote }: { quote: Quote | null }) {
  if (!quote) return <p className="quote">A deleted message</p>;
  if (quote.isIgnored) return <p className="quote">A message of somebody whom you ignore</p>;
  const text = quote.message.trim();
  const line = cutText(text.split("\n", 1)[0] ?? "", MAX_LENGTH);
  return (
    <p className="quote">
      <bdi>{quote.sender.name}</bdi>: <bdi>{line === text ? text : `${line}…`}</bdi>
    </p>
  );
}

/** A quoted message that is not loaded. It is read when it becomes visible, because that is a request. */
export function UnreadQuote({ sequence, loadQuote }: { sequence: number } & Pick<UseRoom, "loadQuote">) {
  const line = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => {
      if (entry?.isIntersecting) void loadQuote(sequence);
    });
    if (line.current) observer.observe(line.current);
    return () => observer.disconnect();
  }, [sequence, loadQuote]);
  return (
    <p className="quote" ref={line}>
      An earlier message
    </p>
  );
}
