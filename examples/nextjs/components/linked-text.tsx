import { splitLinks } from "chalice-chat-client";

/** The text of a message, with its links. If the text of a link shows another host than it leads to, the real one follows. */
export function LinkedText({ text }: { text: string }) {
  let position = 0;
  return splitLinks(text).map(({ text: piece, href, host }) => {
    const key = position;
    position += piece.length;
    if (!href) return piece;
    return (
      <a key={key} href={href} target="_blank" rel="noopener noreferrer nofollow">
        {piece}
        {host && ` (${host})`}
      </a>
    );
  });
}
