import type { SmsMessage } from "../api/types";

/** Messages kept on the phone. */
export const SMS_KEPT = 50;

/** "•••••••• 000": enough to tell two phones apart, not enough to call one. */
export function maskNumber(number: string): string {
  const digits = number.replace(/\D/g, "");
  if (digits.length <= 3) return "•".repeat(Math.max(3, digits.length));
  return `${"•".repeat(digits.length - 3)} ${digits.slice(-3)}`;
}

export type TextPart = { text: string; href: string | null };

/** Splits a text so that addresses of this very site can be tapped; every other one stays words. */
export function textParts(text: string, origin: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"']+/g)) {
    const address = match[0].replace(/[.,;:!?)\]]+$/, "");
    if (originOf(address) !== origin) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index), href: null });
    parts.push({ text: address, href: address });
    end = match.index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), href: null });
  return parts;
}

function originOf(address: string): string | null {
  try {
    return new URL(address).origin;
  } catch {
    return null;
  }
}

/** A key that stays with a message while the list grows, also when two messages read the same. */
export function keyedMessages(messages: readonly SmsMessage[]): { key: string; message: SmsMessage }[] {
  const seen = new Map<string, number>();
  return messages
    .map((message) => {
      const base = `${message.sent_at} ${message.number} ${message.text}`;
      const nth = seen.get(base) ?? 0;
      seen.set(base, nth + 1);
      return { key: `${base} ${nth}`, message };
    })
    .slice(-SMS_KEPT);
}
