// SPARQL by its terminals alone: the same ones as in kg/web/guard.py. A grammar would lose the
// colours of all that stands behind what is not finished yet, which is where one types.

import { StreamLanguage, type StreamParser, type StringStream } from "@codemirror/language";

interface State {
  quotes: string; // of the long string that is open, or nothing
  depth: number; // brackets that are open
}

const NAME = "\\p{L}\\p{M}\\p{N}_";
const ESCAPED = /\\[tbnrf"'\\]|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}/y;
const TERMINALS: readonly (readonly [RegExp, string])[] = [
  [/^<[^<>"{}|^`\\\x00-\x20]*>/, "url"],
  [new RegExp(`^[?$][${NAME}]+`, "u"), "variableName"],
  [new RegExp(`^(?:_:|[\\p{L}][${NAME}.-]*:|:)(?:[${NAME}:%\\\\.-]*[${NAME}:%\\\\-])?`, "u"), "name"],
  [/^@[A-Za-z]+(?:-[A-Za-z0-9]+)*(?:--(?:ltr|rtl))?/, "meta"],
  [/^(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/, "number"],
  [/^a(?![\p{L}\p{M}\p{N}_-])/u, "keyword"],
  [/^[A-Za-z_][A-Za-z0-9_]*/, "word"],
];
const WORDS = new Set((
  "SELECT CONSTRUCT DESCRIBE ASK WHERE DISTINCT REDUCED FROM NAMED BASE PREFIX VERSION UNION OPTIONAL MINUS " +
  "GRAPH SERVICE SILENT FILTER BIND AS VALUES UNDEF GROUP BY HAVING ORDER ASC DESC LIMIT OFFSET LATERAL " +
  "EXISTS NOT IN TRUE FALSE COUNT SUM MIN MAX AVG SAMPLE GROUP_CONCAT SEPARATOR STR LANG LANGMATCHES " +
  "DATATYPE BOUND IRI URI BNODE RAND ABS CEIL FLOOR ROUND CONCAT STRLEN UCASE LCASE ENCODE_FOR_URI CONTAINS " +
  "STRSTARTS STRENDS STRBEFORE STRAFTER YEAR MONTH DAY HOURS MINUTES SECONDS TIMEZONE TZ NOW UUID STRUUID " +
  "MD5 SHA1 SHA256 SHA384 SHA512 COALESCE IF STRLANG STRDT SAMETERM ISIRI ISURI ISBLANK ISLITERAL ISNUMERIC " +
  "REGEX SUBSTR REPLACE TRIPLE SUBJECT PREDICATE OBJECT ISTRIPLE LANGDIR HASLANG HASLANGDIR STRLANGDIR"
).split(" "));

/** Return the style of a string whose opening quotes were read, up to its end or that of the line. */
function string(stream: StringStream, state: State, quotes: string): string {
  while (!stream.eol()) {
    if (stream.match(quotes)) {
      state.quotes = "";
      return "string";
    }
    ESCAPED.lastIndex = stream.pos;
    const escaped = ESCAPED.exec(stream.string);
    if (escaped) stream.pos += escaped[0].length;
    else stream.next();
  }
  state.quotes = quotes.length === 3 ? quotes : "";
  return "string";
}

const parser: StreamParser<State> = {
  name: "sparql",
  startState: () => ({ quotes: "", depth: 0 }),
  token(stream, state) {
    if (state.quotes) return string(stream, state, state.quotes);
    if (stream.eatSpace()) return null;
    if (stream.match(/^#.*/)) return "comment";
    const quotes = stream.match(/^(?:"""|'''|"|')/) as RegExpMatchArray | null;
    if (quotes) return string(stream, state, quotes[0]);
    for (const [pattern, style] of TERMINALS) {
      const found = stream.match(pattern) as RegExpMatchArray | null;
      if (!found) continue;
      return style !== "word" ? style : WORDS.has(found[0].toUpperCase()) ? "keyword" : null;
    }
    const sign = stream.next() ?? "";
    if ("{[(".includes(sign)) state.depth++;
    else if ("}])".includes(sign)) state.depth = Math.max(0, state.depth - 1);
    return "{}[]()".includes(sign) ? "bracket" : null;
  },
  indent: (state, behind, context) =>
    context.unit * Math.max(0, state.depth - (/^\s*[}\])]/.test(behind) ? 1 : 0)),
  languageData: { commentTokens: { line: "#" }, closeBrackets: { brackets: ["(", "[", "{", "'", '"'] } },
};

/** What the editor knows of SPARQL. */
export const sparql = StreamLanguage.define(parser);
