import type { KeyboardEvent, Ref } from "react";
import { isEnter } from "@/lib/keyboard";
import { MAX_LENGTH, surplusOf } from "@/lib/message-text";

interface Props {
  label: string;
  placeholder?: string;
  text: string;
  onText: (text: string) => void;
  /** Called with the keys that do not submit the form. */
  onKey: (event: KeyboardEvent<HTMLTextAreaElement>) => void;
  ref?: Ref<HTMLTextAreaElement>;
}

/** The field of a form for the text of a message. Enter submits the form. */
export function MessageField({ label, placeholder, text, onText, onKey, ref }: Props) {
  const surplus = surplusOf(text);

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>) {
    // With a touch keyboard, which has no Shift+Enter, Enter breaks the line.
    if (!isEnter(event) || event.shiftKey || matchMedia("(pointer: coarse)").matches) {
      onKey(event);
      return;
    }
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <>
      <textarea
        aria-label={label}
        placeholder={placeholder}
        rows={2}
        value={text}
        ref={ref}
        onChange={(event) => onText(event.target.value)}
        onKeyDown={onKeyDown}
      />
      {surplus > 0 && (
        <p role="alert">
          A message has at most {MAX_LENGTH} characters. Please shorten this one by {surplus}.
        </p>
      )}
    </>
  );
}
