/**
 * What commands print: JSON for scripts, an aligned table on a terminal, tab-separated lines
 * without a head on a pipe.
 */

import { printable } from "./failure.ts";
import type { OutputStream } from "./terminal.ts";

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => unknown;
}

const GAP = "  ";
/** A column that has to give way keeps this much. */
const COLUMN_WIDTH_MIN = 8;

export class Output {
  readonly json: boolean;
  readonly #stream: OutputStream;
  readonly #bold: boolean;

  constructor(stream: OutputStream, options: { readonly json: boolean; readonly colors: boolean }) {
    this.json = options.json;
    this.#stream = stream;
    this.#bold = stream.isTerminal && options.colors;
  }

  /** `value` with --json, else what `show` prints. */
  print(value: unknown, show: (output: Output) => void): void {
    if (this.json) this.#stream.write(`${JSON.stringify(value, null, 2)}\n`);
    else show(this);
  }

  text(text: string): void {
    this.#stream.write(text);
  }

  line(text: string): void {
    this.#stream.write(`${text}\n`);
  }

  /** `empty` is said on a terminal in place of a table without rows. */
  table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], empty: string): void {
    const cells = rows.map((row) => columns.map(({ value }) => cell(value(row))));
    if (!this.#stream.isTerminal) {
      for (const row of cells) this.line(row.join("\t"));
    } else if (rows.length === 0) this.line(empty);
    else this.#aligned(columns, cells);
  }

  /** One thing, a line for each of its fields. */
  fields(fields: Readonly<Record<string, unknown>>): void {
    const entries = Object.entries(fields).map(([name, value]) => [name, cell(value)] as const);
    const width = Math.max(0, ...entries.map(([name]) => Bun.stringWidth(name)));
    for (const [name, value] of entries) {
      this.line(
        this.#stream.isTerminal ? `${pad(name, width)}${GAP}${value}` : `${name}\t${value}`,
      );
    }
  }

  #aligned<Row>(columns: readonly Column<Row>[], cells: readonly (readonly string[])[]): void {
    const titles = columns.map(({ title }) => title.toUpperCase());
    const natural = titles.map((title, index) =>
      Math.max(Bun.stringWidth(title), ...cells.map((row) => Bun.stringWidth(row[index] ?? ""))),
    );
    const widths = fit(natural, this.#stream.columns ?? 80);
    const format = (row: readonly string[]) =>
      row.map((text, index) => pad(cut(text, widths[index] ?? 0), widths[index] ?? 0)).join(GAP);
    const head = format(titles).trimEnd();
    this.line(this.#bold ? `\x1b[1m${head}\x1b[22m` : head);
    for (const row of cells) this.line(format(row).trimEnd());
  }
}

function cell(value: unknown): string {
  if (value === undefined || value === null || value === "") return "-";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return printable(typeof value === "object" ? JSON.stringify(value) : String(value)) || "-";
}

/** Takes from the widest columns until the line fits; more columns than fit run over. */
function fit(natural: readonly number[], columns: number): number[] {
  const widths = [...natural];
  const room = columns - GAP.length * (widths.length - 1);
  let excess = widths.reduce((sum, width) => sum + width, 0) - room;
  while (excess > 0) {
    const widest = Math.max(...widths);
    if (widest <= COLUMN_WIDTH_MIN) break;
    widths[widths.indexOf(widest)] = widest - 1;
    excess -= 1;
  }
  return widths;
}

function cut(text: string, width: number): string {
  if (Bun.stringWidth(text) <= width) return text;
  let kept = "";
  for (const char of text) {
    if (Bun.stringWidth(kept + char) > width - 1) break;
    kept += char;
  }
  return `${kept}…`;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - Bun.stringWidth(text)));
}
