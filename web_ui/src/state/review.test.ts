import { describe, expect, it } from "vitest";
import { ApiProblem } from "../api/client";
import type { Alert, Answer, Answered, Snooze } from "../api/types";
import { beatenBy, deedOf, Deeds } from "./reviewActions";
import { activeFilters, addressFromParams, NO_REVIEW_FILTERS, queryOf, searchOfReview, type ReviewFilters } from "./reviewAddress";
import { entryOfAlert, entryOfWithheld, isUntold, joinAlerts, joinEntries } from "./reviewEntries";
import { deedWords, msWords, stagesOf, standingOf, untoldWords, wholeWayMs } from "./reviewWords";
import { countUnreviewed, newestDecided, unreviewedQuery, unreviewedWords } from "./unreviewed";

const NOW_MS = Date.parse("2026-11-21T03:20:00Z");
const ZONE = "Europe/Madrid";
const at = (minutesAgo: number) => new Date(NOW_MS - minutesAgo * 60_000).toISOString();

function alertOf(change: Partial<Alert> = {}): Alert {
  return {
    alert_id: "door/Person/1/after-hours",
    rule_id: "after-hours",
    severity: "alert",
    state: "sent",
    camera_id: "door",
    camera_name: "Door",
    label: "Person",
    confidence: 97,
    captured_at: at(3),
    decided_at: at(3),
    visit_id: "v",
    frame_id: "f",
    box_xyxy_rel: null,
    image_url: "https://pictures.example/1",
    image_url_expires_at: new Date(NOW_MS + 900_000).toISOString(),
    deliveries: [{ contact_id: "ana", state: "sent", at: at(3), reason: null }],
    escalation: [],
    escalates_at: null,
    answers: [],
    notes: [],
    joined: [],
    trace: {
      captured_at: "2026-11-21T03:17:00.000000Z",
      arrived_at: "2026-11-21T03:17:00.200000Z",
      received_at: null,
      labelled_at: "2026-11-21T03:17:01.000000Z",
      stored_at: "2026-11-21T03:17:01.100000Z",
      decided_at: "2026-11-21T03:17:01.150000Z",
      published_at: "2026-11-21T03:17:02.400000Z",
    },
    ...change,
  };
}

const answerOf = (change: Partial<Answer> = {}): Answer => ({ kind: "taken", at: at(2), by: "user:ana", name: "Ana", is_you: false, ...change });

describe("the words of a state", () => {
  const words = (change: Partial<Alert>, snoozes: Snooze[] = []) => standingOf(alertOf(change), snoozes, NOW_MS, ZONE);

  it("say who was told and who is next", () => {
    const escalation = [
      { contact_id: "bo", told: true, at: at(1) },
      { contact_id: "carl", told: false, at: null },
    ];
    expect(words({ escalation, escalates_at: "2026-11-21T03:24:00Z" })).toEqual({
      tone: "open",
      words: "Texted ana, no answer yet",
      next: "then carl at 04:24 CET",
    });
    expect(words({ escalation, escalates_at: at(1) }).next).toBe("then carl");
    expect(words({ escalation, escalates_at: null }).next).toBeNull();
  });

  it("say where nobody was told", () => {
    expect(words({ state: "failed", deliveries: [] })).toMatchObject({ tone: "bad", words: "Nobody could be told" });
    expect(words({ state: "held", deliveries: [] })).toMatchObject({ tone: "bad", words: "Held back by a limit; a digest tells" });
    expect(words({ state: "claimed", deliveries: [] })).toMatchObject({ tone: "waiting", words: "Being sent" });
  });

  it("say who answered, and of several answers the one that ended it", () => {
    expect(words({ answers: [answerOf()] })).toEqual({ tone: "done", words: "Taken by Ana, 2 min ago", next: null });
    expect(words({ answers: [answerOf(), answerOf({ kind: "closed", is_you: true, at: at(1) })] }).words).toBe("Closed by you, 1 min ago");
    expect(words({ answers: [answerOf({ name: null, by: "bo" })], state: "failed" }).words).toBe("Taken by bo, 2 min ago");
  });

  it("say until when it is snoozed, as long as it is", () => {
    const answers = [answerOf({ kind: "snoozed" })];
    const snooze: Snooze = { rule_id: "after-hours", scope: "group:x", camera_ids: ["door", "yard"], until: at(-30), by: "user:ana", name: "Ana", is_you: false };
    expect(words({ answers }, [snooze]).words).toBe("Snoozed until 04:50 CET by Ana");
    expect(words({ answers }, [{ ...snooze, rule_id: "other" }]).words).toBe("Snoozed by Ana, 2 min ago");
  });

  it("say why no text came, and how long each stage took", () => {
    const withheld = [{ rule_id: "watch", reason: "cool-down" as const, first_at: "", last_at: "", count: 14, best_confidence: 90 }];
    expect(untoldWords({ withheld } as never)).toEqual(["Watch list: cool-down, 14 frames"]);
    expect(stagesOf(alertOf().trace).map(({ ms }) => ms)).toEqual([200, null, null, 100, 50, 1250]);
    expect([wholeWayMs(alertOf().trace), msWords(50), msWords(1250)]).toEqual([2400, "50 ms", "1.3 s"]);
  });
});

describe("two readings of one alert", () => {
  it("never take an answer back, whichever was begun first", () => {
    const taken = alertOf({ answers: [answerOf()], notes: [{ text: "n", at: at(1), by: "user:ana", name: "Ana", is_you: false }] });
    const joined = joinAlerts(taken, alertOf({ answers: [answerOf({ kind: "closed", at: at(1) })] }), NOW_MS);
    expect(joined.answers.map(({ kind }) => kind)).toEqual(["taken", "closed"]);
    expect(joined.notes).toHaveLength(1);
    expect(joinAlerts(taken, { ...taken }, NOW_MS)).toBe(taken);
  });

  it("keep an address of the picture that works, and take another when it is about to end", () => {
    const next = alertOf({ image_url: "https://pictures.example/2" });
    expect(joinAlerts(alertOf(), next, NOW_MS).image_url).toBe("https://pictures.example/1");
    expect(joinAlerts(alertOf(), next, NOW_MS + 880_000).image_url).toBe("https://pictures.example/2");
    // The answer to an action carries none.
    expect(joinAlerts(alertOf(), alertOf({ image_url: null, image_url_expires_at: null }), NOW_MS + 880_000).image_url).toBe("https://pictures.example/1");
    const known = entryOfAlert(alertOf());
    expect(joinEntries(known, entryOfAlert(next), NOW_MS)).toBe(known);
  });

  it("tell rows of one visit apart, and a visit of which somebody was told", () => {
    const row = { visit_id: "v", rule_id: "r", visit_from: at(1) } as never as Parameters<typeof entryOfWithheld>[0];
    expect(entryOfWithheld({ ...row, reason: "limit" }).id).not.toBe(entryOfWithheld({ ...row, reason: "late" }).id);
    const visit = (state: string) => ({ alerts: [{ state }] }) as never;
    expect([isUntold(visit("sent")), isUntold(visit("joined")), isUntold(visit("held")), isUntold({ alerts: [] } as never)]).toEqual([false, false, true, true]);
  });
});

describe("the address", () => {
  it("holds every filter and the open alert, there and back", () => {
    const filters: ReviewFilters = {
      shown: "alerts",
      cameras: ["door", "yard"],
      label: "Person & dog",
      rule: "after-hours",
      severity: "critical",
      zone: "porch",
      answered: false,
      minConfidence: 80,
      range: { kind: "last", minutes: 60 },
    };
    const open = { alertId: "door/Person/1/after-hours", cameraId: "door", at: "2026-11-21T03:17:00.123456Z" };
    const back = addressFromParams(new URLSearchParams(searchOfReview(filters, open)));
    expect(back).toEqual({ filters, open, ignored: [] });
    expect(activeFilters(filters)).toBe(8);
    expect(searchOfReview(NO_REVIEW_FILTERS)).toBe("?view=review");
  });

  it("takes a camera for a filter only where no alert is open", () => {
    expect(addressFromParams(new URLSearchParams("camera=door&camera=yard")).filters.cameras).toEqual(["door", "yard"]);
    const opened = addressFromParams(new URLSearchParams("alert=a&camera=door&at=2026-11-21T03:17:00Z"));
    expect([opened.filters.cameras, opened.open?.cameraId]).toEqual([[], "door"]);
  });

  it("names what it could not read", () => {
    const params = new URLSearchParams("severity=loud&answered=perhaps&min_confidence=900&alert=a&show=all&last=1y");
    expect(addressFromParams(params).ignored.sort()).toEqual(["alert", "answered", "last", "min_confidence", "severity", "show"]);
    expect(addressFromParams(params).filters).toEqual(NO_REVIEW_FILTERS);
  });

  it("asks each list only for what it knows", () => {
    const filters: ReviewFilters = { ...NO_REVIEW_FILTERS, rule: "r", severity: "alert", answered: false, cameras: ["door"] };
    expect(queryOf(filters, NOW_MS)).toMatchObject({ rule: "r", severity: "alert", answered: "false", camera: ["door"] });
    expect(queryOf({ ...filters, shown: "withheld" }, NOW_MS)).toMatchObject({ rule: "r", severity: null, answered: null });
    expect(activeFilters({ ...filters, shown: "untold" })).toBe(1);
  });
});

describe("what is done about an alert", () => {
  function fake() {
    const asked: { resolve: (answered: Answered) => void; reject: (error: Error) => void }[] = [];
    const deeds = new Deeds({
      answer: () => new Promise((resolve, reject) => void asked.push({ resolve, reject })),
      note: () => Promise.reject(new ApiProblem("unreachable", "")),
      serverNow: () => NOW_MS,
    });
    return { deeds, asked };
  }
  const settled = () => new Promise((done) => setTimeout(done));

  it("is asked for once however often the key is pressed, and says who was first", async () => {
    const { deeds, asked } = fake();
    deeds.begin(alertOf(), "taken");
    deeds.begin(alertOf(), "taken");
    expect([asked.length, deedWords(deeds.all[0]!)]).toEqual([1, { tone: "under-way", words: "Taking it…" }]);
    const answer = answerOf({ at: new Date(NOW_MS - 12_000).toISOString() });
    asked[0]!.resolve({ answer, snoozed_until: null, alert: alertOf({ answers: [answer] }) });
    await settled();
    expect(deedWords(deeds.all[0]!)).toEqual({ tone: "beaten", words: "Ana had it 12 s before you." });
    expect(beatenBy(deeds.all[0]!)?.aheadMs).toBe(12_000);
  });

  it("that failed stays with its reason until it is tried again or left", async () => {
    const { deeds, asked } = fake();
    deeds.begin(alertOf(), "false-alarm");
    asked[0]!.reject(new ApiProblem("unreachable", "x"));
    deeds.begin(alertOf(), "note", { text: "courier" });
    await settled();
    const failed = deedOf(deeds.all, alertOf().alert_id)!;
    expect([failed.kind, failed.text, deedWords(failed).words]).toEqual(["note", "courier", "The note is not saved. Framewatch cannot be reached."]);
    deeds.retry("false-alarm door/Person/1/after-hours");
    expect(asked).toHaveLength(2);
    asked[1]!.reject(new ApiProblem("refused", "no", 403, null, "forbidden"));
    await settled();
    expect(deedWords(deeds.all.find(({ kind }) => kind === "false-alarm")!).words).toMatch(/^Not marked as a false alarm\. You may look/);
    for (const { key } of deeds.all) deeds.dismiss(key);
    expect(deeds.all).toEqual([]);
  });
});

describe("the unreviewed", () => {
  it("are unanswered and decided after the marker", () => {
    const alerts = [alertOf({ decided_at: at(1) }), alertOf({ decided_at: at(1), answers: [answerOf()] }), alertOf({ decided_at: at(30) })];
    expect(countUnreviewed(alerts, at(20), false)).toEqual({ count: 1, more: false });
    expect(countUnreviewed(alerts, null, false).count).toBe(2);
    expect(countUnreviewed(alerts, newestDecided(alerts), false).count).toBe(0);
  });

  it("are counted up to 99, and asked for from a little before the marker", () => {
    expect([0, 3, 99, 100].map((count) => unreviewedWords({ count, more: false }))).toEqual(["", "3", "99", "99+"]);
    expect(unreviewedWords({ count: 40, more: true })).toBe("40+");
    expect(unreviewedQuery("2026-11-21T03:00:00.000000Z", NOW_MS).from).toBe("2026-11-21T02:00:00.000Z");
    expect(unreviewedQuery("2026-01-01T00:00:00.000000Z", NOW_MS).from).toBeNull();
  });
});
