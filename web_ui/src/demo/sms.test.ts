import { expect, it } from "vitest";
import { keyedMessages, maskNumber, SMS_KEPT, textParts } from "./sms";

it("a number shows its last three digits and no more", () => {
  expect(maskNumber("+34 600 123 456")).toBe("•••••••• 456");
  expect(maskNumber("112")).toBe("•••");
});

it("only this site's own addresses can be tapped", () => {
  const text = "See https://shop.example/a/x1. Not https://evil.example/a/x1 or javascript:alert(1)";
  expect(textParts(text, "https://shop.example")).toEqual([
    { text: "See ", href: null },
    { text: "https://shop.example/a/x1", href: "https://shop.example/a/x1" },
    { text: ". Not https://evil.example/a/x1 or javascript:alert(1)", href: null },
  ]);
  expect(textParts("https://shop.example@evil.example/", "https://shop.example")).toEqual([
    { text: "https://shop.example@evil.example/", href: null },
  ]);
});

it("two texts that read the same are two texts, and the phone keeps the newest", () => {
  const message = { number: "+34600000000", text: "Person", sent_at: "2026-11-21T03:17:13Z" };
  const keyed = keyedMessages([message, message]);
  expect(new Set(keyed.map(({ key }) => key)).size).toBe(2);
  expect(keyedMessages(Array.from({ length: 80 }, () => message))).toHaveLength(SMS_KEPT);
});
