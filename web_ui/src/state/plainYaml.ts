// As much YAML as settings files are written in: blocks, [lists], {maps}, quotes, comments. Every value comes as text; what
// it means is its reader's. Anything else (anchors, tags, texts over several lines) is refused with its line.

export type Yaml = string | Yaml[] | Map<string, Yaml>;

export class YamlTrouble extends Error {
  constructor(
    /** 1-based. */
    readonly line: number,
    readonly kind: "unreadable" | "unclosed" | "indent" | "twice" | "large" | "unsupported",
  ) {
    super(`${kind} in line ${line}`);
  }
}

// As the site file is bounded.
const MAX_CHARS = 256 * 1024;
const MAX_DEPTH = 12;

interface Line {
  number: number;
  indent: number;
  text: string;
}

/** null for a text that holds nothing. Raises YamlTrouble. */
export function parseYaml(text: string): Yaml | null {
  if (text.length > MAX_CHARS) throw new YamlTrouble(1, "large");
  const lines = linesOf(text);
  const first = lines[0];
  if (!first) return null;
  const reader = { lines, at: 0 };
  const value = block(reader, first.indent, 0);
  const left = lines[reader.at];
  if (left) throw new YamlTrouble(left.number, "indent");
  return value;
}

/** Without comments and empty lines; a [list] that goes on over several is one. */
function linesOf(text: string): Line[] {
  const found: Line[] = [];
  let open: { line: Line; depth: number } | null = null;
  text.split(/\r\n|\n|\r/).forEach((raw, index) => {
    const number = index + 1;
    if (open === null && /^(---|\.\.\.)\s*$/.test(raw)) return;
    const { kept, depth } = withoutComment(raw, number);
    if (kept.trim() === "") return;
    if (open) {
      open.line.text += ` ${kept.trim()}`;
      open.depth += depth;
      if (open.depth <= 0) open = null;
      return;
    }
    const indent = /^ */.exec(kept)![0].length;
    if (kept[indent] === "\t") throw new YamlTrouble(number, "indent");
    const line = { number, indent, text: kept.trim() };
    found.push(line);
    if (depth > 0) open = { line, depth };
  });
  if (open) throw new YamlTrouble((open as { line: Line }).line.number, "unclosed");
  return found;
}

/** What stands before a comment, and how many more brackets it opens than closes. */
function withoutComment(raw: string, line: number): { kept: string; depth: number } {
  let quote = "";
  let depth = 0;
  for (let i = 0; i < raw.length; i++) {
    const c = raw[i]!;
    if (quote) {
      if (c === "\\" && quote === '"') i += 1;
      else if (c === quote) quote = "";
    } else if ((c === '"' || c === "'") && /[\s[{,:-]/.test(raw[i - 1] ?? " ")) quote = c;
    else if (c === "#" && /\s/.test(raw[i - 1] ?? " ")) return { kept: raw.slice(0, i), depth };
    else if (c === "[" || c === "{") depth += 1;
    else if (c === "]" || c === "}") depth -= 1;
  }
  if (quote) throw new YamlTrouble(line, "unclosed");
  return { kept: raw, depth };
}

interface Reader {
  lines: Line[];
  at: number;
}

const KEY = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'[\]{},#&*!|>%@`-][^:]*?|-[^\s:][^:]*?)\s*:(?:\s+(.*))?$/s;

function block(reader: Reader, indent: number, depth: number): Yaml {
  const line = reader.lines[reader.at]!;
  if (depth > MAX_DEPTH) throw new YamlTrouble(line.number, "large");
  if (isItem(line.text)) return listBlock(reader, indent, depth);
  if (!KEY.test(line.text)) {
    reader.at += 1;
    return inline(line.text, line.number);
  }
  return mapBlock(reader, indent, depth);
}

const isItem = (text: string) => text === "-" || text.startsWith("- ");

function listBlock(reader: Reader, indent: number, depth: number): Yaml[] {
  const found: Yaml[] = [];
  for (let line = reader.lines[reader.at]; line && line.indent === indent && isItem(line.text); line = reader.lines[reader.at]) {
    const rest = line.text.slice(1).trimStart();
    if (rest === "") {
      reader.at += 1;
      found.push(below(reader, indent + 1, depth));
    } else {
      // What stands behind the dash is a line of its own, as far in as it stands.
      const own = { number: line.number, indent: indent + line.text.length - rest.length, text: rest };
      reader.lines[reader.at] = own;
      found.push(block(reader, own.indent, depth + 1));
    }
  }
  refuseDeeper(reader, indent);
  return found;
}

function mapBlock(reader: Reader, indent: number, depth: number): Map<string, Yaml> {
  const found = new Map<string, Yaml>();
  for (let line = reader.lines[reader.at]; line && line.indent === indent && !isItem(line.text); line = reader.lines[reader.at]) {
    const [, rawKey, rest] = KEY.exec(line.text) ?? [];
    if (rawKey === undefined) throw new YamlTrouble(line.number, "unreadable");
    const key = scalar(rawKey, line.number);
    if (found.has(key)) throw new YamlTrouble(line.number, "twice");
    reader.at += 1;
    if (rest === undefined || rest === "") {
      // A list may stand as far in as its key.
      const next = reader.lines[reader.at];
      const isList = next !== undefined && next.indent === indent && isItem(next.text);
      found.set(key, isList ? listBlock(reader, indent, depth + 1) : below(reader, indent + 1, depth));
    } else found.set(key, inline(rest, line.number));
  }
  refuseDeeper(reader, indent);
  return found;
}

/** The block that stands further in; nothing there is an empty text. */
function below(reader: Reader, leastIndent: number, depth: number): Yaml {
  const next = reader.lines[reader.at];
  return next && next.indent >= leastIndent ? block(reader, next.indent, depth + 1) : "";
}

function refuseDeeper(reader: Reader, indent: number): void {
  const next = reader.lines[reader.at];
  if (next && next.indent > indent) throw new YamlTrouble(next.number, "indent");
}

function inline(text: string, line: number): Yaml {
  if (!/^[[{]/.test(text)) return scalar(text, line);
  const flow = { text, at: 0, line };
  const value = flowValue(flow, 0);
  blanks(flow);
  if (flow.at < text.length) throw new YamlTrouble(line, "unreadable");
  return value;
}

interface Flow {
  text: string;
  at: number;
  line: number;
}

function flowValue(flow: Flow, depth: number): Yaml {
  if (depth > MAX_DEPTH) throw new YamlTrouble(flow.line, "large");
  blanks(flow);
  const opening = flow.text[flow.at];
  if (opening === "[") {
    const found: Yaml[] = [];
    flow.at += 1;
    while (!closes(flow, "]")) {
      found.push(flowValue(flow, depth + 1));
      comma(flow, "]");
    }
    return found;
  }
  if (opening === "{") {
    const found = new Map<string, Yaml>();
    flow.at += 1;
    while (!closes(flow, "}")) {
      const key = flowScalar(flow, /[:,{}[\]]/);
      if (flow.text[flow.at] !== ":") throw new YamlTrouble(flow.line, "unreadable");
      flow.at += 1;
      if (found.has(key)) throw new YamlTrouble(flow.line, "twice");
      found.set(key, flowValue(flow, depth + 1));
      comma(flow, "}");
    }
    return found;
  }
  return flowScalar(flow, /[,{}[\]]/);
}

function blanks(flow: Flow): void {
  while (/\s/.test(flow.text[flow.at] ?? "")) flow.at += 1;
}

function closes(flow: Flow, bracket: string): boolean {
  blanks(flow);
  if (flow.at >= flow.text.length) throw new YamlTrouble(flow.line, "unclosed");
  if (flow.text[flow.at] !== bracket) return false;
  flow.at += 1;
  return true;
}

function comma(flow: Flow, bracket: string): void {
  blanks(flow);
  if (flow.text[flow.at] === ",") flow.at += 1;
  else if (flow.text[flow.at] !== bracket) throw new YamlTrouble(flow.line, "unreadable");
}

function flowScalar(flow: Flow, ends: RegExp): string {
  blanks(flow);
  const quoted = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*/.exec(flow.text.slice(flow.at));
  if (quoted) {
    flow.at += quoted[0].length;
    return scalar(quoted[1]!, flow.line);
  }
  const start = flow.at;
  while (flow.at < flow.text.length && !ends.test(flow.text[flow.at]!)) flow.at += 1;
  const text = flow.text.slice(start, flow.at).trim();
  if (text === "") throw new YamlTrouble(flow.line, "unreadable");
  return scalar(text, flow.line);
}

function scalar(text: string, line: number): string {
  if (/^'(?:[^']|'')*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  if (text.startsWith('"')) {
    try {
      return JSON.parse(text) as string; // what settings use of its escapes is the same
    } catch {
      throw new YamlTrouble(line, "unreadable");
    }
  }
  if (/^[&*!|>%@`]/.test(text)) throw new YamlTrouble(line, "unsupported");
  return text;
}
