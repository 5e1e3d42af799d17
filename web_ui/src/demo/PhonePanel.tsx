import { useEffect, useRef, useState } from "preact/hooks";
import { askJson } from "../api/client";
import type { SmsMessage } from "../api/types";
import { backoffMs } from "../state/backoff";
import { strings } from "../strings";
import { siteTimeAt } from "../time/zone";
import { CloseIcon, Logo, PhoneIcon } from "../ui/icons";
import { useTicking } from "../ui/ticker";
import { keyedMessages, maskNumber, textParts } from "./sms";
import "./phone.css";

const POLL_MS = 2_000;
/** From this width on there is room for the phone beside the frames. */
const BESIDE = "(min-width: 1100px)";

export function PhonePanel({ smsUrl, zone }: { smsUrl: string; zone: string }) {
  const { messages, failing } = useMessages(smsUrl);
  const [open, setOpen] = useState(() => matchMedia(BESIDE).matches);
  const [seenCount, setSeenCount] = useState(0);
  const toggle = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (open) setSeenCount(messages.length);
  }, [open, messages.length]);

  const unseen = Math.max(0, messages.length - seenCount);
  return (
    <aside class={`phone-dock ${open ? "is-open" : ""}`} aria-label={strings.phone.region}>
      <button
        type="button"
        ref={toggle}
        class={`phone-toggle ${unseen && !open ? "has-news" : ""}`}
        aria-expanded={open}
        title={open ? strings.phone.collapse : strings.phone.show}
        onClick={() => setOpen(!open)}
      >
        {open ? <CloseIcon /> : <PhoneIcon />}
        {open ? strings.phone.collapse : strings.phone.open(messages.length)}
      </button>
      {open && <Phone messages={messages} failing={failing} zone={zone} />}
    </aside>
  );
}

function useMessages(smsUrl: string): { messages: SmsMessage[]; failing: boolean } {
  const [messages, setMessages] = useState<SmsMessage[]>([]);
  const [failing, setFailing] = useState(false);
  useEffect(() => {
    let failures = 0;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let abort = new AbortController();
    const poll = async (signal: AbortSignal) => {
      try {
        const body = (await askJson(smsUrl, { fetchFn: (input, init) => fetch(input, init), signal })) as { messages?: SmsMessage[] };
        const fresh = Array.isArray(body?.messages) ? body.messages : [];
        // The same list is not news: no render, no scroll.
        setMessages((known) => (JSON.stringify(known) === JSON.stringify(fresh) ? known : fresh));
        failures = 0;
        setFailing(false);
      } catch {
        if (signal.aborted) return;
        failures += 1;
        setFailing(true);
      }
      if (!signal.aborted) timer = setTimeout(() => void poll(signal), failures ? backoffMs(failures, Math.random) : POLL_MS);
    };
    const stop = () => {
      abort.abort();
      clearTimeout(timer);
    };
    const restart = () => {
      stop();
      if (document.hidden) return;
      abort = new AbortController();
      void poll(abort.signal);
    };
    restart();
    document.addEventListener("visibilitychange", restart);
    return () => {
      stop();
      document.removeEventListener("visibilitychange", restart);
    };
  }, [smsUrl]);
  return { messages, failing };
}

function Phone({ messages, failing, zone }: { messages: SmsMessage[]; failing: boolean; zone: string }) {
  const clock = useTicking(() => siteTimeAt(Date.now(), zone).timeToMinute);
  const thread = useRef<HTMLDivElement>(null);
  // What was there when the phone was opened does not arrive again.
  const arrivedBefore = useRef<Set<string> | null>(null);
  const keyed = keyedMessages(messages);
  arrivedBefore.current ??= new Set(keyed.map(({ key }) => key));
  useEffect(() => {
    thread.current?.scrollTo({ top: thread.current.scrollHeight });
  }, [messages]);

  const numbers = new Set(messages.map(({ number }) => number));
  return (
    <div class="phone">
      <div class="phone-screen">
        <div class="phone-bar" aria-hidden="true">
          <span class="digits">{clock}</span>
          <span class="phone-island" />
          <span class="phone-signal">
            <i />
            <i />
            <i />
          </span>
        </div>
        <div class="phone-contact">
          <span class="phone-avatar" aria-hidden="true">
            <Logo />
          </span>
          <strong>{strings.phone.sender}</strong>
          {numbers.size === 1 && <span>{strings.phone.to(maskNumber(messages[0]!.number))}</span>}
        </div>
        <div class="phone-thread" ref={thread} role="log" tabIndex={0} aria-label={strings.phone.region}>
          {keyed.length === 0 && <p class="phone-empty">{failing ? strings.phone.unreachable : strings.phone.empty}</p>}
          {keyed.map(({ key, message }, index) => {
            const at = siteTimeAt(Date.parse(message.sent_at), zone);
            const before = keyed[index - 1]?.message;
            const beforeAt = before && siteTimeAt(Date.parse(before.sent_at), zone);
            return (
              <div key={key} class={`sms ${arrivedBefore.current?.has(key) ? "" : "is-arriving"}`}>
                {(beforeAt?.date !== at.date || beforeAt?.timeToMinute !== at.timeToMinute) && (
                  <p class="sms-time">
                    <time dateTime={message.sent_at}>
                      {at.date === beforeAt?.date ? "" : `${at.date}, `}
                      {at.timeToMinute} {at.zone}
                    </time>
                  </p>
                )}
                {numbers.size > 1 && before?.number !== message.number && (
                  <p class="sms-to">{strings.phone.to(maskNumber(message.number))}</p>
                )}
                <p class="sms-bubble">
                  {textParts(message.text, location.origin).map(({ text, href }) =>
                    href ? (
                      <a href={href} target="_blank" rel="noopener noreferrer">
                        {text}
                      </a>
                    ) : (
                      text
                    ),
                  )}
                </p>
              </div>
            );
          })}
        </div>
        {failing && keyed.length > 0 && <p class="phone-note">{strings.phone.unreachable}</p>}
        <p class="phone-note">{strings.phone.note}</p>
      </div>
    </div>
  );
}
