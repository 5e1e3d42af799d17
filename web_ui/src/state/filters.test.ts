import { expect, it } from "vitest";
import { activeCount, filtersFromSearch, isPast, NO_FILTERS, searchFromFilters, toQuery, type Filters } from "./filters";

const NOW_MS = Date.parse("2026-11-21T12:00:00Z");

it("every set of filters survives the address and back", () => {
  const sets: Filters[] = [
    NO_FILTERS,
    { camera: "front-door", label: "Person", range: { kind: "last", minutes: 60 }, watchOnly: true },
    { ...NO_FILTERS, label: "a&b=c <i>#?+ ñ" },
    { ...NO_FILTERS, range: { kind: "custom", fromMs: NOW_MS, toMs: null } },
    { ...NO_FILTERS, range: { kind: "custom", fromMs: NOW_MS, toMs: NOW_MS + 1 } },
  ];
  for (const filters of sets) expect(filtersFromSearch(searchFromFilters(filters))).toEqual({ filters, ignored: [] });
});

it("no filters leave the view alone in the address", () => {
  expect(searchFromFilters(NO_FILTERS)).toBe("?view=frames");
});

it("what cannot be read is named and left out", () => {
  const read = filtersFromSearch("?camera=yard&from=yesterday&to=2026-11-21T10:00&last=2y&watch_only=maybe");
  expect(read.filters).toEqual({ ...NO_FILTERS, camera: "yard" });
  expect(read.ignored).toEqual(["from", "to", "last", "watch_only"]);
});

it("a range that ends before it begins is left out", () => {
  const read = filtersFromSearch("?from=2026-11-21T11:00:00Z&to=2026-11-21T10:00:00Z");
  expect(read).toEqual({ filters: NO_FILTERS, ignored: ["from", "to"] });
});

it("an offset in the address means the instant it names", () => {
  const { filters } = filtersFromSearch("?from=2026-11-21T13:00:00%2B01:00");
  expect(filters.range).toEqual({ kind: "custom", fromMs: NOW_MS, toMs: null });
});

it("the last hour is counted back from now", () => {
  expect(toQuery({ ...NO_FILTERS, range: { kind: "last", minutes: 60 } }, NOW_MS).from).toBe("2026-11-21T11:00:00Z");
});

it("a range is past once its end is not in the future", () => {
  expect(isPast({ kind: "custom", fromMs: null, toMs: NOW_MS }, NOW_MS)).toBe(true);
  expect(isPast({ kind: "custom", fromMs: null, toMs: NOW_MS + 1 }, NOW_MS)).toBe(false);
  expect(isPast({ kind: "any" }, NOW_MS)).toBe(false);
});

it("counts filters as a person would", () => {
  expect(activeCount({ camera: "yard", label: null, range: { kind: "last", minutes: 15 }, watchOnly: true })).toBe(3);
});
