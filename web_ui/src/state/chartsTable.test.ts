import { expect, it } from "vitest";
import { csvCell, csvName, csvOf, stackTable } from "./chartsTable";

it("a label that a spreadsheet would run as a formula is text", () => {
  const hostile = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =cmd|' /C calc'!A0", "\u00a0=1", "＝1"];
  for (const text of hostile) expect(csvCell(text)).toMatch(/^"?'/);
  expect(csvCell('=HYPERLINK("http://x";"y")')).toBe(`"'=HYPERLINK(""http://x"";""y"")"`);
  expect(csvCell(-3)).toBe("-3");
});

it("quotes, commas and line breaks stay inside their cell", () => {
  expect(csvCell('a "b", c')).toBe('"a ""b"", c"');
  expect(csvCell("two\nlines")).toBe('"two\nlines"');
  expect(csvCell("plain words")).toBe("plain words");
  expect(csvCell(null)).toBe("");
});

it("a file is a header, a line for each row, and says that it is UTF-8", () => {
  expect(csvOf({ columns: ["From", "Señal"], rows: [["21 Nov 2026, 14:00", 3], ["x", null]] })).toBe(
    '\uFEFFFrom,Señal\r\n"21 Nov 2026, 14:00",3\r\nx,\r\n',
  );
});

it("a file's name holds nothing that a folder could trip over", () => {
  expect(csvName("Corner shop", "detections", "7d")).toBe("framewatch-corner-shop-detections-7d.csv");
  expect(csvName("../../etc/pässwd", null, "")).toBe("framewatch-etc-pa-sswd.csv");
});

it("a table of bars has site time with its zone, and the instant in the file", () => {
  const fromMs = Date.parse("2026-10-25T00:00:00Z");
  const words = { from: "From", to: "To", fromUtc: "From (UTC)", names: ["Person"], total: "All" };
  const stack = { series: [{ key: "Person", values: [4], total: 4 }], totals: [4] };
  expect(stackTable(stack, [{ fromMs, toMs: fromMs + 3_600_000 }], "Europe/Madrid", words)).toEqual({
    columns: ["From", "To", "From (UTC)", "Person", "All"],
    rows: [["25 Oct 2026, 02:00 CEST", "25 Oct 2026, 02:00 CET", "2026-10-25T00:00:00.000Z", 4, 4]],
    inFileOnly: [1, 2],
  });
});
